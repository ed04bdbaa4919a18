//! The fleet as one process hears it. It takes in heartbeats and the queue's depth, and gives what all workers did since
//! the last tick.
//!
//! Time is the caller's monotonic clock alone. A heartbeat's own times are differences on its sender's clock, so a clock that
//! is wrong by hours changes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::beat::{BEAT, Beat, Depth};
use crate::demand::{Demand, State};
use crate::sums::Sums;

/// The most processes of one group that are heard.
pub(crate) const MEMBERS_MAX: usize = 2_000;
/// A process that misses more beats than this has departed.
const MISSED_MAX: u32 = 5;
/// A depth of the queue that is older than this says nothing about now.
const DEPTH_AGE_MAX: Duration = Duration::from_secs(6);
/// The most workers that one heard worker may stand for, itself included.
const COVERAGE_MAX: f64 = 20.0;
/// The boot time is taken from this many of the latest starts of workers.
const BOOTS: usize = 10;
/// If at least this share of the slots is in use, none counts as free.
const FULL_SHARE: f64 = 0.9;
/// The boot time before any worker has said one, in seconds.
const BOOT_SECONDS: f64 = 10.0;

/// One process as it was heard last.
#[derive(Clone, Debug)]
struct Member {
    heard: Duration,
    beat: Beat,
    /// What was counted for this process up to the last tick.
    credited: Sums,
    /// What it did per tick, as of its last beat.
    pace: Sums,
    is_fresh: bool,
    missed: u32,
}

/// All processes of one worker group, and its queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    members: BTreeMap<String, Member>,
    depth: Option<(Duration, Depth)>,
    /// When the last tick was, and how many jobs had not begun then; `None` after a gap.
    last: Option<(Duration, f64)>,
    /// How many workers one heard worker stood for at the last tick; 0 before the first tick.
    coverage: f64,
    boots: VecDeque<f64>,
}

/// What all workers did between two ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Interval {
    pub(crate) seconds: f64,
    /// Jobs that arrived. Negative if an earlier interval was given too many.
    pub(crate) arrivals: f64,
    pub(crate) sums: Sums,
}

/// What the fleet holds at a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct View {
    pub(crate) workers: f64,
    pub(crate) leaving: u32,
    pub(crate) slots: f64,
    pub(crate) places: f64,
    pub(crate) slots_per_worker: f64,
    pub(crate) places_per_worker: f64,
    pub(crate) busy: f64,
    pub(crate) waiting: f64,
    /// Jobs that have not begun: in the queue and with workers.
    pub(crate) backlog: f64,
    pub(crate) boot_seconds: f64,
}

impl View {
    /// Whether no slot counts as free. The share is below 1, since heartbeats come a little later than the queue's depth and the
    /// two are not of one instant.
    pub(crate) fn is_full(&self) -> bool {
        self.busy >= FULL_SHARE * self.slots
    }

    /// Whether no place for jobs that wait on the host counts as free. Running jobs take a place too.
    pub(crate) fn is_out_of_places(&self) -> bool {
        self.waiting + self.busy >= FULL_SHARE * self.places
    }
}

impl Fleet {
    /// Takes in a heartbeat. Returns false if there are too many processes already.
    pub(crate) fn hear(&mut self, now: Duration, beat: Beat) -> bool {
        if let Some(member) = self.members.get_mut(&beat.process) {
            member.heard = now;
            member.beat = beat;
            member.is_fresh = true;
            return true;
        }
        if self.members.len() >= MEMBERS_MAX {
            return false;
        }
        if let Some(boot) = beat.boot_seconds {
            self.boots.push_back(boot);
            if self.boots.len() > BOOTS {
                self.boots.pop_front();
            }
        }
        // The sums of a process that has been up for long were not made since the last tick, so they count as credited.
        let is_new = beat.uptime_seconds <= 2.5 * BEAT.as_secs_f64() + beat.boot_seconds.unwrap_or(0.0);
        let credited = if is_new { Sums::default() } else { beat.sums };
        let member =
            Member { heard: now, credited, pace: Sums::default(), is_fresh: true, missed: 0, beat: beat.clone() };
        self.members.insert(beat.process, member);
        true
    }

    pub(crate) fn sight(&mut self, now: Duration, depth: Depth) {
        self.depth = Some((now, depth));
    }

    /// The queue's depth as it was last seen, and when.
    pub(crate) fn sighted(&self) -> Option<(Duration, Depth)> {
        self.depth
    }

    /// What was done since the last tick, and what there is now. Returns `None` in a gap: while the queue's depth is
    /// not known, or none of its consumers is heard. Right after a gap the interval is absent, since what happened in
    /// the gap is not known.
    pub(crate) fn tick(&mut self, now: Duration) -> Option<(Option<Interval>, View)> {
        let before: f64 = self.consumers();
        let mut sums = Sums::default();
        for member in self.members.values_mut() {
            sums += member.advance();
        }
        let mut undone = Sums::default();
        let members = self.members.len();
        self.members.retain(|_, member| {
            let stays = member.missed <= MISSED_MAX;
            if !stays {
                undone += member.beat.sums - member.credited;
            }
            stays
        });
        let is_fewer = self.members.len() < members;
        let Some(depth) = self.known(now, before) else {
            self.last = None;
            self.coverage = 1.0;
            return None;
        };
        let heard = self.consumers();
        if f64::from(depth.consumers) < before {
            // Workers have departed: what was counted for them after their last beat was not done, and is taken back.
            // Workers that still consume but are not heard any more did that work, so theirs stays.
            sums += undone;
        }
        // A worker that has just begun consumes before it is heard, so only consumers that are missing at two ticks in
        // a row are made up for.
        let missing = if heard > 0.0 { (f64::from(depth.consumers) / heard).clamp(1.0, COVERAGE_MAX) } else { 1.0 };
        // At the first tick there is no such delay: this process has not yet heard workers that have been there for
        // long.
        let coverage = if is_fewer || self.coverage == 0.0 { missing } else { missing.min(self.coverage) };
        self.coverage = missing;
        let view = self.view(f64::from(depth.ready), coverage);
        let interval = self.last.map(|(last, backlog)| Interval {
            seconds: now.saturating_sub(last).as_secs_f64(),
            arrivals: sums.starts * coverage + view.backlog - backlog,
            sums: sums * coverage,
        });
        self.last = Some((now, view.backlog));
        Some((interval, view))
    }

    fn known(&self, now: Duration, consumers: f64) -> Option<Depth> {
        let (_, depth) = self.depth.filter(|(seen, _)| now.saturating_sub(*seen) <= DEPTH_AGE_MAX)?;
        let latest = self.members.values().filter(|member| member.consumes()).map(|member| member.heard).max();
        let is_heard = latest.is_some_and(|heard| now.saturating_sub(heard) <= 3 * BEAT);
        let is_silent = (depth.consumers > 0 || consumers > 0.0) && !is_heard;
        (!is_silent).then_some(depth)
    }

    fn consumers(&self) -> f64 {
        self.members.values().map(|member| f64::from(member.beat.level.consumers)).sum()
    }

    fn view(&self, ready: f64, coverage: f64) -> View {
        let mut view = View { boot_seconds: self.boot_seconds(), ..View::default() };
        let mut unstarted = 0.0;
        for member in self.members.values() {
            let level = member.beat.level;
            view.busy += f64::from(level.busy);
            view.waiting += f64::from(level.waiting);
            unstarted += f64::from(level.unstarted);
            if member.beat.leaving {
                view.leaving += 1;
            } else if level.slots > 0 {
                view.workers += 1.0;
                view.slots += f64::from(level.slots);
                view.places += f64::from(level.places);
            }
        }
        if view.workers > 0.0 {
            view.slots_per_worker = view.slots / view.workers;
            view.places_per_worker = view.places / view.workers;
        }
        view.backlog = ready + unstarted * coverage;
        for count in [&mut view.workers, &mut view.slots, &mut view.places, &mut view.busy, &mut view.waiting] {
            *count *= coverage;
        }
        view
    }

    pub(crate) fn pods(&self) -> impl Iterator<Item = (&str, u32)> {
        let staying = self.members.values().map(|member| &member.beat).filter(|beat| !beat.leaving);
        let workers = staying.filter(|beat| beat.level.slots > 0);
        workers.filter_map(|beat| Some((beat.pod.as_deref()?, beat.level.busy)))
    }

    /// The longest of the last boots: a shorter one would promise capacity that is not there yet.
    fn boot_seconds(&self) -> f64 {
        self.boots.iter().copied().reduce(f64::max).unwrap_or(BOOT_SECONDS)
    }

    /// The demand of the eldest process that was heard within two and a half beats, is not leaving and knows a demand. All
    /// processes follow it, so that all show the same number.
    pub(crate) fn eldest(&self, now: Duration) -> Option<(&str, &Demand)> {
        let age = |member: &Member| now.saturating_sub(member.heard);
        let uptime = |member: &Member| member.beat.uptime_seconds + age(member).as_secs_f64();
        let present = self.members.values().filter(|member| age(member) <= 2 * BEAT + BEAT / 2 && !member.beat.leaving);
        let known = present.filter_map(|member| {
            let demand = member.beat.demand.as_ref().filter(|demand| demand.state != State::Unknown)?;
            Some((uptime(member), member.beat.process.as_str(), demand))
        });
        let eldest = known.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(one.1)));
        eldest.map(|(_, process, demand)| (process, demand))
    }
}

impl Member {
    fn consumes(&self) -> bool {
        self.beat.level.consumers > 0
    }

    /// What the process did since the last tick. A missing beat is filled in at its last pace, and its next beat puts
    /// that right.
    fn advance(&mut self) -> Sums {
        if std::mem::take(&mut self.is_fresh) {
            let ticks = f64::from(self.missed + 1);
            self.missed = 0;
            let done = self.beat.sums - self.credited;
            self.pace = ((done + self.pace * (ticks - 1.0)) * ticks.recip()).at_least_zero();
            self.credited = self.beat.sums;
            return done;
        }
        self.missed += 1;
        if self.missed > MISSED_MAX || self.beat.leaving {
            return Sums::default();
        }
        self.credited += self.pace;
        self.pace
    }
}
