//! What one worker more and one worker fewer would do, in words for a page and for a terminal.

use scriptmill_scaling::{Outlook, Policy};

use super::words::{number, percent, seconds};
use crate::scale::Number;

/// The heads of the columns, the first two of which are no numbers.
pub fn header(policy: &Policy) -> [String; 6] {
    let late = format!("jobs that wait over {:?}", policy.promise.wait);
    let [workers, what, slots, used, drain] =
        ["workers", "", "slots", "slots in use, expected", "backlog worked off in"].map(str::to_owned);
    [workers, what, slots, used, late, drain]
}

/// A row for each number of workers, and whether that is the number that is asked for.
pub fn rows(known: &Number) -> Vec<(bool, Vec<String>)> {
    let row = |outlook: &Outlook| {
        let Outlook { replicas, slots, load_per_slot, late_share, drain_seconds } = outlook;
        let what = match (*replicas == known.replicas, *replicas == known.observed.workers) {
            (true, true) => "asked for, and there now",
            (true, false) => "asked for",
            (false, true) => "there now",
            (false, false) if *replicas < known.replicas => "one fewer",
            (false, false) => "one more",
        };
        let load = load_per_slot.map_or_else(|| "no slots".to_owned(), percent);
        let drain = drain_seconds.map_or_else(|| "never: it grows".to_owned(), seconds);
        let cells = vec![replicas.to_string(), what.to_owned(), number(*slots), load, percent(*late_share), drain];
        (*replicas == known.replicas, cells)
    };
    known.outlooks.iter().map(row).collect()
}
