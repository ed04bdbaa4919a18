//! `scriptmill demo --scaling`: workers that come and go as their own signal says, on RabbitMQ and without Kubernetes.
//!
//! A scaler and the workers are processes of this program, as in production. Two parts of Kubernetes have stand-ins: the
//! Deployment, which starts and ends workers, and the HPA's controller, which asks `external.metrics.k8s.io` over HTTPS every
//! 15 s and decides by its published rules.

mod autoscaler;
mod load;
mod processes;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use scriptmill::config::Config;
use scriptmill::scale::Explanation;
use scriptmill_scaling::Policy;
use scriptmill_scaling::simulate::hpa::SYNC_SECONDS;
use scriptmill_scaling::simulate::{Ours, Setting, World};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use self::autoscaler::{Autoscaler, Certificate};
use self::load::{Load, Report, Stretches};
use self::processes::{Deployment, Processes};
use crate::cli::scaler_explain::{Address, asked};
use crate::cli::text::{say, tame};

/// Slots of a worker: few, so that a load that a laptop bears needs several workers.
const SLOTS: u32 = 4;
/// The most workers, a bound on what the demo takes of the machine.
const WORKERS_MAX: u32 = 8;
/// From the start of a worker to its first job, in seconds; for the simulation.
const BOOT: f64 = 2.0;
/// How long the first number may take.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);

/// Runs the demo with what was passed on the command line, and says whether it went as it should.
pub(super) async fn play(config: &Config, passed: Vec<OsString>, stretch: Duration) -> anyhow::Result<bool> {
    let policy = Policy { min: 1, max: WORKERS_MAX, ..config.scaling.policy.clone() };
    let folder = tempfile::tempdir().context("a folder for the demo's certificate cannot be made")?;
    let certificate = Certificate::new(folder.path())?;
    let prefix = format!("demo-{}", uuid::Uuid::new_v4().simple());
    let (admin, metrics) = (free_address()?, free_address()?);
    let load = Load::connect(config, &prefix).await?;
    let processes = Processes::new(passed, &prefix, &policy, SLOTS)?;
    let mut scaler = processes.start_scaler(admin, metrics, &certificate)?;
    let mut deployment = Deployment::new(processes);
    let mut autoscaler = Autoscaler::new(metrics, &certificate, &config.scaling.group, &policy)?;
    let stretches = Stretches::new(stretch);
    let played = tokio::select! {
        played = scaled(&mut deployment, &mut autoscaler, &load, stretches, admin) => played,
        ended = scaler.wait() => ended.context("the scaler cannot be waited for").and_then(|status| Err(anyhow!("the scaler ended: {status}"))),
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    deployment.end().await?;
    scaler.kill().await.context("the scaler cannot be ended")?;
    load.remove().await?;
    let (report, peak) = played?;
    say(format_args!("\nWhy, when it was the most:\n\n{}\n", tame(&explained(&peak))))?;
    say(format_args!("{report}"))?;
    let simulated = simulated(&policy, stretches);
    say(format_args!("The simulator says {:.1} % for this load behind the same HPA.\n", 100.0 * simulated))?;
    Ok(report.is_good())
}

/// A port that is free at the moment, on this machine alone.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    listener.local_addr().context("the bound address cannot be read")
}

/// Runs the load, and the autoscaler's syncs beside it. Returns what came back, and the explanation of the largest
/// number.
async fn scaled(
    deployment: &mut Deployment,
    autoscaler: &mut Autoscaler,
    load: &Load,
    stretches: Stretches,
    admin: SocketAddr,
) -> anyhow::Result<(Report, Explanation)> {
    deployment.scale(1)?;
    let mut peak = first(admin).await?;
    say(format_args!(
        "{} jobs of {:?} a second, then {}, then {}; {:?} each. A worker has {SLOTS} slots.\n\n",
        stretches.rates[0],
        load::SERVICE,
        stretches.rates[1],
        stretches.rates[2],
        stretches.each
    ))?;
    say("     at   jobs/s   metric   workers   why\n")?;
    let began = Instant::now();
    let running = load.run(stretches);
    tokio::pin!(running);
    let period = Duration::from_secs_f64(SYNC_SECONDS);
    // As in the simulator, the first look is half a period after the start: when an HPA looks does not depend on when a
    // load changes.
    let mut syncs = interval_at(began + period / 2, period);
    syncs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            report = &mut running => return Ok((report?, peak)),
            at = syncs.tick() => {
                let elapsed = at.duration_since(began);
                let metric = autoscaler.metric().await;
                let explanation = explanation(admin).await;
                let before = deployment.replicas();
                let now = autoscaler.sync(elapsed, before, metric.as_ref().ok().copied());
                deployment.scale(now)?;
                let why = match &explanation {
                    Ok(Explanation { number: Some(number), .. }) => number.sentence.clone(),
                    Ok(Explanation { error, .. }) => error.clone().unwrap_or_default(),
                    Err(error) => format!("{error:#}"),
                };
                let shown = metric.as_ref().map_or_else(|_| "unknown".to_owned(), f64::to_string);
                let rate = stretches.rate_at(elapsed);
                say(format_args!("{:>5} s {rate:>8} {shown:>8} {before:>4} → {now:<2}   {}\n", elapsed.as_secs(), tame(&why)))?;
                if let Err(error) = metric {
                    say(format_args!("        {}\n", tame(&format!("{error:#}"))))?;
                }
                if let Ok(explanation) = explanation && replicas(&explanation) > replicas(&peak) {
                    peak = explanation;
                }
            }
        }
    }
}

async fn explanation(admin: SocketAddr) -> anyhow::Result<Explanation> {
    Ok(asked(&Address::from(admin), None).await?.0)
}

fn replicas(explanation: &Explanation) -> u32 {
    explanation.number.as_ref().map_or(0, |number| number.replicas)
}

/// The first explanation that has a number.
async fn first(admin: SocketAddr) -> anyhow::Result<Explanation> {
    let began = Instant::now();
    loop {
        let asked = explanation(admin).await;
        match asked {
            Ok(explanation) if explanation.number.is_some() => return Ok(explanation),
            asked if began.elapsed() > PATIENCE => {
                let why = asked.map_or_else(|error| format!("{error:#}"), |known| known.error.unwrap_or_default());
                return Err(anyhow!("the scaler says no number after {PATIENCE:?}: {why}"));
            }
            _ => sleep(PAUSE).await,
        }
    }
}

fn explained(explanation: &Explanation) -> String {
    let Some(number) = &explanation.number else { return String::new() };
    format!("{}\n\n{}\n", number.sentence, number.arithmetic.join("\n"))
}

/// The share of promises that the simulator breaks under the same load, 0 to 1.
fn simulated(policy: &Policy, stretches: Stretches) -> f64 {
    let setting = Setting {
        slots: SLOTS,
        places: SLOTS,
        boot: BOOT,
        min: policy.min,
        max: policy.max,
        wait: policy.promise.wait.as_secs_f64(),
        ..Setting::default()
    };
    World::run(&stretches.trace(), &setting, 1, &mut Ours::behind_hpa(policy.clone())).broken
}
