//! How many deliveries a worker may hold unsettled: the prefetch window.
//!
//! A job that a worker holds and cannot begin is one that no other worker can begin either. So the window is one place for each
//! slot, and beyond these what pays:
//!
//! - a *margin*, which keeps slots busy while outcomes await their confirm. It is bounded by how long its jobs would wait: by
//!   a twentieth of the promised wait in the mean. For short jobs that is all of `worker.prefetch_margin`, for long ones none.
//! - places for jobs whose script is *being prepared*, so that those behind them go ahead: one for each of these jobs up to as many
//!   as there are slots and margin, and beyond that one for each different script, since all jobs of one script wait for one image.
//! - places for jobs that have ended and whose *outcome is not taken* by its queue now;
//! - where there is a ledger, places for jobs that wait for their *claim* there, or for their outcome to be recorded.

use std::time::Duration;

use scriptmill_scaling::Sums;

use crate::preparing::Load;
use crate::signals::Snapshot;

/// The share of the promised wait that the jobs of the margin may wait in the mean.
const WAIT_SHARE: f64 = 1.0 / 20.0;
/// Service times older than that hardly count, in seconds.
const MEMORY_SECONDS: f64 = 10.0;
/// The margin is one of so many parts of the whole margin, so that it does not change with every job.
const PARTS: usize = 4;
/// It grows to what this share of its bound admits, and shrinks to what the bound does, so that it does not swing between two.
const CAUTION: f64 = 0.8;

/// The prefetch window of a worker, beyond its slots.
#[derive(Debug)]
pub(crate) struct Window {
    slots: usize,
    margin_max: usize,
    wait_seconds: f64,
    /// What was counted when it was looked at last, and when.
    seen: (Duration, Sums),
    /// What was counted of late.
    recent: Sums,
    margin: usize,
    preparing: usize,
    /// What `preparing` becomes when it is looked at next, so that no place comes and goes with each new script.
    preparing_next: usize,
    undelivered: usize,
    claims: usize,
}

impl Window {
    /// Without a margin until it is known how long jobs take. `wait` is what is promised.
    pub(crate) fn new(slots: usize, margin_max: usize, wait: Duration, seen: &Snapshot) -> Self {
        Self {
            slots,
            margin_max,
            wait_seconds: wait.as_secs_f64(),
            seen: (seen.uptime, seen.sums),
            recent: Sums::default(),
            margin: 0,
            preparing: 0,
            preparing_next: 0,
            undelivered: 0,
            claims: 0,
        }
    }

    /// With so many places for jobs that wait for the ledger.
    pub(crate) fn with_claims(self, claims: usize) -> Self {
        Self { claims, ..self }
    }

    /// Places beyond one for each slot.
    pub(crate) fn more(&self) -> usize {
        self.margin + self.preparing + self.undelivered + self.claims
    }

    /// Takes down how much is being prepared. Where there is no memory for more, the window grows no further.
    pub(crate) fn prepares(&mut self, load: Load, is_room: bool) {
        let one_script_at_most = self.slots + self.margin_max;
        self.preparing_next = load.scripts.max(load.jobs.min(one_script_at_most));
        if is_room {
            self.preparing = self.preparing.max(self.preparing_next);
        }
    }

    /// Takes down how many outcomes are not taken by their queues.
    pub(crate) fn holds_undelivered(&mut self, count: usize) {
        self.undelivered = count;
    }

    /// Takes down what the worker has counted, and fits the window to it.
    pub(crate) fn counted(&mut self, seen: &Snapshot) {
        let (at, sums) = std::mem::replace(&mut self.seen, (seen.uptime, seen.sums));
        let seconds = seen.uptime.saturating_sub(at).as_secs_f64();
        self.recent = self.recent * (-seconds / MEMORY_SECONDS).exp() + (seen.sums - sums);
        let bound = self.bound();
        let part = self.margin_max.div_ceil(PARTS).max(1) as f64;
        let admitted = |bound: f64| ((bound.min(self.margin_max as f64) / part).floor() * part) as usize;
        self.margin = self.margin.max(admitted(CAUTION * bound)).min(admitted(bound));
        self.preparing = self.preparing.min(self.preparing_next);
    }

    /// The largest margin of which the jobs wait no longer than their share of the promise: with S slots and service times s,
    /// S·T / (20·m·(1 + c²)), m their mean and c their coefficient of variation, where m·(1 + c²) = Σs² / Σs.
    fn bound(&self) -> f64 {
        let slots = self.slots as f64;
        let Sums { completions, busy_seconds, service_seconds, service_seconds_squared, .. } = self.recent;
        if completions < slots {
            return 0.0;
        }
        // Jobs that have begun and not ended count for as long as they have run, or long ones would be seen too late.
        let unended = (busy_seconds - service_seconds).max(0.0);
        let squares = service_seconds_squared + unended * unended / slots;
        if squares <= 0.0 {
            return f64::INFINITY;
        }
        WAIT_SHARE * slots * self.wait_seconds * (service_seconds + unended) / squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: usize = 16;

    fn snapshot(at: Duration, sums: Sums) -> Snapshot {
        Snapshot { uptime: at, sums, ..Snapshot::default() }
    }

    /// The margins, each quarter of a second, of a worker whose slots are filled with jobs of these lengths, in seconds.
    fn margins(wait: f64, jobs: impl Iterator<Item = f64>) -> Vec<usize> {
        let mut window =
            Window::new(SLOTS, 16, Duration::from_secs_f64(wait), &snapshot(Duration::ZERO, Sums::default()));
        let mut ends = [0.0_f64; SLOTS];
        let mut sums = Sums::default();
        let mut done = Vec::new();
        for service in jobs {
            let slot = ends.iter_mut().min_by(|one, other| one.total_cmp(other)).expect("there are slots");
            *slot += service;
            done.push((*slot, service));
        }
        let until = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let mut margins = Vec::new();
        for tick in 1..=(until * 4.0) as u32 {
            let now = f64::from(tick) / 4.0;
            for (_, service) in done.extract_if(.., |(end, _)| *end <= now) {
                sums.completions += 1.0;
                sums.service_seconds += service;
                sums.service_seconds_squared += service * service;
            }
            sums.busy_seconds = SLOTS as f64 * now;
            window.counted(&snapshot(Duration::from_secs_f64(now), sums));
            margins.push(window.more());
        }
        margins
    }

    #[test]
    fn the_margin_is_as_large_as_its_jobs_wait_shortly() {
        for (wait, service, expected) in [
            (1.0, 0.001, 16),
            (1.0, 0.04, 16),
            (1.0, 0.06, 8),
            (1.0, 0.1, 4),
            (1.0, 0.5, 0),
            (10.0, 0.5, 12),
            (1.0, 600.0, 0),
            (60.0, 600.0, 0),
        ] {
            let jobs = std::iter::repeat_n(service, SLOTS * (30.0 / service) as usize + SLOTS);
            let margins = margins(wait, jobs);
            assert_eq!(margins.last(), Some(&expected), "{wait} s promised, jobs of {service} s");
        }
    }

    #[test]
    fn nothing_is_held_before_it_is_known_how_long_jobs_take() {
        let margins = margins(100.0, std::iter::repeat_n(30.0, 2 * SLOTS));
        assert!(margins[..119].iter().all(|margin| *margin == 0), "{margins:?}");
    }

    #[test]
    fn long_jobs_take_the_margin_away_before_the_first_of_them_ends() {
        let short = std::iter::repeat_n(0.01, SLOTS * 1_000);
        let margins = margins(1.0, short.chain(std::iter::repeat_n(60.0, SLOTS)));
        assert_eq!(margins[30], 16);
        assert!(margins[4 * 10 + 12..].iter().all(|margin| *margin == 0), "{margins:?}");
    }

    #[test]
    fn many_jobs_of_one_new_script_take_no_more_places_than_the_window_has() {
        let mut window = Window::new(SLOTS, 16, Duration::from_secs(1), &Snapshot::default());
        let mut more = |scripts, jobs, is_room| {
            window.prepares(Load { scripts, jobs, bytes: 0 }, is_room);
            window.more()
        };
        assert_eq!(more(1, 5, true), 5);
        assert_eq!(more(1, 1_500, true), 32);
        assert_eq!(more(100, 1_500, true), 100);
        assert_eq!(more(200, 1_500, false), 100);
        assert_eq!(more(3, 3, true), 100);
        window.counted(&Snapshot::default());
        assert_eq!(window.more(), 3);
    }
}
