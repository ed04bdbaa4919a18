//! The report on a plan, for people.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::history::{Entry, Verdict, judge};
use crate::plan::{Kind, Plan};
use crate::silence::{Cost, costs};

/// How long outcomes may stay away after a queue's leader is killed, and how long the jobs of a killed worker may wait for theirs.
const FAILOVER_MAX: Duration = Duration::from_secs(5);
/// Examples of what went wrong that are shown.
const SHOWN: usize = 20;

/// What came of a plan.
pub(crate) struct Report {
    plan: Plan,
    verdict: Verdict,
    costs: Vec<Cost>,
    complaints: Vec<String>,
    has_ledger: bool,
}

impl Report {
    pub(crate) fn new(plan: Plan, history: &[Entry], complaints: Vec<String>, has_ledger: bool) -> Self {
        let costs = costs(history, plan.steps.len());
        Self { verdict: judge(history), costs, complaints, plan, has_ledger }
    }

    /// Whether no job was lost, and no outcome came that should not.
    pub(crate) fn is_well(&self) -> bool {
        self.verdict.lost.is_empty() && self.verdict.unexplained.is_empty() && self.complaints.is_empty()
    }

    /// The faults that kept outcomes away for longer than they should, while nothing else went wrong.
    pub(crate) fn slow(&self) -> Vec<String> {
        let mut slow = Vec::new();
        let mut is_alone = true;
        for (step, cost) in self.plan.steps.iter().zip(&self.costs) {
            let took = match step.kind {
                Kind::LeaderKilled => cost.silence,
                // With a ledger, the jobs of a killed worker also wait until its leases have run out.
                Kind::WorkerKilled if !self.has_ledger => cost.caught_up,
                _ => Duration::ZERO,
            };
            if is_alone && step.recovers && took > FAILOVER_MAX {
                slow.push(format!("{step}: {took:.1?}, above {FAILOVER_MAX:?}"));
            }
            is_alone = step.recovers;
        }
        slow
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<60}  lasted   silence, from   caught up", format!("seed {}", self.plan.seed))?;
        for (step, cost) in self.plan.steps.iter().zip(&self.costs) {
            let [lasted, silence, from, caught_up] =
                [cost.lasted, cost.silence, cost.silent_from, cost.caught_up].map(|time| time.as_secs_f64());
            let last = cost.last.as_deref().unwrap_or_default();
            let step = step.to_string();
            writeln!(f, "{step:<60} {lasted:>5.1} s   {silence:>5.1} {from:>5.1} s     {caught_up:>5.1} s  {last}")?;
        }
        let mut kinds = BTreeMap::<Kind, usize>::new();
        for step in &self.plan.steps {
            *kinds.entry(step.kind).or_default() += 1;
        }
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        writeln!(f, "faults: {} ({})", self.plan.steps.len(), kinds.join(", "))?;
        let verdict = &self.verdict;
        writeln!(
            f,
            "jobs: {} sent, {} confirmed, {} sent again, {} with an outcome, {} run more than once",
            verdict.published, verdict.confirmed, verdict.published_again, verdict.answered, verdict.repeated
        )?;
        let (lost, unexplained) = (verdict.lost.len(), verdict.unexplained.len());
        let (duplicates, redelivered) = (verdict.duplicates, verdict.redelivered);
        writeln!(f, "lost: {lost}, unexplained: {unexplained}, duplicates: {duplicates}, redelivered: {redelivered}")?;
        let unexplained = verdict.unexplained.iter().map(ToString::to_string);
        let lost = verdict.lost.iter().map(|job| format!("{job}: confirmed, and no outcome"));
        let set_aside =
            verdict.set_aside.iter().map(|(job, history)| format!("{job}: set aside: {}", history.join("; ")));
        for line in lost.take(SHOWN).chain(unexplained.take(SHOWN)).chain(set_aside.take(SHOWN)) {
            writeln!(f, "  {line}")?;
        }
        for line in self.complaints.iter().chain(&self.slow()) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
