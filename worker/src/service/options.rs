//! How much a worker takes on.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::JsonSchema;
use scriptmill_sdk::Limits;
use serde::{Deserialize, Serialize};

use crate::intake::Policy;
use crate::rules::{Rules, UNACKNOWLEDGED_MAX};
use crate::{limits, quarantine, settle};

/// The most slots: an instance takes about six memory mappings, and Linux gives a process 65,530 by default (`vm.max_map_count`).
const SLOTS_MAX: usize = 10_000;
/// The most threads: more help no machine.
const THREADS_MAX: usize = 1_024;
/// The most inputs of a batch: with more it would exceed its time.
const BATCH_INPUTS_MAX: usize = 100_000;
/// The range of the message size. A smaller message could not hold an outcome that says why its job failed. RabbitMQ 4 refuses
/// messages above 16 MiB by default, and headers need room too.
pub(crate) const MESSAGE_SIZE: RangeInclusive<ByteSize> = ByteSize::kib(64)..=ByteSize::mib(15);

/// How much a worker takes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Jobs that may have begun and not ended at one time: running, or waiting on the host. Each may take up to the
    /// memory limit.
    #[schemars(range(max = SLOTS_MAX))]
    pub slots: NonZeroUsize,
    /// Threads that run scripts. Absent: one for each processor.
    #[schemars(range(max = THREADS_MAX))]
    pub threads: Option<NonZeroUsize>,
    /// Jobs taken from the queue beyond `slots` at most, so that a free slot finds its next job at hand while the outcomes of
    /// others await their confirm. So many are taken while jobs are short: those beyond `slots` are to wait no longer than
    /// a twentieth of `scaling.promise.wait` in the mean.
    pub prefetch_margin: u16,
    /// How long leaving may take in all after SIGTERM, whatever the broker does. What has begun may go on for most of it (all but
    /// 5 s, or a fifth where that is less), and is then requeued.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub grace: Duration,
    /// The largest job message taken and the largest outcome published, 15 MiB at most.
    #[schemars(with = "String")]
    pub message_size: ByteSize,
    /// The largest input of a job.
    #[schemars(with = "String")]
    pub input_size: ByteSize,
    /// Inputs of one batch.
    #[schemars(range(max = BATCH_INPUTS_MAX))]
    pub batch_inputs: NonZeroUsize,
    /// Memory for jobs whose script is being prepared. They hold no slot, and further jobs are taken in their place until
    /// this is used up.
    #[schemars(with = "String")]
    pub preparing_size: ByteSize,
    /// Outcomes whose queue does not take them.
    pub undelivered: settle::Options,
    /// Jobs with which a worker died.
    pub quarantine: quarantine::Options,
    /// What one job may use at most; in a batch, what each input may use.
    pub limits: limits::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            slots: NonZeroUsize::MIN.saturating_add(15),
            threads: None,
            prefetch_margin: 16,
            grace: Duration::from_secs(25),
            message_size: ByteSize::mib(8),
            input_size: ByteSize::mib(4),
            batch_inputs: NonZeroUsize::MIN.saturating_add(999),
            preparing_size: ByteSize::mib(64),
            undelivered: settle::Options::default(),
            quarantine: quarantine::Options::default(),
            limits: limits::Options::default(),
        }
    }
}

impl Options {
    /// Checks the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.within("slots", self.slots.get(), ..=SLOTS_MAX, "");
        if let Some(threads) = self.threads {
            rules.within("threads", threads.get(), ..=THREADS_MAX, "");
        }
        rules.within("grace", self.grace, ..=UNACKNOWLEDGED_MAX, "that is half of RabbitMQ's consumer timeout");
        let reason = "RabbitMQ 4 refuses messages above 16 MiB";
        rules.within("message_size", self.message_size, MESSAGE_SIZE, reason);
        rules.within("batch_inputs", self.batch_inputs.get(), ..=BATCH_INPUTS_MAX, "");
        limits::fits_message("input_size", self.input_size, self.message_size, rules);
        rules.section("undelivered", |rules| self.undelivered.check(rules));
        rules.section("quarantine", |rules| self.quarantine.check(rules));
        rules.section("limits", |rules| self.limits.check(self.message_size, rules));
    }

    /// The policy by which messages are taken for jobs.
    pub fn policy(&self, tenant_is_user: bool, engine: &str) -> Policy {
        Policy {
            message_bytes_max: self.message_size.as_u64(),
            input_bytes_max: self.input_size.as_u64(),
            batch_inputs_max: self.batch_inputs.get(),
            limits: Limits::from(&self.limits),
            tenant_is_user,
            engine: engine.to_owned(),
        }
    }

    /// Jobs that this worker takes from the quarantine at one time: as many as there can be places for (`quarantine/places.rs`).
    pub fn quarantine_window(&self) -> u16 {
        let beside = self.slots.get() / quarantine::SLOTS_OF_A_JOB as usize;
        match self.quarantine.slots {
            0 => 0,
            slots => slots.saturating_add(u16::try_from(beside).unwrap_or(u16::MAX)),
        }
    }

    pub(super) fn threads(&self) -> NonZeroUsize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    /// How long jobs may go on in a drain: the grace period less the time for requeueing them.
    pub(super) fn running_grace(&self) -> Duration {
        self.grace.saturating_sub((self.grace / 5).min(Duration::from_secs(5)))
    }

    /// How long a drain may take before the connections are closed.
    pub(super) fn settling_grace(&self) -> Duration {
        self.grace.saturating_sub((self.grace / 10).min(Duration::from_secs(1)))
    }
}
