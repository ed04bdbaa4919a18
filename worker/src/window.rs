//! How many deliveries a worker may hold unsettled: the prefetch window.
//!
//! A job that a worker holds and cannot begin is one that no other worker can begin either. So the window has one place for each
//! slot, and only these further places:
//!
//! - a *margin*, which keeps slots busy while outcomes await their confirm. It is so small that its jobs wait at most a twentieth of
//!   the promised wait in the mean. For short jobs that is all of `worker.prefetch_margin`, for long ones none.
//! - places for jobs whose script is *being prepared*, so that the jobs behind them go ahead: one for each of these jobs, up to the
//!   number of slots and margin. Beyond that it is one for each different script, since all jobs of one script wait for one image.
//! - places for jobs that have ended and whose *outcome is not taken* by its queue now.
//! - with a ledger, places for jobs that wait for their *claim* there, or for their outcome to be recorded.

use std::time::Duration;

use scriptmill_scaling::Sums;

use crate::preparing::Load;
use crate::signals::Snapshot;

/// The share of the promised wait for which the jobs of the margin may wait in the mean.
const WAIT_SHARE: f64 = 1.0 / 20.0;
/// The time constant with which older service times lose their weight, in seconds.
const MEMORY_SECONDS: f64 = 10.0;
/// The margin is always a multiple of one `PARTS`th of the whole margin, so that it does not change with every job.
const PARTS: usize = 4;
/// The margin grows only to what this share of its bound admits, but shrinks to what the whole bound admits, so that it does not
/// swing between two values.
const CAUTION: f64 = 0.8;

/// The prefetch window of a worker, beyond its slots.
#[derive(Debug)]
pub(crate) struct Window {
    slots: usize,
    margin_max: usize,
    wait_seconds: f64,
    /// The time of the last look at the counts, and the sums at that time.
    seen: (Duration, Sums),
    /// The recent growth of the sums; older growth has less weight.
    recent: Sums,
    margin: usize,
    preparing: usize,
    /// What `preparing` shrinks to at the next look, so that no place comes and goes with each new script.
    preparing_next: usize,
    undelivered: usize,
    claims: usize,
}

impl Window {
    /// A window without a margin, until it is known how long jobs take. `wait` is the promised wait.
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

    /// The window with `claims` places for jobs that wait for the ledger.
    pub(crate) fn with_claims(self, claims: usize) -> Self {
        Self { claims, ..self }
    }

    /// The number of places beyond one for each slot.
    pub(crate) fn more(&self) -> usize {
        self.margin + self.preparing + self.undelivered + self.claims
    }

    /// Notes how much is being prepared. Without memory for more (`is_room` is false), the window grows no further.
    pub(crate) fn prepares(&mut self, load: Load, is_room: bool) {
        let one_script_at_most = self.slots + self.margin_max;
        self.preparing_next = load.scripts.max(load.jobs.min(one_script_at_most));
        if is_room {
            self.preparing = self.preparing.max(self.preparing_next);
        }
    }

    /// Notes how many outcomes their queues do not take.
    pub(crate) fn holds_undelivered(&mut self, count: usize) {
        self.undelivered = count;
    }

    /// Notes the worker's counts, and adapts the window to them.
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

    /// The largest margin whose jobs wait no longer than their share of the promised wait T. With S slots and service times s of mean m
    /// and coefficient of variation c, that is S·T / (20·m·(1 + c²)), where m·(1 + c²) = Σs² / Σs.
    fn bound(&self) -> f64 {
        let slots = self.slots as f64;
        let Sums { completions, busy_seconds, service_seconds, service_seconds_squared, .. } = self.recent;
        if completions < slots {
            return 0.0;
        }
        // Jobs that have begun and not ended count with the time that they have run: otherwise long ones would be noticed too late.
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
