//! All policies on all traces, side by side.
//!
//! A user has one setting for all loads, so every baseline is shown at the single setting that breaks the fewest promises
//! over all traces at a cost near ours; and, harder on us, at the best setting for each trace by itself.

use serde::Serialize;

use super::baselines::{Baseline, KINDS, Kind, settings};
use super::omniscient::minimum;
use super::ours::{Actuator, Ours};
use super::score::Score;
use super::trace::Trace;
use super::world::{Setting, World};
use crate::policy::Policy;

/// What a baseline may cost at most, as a share of what ours costs.
pub const COST_MAX: f64 = 1.1;
/// Shares of broken promises that differ by no more than this count as equal: one job in a thousand.
const EQUAL: f64 = 0.001;
/// Replicas at the start of a run.
const FIRST: u32 = 4;

/// How every policy did on one trace, with one seed or in the mean of several.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The trace.
    pub trace: String,
    /// The fewest replicas with knowledge of the future.
    pub omniscient: Score,
    /// Ours, behind an HPA.
    pub ours: Score,
    /// Ours, acting on the scale subresource itself.
    pub direct: Score,
    /// Every setting of every baseline.
    pub baselines: Vec<(Baseline, Score)>,
}

/// Runs every policy on one trace.
pub fn runs(trace: &Trace, setting: &Setting, policy: &Policy) -> Runs {
    let ours = |actuator| {
        let mut ours = match actuator {
            None => Ours::behind_hpa(policy.clone()),
            Some(actuator) => Ours::new(policy.clone(), actuator),
        };
        World::run(trace, setting, FIRST, &mut ours)
    };
    let all = KINDS.into_iter().flat_map(settings);
    let baselines = all.map(|baseline| {
        let score = World::run(trace, setting, FIRST, &mut baseline.start(setting));
        (baseline, Score { curve: Vec::new(), ..score })
    });
    Runs {
        trace: trace.name.clone(),
        omniscient: minimum(trace, setting, policy.promise.share),
        ours: ours(None),
        direct: ours(Some(Actuator::Direct)),
        baselines: baselines.collect(),
    }
}

/// The runs of one kind of load with several seeds as one, by what every policy and setting did in the mean. A setting is
/// then chosen for its kind of load, which a user knows, and not for the chances of one seed, which nobody knows
/// beforehand. Returns `None` if there are no runs.
pub fn mean(runs: &[Runs]) -> Option<Runs> {
    let first = runs.first()?;
    let of = |score: fn(&Runs) -> &Score| Score::mean(runs.iter().map(score));
    let baseline = |index: usize| runs.iter().filter_map(move |runs| runs.baselines.get(index)).map(|(_, score)| score);
    let baselines = first.baselines.iter().enumerate();
    Some(Runs {
        trace: first.trace.clone(),
        omniscient: of(|runs| &runs.omniscient),
        ours: of(|runs| &runs.ours),
        direct: of(|runs| &runs.direct),
        baselines: baselines.map(|(index, (known, _))| (*known, Score::mean(baseline(index)))).collect(),
    })
}

/// A policy over all traces.
#[derive(Clone, Debug, Serialize)]
pub struct Overall {
    /// Its name.
    pub policy: String,
    /// Its settings.
    pub setting: String,
    /// By how many points its share of broken promises was above the omniscient one's, in the mean over all traces.
    pub avoidable_points: f64,
    /// Its replica-hours divided by the omniscient one's, in the mean over all traces.
    pub cost: f64,
    /// Changes of direction, in the mean over all traces.
    pub turns: f64,
    /// The longest 99th percentile of waits of any trace, in seconds.
    pub p99_wait: f64,
}

/// Ours against the best baseline of one trace.
#[derive(Clone, Debug, Serialize)]
pub struct Tuned {
    /// The trace.
    pub trace: String,
    /// The baseline.
    pub policy: String,
    /// Its settings.
    pub setting: String,
    /// The share of promises that it broke, 0 to 1.
    pub broken: f64,
    /// The share that ours broke.
    pub ours: f64,
    /// Its changes of direction.
    pub turns: f64,
    /// The changes of direction of ours.
    pub our_turns: f64,
    /// Whether ours broke no larger share.
    pub is_ours_not_worse: bool,
    /// The share that ours broke divided by the share that it broke. From both the omniscient one's share is
    /// subtracted, and each counts as one in a thousand at least.
    pub ratio: f64,
}

fn overall<'a>(policy: &str, setting: String, scores: impl Iterator<Item = (&'a Score, &'a Score)>) -> Overall {
    let (mut avoidable, mut cost, mut turns, mut p99, mut count) = (0.0, 0.0, 0.0, 0.0_f64, 0.0);
    for (score, omniscient) in scores {
        avoidable += (score.broken - omniscient.broken).max(0.0);
        cost += score.replica_hours / omniscient.replica_hours.max(1e-9);
        turns += score.turns;
        p99 = p99.max(score.p99_wait);
        count += 1.0;
    }
    let count = f64::max(count, 1.0);
    Overall {
        policy: policy.to_owned(),
        setting,
        avoidable_points: 100.0 * avoidable / count,
        cost: cost / count,
        turns: turns / count,
        p99_wait: p99,
    }
}

/// Ours behind an HPA, and acting directly, over all traces.
pub fn ours(runs: &[Runs]) -> [Overall; 2] {
    let behind = runs.iter().map(|runs| (&runs.ours, &runs.omniscient));
    let direct = runs.iter().map(|runs| (&runs.direct, &runs.omniscient));
    [
        overall("scriptmill, by HPA", "defaults".to_owned(), behind),
        overall("scriptmill, directly", "defaults, at each change".to_owned(), direct),
    ]
}

/// A kind of baseline at its best single setting: the one that breaks the fewest promises at no more than [`COST_MAX`] of
/// our cost. Returns `None` if no setting is that cheap.
pub fn best_single(runs: &[Runs], kind: Kind) -> Option<Overall> {
    let [ours, _] = ours(runs);
    let candidates = settings(kind).into_iter().map(|baseline| {
        let scores = runs.iter().filter_map(|runs| {
            let score = runs.baselines.iter().find(|(known, _)| *known == baseline);
            score.map(|(_, score)| (score, &runs.omniscient))
        });
        overall(&kind.to_string(), baseline.to_string(), scores)
    });
    let affordable = candidates.filter(|overall| overall.cost <= COST_MAX * ours.cost);
    affordable.min_by(|one, other| one.avoidable_points.total_cmp(&other.avoidable_points))
}

/// For each trace the baseline that breaks the fewest promises at no more than our replica-hours.
pub fn best_tuned(runs: &[Runs]) -> Vec<Tuned> {
    let tuned = runs.iter().filter_map(|runs| {
        let affordable = runs.baselines.iter().filter(|(_, score)| score.replica_hours <= runs.ours.replica_hours);
        let (baseline, score) = affordable.min_by(|(_, one), (_, other)| one.broken.total_cmp(&other.broken))?;
        let avoidable = |broken: f64| (broken - runs.omniscient.broken).max(EQUAL);
        Some(Tuned {
            trace: runs.trace.clone(),
            policy: baseline.kind.to_string(),
            setting: baseline.to_string(),
            broken: score.broken,
            ours: runs.ours.broken,
            turns: score.turns,
            our_turns: runs.ours.turns,
            is_ours_not_worse: runs.ours.broken <= score.broken + EQUAL,
            ratio: avoidable(runs.ours.broken) / avoidable(score.broken),
        })
    });
    tuned.collect()
}

/// The geometric mean of the ratios.
pub fn geometric_mean(tuned: &[Tuned]) -> f64 {
    let sum: f64 = tuned.iter().map(|tuned| tuned.ratio.ln()).sum();
    (sum / tuned.len().max(1) as f64).exp()
}
