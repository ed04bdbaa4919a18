//! The scalers that people would pick instead of ours, each with the settings that its user can choose from.

use std::collections::VecDeque;
use std::fmt;

use super::hpa::{Behavior, FIRST_SYNC_SECONDS, Hpa, Metric, is_sync};
use super::score::STEP_SECONDS;
use super::trace::Fault;
use super::world::{Scaler, Setting, World};

/// A signal to scale by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// HPA on CPU.
    Cpu,
    /// KEDA's RabbitMQ scaler by messages ready.
    QueueLength,
    /// KEDA's RabbitMQ scaler by messages published a second.
    MessageRate,
    /// `MessageRate` and `QueueLength` together; the larger number counts.
    RateAndLength,
    /// KEDA's RabbitMQ scaler by the time the queue will take at its present pace.
    Eta,
    /// Knative's: concurrency over a stable and a panic window.
    Concurrency,
    /// Slots in use.
    Utilization,
    /// Slots in use, and messages ready.
    UtilizationAndLength,
}

/// All of them.
pub const KINDS: [Kind; 8] = [
    Kind::Cpu,
    Kind::QueueLength,
    Kind::MessageRate,
    Kind::RateAndLength,
    Kind::Eta,
    Kind::Concurrency,
    Kind::Utilization,
    Kind::UtilizationAndLength,
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "HPA on CPU",
            Self::QueueLength => "KEDA QueueLength",
            Self::MessageRate => "KEDA MessageRate",
            Self::RateAndLength => "KEDA rate and length",
            Self::Eta => "KEDA ETA mode",
            Self::Concurrency => "Knative concurrency",
            Self::Utilization => "slot utilisation",
            Self::UtilizationAndLength => "utilisation and length",
        })
    }
}

/// A signal with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// The signal.
    pub kind: Kind,
    /// Its target, in its own unit: a share for utilisations, messages, messages a second or seconds for each replica.
    pub target: f64,
    /// Messages ready for each replica, for a kind that combines the queue's length with another signal.
    pub length: f64,
    /// Whether the HPA's upward rules are the prompt ones, else the default.
    pub is_prompt: bool,
    /// The HPA's stabilisation window downward, or Knative's stable window; in seconds.
    pub window: f64,
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, target, length, is_prompt, window } = self;
        match kind {
            Kind::Cpu | Kind::Utilization | Kind::Concurrency => write!(f, "{:.0} %", target * 100.0),
            Kind::QueueLength => write!(f, "{target} ready per replica"),
            Kind::MessageRate => write!(f, "{target}/s per replica"),
            Kind::RateAndLength => write!(f, "{target}/s and {length} ready per replica"),
            Kind::Eta => write!(f, "{target} s per replica"),
            Kind::UtilizationAndLength => write!(f, "{:.0} % and {length} ready per replica", target * 100.0),
        }?;
        match kind {
            Kind::Concurrency => write!(f, ", window {window} s"),
            _ => write!(f, ", {}, down window {window} s", if *is_prompt { "prompt" } else { "default" }),
        }
    }
}

/// The settings of a kind that are tried.
pub fn settings(kind: Kind) -> Vec<Baseline> {
    let targets: &[f64] = match kind {
        Kind::Cpu | Kind::Utilization | Kind::UtilizationAndLength => &[0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        Kind::Concurrency => &[0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        Kind::QueueLength => &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0],
        Kind::MessageRate => &[0.1, 2.0, 5.0, 8.0, 10.0, 11.0, 12.0, 13.0, 14.0, 16.0, 20.0],
        Kind::RateAndLength => &[0.1, 5.0, 8.0, 10.0, 11.0, 12.0, 13.0, 14.0, 16.0],
        Kind::Eta => &[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0],
    };
    let lengths: &[f64] = match kind {
        Kind::RateAndLength | Kind::UtilizationAndLength => &[5.0, 20.0, 100.0],
        _ => &[0.0],
    };
    let behaviors: &[(bool, f64)] = match kind {
        Kind::Concurrency => &[(true, 60.0), (true, 120.0), (true, 300.0)],
        _ => &[(false, 300.0), (true, 300.0), (true, 60.0), (true, 0.0)],
    };
    let mut all = Vec::new();
    for &target in targets {
        for &length in lengths {
            for &(is_prompt, window) in behaviors {
                all.push(Baseline { kind, target, length, is_prompt, window });
            }
        }
    }
    all
}

/// What a metrics server averages over, and how old its answer is, in seconds.
const SCRAPE_SECONDS: f64 = 15.0;
/// What RabbitMQ's management plugin averages rates over, in seconds.
const RATE_SECONDS: f64 = 5.0;
/// Knative's panic window, in seconds; the share of its capacity at which it panics; how often it looks.
const PANIC_SECONDS: f64 = 6.0;
const PANIC_SHARE: f64 = 2.0;
const KNATIVE_SECONDS: f64 = 2.0;

/// What was seen at one step.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    at: f64,
    published: f64,
    delivered: f64,
    /// The share of the ready pods' slots in use.
    utilization: f64,
    /// Jobs in hand and in the queue.
    concurrency: f64,
}

/// A baseline at work.
pub struct Running {
    baseline: Baseline,
    hpa: Hpa,
    seen: VecDeque<Seen>,
    step: u64,
    panics_until: f64,
    panic_replicas: f64,
}

impl Baseline {
    /// Starts a scaler with this baseline.
    pub fn start(self, setting: &Setting) -> Running {
        let up = if self.is_prompt { Behavior::prompt() } else { Behavior::default() };
        let hpa = Hpa::new(up.down_window(self.window), setting.min, setting.max);
        Running { baseline: self, hpa, seen: VecDeque::new(), step: 0, panics_until: -1.0, panic_replicas: 0.0 }
    }
}

impl Running {
    fn look(&mut self, world: &World<'_>) {
        let ready = world.ready();
        let slots = f64::from(ready * world.setting.slots);
        self.seen.push_back(Seen {
            at: world.now,
            published: world.published() as f64,
            delivered: world.delivered as f64,
            utilization: if ready == 0 { 0.0 } else { f64::from(world.busy_of_ready()) / slots },
            concurrency: world.in_hand() as f64 + world.queue.len() as f64,
        });
        if self.seen.len() > 700 {
            self.seen.pop_front();
        }
    }

    /// The mean of what was seen between `to` and `from` seconds ago.
    fn mean(&self, now: f64, from: f64, to: f64, what: impl Fn(&Seen) -> f64) -> f64 {
        let inside = self.seen.iter().rev().skip_while(|seen| seen.at > now - to);
        let (mut sum, mut count) = (0.0, 0.0);
        for seen in inside.take_while(|seen| seen.at > now - from) {
            sum += what(seen);
            count += 1.0;
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }

    fn rate(&self, now: f64, what: impl Fn(&Seen) -> f64) -> f64 {
        let earlier = self.seen.iter().rev().find(|seen| seen.at <= now - RATE_SECONDS).or(self.seen.front());
        match (earlier, self.seen.back()) {
            (Some(earlier), Some(last)) if last.at > earlier.at => {
                (what(last) - what(earlier)) / (last.at - earlier.at)
            }
            _ => 0.0,
        }
    }

    /// The metrics that the HPA reads. During an outage those of the broker are `None`.
    fn metrics(&self, world: &World<'_>) -> Vec<Option<Metric>> {
        let Baseline { kind, target, length, .. } = self.baseline;
        let (now, ready) = (world.now, world.ready());
        let is_out = world.trace.during(now).any(|fault| fault == Fault::Outage);
        let ask = |metric| (!is_out).then_some(metric);
        let queued = world.queue.len() as f64;
        let utilization = |mean| Metric::Utilization { mean, target, ready };
        let of_queue = |target| ask(Metric::Average { value: queued, target });
        let rate = || ask(Metric::Average { value: self.rate(now, |seen| seen.published), target });
        match kind {
            Kind::Cpu => {
                // At a sync the answer is as fresh as it can be.
                let age = (now - FIRST_SYNC_SECONDS) % SCRAPE_SECONDS + 1.0;
                vec![Some(utilization(self.mean(now, age + SCRAPE_SECONDS, age, |seen| seen.utilization)))]
            }
            Kind::Utilization => vec![Some(utilization(self.mean(now, SCRAPE_SECONDS, 0.0, |seen| seen.utilization)))],
            Kind::UtilizationAndLength => {
                let mean = self.mean(now, SCRAPE_SECONDS, 0.0, |seen| seen.utilization);
                vec![Some(utilization(mean)), of_queue(length)]
            }
            Kind::QueueLength => vec![of_queue(target)],
            Kind::MessageRate => vec![rate()],
            Kind::RateAndLength => vec![rate(), of_queue(length)],
            Kind::Eta => {
                let pace = self.rate(now, |seen| seen.delivered);
                let eta = if pace > 0.0 { queued / pace } else { 0.0 };
                vec![ask(Metric::Average { value: eta, target })]
            }
            Kind::Concurrency => Vec::new(),
        }
    }

    /// Knative's pod autoscaler (serving, pkg/autoscaler/scaling). It panics when the load over the panic window is twice
    /// what the ready pods can take. Then it follows the panic window and takes no pod away. Otherwise it follows the
    /// stable window, and at most halves the ready pods at one time.
    fn knative(&mut self, world: &World<'_>) -> u32 {
        let per_pod = self.baseline.target * f64::from(world.setting.slots);
        let now = world.now;
        let stable = self.mean(now, self.baseline.window, 0.0, |seen| seen.concurrency) / per_pod;
        let panic = self.mean(now, PANIC_SECONDS, 0.0, |seen| seen.concurrency) / per_pod;
        let ready = f64::from(world.ready().max(1));
        let current = f64::from(world.replicas());
        if panic.ceil() / ready >= PANIC_SHARE {
            if now > self.panics_until {
                self.panic_replicas = current;
            }
            self.panics_until = now + self.baseline.window;
        }
        let least = (ready / 2.0).floor();
        let wanted = if now <= self.panics_until {
            self.panic_replicas = self.panic_replicas.max(panic.ceil());
            self.panic_replicas
        } else {
            stable.ceil().max(least)
        };
        wanted.clamp(f64::from(world.setting.min), f64::from(world.setting.max)) as u32
    }
}

impl Scaler for Running {
    fn step(&mut self, world: &mut World<'_>) -> Option<u32> {
        self.step += 1;
        self.look(world);
        if self.baseline.kind == Kind::Concurrency {
            let is_due = self.step.is_multiple_of((KNATIVE_SECONDS / STEP_SECONDS) as u64);
            return is_due.then(|| self.knative(world));
        }
        if !is_sync(self.step) {
            return None;
        }
        let metrics = self.metrics(world);
        Some(self.hpa.sync(world.now, world.replicas(), &metrics))
    }
}
