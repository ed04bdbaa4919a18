//! A demand in words, with the arithmetic that a reader can follow.

use crate::demand::{Demand, Observed, Slots, State, Term};
use crate::policy::Policy;

impl Demand {
    /// Why it is that number, in one sentence.
    pub fn sentence(&self) -> String {
        let Observed { workers, busy, backlog, offered_load, .. } = self.observed;
        let number = match self.replicas {
            1 => "1 replica".to_owned(),
            replicas => format!("{replicas} replicas"),
        };
        let reason = match self.winner {
            Term::Load => {
                format!("jobs take {offered_load:.1} slots in the mean, and that share of all slots is the target")
            }
            Term::Promise => {
                format!("with fewer, more jobs than promised would wait for one of {offered_load:.1} busy slots")
            }
            Term::Drain => format!("{backlog:.0} jobs wait for a slot"),
            Term::Floor => format!("{busy:.0} slots are in use"),
            Term::Places => "that many places are needed for jobs that wait on the host".to_owned(),
            Term::Hold => "it is close enough to what is needed, or what is needed is not sure yet".to_owned(),
            Term::Min => "the policy allows no fewer".to_owned(),
            Term::Max => "the policy allows no more".to_owned(),
            Term::Downstream => "more slots did not do more work: something that the scripts call is slow".to_owned(),
            Term::Probe => "a few more are tried".to_owned(),
        };
        let state = match self.state {
            State::Ok => String::new(),
            State::Saturated => format!(" All slots of {workers} workers are busy and jobs wait."),
            State::Stalled => {
                format!(" {backlog:.0} jobs are there, and none begins or ends: look at the workers and the broker.")
            }
            State::DownstreamBound => " The bound is behind the scripts, not in the workers.".to_owned(),
            State::Unknown => " What the fleet does is unknown at the moment, so the number stays.".to_owned(),
        };
        format!("{number}, since {reason}.{state}")
    }

    /// The arithmetic, a line for each step.
    pub fn arithmetic(&self, policy: &Policy) -> Vec<String> {
        let Slots { load, promise, drain, floor } = self.slots;
        let seen = &self.observed;
        let held = load * policy.target_load;
        let per_worker = seen.slots_per_worker.max(1e-9);
        let (wait, late) = (policy.promise.wait, 100.0 * (1.0 - policy.promise.share));
        let largest = [load, promise, drain, floor].into_iter().fold(0.0, f64::max);
        vec![
            format!(
                "offered load   {:.2}/s × {:.3} s = {:.1} slots (last {:.0} s); held: {held:.1}",
                seen.arrivals_per_second, seen.service_seconds, seen.offered_load, seen.window_seconds
            ),
            format!("load           {held:.1} slots / {} target load = {load:.1} slots", policy.target_load),
            format!("promise        at most {late:.2} % wait longer than {wait:?}: {promise:.1} slots"),
            format!("drain          {:.0} busy + {:.0} waiting jobs: {drain:.1} slots", seen.busy, seen.backlog),
            format!("floor          {floor:.0} slots in use"),
            format!("replicas       {largest:.1} slots / {per_worker:.1} a worker = {:.2}", largest / per_worker),
            format!("               within {} to {}: {}", policy.min, policy.max, self.replicas),
        ]
    }
}
