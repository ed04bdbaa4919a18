//! How long jobs of the whole fleet waited and ran during the last minute.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::beat::Beat;
use crate::fleet::MEMBERS_MAX;
use crate::sums::Distribution;

/// How far back counts as recent.
const MINUTE: Duration = Duration::from_secs(60);
/// The length of a slice, whose counts are kept and forgotten together.
const SLICE: Duration = Duration::from_secs(10);

/// By how much the distributions of all processes of a group grew of late.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    processes: BTreeMap<String, Seen>,
    /// When each slice began and what was counted in it, the oldest first; a minute of them.
    slices: VecDeque<(Duration, Minute)>,
}

/// What was counted over some time: for [`Recent::minute`], at most a minute and one slice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// How long jobs waited from their delivery for a slot.
    pub waits: Distribution,
    /// How long jobs held a slot.
    pub services: Distribution,
}

#[derive(Clone, Debug)]
struct Seen {
    heard: Duration,
    total: Minute,
}

impl Recent {
    /// Hears a heartbeat at an instant of the caller's monotonic clock, which never goes back.
    pub fn hear(&mut self, now: Duration, beat: &Beat) {
        if self.slices.back().is_none_or(|(begin, _)| now.saturating_sub(*begin) >= SLICE) {
            self.slices.push_back((now, Minute::default()));
            self.slices.retain(|(begin, _)| is_recent(*begin, now));
            self.processes.retain(|_, seen| is_recent(seen.heard, now));
        }
        let total = Minute { waits: beat.waits, services: beat.services };
        let before = match self.processes.get_mut(&beat.process) {
            Some(seen) => {
                seen.heard = now;
                std::mem::replace(&mut seen.total, total)
            }
            None => {
                if self.processes.len() >= MEMBERS_MAX {
                    return;
                }
                self.processes.insert(beat.process.clone(), Seen { heard: now, total });
                // A process that has been up for longer may have counted this before the last minute.
                if beat.uptime_seconds <= MINUTE.as_secs_f64() { Minute::default() } else { total }
            }
        };
        if let Some((_, slice)) = self.slices.back_mut() {
            slice.waits += total.waits - before.waits;
            slice.services += total.services - before.services;
        }
    }

    /// What was counted in the last minute.
    pub fn minute(&self, now: Duration) -> Minute {
        let mut minute = Minute::default();
        for (_, slice) in self.slices.iter().filter(|(begin, _)| is_recent(*begin, now)) {
            minute.waits += slice.waits;
            minute.services += slice.services;
        }
        minute
    }
}

fn is_recent(when: Duration, now: Duration) -> bool {
    now.saturating_sub(when) <= MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beat::{Level, VERSION};
    use crate::sums::Sums;

    fn beat(process: &str, uptime_seconds: f64, jobs: u64) -> Beat {
        let mut waits = Distribution::default();
        waits.counts[Distribution::bucket(0.5)] = jobs;
        Beat {
            version: VERSION,
            process: process.to_owned(),
            group: "default".to_owned(),
            pod: None,
            bounds: None,
            uptime_seconds,
            boot_seconds: None,
            leaving: false,
            sums: Sums::default(),
            level: Level::default(),
            waits,
            services: Distribution::default(),
            demand: None,
            raised: false,
        }
    }

    #[test]
    fn what_grew_in_the_last_minute_is_counted_and_then_forgotten() {
        let second = Duration::from_secs;
        let mut recent = Recent::default();
        let count = |recent: &Recent, at| recent.minute(second(at)).waits.count();
        recent.hear(second(0), &beat("old", 500.0, 70));
        assert_eq!(count(&recent, 0), 0, "what it did before is not of late");
        recent.hear(second(0), &beat("new", 3.0, 4));
        recent.hear(second(2), &beat("old", 502.0, 75));
        recent.hear(second(20), &beat("old", 520.0, 77));
        assert_eq!(count(&recent, 20), 4 + 5 + 2);
        assert_eq!(recent.minute(second(20)).waits.quantile(0.99), Some(0.5));
        recent.hear(second(22), &beat("old", 522.0, 1));
        assert_eq!(count(&recent, 22), 11, "a count that becomes less adds nothing");
        assert_eq!(count(&recent, 61), 2);
        assert_eq!(count(&recent, 90), 0);
    }

    #[test]
    fn strangers_take_no_more_than_so_much_memory() {
        let mut recent = Recent::default();
        for n in 0..2 * MEMBERS_MAX as u64 {
            recent.hear(Duration::from_millis(n), &beat(&format!("p{n}"), 1.0, 1));
        }
        assert_eq!(recent.processes.len(), MEMBERS_MAX);
        assert_eq!(recent.minute(Duration::from_secs(4)).waits.count(), MEMBERS_MAX as u64);
        recent.hear(Duration::from_secs(100), &beat("p", 1.0, 1));
        assert_eq!((recent.processes.len(), recent.slices.len()), (1, 1), "those not heard for a minute are forgotten");
    }
}
