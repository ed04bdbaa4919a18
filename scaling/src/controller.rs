//! Derives a number of replicas from the heartbeats and the queue's depth.

use std::time::Duration;

use crate::beat::{BEAT, Beat, Depth};
use crate::conditions::{Downstream, Stall};
use crate::demand::{Demand, Observed, Slots, State, Term};
use crate::fleet::{Fleet, Interval, View};
use crate::history::{History, Service};
use crate::holding::Holding;
use crate::load::{self, Load};
use crate::policy::Policy;
use crate::queueing;

/// The time from the number to a running container, without the worker's own boot, in seconds: the HPA's period and the
/// scheduler.
const ACTUATION_SECONDS: f64 = 17.0;
/// Slots of a worker before any worker was heard: what a worker has unless configured otherwise.
const SLOTS_PER_WORKER: f64 = 16.0;
/// The running jobs count as load if the chance that they still run when a worker asked for now begins is above this.
const STILL_THERE: f64 = 0.3;
/// Long jobs prolong the hold of a load to this at most, in seconds.
const HOLD_MAX_SECONDS: f64 = 900.0;
/// A process that has only begun to hear the fleet takes no worker away while it can't tell yet how long jobs take in the mean,
/// and for no longer than this, in seconds.
const YOUNG_MAX_SECONDS: f64 = 300.0;
/// The usual pace at which jobs begin is measured over this many seconds.
const PACE_SECONDS: f64 = 60.0;
/// Between two ticks the number is raised if more jobs came than usual, by more than this many standard deviations of the count.
const SURGES: f64 = 4.0;
/// A number that was raised between two ticks stays for this long at least: the eldest process, which all follow, may not have heard
/// that it was raised, may see the surge a beat later, and is heard a beat after that.
const RAISED: Duration = BEAT.saturating_mul(2);
/// The growth of the backlog is foreseen for at most this long, in seconds.
const FORESIGHT_MAX_SECONDS: f64 = 30.0;
/// The present number stays if the new one differs from it by less than this …
const DEAD_BAND: f64 = 0.3;
/// … plus this share of the present number.
const DEAD_BAND_SHARE: f64 = 0.01;
/// The share of the places for waiting jobs that is to be in use.
const PLACES_TARGET: f64 = 0.8;
/// With all slots busy, a backlog of more than this share of the slots' work in a second is saturation.
const SATURATED_SHARE: f64 = 0.05;

/// For how long the growth of the backlog is foreseen, in seconds: until a worker asked for now begins.
fn foresight(view: &View) -> f64 {
    (view.boot_seconds + 2.0).min(FORESIGHT_MAX_SECONDS)
}

/// Whether the number follows the load, and is neither unknown nor held by a stall or by what is behind the scripts.
fn follows_load(demand: &Demand) -> bool {
    matches!(demand.state, State::Ok | State::Saturated)
}

/// Computes the demand of one worker group from all that one process hears about it.
#[derive(Clone, Debug)]
pub struct Controller {
    policy: Policy,
    process: String,
    fleet: Fleet,
    history: History,
    loads: Holding,
    stall: Stall,
    downstream: Downstream,
    /// The demand of the last tick, or what it was raised to since.
    present: Option<Demand>,
    /// When the demand was raised last, and to what.
    raised: Option<(Duration, Demand)>,
    /// What the last tick saw, if the fleet was known then.
    seen: Option<Seen>,
    /// When this process first knew the fleet, in seconds.
    since: Option<f64>,
    /// Slots per worker as last seen, for times without any worker.
    slots_per_worker: f64,
}

/// What a tick saw.
#[derive(Clone, Copy, Debug)]
struct Seen {
    view: View,
    service: Service,
    /// The depth of the queue from which the view's backlog was computed, and when it was seen.
    depth: (Duration, Depth),
}

impl Controller {
    /// A controller for a process that has heard nothing yet.
    pub fn new(policy: Policy, process: String) -> Self {
        Self {
            policy,
            process,
            fleet: Fleet::default(),
            history: History::default(),
            loads: Holding::default(),
            stall: Stall::default(),
            downstream: Downstream::default(),
            present: None,
            raised: None,
            seen: None,
            since: None,
            slots_per_worker: SLOTS_PER_WORKER,
        }
    }

    /// Takes in a heartbeat, also one of this process itself, and with it a number that another process raised. Returns false if it is
    /// ignored since too many processes are heard already.
    pub fn hear(&mut self, now: Duration, beat: Beat) -> bool {
        let raised = if beat.raised { beat.demand.clone() } else { None };
        let is_heard = self.fleet.hear(now, beat);
        if let Some(raised) = raised.filter(|_| is_heard) {
            self.raise(now, raised);
        }
        is_heard
    }

    /// How many replicas there should be as of the last tick, or of what raised the number since.
    pub fn demand(&self) -> Option<&Demand> {
        self.present.as_ref()
    }

    /// Takes in what the broker says about the queue.
    pub fn sight(&mut self, now: Duration, depth: Depth) {
        self.fleet.sight(now, depth);
    }

    /// The pods of the workers that are not leaving, each with its slots in use, as last heard.
    pub fn pods(&self) -> impl Iterator<Item = (&str, u32)> {
        self.fleet.pods()
    }

    /// How many replicas there should be. Returns `None` while nothing has been known yet, since any number would be a
    /// guess. To be called every [`BEAT`]; `now` never goes back.
    pub fn tick(&mut self, now: Duration) -> Option<Demand> {
        let own = self.own(now);
        let eldest = self.fleet.eldest(now).filter(|(process, _)| *process != self.process);
        self.present = eldest.map(|(_, demand)| demand.clone()).or(own);
        self.raised.take_if(|(when, _)| now.saturating_sub(*when) > RAISED);
        if let (Some(present), Some((_, raised))) = (&self.present, &self.raised)
            && follows_load(present)
            && present.replicas < raised.replicas
        {
            self.present = Some(raised.clone());
        }
        self.present.clone()
    }

    /// Looks at the queue between two ticks. If so much more waits than at the last tick that more jobs than usual must have come,
    /// though none may have begun since, the number is raised at once: an autoscaler that looks now would otherwise see the surge
    /// only when it looks again. Returns whether it was raised.
    pub fn look(&mut self, now: Duration, depth: Depth) -> bool {
        self.surge(now, depth).is_some_and(|demand| self.raise(now, demand))
    }

    /// Replaces the present number by a larger one. Returns false if it is not larger, or if the present number must not follow the
    /// load.
    fn raise(&mut self, now: Duration, demand: Demand) -> bool {
        let is_raised =
            self.present.as_ref().is_some_and(|present| follows_load(present) && present.replicas < demand.replicas);
        if is_raised {
            self.present = Some(demand.clone());
            self.raised = Some((now, demand));
        }
        is_raised
    }

    fn surge(&self, now: Duration, depth: Depth) -> Option<Demand> {
        let present = self.present.as_ref().filter(|present| follows_load(present))?;
        let Seen { view, service, depth: (then, before) } = self.seen.as_ref()?;
        // The jobs of a worker that departed come back to the queue, and are no arrivals.
        if depth.consumers < before.consumers {
            return None;
        }
        let seconds = now.saturating_sub(*then).as_secs_f64();
        let past = self.history.window(PACE_SECONDS);
        if past.seconds < PACE_SECONDS - 1.0 {
            return None;
        }
        let usual = past.arrivals / past.seconds * seconds;
        let backlog = f64::from(depth.ready);
        // Jobs for which slots are free only wait to be delivered.
        if backlog <= view.slots - view.busy {
            return None;
        }
        // Workers may have given back all jobs that they had not begun, so that these are in the queue now.
        let risen = backlog - view.backlog;
        let dispersion = load::dispersion(&self.history);
        if risen <= 0.0 || risen - usual <= SURGES * (dispersion * (usual + risen)).sqrt() {
            return None;
        }
        let jobs = backlog + risen / seconds.max(1.0) * foresight(view);
        let drain = self.drain(view, service, jobs);
        let wanted = (drain / self.slots_per_worker.max(1e-9)).ceil() as u32;
        let winner = if wanted > self.policy.max { Term::Max } else { Term::Drain };
        Some(Demand {
            replicas: wanted.min(self.policy.max),
            state: State::Saturated,
            winner,
            slots: Slots { drain, ..present.slots },
            observed: Observed { backlog, ..present.observed },
            ..present.clone()
        })
    }

    fn own(&mut self, now: Duration) -> Option<Demand> {
        let seconds = now.as_secs_f64();
        let known = self.fleet.tick(now);
        self.seen = None;
        let Some((interval, view)) = known else {
            // The present number stays: its reasons were known, and nothing is known that speaks against it.
            let present = self.present.clone();
            return present.map(|present| Demand { state: State::Unknown, winner: Term::Hold, ..present });
        };
        if view.slots_per_worker > 0.0 {
            self.slots_per_worker = view.slots_per_worker;
        }
        if let Some(interval) = interval {
            self.history.push(interval);
        }
        self.since.get_or_insert(seconds);
        Some(self.known(seconds, &interval.unwrap_or_default(), &view))
    }

    fn known(&mut self, now: f64, interval: &Interval, view: &View) -> Demand {
        let service = Service::seen(&self.history, view.busy);
        self.seen = self.fleet.sighted().map(|depth| Seen { view: *view, service, depth });
        let all = self.history.window(f64::MAX).sums;
        // Before any job has begun or ended, it is not known how long jobs take, and arriving jobs may wait because they are not
        // delivered.
        let is_known = all.starts + all.completions > 0.5 || view.is_full();
        let load = load::offered(&self.history, &service, self.policy.certainty);
        let load = if is_known { load } else { Load::default() };
        let hold = self.hold_seconds(&service);
        // The load is cut at what the policy's maximum can carry: more would not change the number.
        let most = f64::from(self.policy.max) * self.slots_per_worker * self.policy.target_load;
        self.loads.push(now, load.erlangs.min(most));
        let held = self.loads.held(now, hold);
        let is_saturated = view.is_full() && view.backlog * service.seconds > SATURATED_SHARE * view.slots;
        let slots = self.slots(&load, held, &service, view);
        let places = self.places(&load, view, &service);
        let observed = self.observed(&load, &service, view);
        let mut demand = Demand { replicas: 0, state: State::Ok, winner: Term::Load, slots, places, observed };
        if is_saturated {
            demand.state = State::Saturated;
        }
        let young = hold.max(service.lasting().min(YOUNG_MAX_SECONDS));
        let is_young = self.since.is_none_or(|since| now - since < young);
        self.decide(&mut demand, view, is_saturated, is_young);
        let is_stalled = self.stall.update(interval, view, &service);
        let limit = self.downstream.update(now, is_saturated, &self.history);
        if is_stalled {
            self.stalled(&mut demand, view);
        } else if let Some((slots, is_probe)) = limit {
            self.downstream_bound(&mut demand, slots, is_probe);
        }
        demand
    }

    fn hold_seconds(&self, service: &Service) -> f64 {
        self.policy.hold.as_secs_f64().max(service.seconds.min(HOLD_MAX_SECONDS))
    }

    fn slots(&self, load: &Load, held: f64, service: &Service, view: &View) -> Slots {
        let Policy { target_load, promise, .. } = &self.policy;
        let wait = promise.wait.as_secs_f64();
        let m = service.seconds;
        // Jobs that take longer than a new worker takes to come will still run when it comes.
        let lead = view.boot_seconds + ACTUATION_SECONDS;
        let keep = (-lead / m).exp();
        let ahead = if keep > STILL_THERE { held.max(view.busy * keep + load.erlangs * (1.0 - keep)) } else { held };
        let most = (f64::from(self.policy.max) * self.slots_per_worker).max(1.0);
        let promised = if ahead > 0.0 {
            queueing::servers(ahead, wait / m, 1.0 - promise.share, service.variation, most)
        } else {
            0.0
        };
        // If jobs wait while slots are free, they wait to be delivered, and more slots would stay free too.
        let is_short = view.backlog > 0.5 && (view.is_full() || self.is_overrun(view));
        let jobs = if is_short { view.backlog + self.growth(view) } else { 0.0 };
        let drain = if is_short { self.drain(view, service, jobs) } else { 0.0 };
        Slots { load: held / target_load, promise: promised, drain, floor: view.busy }
    }

    /// Slots in which this many jobs that wait begin in time, beside those in use.
    fn drain(&self, view: &View, service: &Service, jobs: f64) -> f64 {
        let due = self.policy.drain_time.min(self.policy.promise.wait).as_secs_f64().max(1e-3);
        view.busy + jobs * (service.seconds / due).min(1.0)
    }

    /// Whether more jobs wait than there are free slots, though jobs begin as fast as ever. All slots are busy then, and the
    /// heartbeats that will say so are still on their way.
    fn is_overrun(&self, view: &View) -> bool {
        let pace = |seconds: f64| {
            let past = self.history.window(seconds);
            past.sums.starts / past.seconds.max(1.0)
        };
        let now = pace(BEAT.as_secs_f64());
        view.backlog > view.slots - view.busy && now > 0.0 && now >= pace(PACE_SECONDS)
    }

    /// By how much the backlog grows until a worker asked for now begins, at its pace of the last interval or of the last two,
    /// whichever is larger. Workers that were asked for earlier are not subtracted: an autoscaler may not have read that
    /// number yet, and the workers that do come make the backlog fall.
    fn growth(&self, view: &View) -> f64 {
        let pace = |seconds: f64| {
            let recent = self.history.window(seconds);
            if recent.seconds > 0.0 { (recent.arrivals - recent.sums.starts) / recent.seconds } else { 0.0 }
        };
        let beat = BEAT.as_secs_f64();
        pace(beat).max(pace(2.0 * beat)).max(0.0) * foresight(view)
    }

    /// Replicas for the jobs that wait on the host, where these have places of their own.
    fn places(&self, load: &Load, view: &View, service: &Service) -> f64 {
        if view.places_per_worker <= 0.0 {
            return 0.0;
        }
        let sums = self.history.window(60.0).sums;
        let waited = if sums.completions > 0.0 { sums.waiting_seconds / sums.completions } else { 0.0 };
        let due = self.policy.promise.wait.as_secs_f64().max(1e-3);
        let steady = load.arrivals_per_second * waited / PLACES_TARGET;
        let is_short = view.backlog > 0.5 && view.is_out_of_places();
        let jobs = if is_short { view.backlog + self.growth(view) } else { 0.0 };
        let now = view.waiting + view.busy + jobs * ((service.seconds + waited) / due).min(1.0);
        steady.max(now) / view.places_per_worker
    }

    fn observed(&self, load: &Load, service: &Service, view: &View) -> Observed {
        Observed {
            workers: view.workers.round() as u32,
            leaving: view.leaving,
            slots: view.slots,
            busy: view.busy,
            waiting: view.waiting,
            backlog: view.backlog.max(0.0),
            arrivals_per_second: load.arrivals_per_second,
            service_seconds: service.seconds,
            service_variation: service.variation,
            offered_load: load.erlangs,
            window_seconds: load.window,
            boot_seconds: view.boot_seconds,
            slots_per_worker: self.slots_per_worker,
        }
    }

    /// Sets the number to the largest term, as replicas, within the policy. If that differs too little from the present
    /// number, the present number stays.
    fn decide(&self, demand: &mut Demand, view: &View, is_saturated: bool, is_young: bool) {
        let Slots { load, promise, drain, floor } = demand.slots;
        let terms = [(Term::Load, load), (Term::Promise, promise), (Term::Drain, drain), (Term::Floor, floor)];
        let per_worker = self.slots_per_worker.max(1e-9);
        let replicas = terms.map(|(term, slots)| (term, slots / per_worker));
        let all = replicas.into_iter().chain([(Term::Places, demand.places)]);
        let (mut winner, wanted) = all.fold((Term::Load, 0.0), |best, next| if next.1 > best.1 { next } else { best });
        let mut number = wanted.ceil();
        if let Some(present) = &self.present {
            let now = f64::from(present.replicas);
            let band = DEAD_BAND + DEAD_BAND_SHARE * now;
            let rises = wanted > now;
            let is_close = if rises { !is_saturated && wanted < now + band } else { wanted > now - 1.0 - band };
            if is_close && number != now && number.max(now) * per_worker >= floor {
                number = now.max((floor / per_worker).ceil());
                winner = Term::Hold;
            }
        }
        // A process that has heard the fleet only for a short while takes away no worker that others asked for.
        if is_young && number < view.workers {
            (number, winner) = (view.workers, Term::Hold);
        }
        let (min, max) = (f64::from(self.policy.min), f64::from(self.policy.max));
        if number < min {
            winner = Term::Min;
        } else if number > max {
            winner = Term::Max;
        }
        demand.replicas = number.clamp(min, max) as u32;
        demand.winner = winner;
    }

    /// In a stall the number stays, with a tenth more as a probe.
    fn stalled(&self, demand: &mut Demand, view: &View) {
        let asked = self.present.as_ref().map_or(view.workers, |present| f64::from(present.replicas));
        let is_begun = self.present.as_ref().is_some_and(|present| present.state == State::Stalled);
        // The tenth is added once. Its base is at most 1.1 times the workers there are, since replicas asked for
        // between the stall's begin and its detection may not be there yet.
        let probe = if is_begun { asked } else { (asked.min(1.1 * view.workers) * 1.1).floor() };
        demand.replicas = (probe.max(asked) as u32).clamp(self.policy.min, self.policy.max);
        demand.state = State::Stalled;
        demand.winner = Term::Probe;
    }

    /// Lowers the number to the slots above which more did no more work, even if more are in use: the jobs in them wait
    /// for something that they slow down.
    fn downstream_bound(&self, demand: &mut Demand, slots: f64, is_probe: bool) {
        let factor = if is_probe { 1.3 } else { 1.0 };
        let replicas = (slots * factor / self.slots_per_worker.max(1e-9)).ceil();
        let limit = (replicas as u32).clamp(self.policy.min, self.policy.max);
        demand.state = State::DownstreamBound;
        if demand.replicas > limit {
            demand.replicas = limit;
            demand.winner = if is_probe { Term::Probe } else { Term::Downstream };
        }
    }
}
