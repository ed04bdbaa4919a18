//! What will go wrong, and when: a function of a seed, so that a run can be repeated.

use std::fmt;
use std::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::support::proxy::Way;

/// What can be made to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A connection stands still, and goes on later.
    Stall,
    /// A connection is slow.
    Slow,
    /// A connection accepts what is sent, and delivers none of it.
    HalfOpen,
    /// A connection is cut in the middle of a frame.
    CutInsideFrame,
    /// Connections are closed.
    Cut,
    /// Connections are reset.
    Reset,
    /// A worker is killed (SIGKILL), and another takes its place.
    WorkerKilled,
    /// A worker stands still (SIGSTOP), and goes on later.
    WorkerPaused,
    /// A worker is told to drain (SIGTERM), and another takes its place.
    WorkerDrained,
    /// All workers are drained and replaced, one after the other.
    RollingRestart,
    /// A requester stops reading, until its queue is full.
    RequesterRefuses,
    /// The jobs' queue is deleted under its consumers, while no job is under way.
    QueueDeleted,
    /// A broker is stopped, and started again.
    BrokerRestarted,
    /// A broker is killed, and started again.
    BrokerKilled,
    /// The broker on which the jobs' queue has its leader is killed, and started again.
    LeaderKilled,
    /// The brokers have no memory left, and take no messages.
    MemoryAlarm,
    /// The ledger's PostgreSQL is stopped in order, and started again.
    LedgerRestarted,
    /// The ledger's PostgreSQL is stopped at once, as in a crash, and started again.
    LedgerAborted,
    /// The workers' password is changed and their connections are closed, until it is put back.
    CredentialsRevoked,
}

/// Faults that are possible with any broker.
pub(crate) const EVERYWHERE: &[Kind] = &[
    Kind::Stall,
    Kind::Slow,
    Kind::HalfOpen,
    Kind::CutInsideFrame,
    Kind::Cut,
    Kind::Reset,
    Kind::WorkerKilled,
    Kind::WorkerPaused,
    Kind::WorkerDrained,
    Kind::RollingRestart,
    Kind::RequesterRefuses,
    Kind::QueueDeleted,
];

/// Faults that are possible only with brokers of the run's own.
pub(crate) const OUR_BROKER: &[Kind] =
    &[Kind::BrokerRestarted, Kind::BrokerKilled, Kind::MemoryAlarm, Kind::CredentialsRevoked];

/// Faults that are possible only with several brokers of the run's own.
pub(crate) const OUR_CLUSTER: &[Kind] = &[Kind::LeaderKilled];

/// Faults that are possible only with a ledger.
pub(crate) const OUR_LEDGER: &[Kind] = &[Kind::LedgerRestarted, Kind::LedgerAborted];

impl Kind {
    /// How long a fault of this kind lasts, in milliseconds. After a momentary fault the laboratory waits for as long.
    fn lasts_ms(self) -> std::ops::RangeInclusive<u64> {
        match self {
            Self::Cut | Self::Reset | Self::CutInsideFrame | Self::QueueDeleted => 500..=1_500,
            Self::RequesterRefuses | Self::Slow => 2_000..=5_000,
            _ => 1_000..=4_000,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stall => "connection stalled",
            Self::Slow => "connection slow",
            Self::HalfOpen => "connection half open",
            Self::CutInsideFrame => "connection cut inside a frame",
            Self::Cut => "connection cut",
            Self::Reset => "connection reset",
            Self::WorkerKilled => "worker killed",
            Self::WorkerPaused => "worker paused",
            Self::WorkerDrained => "worker drained",
            Self::RollingRestart => "rolling restart",
            Self::RequesterRefuses => "requester refuses",
            Self::QueueDeleted => "queue deleted",
            Self::BrokerRestarted => "broker restarted",
            Self::BrokerKilled => "broker killed",
            Self::LeaderKilled => "leader killed",
            Self::MemoryAlarm => "memory alarm",
            Self::CredentialsRevoked => "credentials revoked",
            Self::LedgerRestarted => "ledger restarted",
            Self::LedgerAborted => "ledger aborted",
        })
    }
}

/// Whose connections a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those of one worker.
    Worker,
    /// Those of all workers.
    Workers,
    /// Those of the process engine.
    Engine,
}

/// One fault. All fields that say what it hits are drawn for every kind, and used where they apply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// The fault begins once this many jobs have been confirmed and the fault before it is over.
    pub(crate) at_job: u64,
    pub(crate) kind: Kind,
    pub(crate) whose: Whose,
    pub(crate) way: Way,
    /// Which worker, counted from 0.
    pub(crate) worker: usize,
    /// Which broker of several, counted from 0.
    pub(crate) node: usize,
    pub(crate) lasts: Duration,
    /// Whether the next fault waits until all is well again. Otherwise it may begin as soon as this one is over.
    pub(crate) recovers: bool,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::ToBroker => "to the broker",
            Way::FromBroker => "from the broker",
            Way::Both => "both ways",
        };
        let whose = match self.whose {
            Whose::Worker => format!("worker {}", self.worker),
            Whose::Workers => "all workers".to_owned(),
            Whose::Engine => "the engine".to_owned(),
        };
        match self.kind {
            Kind::Cut | Kind::Reset => write!(f, "{}: {whose}", self.kind),
            Kind::Stall | Kind::Slow | Kind::HalfOpen | Kind::CutInsideFrame => {
                write!(f, "{}: {whose}, {way}", self.kind)
            }
            Kind::WorkerKilled | Kind::WorkerPaused | Kind::WorkerDrained => {
                write!(f, "{}: worker {}", self.kind, self.worker)
            }
            Kind::BrokerRestarted | Kind::BrokerKilled => write!(f, "{}: broker {}", self.kind, self.node),
            _ => write!(f, "{}", self.kind),
        }
    }
}

/// What will go wrong, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// Draws `faults` faults of these kinds, spread over `jobs` jobs. Every kind has its turn before any comes again.
    pub(crate) fn new(seed: u64, jobs: u64, faults: usize, kinds: &[Kind], workers: usize, nodes: usize) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut deck = Vec::new();
        let stretch = jobs / (faults as u64 + 1);
        let steps = (1..=faults as u64).map(|place| {
            if deck.is_empty() {
                deck = kinds.to_vec();
                deck.shuffle(&mut random);
            }
            let kind = deck.pop().unwrap();
            Step {
                at_job: place * stretch - random.random_range(0..=stretch / 2),
                kind,
                whose: [Whose::Worker, Whose::Worker, Whose::Workers, Whose::Engine][random.random_range(0..4)],
                way: [Way::ToBroker, Way::FromBroker, Way::Both][random.random_range(0..3)],
                worker: random.random_range(0..workers),
                node: random.random_range(0..nodes),
                lasts: Duration::from_millis(random.random_range(kind.lasts_ms())),
                recovers: random.random_ratio(3, 4),
            }
        });
        Self { seed, steps: steps.collect() }
    }
}

pub(crate) mod tests {
    use std::collections::HashSet;

    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan::new(seed, 100_000, 40, &[EVERYWHERE, OUR_BROKER, OUR_CLUSTER, OUR_LEDGER].concat(), 3, 3)
    }

    pub(crate) fn a_seed_replays_its_plan() {
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7).steps, plan(8).steps);
    }

    pub(crate) fn every_kind_has_its_turn_before_any_comes_again() {
        for seed in 0..50 {
            let kinds: Vec<_> = plan(seed).steps.iter().map(|step| step.kind).collect();
            for round in kinds.chunks(19) {
                assert_eq!(round.iter().collect::<HashSet<_>>().len(), round.len(), "{round:?}");
            }
            assert_eq!(kinds[..19].iter().collect::<HashSet<_>>().len(), 19);
        }
    }

    pub(crate) fn faults_are_spread_over_the_jobs() {
        for seed in 0..50 {
            let steps = plan(seed).steps;
            assert_eq!(steps.len(), 40);
            assert!(steps.iter().map(|step| step.at_job).is_sorted());
            assert!(steps[0].at_job > 0 && steps[39].at_job < 100_000);
            // Jobs come after the last fault too, and show that it is over. More than 1,000 jobs lie between two faults.
            assert!(steps.windows(2).all(|pair| pair[1].at_job - pair[0].at_job > 1_000));
            assert!(steps.iter().any(|step| step.recovers) && !steps.iter().all(|step| step.recovers));
            assert!(steps.iter().all(|step| step.worker < 3 && step.node < 3 && !step.lasts.is_zero()));
        }
    }
}
