//! Since when the oldest of many waits.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// So many are told apart; further ones are younger than these and not looked at.
const CELLS: usize = 4_096;

/// The times since which things wait, each in a cell of its own.
///
/// They come and go nearly in order, so that the next cell is nearly always free.
#[derive(Debug)]
pub(super) struct Oldest {
    /// 0 is free, else the time in microseconds and one.
    cells: Box<[AtomicU64]>,
    next: AtomicUsize,
}

/// The cell of one that waits; none where all were taken.
#[derive(Debug)]
pub(super) struct Cell(Option<usize>);

impl Oldest {
    pub(super) fn new() -> Self {
        Self { cells: (0..CELLS).map(|_| AtomicU64::new(0)).collect(), next: AtomicUsize::new(0) }
    }

    /// One waits since `now_us`.
    pub(super) fn enter(&self, now_us: u64) -> Cell {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let cells = (0..CELLS).map(|step| first.wrapping_add(step) % CELLS);
        let take = |cell: &usize| {
            let cell = &self.cells[*cell];
            cell.load(Ordering::Relaxed) == 0
                && cell.compare_exchange(0, now_us + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        Cell(cells.into_iter().find(take))
    }

    /// It waits no longer.
    pub(super) fn leave(&self, cell: &Cell) {
        if let Cell(Some(cell)) = cell {
            self.cells[*cell].store(0, Ordering::Relaxed);
        }
    }

    /// Since when the oldest waits, in microseconds; `None` where nothing waits.
    pub(super) fn since_us(&self) -> Option<u64> {
        self.cells.iter().filter_map(|cell| cell.load(Ordering::Relaxed).checked_sub(1)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_known_however_many_wait() {
        let oldest = Oldest::new();
        assert_eq!(oldest.since_us(), None);
        let mut cells: Vec<_> = (0..CELLS as u64 + 10).map(|now| oldest.enter(now)).collect();
        assert_eq!(oldest.since_us(), Some(0));
        // The oldest goes, another comes and takes its cell.
        oldest.leave(&cells.remove(0));
        let late = oldest.enter(1_000_000);
        assert_eq!(oldest.since_us(), Some(1));
        cells.iter().for_each(|cell| oldest.leave(cell));
        assert_eq!(oldest.since_us(), Some(1_000_000));
        oldest.leave(&late);
        assert_eq!(oldest.since_us(), None);
    }
}
