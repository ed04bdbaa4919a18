//! The fewest replicas with knowledge of the future: no signal can do better.

use super::score::Score;
use super::trace::Trace;
use super::world::{Scaler, Setting, World};

/// A plan: the replicas at each time, which are asked for one boot time ahead.
struct Plan {
    /// The replicas in each period of [`PERIOD_SECONDS`].
    replicas: Vec<u32>,
}

/// How often the plan may change, in seconds.
const PERIOD_SECONDS: f64 = 5.0;
/// The shares of a period's instants at which the slots must suffice. A plan is made for each, and the cheapest that
/// keeps the promise is taken.
const QUANTILES: [f64; 10] = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0, 1.01];

impl Scaler for Plan {
    fn step(&mut self, world: &mut World<'_>) -> Option<u32> {
        // Replicas that are asked for now are there one boot time later; those that are to go, go now.
        let at = |time: f64| {
            let index = (time / PERIOD_SECONDS) as usize;
            self.replicas.get(index.min(self.replicas.len().saturating_sub(1))).copied().unwrap_or(world.setting.min)
        };
        let until = world.now + world.setting.boot + 1.0;
        let mut most = at(world.now);
        let mut time = world.now;
        while time < until {
            time = (time + PERIOD_SECONDS).min(until);
            most = most.max(at(time));
        }
        Some(most)
    }

    fn keeps_deletion_cost(&self) -> bool {
        true
    }
}

/// The score of the cheapest plan that keeps the promise, or breaks hardly more promises than the best plan.
pub fn minimum(trace: &Trace, setting: &Setting, share: f64) -> Score {
    let occupancy = occupancy(trace, setting);
    let mut scores = QUANTILES.map(|quantile| {
        let plan = Plan { replicas: plan(&occupancy, setting, quantile) };
        let first = plan.replicas.first().copied().unwrap_or(setting.min);
        let mut plan = plan;
        World::run(trace, setting, first, &mut plan)
    });
    let best = scores.iter().map(|score| score.broken).fold(f64::INFINITY, f64::min);
    scores.sort_by(|one, other| one.replica_hours.total_cmp(&other.replica_hours));
    let allowed = (1.0 - share).max(best * 1.05 + 0.001);
    scores.iter().find(|score| score.broken <= allowed).cloned().unwrap_or_default()
}

/// Slots in use at each half second if every job began at once.
fn occupancy(trace: &Trace, setting: &Setting) -> Vec<f64> {
    let steps = (trace.seconds / 0.5) as usize + 1;
    let mut changes = vec![0.0; steps + 1];
    let mut places = vec![0.0; steps + 1];
    let add = |list: &mut Vec<f64>, from: f64, to: f64| {
        // A job takes a share of the half seconds that it touches.
        let (first, last) = ((from / 0.5).min(steps as f64), (to / 0.5).min(steps as f64));
        let mut at = first;
        while at < last {
            let end = (at.floor() + 1.0).min(last);
            list[at as usize] += end - at;
            at = end;
        }
    };
    for job in &trace.jobs {
        let start = trace.halted_until(job.at).unwrap_or(job.at);
        add(&mut changes, start, start + job.service);
        if job.wait > 0.0 {
            add(&mut places, start, start + job.service + job.wait);
        }
    }
    let per_slot = f64::from(setting.slots) / f64::from(setting.places);
    changes.iter().zip(&places).map(|(slots, places)| slots.max(places * per_slot)).collect()
}

fn plan(occupancy: &[f64], setting: &Setting, quantile: f64) -> Vec<u32> {
    let every = (PERIOD_SECONDS / 0.5) as usize;
    let mut carried = 0.0;
    let most = f64::from(setting.max * setting.slots);
    let replicas = occupancy.chunks(every).map(|chunk| {
        let mut sorted = chunk.to_vec();
        sorted.sort_by(f64::total_cmp);
        let index = ((sorted.len() as f64 - 1.0) * quantile.min(1.0)).round() as usize;
        let spare = if quantile > 1.0 { 1.1 } else { 1.0 };
        // Work that did not fit is carried into the next period.
        let mean = chunk.iter().sum::<f64>() / chunk.len() as f64;
        let slots = (sorted.get(index).copied().unwrap_or(0.0) * spare).max(mean + carried).min(most);
        carried = (mean + carried - slots).max(0.0);
        ((slots / f64::from(setting.slots)).ceil() as u32).clamp(setting.min, setting.max)
    });
    replicas.collect()
}
