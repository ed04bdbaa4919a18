//! A demand in words, with the arithmetic that a reader can follow.

use serde::{Deserialize, Serialize};

use crate::demand::{Demand, Observed, Slots, State, Term};
use crate::policy::Policy;
use crate::queueing;

/// The most slots for which a queue is computed. With a million slots the chance to wait is practically 0.
const SERVERS_MAX: f64 = 1e6;

/// What one term asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The term.
    pub term: Term,
    /// As slots; absent for the places of waiting jobs.
    pub slots: Option<f64>,
    /// As replicas, not rounded.
    pub replicas: f64,
}

/// What a number of replicas would do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The number.
    pub replicas: u32,
    /// Their slots.
    pub slots: f64,
    /// The expected load for each slot; above 1 the slots are too few. Absent without slots.
    pub load_per_slot: Option<f64>,
    /// The share of jobs that would wait longer than promised at the expected load, 0 to 1.
    pub late_share: f64,
    /// How long it would take to work off the present backlog at the present load, in seconds. Absent if the backlog
    /// would not shrink.
    pub drain_seconds: Option<f64>,
}

impl Demand {
    /// What each term asks for. The term of the places is left out if it asks for nothing.
    pub fn terms(&self) -> Vec<Asked> {
        let Slots { load, promise, drain, floor } = self.slots;
        let per_worker = self.per_worker();
        let slots = [(Term::Load, load), (Term::Promise, promise), (Term::Drain, drain), (Term::Floor, floor)];
        let asked = slots.map(|(term, slots)| Asked { term, slots: Some(slots), replicas: slots / per_worker });
        let places = Asked { term: Term::Places, slots: None, replicas: self.places };
        asked.into_iter().chain((self.places > 0.0).then_some(places)).collect()
    }

    /// What the largest term asks for. The number of replicas differs from it only if it is held, bounded or probed.
    pub fn needed(&self) -> Asked {
        let none = Asked { term: Term::Load, slots: Some(0.0), replicas: 0.0 };
        self.terms().into_iter().fold(none, |best, next| if next.replicas > best.replicas { next } else { best })
    }

    /// What `replicas` replicas would do.
    pub fn outlook(&self, policy: &Policy, replicas: u32) -> Outlook {
        let Observed { service_seconds, service_variation, offered_load, backlog, .. } = self.observed;
        let slots = f64::from(replicas) * self.per_worker();
        let (expected, service) = (self.expected_load(policy), service_seconds.max(1e-9));
        let wait = policy.promise.wait.as_secs_f64() / service;
        let spare = slots - offered_load;
        Outlook {
            replicas,
            slots,
            load_per_slot: (slots > 0.0).then(|| expected / slots),
            late_share: queueing::late(expected, slots.min(SERVERS_MAX) as u32, wait, service_variation),
            drain_seconds: match backlog > 0.5 {
                true => (spare > 0.0).then(|| backlog * service / spare),
                false => Some(0.0),
            },
        }
    }

    /// Slots that jobs are expected to take: the offered load, or a larger one of late.
    pub fn expected_load(&self, policy: &Policy) -> f64 {
        self.slots.load * policy.target_load
    }

    /// One sentence that says why it is that number, followed by one about the state of the group if that is not `Ok`.
    pub fn sentence(&self) -> String {
        let number = counted(self.replicas);
        let state = match self.state {
            State::Ok => String::new(),
            State::Saturated => {
                let Observed { workers, backlog, .. } = self.observed;
                let workers = if workers == 1 { "the worker".to_owned() } else { format!("{workers} workers") };
                format!(" All slots of {workers} are busy, and {backlog:.0} jobs wait.")
            }
            State::Stalled => format!(
                " {:.0} jobs are there, and none begins or ends: look at the workers and the broker.",
                self.observed.backlog
            ),
            State::DownstreamBound => " The bound is behind the scripts, not in the workers.".to_owned(),
            State::Unknown => " What the fleet does is unknown at the moment.".to_owned(),
        };
        format!("{number}, since {}.{state}", self.reason())
    }

    fn reason(&self) -> String {
        let needed = self.needed();
        let (sum, rounded) = (rounded_up(needed.replicas), counted(needed.replicas.ceil() as u32));
        match self.winner {
            Term::Load | Term::Promise | Term::Drain | Term::Floor | Term::Places => self.need(self.winner),
            Term::Hold if self.state == State::Unknown => {
                "that was the number when the fleet was last known".to_owned()
            }
            Term::Hold => format!("{}: {sum} {}", self.stays(), self.too_little()),
            Term::Min => format!("the policy allows no fewer: {sum} would do"),
            Term::Max => format!("the policy allows no more: {rounded} would be needed, as {}", self.need(needed.term)),
            Term::Downstream => format!(
                "more slots did not do more work: something that the scripts call is slow. Otherwise it would be {rounded}"
            ),
            Term::Probe if self.state == State::DownstreamBound => {
                "a few more than did any good are tried again, to see whether they do by now".to_owned()
            }
            Term::Probe => "in a stall none is taken away, and up to a tenth more is tried".to_owned(),
        }
    }

    fn need(&self, term: Term) -> String {
        let Slots { load, promise, drain, floor } = self.slots;
        match term {
            Term::Promise => format!("with fewer than {promise:.0} slots more jobs than promised would wait too long"),
            Term::Drain => {
                format!("{:.0} jobs wait, and {drain:.1} slots are needed to run them in time", self.observed.backlog)
            }
            Term::Floor => format!("{floor:.0} slots are in use, and no running job is to lose its worker"),
            Term::Places => "jobs that wait on the host need that many places".to_owned(),
            _ => format!("the expected load needs {load:.1} slots, with the reserve that the policy wants"),
        }
    }

    /// Whether the needed number is so near to the present one that only the dead band can be the reason of a hold. The dead
    /// band is narrower than this test. A hold has another reason too: a process that has not heard the fleet for long keeps
    /// all workers there are. Their number is mostly further away.
    fn is_near(&self) -> bool {
        let number = f64::from(self.replicas);
        (self.needed().replicas.ceil() - number).abs() <= 1.0 + number / 50.0
    }

    fn stays(&self) -> &'static str {
        if self.is_near() { "that is the present number" } else { "so many workers are there" }
    }

    fn too_little(&self) -> &'static str {
        match (self.is_near(), self.needed().replicas > f64::from(self.replicas)) {
            (true, true) => "would be needed, which is too little more for a change",
            (true, false) => "would do, which is too little less for a change",
            (false, _) => "would do, but none is taken away before the fleet has been heard for a while",
        }
    }

    /// The arithmetic, a line for each step. Slots and replicas are rounded up in the last digit, so that the figures shown
    /// lead to the number that was asked for.
    pub fn arithmetic(&self, policy: &Policy) -> Vec<String> {
        let Observed { arrivals_per_second, service_seconds, window_seconds, offered_load, busy, backlog, .. } =
            self.observed;
        let (expected, late) = (self.expected_load(policy), short(100.0 * (1.0 - policy.promise.share)));
        let mut lines = vec![
            format!(
                "arriving       {arrivals_per_second:.2} jobs/s × {service_seconds:.3} s of slot time = {:.2} slots, \
                 over the last {window_seconds:.0} s",
                arrivals_per_second * service_seconds
            ),
            format!(
                "offered load   {offered_load:.2} slots: that, with what chance may add or hide taken into account"
            ),
            format!("expected load  {expected:.2} slots: the offered load, or a larger one of late"),
            format!("a worker       {} slots", short(self.per_worker())),
        ];
        for Asked { term, slots, replicas } in self.terms() {
            let asks = match term {
                Term::Promise => format!("at most {late} % of jobs wait longer than {:?}:", policy.promise.wait),
                Term::Drain if self.slots.drain > 0.0 => {
                    format!("{busy:.0} in use, and for {backlog:.0} waiting jobs and those to come in time:")
                }
                Term::Drain => "no jobs wait for want of slots:".to_owned(),
                Term::Floor => "in use:".to_owned(),
                Term::Places => "for jobs that wait on the host".to_owned(),
                _ => format!("{expected:.2} slots / {} target load =", policy.target_load),
            };
            let slots = slots.map_or(String::new(), |slots| format!(" {} slots", rounded_up(slots)));
            lines.push(format!("{:<14} {asks}{slots} = {} replicas", term.name(), rounded_up(replicas)));
        }
        let needed = self.needed();
        let rounded = needed.replicas.ceil();
        lines.push(format!(
            "needed         the largest, {}: {} → {rounded}",
            needed.term.name(),
            rounded_up(needed.replicas)
        ));
        lines.extend(self.instead(rounded));
        lines.push(format!("policy         {} to {}", policy.min, policy.max));
        lines.push(format!("replicas       {}", self.replicas));
        lines
    }

    /// A line that says why the number is not the needed one. Returns `None` if it is, or if the policy's bounds alone
    /// explain it.
    fn instead(&self, rounded: f64) -> Option<String> {
        let why = match self.winner {
            Term::Hold if self.state == State::Unknown => "the fleet is unknown, so the number stays",
            Term::Hold if self.is_near() => "too near to the present number for a change",
            Term::Hold => "none is taken away before the fleet has been heard for a while",
            Term::Probe => "a few more are tried",
            Term::Downstream => "more slots did no more work",
            _ => return None,
        };
        Some(format!("{:<14} {why}: {rounded} → {}", self.winner.name(), self.replicas))
    }

    fn per_worker(&self) -> f64 {
        self.observed.slots_per_worker.max(1e-9)
    }
}

fn counted(replicas: u32) -> String {
    if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") }
}

/// A number of slots or replicas with two digits after the point, rounded up. Rounding the text up to a whole number gives
/// the same as rounding up the number itself.
pub fn rounded_up(number: f64) -> String {
    format!("{:.2}", (number * 100.0).ceil() / 100.0)
}

/// A number with at most three digits after the point.
fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(replicas: u32, state: State, winner: Term) -> Demand {
        let slots = Slots { load: 60.0, promise: 62.0, drain: 70.004, floor: 52.0 };
        let observed = Observed { workers: 4, backlog: 12.0, busy: 52.0, slots_per_worker: 8.0, ..Observed::default() };
        Demand { replicas, state, winner, slots, places: 0.0, observed }
    }

    #[test]
    fn the_sentence_says_what_decided_and_what_it_would_be_otherwise() {
        #[rustfmt::skip]
        let cases = [
            (9, State::Saturated, Term::Drain, "9 replicas, since 12 jobs wait, and 70.0 slots are needed to run them in time. All slots of 4 workers are busy, and 12 jobs wait."),
            (8, State::Ok, Term::Promise, "8 replicas, since with fewer than 62 slots more jobs than promised would wait too long."),
            (7, State::Ok, Term::Floor, "7 replicas, since 52 slots are in use, and no running job is to lose its worker."),
            (8, State::Ok, Term::Hold, "8 replicas, since that is the present number: 8.76 would be needed, which is too little more for a change."),
            (10, State::Ok, Term::Hold, "10 replicas, since that is the present number: 8.76 would do, which is too little less for a change."),
            (30, State::Ok, Term::Hold, "30 replicas, since so many workers are there: 8.76 would do, but none is taken away before the fleet has been heard for a while."),
            (9, State::Unknown, Term::Hold, "9 replicas, since that was the number when the fleet was last known. What the fleet does is unknown at the moment."),
            (12, State::Ok, Term::Min, "12 replicas, since the policy allows no fewer: 8.76 would do."),
            (1, State::Ok, Term::Max, "1 replica, since the policy allows no more: 9 replicas would be needed, as 12 jobs wait, and 70.0 slots are needed to run them in time."),
            (5, State::DownstreamBound, Term::Downstream, "5 replicas, since more slots did not do more work: something that the scripts call is slow. Otherwise it would be 9 replicas. The bound is behind the scripts, not in the workers."),
        ];
        for (replicas, state, winner, sentence) in cases {
            assert_eq!(demand(replicas, state, winner).sentence(), sentence);
        }
    }

    #[test]
    fn a_number_that_is_not_what_is_needed_is_led_to() {
        let (policy, held) = (Policy::default(), demand(30, State::Ok, Term::Hold));
        let lines = held.arithmetic(&policy).join("\n");
        // Rounded up, or a reader would get 70.00 / 8 = 8.75.
        assert!(lines.contains("70.01 slots = 8.76 replicas\n"), "{lines}");
        let why = "needed         the largest, drain: 8.76 → 9\n\
                   hold           none is taken away before the fleet has been heard for a while: 9 → 30\n\
                   policy         2 to 60\n\
                   replicas       30";
        assert!(lines.ends_with(why), "{lines}");
    }
}
