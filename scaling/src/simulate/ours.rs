//! The production demand code in the simulated world.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use super::hpa::{Behavior, Hpa, Metric, is_sync};
use super::pod::Life;
use super::trace::Fault;
use super::world::{Scaler, World};
use crate::beat::Depth;
use crate::controller::Controller;
use crate::demand::{Demand, State};
use crate::policy::Policy;

/// What acts on the number.
#[derive(Clone, Debug)]
pub enum Actuator {
    /// An HPA, every 15 s.
    Hpa(Hpa),
    /// The scale subresource, whenever the number is computed.
    Direct,
}

/// The demand and what acts on it.
pub struct Ours {
    policy: Policy,
    controller: Controller,
    actuator: Actuator,
    step: u64,
    is_fresh_due: bool,
    random: Pcg64Mcg,
    /// Every demand of the run, for explanation and tests.
    pub demands: Vec<(f64, Demand)>,
}

impl Ours {
    /// The demand behind an HPA, with the behaviour that suits the signal.
    pub fn behind_hpa(policy: Policy) -> Self {
        let hpa = Hpa::new(Behavior::prompt(), policy.min, policy.max);
        Self::new(policy, Actuator::Hpa(hpa))
    }

    /// The demand with this actuator.
    pub fn new(policy: Policy, actuator: Actuator) -> Self {
        let controller = Controller::new(policy.clone(), "scaler".to_owned());
        let random = Pcg64Mcg::seed_from_u64(1);
        Self { policy, controller, actuator, step: 0, is_fresh_due: true, random, demands: Vec::new() }
    }

    fn hear(&mut self, world: &mut World<'_>, now: Duration) {
        let (mut lost, mut heard, mut skew) = (0.0, 1.0, 0.0);
        for fault in world.trace.during(world.now) {
            match fault {
                Fault::LostBeats(share) => lost = share,
                Fault::Heard(share) => heard = share,
                Fault::Skew(hours) => skew = hours * 3_600.0,
                _ => {}
            }
        }
        let (slots, places, time) = (world.setting.slots, world.setting.places, world.now);
        for (index, pod) in world.pods.iter_mut().enumerate() {
            let speaks = match pod.life {
                Life::Active | Life::Leaving(_) => index as u64 % 4 == self.step % 4,
                Life::Gone(at) => at >= time,
                Life::Booting(_) => false,
            };
            let is_heard = index as f64 * heard % 1.0 + heard >= 1.0;
            if !speaks || !is_heard || self.random.random::<f64>() < lost {
                continue;
            }
            let mut beat = pod.beat(index, time, slots, places);
            if index % 2 == 1 {
                beat.uptime_seconds += skew;
            }
            self.controller.hear(now, beat);
        }
        if self.step % 4 == 1 {
            self.controller.sight(now, depth(world));
        }
    }
}

fn depth(world: &World<'_>) -> Depth {
    Depth { ready: u32::try_from(world.queue.len()).unwrap_or(u32::MAX), consumers: world.ready() }
}

impl Scaler for Ours {
    fn step(&mut self, world: &mut World<'_>) -> Option<u32> {
        self.step += 1;
        let now = Duration::from_secs_f64(world.now);
        if self.is_fresh_due && world.trace.fresh_at.is_some_and(|at| at <= world.now) {
            self.is_fresh_due = false;
            self.controller = Controller::new(self.policy.clone(), "another".to_owned());
        }
        let is_connected = !world.trace.during(world.now).any(|fault| fault == Fault::Outage);
        if is_connected {
            self.hear(world, now);
        }
        let is_new = if self.step % 4 == 2 {
            self.controller.tick(now).is_some()
        } else {
            is_connected && self.controller.look(now, depth(world))
        };
        let demand = self.controller.demand()?;
        if is_new {
            self.demands.push((world.now, demand.clone()));
        }
        match &mut self.actuator {
            Actuator::Direct => (is_new && demand.state != State::Unknown).then_some(demand.replicas),
            Actuator::Hpa(hpa) => {
                let metric = Metric::Average { value: f64::from(demand.replicas), target: 1.0 };
                is_sync(self.step).then(|| hpa.sync(world.now, world.replicas(), &[Some(metric)]))
            }
        }
    }

    fn keeps_deletion_cost(&self) -> bool {
        true
    }
}
