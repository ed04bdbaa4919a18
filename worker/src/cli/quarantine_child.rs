//! `scriptmill quarantine-child`: the process in which a worker runs jobs with which a worker died.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use scriptmill::broker;
use scriptmill::config::Config;
use scriptmill::quarantine::{self, Processes};
use scriptmill_sandbox::child::Program;
use tokio::runtime::Builder;

use super::local;

/// The hidden command that [`processes`] starts.
const CHILD: &str = "quarantine-child";
/// The most that an answer takes beside the job's outcome, in bytes.
const ANSWER_OVERHEAD: u64 = 64 << 10;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The configuration of the worker, as JSON
    config: String,
}

/// The processes in which a worker with this configuration runs jobs in quarantine: this program again, as children. They get only
/// the part of the configuration that running jobs needs.
pub(crate) fn processes(config: &Config) -> anyhow::Result<Processes> {
    let mut told = Config {
        broker: broker::amqp::Options { tenant_is_user: config.broker.tenant_is_user, ..Default::default() },
        worker: config.worker.clone(),
        sandbox: config.sandbox.clone(),
        ..Config::default()
    };
    told.sandbox.cache_dir = config.sandbox.cache_folder();
    quarantine_only(&mut told);
    let told = serde_json::to_string(&told).context("the configuration cannot be written")?;
    let path = std::env::current_exe().context("the path of this program cannot be found out")?;
    let program = Program { path, arguments: vec![CHILD.into(), told.into()] };
    let answer_bytes = config.worker.message_size.as_u64().saturating_add(ANSWER_OVERHEAD);
    Ok(Processes::new(&program, config.worker.quarantine.slots, u32::try_from(answer_bytes).unwrap_or(u32::MAX)))
}

/// Limits a configuration to as many jobs at one time as one process may be sent, one check, and few images.
fn quarantine_only(config: &mut Config) {
    let jobs = usize::from(config.worker.quarantine_window());
    config.worker.slots = std::num::NonZeroUsize::new(jobs).unwrap_or(std::num::NonZeroUsize::MIN);
    config.sandbox.check_processes = std::num::NonZeroUsize::MIN;
    config.sandbox.image_cache = config.sandbox.image_cache.min(config.worker.limits.memory);
}

pub(crate) fn quarantine_child(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config: Config = serde_json::from_str(&arguments.config).context("the configuration cannot be read")?;
    let runtime = Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")?;
    let _entered = runtime.enter();
    let clock = local::clock();
    let sandbox = local::sandbox(&config, local::checker(&config)?, config.worker.slots.get(), clock.clone())?;
    let policy = config.worker.policy(config.broker.tenant_is_user, sandbox.engine_hash());
    drop(_entered);
    Ok(quarantine::serve(sandbox, policy, clock, runtime))
}
