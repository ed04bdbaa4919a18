//! The sandbox in this process, as the configuration describes it. It can run one job without a broker.

use std::sync::Arc;

use anyhow::Context as _;
use scriptmill::config::Config;
use scriptmill::execute::Environment;
use scriptmill::intake::{self, Around};
use scriptmill_sandbox::child::{self, Program};
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Clock, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Job, Limits, Outcome};
use tokio::runtime::{Builder, Handle};

/// The hidden command that [`checker`] starts.
pub(crate) const CHILD: &str = "prepare-child";

/// Runs a command's future; guests and timers share its one thread.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")?;
    runtime.block_on(future)
}

/// The processes that check scripts: this program again, as children.
pub(crate) fn checker(config: &Config) -> anyhow::Result<Checker> {
    let settings = &config.sandbox;
    let bytes = |size: bytesize::ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
    let bounds = Bounds { source_bytes: bytes(settings.source_size), modules: settings.modules, ..Bounds::default() };
    let child = child::Bounds {
        children: settings.check_processes.get(),
        memory_bytes: settings.check_memory.as_u64(),
        time: settings.check_timeout,
        wall_time: settings.check_timeout.saturating_mul(Checker::WALL_FACTOR),
        answer_bytes: Checker::answer_bytes(settings.source_size.as_u64()),
        ..Checker::CHILD_BOUNDS
    };
    let path = std::env::current_exe().context("the path of this program cannot be found out")?;
    let program = Program { path, arguments: vec![CHILD.into()] };
    Checker::child(program, child, bounds).context("the process that checks scripts cannot be supervised")
}

/// The clock of this process. Call it within a tokio runtime, whose timer it uses.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(TokioClock::new(Handle::current()))
}

/// The sandbox, for `instances` jobs at one time.
pub(crate) fn sandbox(
    config: &Config,
    checker: Checker,
    instances: usize,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Sandbox> {
    Sandbox::new(Options {
        instances: u32::try_from(instances).unwrap_or(u32::MAX),
        limits: Limits::from(&config.worker.limits),
        image_cache_bytes: config.sandbox.image_cache.as_u64(),
        precompiled: config.sandbox.precompiled_file(),
        cache_dir: config.sandbox.cache_folder(),
        ..Options::new(checker, clock)
    })
    .context("the sandbox cannot be made")
}

/// Runs one job as the worker does: read from its message, held against the worker's bounds, executed.
pub(crate) async fn outcome(sandbox: &Sandbox, job: &Job, config: &Config) -> anyhow::Result<Outcome> {
    let policy = config.worker.policy(false, sandbox.engine_hash());
    let clock = clock();
    match intake::read(&serde_json::to_vec(job)?, &Around::default(), clock.now(), &policy) {
        Ok(accepted) => {
            let environment = Environment { runner: sandbox, policy: &policy, clock: &*clock };
            Ok(environment.prepare_and_execute(accepted).await)
        }
        Err(outcome) => Ok(*outcome),
    }
}
