//! Since when the oldest of many jobs waits.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The most jobs whose times are kept. Further jobs are younger than these, and are not looked at.
const CELLS: usize = 4_096;

/// The times since which jobs wait, each in a cell of its own.
///
/// Jobs come and go nearly in order, so the next cell is nearly always free.
#[derive(Debug)]
pub(super) struct Oldest {
    /// A cell is 0 when it is free, else it is the time in microseconds plus one.
    cells: Box<[AtomicU64]>,
    next: AtomicUsize,
}

/// The cell of a job that waits. `None` if all cells were taken.
#[derive(Debug)]
pub(super) struct Cell(Option<usize>);

impl Oldest {
    pub(super) fn new() -> Self {
        Self { cells: (0..CELLS).map(|_| AtomicU64::new(0)).collect(), next: AtomicUsize::new(0) }
    }

    /// Takes a cell for a job that waits since `now_us`.
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

    /// Frees the cell of a job that waits no longer.
    pub(super) fn leave(&self, cell: &Cell) {
        if let Cell(Some(cell)) = cell {
            self.cells[*cell].store(0, Ordering::Relaxed);
        }
    }

    /// Since when the oldest job waits, in microseconds. Returns `None` if no job waits.
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
        // The oldest job goes; another one comes and takes its cell.
        oldest.leave(&cells.remove(0));
        let late = oldest.enter(1_000_000);
        assert_eq!(oldest.since_us(), Some(1));
        cells.iter().for_each(|cell| oldest.leave(cell));
        assert_eq!(oldest.since_us(), Some(1_000_000));
        oldest.leave(&late);
        assert_eq!(oldest.since_us(), None);
    }
}
