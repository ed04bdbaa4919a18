//! How many slots are in use, and the integral of that number over time, in one word.

use std::sync::atomic::{AtomicU64, Ordering};

/// The low bits hold how many slots are in use; the others hold the integral, in microseconds and modulo 2^50.
const COUNT_BITS: u32 = 14;
const INTEGRAL_MASK: u64 = u64::MAX >> COUNT_BITS;

/// How many slots are in use, and the integral of that number over time.
///
/// A start adds one to the count and subtracts the time from the integral; an end subtracts one and adds the time. Then
/// integral + count × now is the time of all slots up to now, including those still in use. A start and an end are one addition to
/// one word each, so a reader sees no start without its time, and no thread waits for another.
///
/// The integral is read modulo 2^50 µs: 35 years of one slot, 31 hours of 10,000 slots. A caller that reads it more often than that
/// knows how much it grew ([`growth`]). At most 16,383 slots may be in use at one time.
#[derive(Debug, Default)]
pub(super) struct Occupancy(AtomicU64);

impl Occupancy {
    /// One more slot is in use since `now_us`.
    pub(super) fn begin(&self, now_us: u64) {
        self.0.fetch_add(1_u64.wrapping_sub(now_us << COUNT_BITS), Ordering::Relaxed);
    }

    /// One slot less is in use since `now_us`.
    pub(super) fn end(&self, now_us: u64) {
        self.0.fetch_add((now_us << COUNT_BITS).wrapping_sub(1), Ordering::Relaxed);
    }

    /// How many slots are in use, and the integral up to `now_us`, in microseconds and modulo 2^50.
    pub(super) fn read(&self, now_us: u64) -> (u32, u64) {
        let word = self.0.load(Ordering::Relaxed);
        let count = word & !(u64::MAX << COUNT_BITS);
        let integral = (word >> COUNT_BITS).wrapping_add(count.wrapping_mul(now_us)) & INTEGRAL_MASK;
        (count as u32, integral)
    }
}

/// How much an integral grew between two readings. A start between the moment when `now_us` is taken and the reading itself can make
/// the reading a little smaller than the one before. That counts as no growth.
pub(super) fn growth(before: u64, after: u64) -> u64 {
    let growth = after.wrapping_sub(before) & INTEGRAL_MASK;
    if growth > INTEGRAL_MASK / 2 { 0 } else { growth }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_right_while_some_go_on_and_past_its_end() {
        let occupancy = Occupancy::default();
        // Near the largest value of the integral, so that it wraps around.
        let start = INTEGRAL_MASK - 500;
        occupancy.begin(start);
        occupancy.begin(start + 100);
        let (count, before) = occupancy.read(start + 100);
        assert_eq!((count, before), (2, 100));
        occupancy.end(start + 400);
        let (count, after) = occupancy.read(start + 1_000);
        // One slot was in use for 400, the other still is and was for 900.
        assert_eq!((count, growth(before, after)), (1, 1_200));
        occupancy.end(start + 2_000);
        let (count, last) = occupancy.read(start + 9_000);
        assert_eq!((count, growth(after, last), growth(last, after)), (0, 1_000, 0));
    }

    #[test]
    fn the_count_holds_as_many_slots_as_a_worker_may_have() {
        let occupancy = Occupancy::default();
        (0..10_000).for_each(|_| occupancy.begin(7));
        assert_eq!(occupancy.read(8), (10_000, 10_000));
        (0..10_000).for_each(|_| occupancy.end(9));
        assert_eq!(occupancy.read(10), (0, 20_000));
    }
}
