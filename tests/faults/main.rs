//! The fault laboratory: everything that can go wrong around real workers is made to go wrong, and no confirmed job is lost.
//!
//! `cargo xtask test` runs three short plans, `cargo xtask faults` one of any length; a seed repeats a plan.
#![allow(clippy::unwrap_used, reason = "tests")]

mod engine;
mod history;
mod jobs;
mod laboratory;
mod link;
mod nodes;
mod plan;
mod postgres;
mod receiver;
mod recorder;
mod report;
mod requesters;
mod scalers;
mod silence;
mod strike;
#[path = "../support/mod.rs"]
mod support;
mod wire;
mod workers;

use std::process::ExitCode;

use clap::Parser;
use laboratory::Options;
use libtest_mimic::{Arguments, Trial};
use plan::Kind;

/// What `cargo xtask faults` starts this with.
#[derive(Parser)]
#[command(name = "cargo xtask faults", about = "Lets much go wrong around workers, and counts what is lost")]
struct Long {
    #[arg(long, hide = true)]
    long: bool,
    /// Jobs to send at least
    #[arg(long, default_value_t = 100_000)]
    jobs: u64,
    /// Faults, spread over them
    #[arg(long, default_value_t = 40)]
    faults: usize,
    /// Repeats the plan of an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// Jobs a second
    #[arg(long, default_value_t = 250)]
    rate: u32,
    /// Only faults whose name holds this text; may be said more than once
    #[arg(long)]
    only: Vec<String>,
    /// Keep the logs of workers and brokers, and say where they are
    #[arg(long)]
    keep: bool,
    /// Brokers of its own: 1, or 3 as a cluster; 0 takes the one that runs
    #[arg(long)]
    nodes: Option<usize>,
    /// Give the workers a ledger, in a PostgreSQL of its own that is restarted too
    #[arg(long)]
    ledger: bool,
}

const PURE: &[(&str, fn())] = &[
    ("plan::a_seed_replays_its_plan", plan::tests::a_seed_replays_its_plan),
    (
        "plan::every_kind_has_its_turn_before_any_comes_again",
        plan::tests::every_kind_has_its_turn_before_any_comes_again,
    ),
    ("plan::faults_are_spread_over_the_jobs", plan::tests::faults_are_spread_over_the_jobs),
    ("history::what_went_well_is_found_well", history::tests::what_went_well_is_found_well),
    ("history::a_lost_job_is_found", history::tests::a_lost_job_is_found),
    ("history::an_outcome_of_nobody_is_found", history::tests::an_outcome_of_nobody_is_found),
    ("history::a_differing_outcome_is_found", history::tests::a_differing_outcome_is_found),
    ("history::an_unexpected_outcome_is_found", history::tests::an_unexpected_outcome_is_found),
    ("history::a_duplicate_under_another_id_is_found", history::tests::a_duplicate_under_another_id_is_found),
    ("history::duplicates_are_counted", history::tests::duplicates_are_counted),
    ("history::runs_that_were_repeated_are_counted", history::tests::runs_that_were_repeated_are_counted),
    (
        "silence::a_fault_costs_what_comes_late_until_the_next",
        silence::tests::a_fault_costs_what_comes_late_until_the_next,
    ),
    ("wire::frames_are_told_apart", wire::frames_are_told_apart),
];

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--long") {
        return long(Long::parse());
    }
    let mut trials: Vec<_> = PURE.iter().map(|(name, case)| trial(name, async || case())).collect();
    trials.push(trial("wire::what_happens_on_a_way_happens", wire::what_happens_on_a_way_happens));
    trials.push(trial(
        "scalers::no_fault_makes_a_scaler_say_a_wrong_number",
        scalers::no_fault_makes_a_scaler_say_a_wrong_number,
    ));
    trials.extend(laboratories());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The short plans. Without RabbitMQ's programs they use the broker that runs, and never stop it.
fn laboratories() -> Vec<Trial> {
    let (has_programs, has_postgres) = (nodes::programs().is_some(), postgres::programs().is_some());
    let options = |nodes, faults, jobs, kinds| Options {
        seed: 16,
        jobs,
        faults,
        rate: 100,
        nodes,
        ledger: false,
        keeps: false,
        kinds,
    };
    let one = options(usize::from(has_programs), if has_programs { 16 } else { 12 }, 4_000, Vec::new());
    let cluster = vec![Kind::LeaderKilled, Kind::WorkerKilled, Kind::BrokerRestarted, Kind::Cut, Kind::BrokerKilled];
    let cluster = options(3, 6, 3_000, cluster);
    let ledger = [plan::OUR_LEDGER, &[Kind::WorkerKilled, Kind::WorkerPaused, Kind::Cut]].concat();
    let ledger = Options { ledger: true, ..options(0, 5, 1_500, ledger) };
    let left_out = |has: bool, whose| match has {
        true => String::new(),
        false => format!(" (left out: needs {whose} programs on this machine)"),
    };
    let of_rabbit = left_out(has_programs, "RabbitMQ's");
    let of_postgres = left_out(has_postgres, "PostgreSQL's");
    vec![
        trial("laboratory::one_broker", async move || loses_nothing(&one).await),
        trial(&format!("laboratory::three_brokers{of_rabbit}"), async move || loses_nothing(&cluster).await)
            .with_ignored_flag(!has_programs),
        trial(&format!("laboratory::a_ledger{of_postgres}"), async move || loses_nothing(&ledger).await)
            .with_ignored_flag(!has_postgres),
    ]
}

async fn loses_nothing(options: &Options) {
    let report = laboratory::run(options).await;
    eprintln!("{report}");
    assert!(report.is_well(), "see above");
}

fn trial(name: &str, case: impl AsyncFnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run(case());
        Ok(())
    })
}

fn run<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(case)
}

fn long(long: Long) -> ExitCode {
    let has_programs = nodes::programs().is_some();
    let nodes = long.nodes.unwrap_or(if has_programs { 3 } else { 0 });
    if nodes > 0 && !has_programs {
        eprintln!("error: brokers of its own need RabbitMQ's programs on this machine");
        return ExitCode::FAILURE;
    }
    if long.ledger && postgres::programs().is_none() {
        eprintln!(
            "error: a ledger needs PostgreSQL's programs on this machine, and where this runs as root the user postgres"
        );
        return ExitCode::FAILURE;
    }
    if nodes == 0 {
        eprintln!("no broker is stopped or killed: the one that runs is not ours");
    }
    let seed = long.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 % 1_000_000);
    eprintln!("seed {seed}");
    let Long { jobs, faults, rate, ledger, keep: keeps, .. } = long;
    let is_chosen = |kind: &Kind| long.only.iter().any(|text| kind.to_string().contains(text));
    let kinds = laboratory::kinds(nodes, ledger).into_iter().filter(is_chosen).collect();
    let report = run(laboratory::run(&Options { seed, jobs, faults, rate, nodes, ledger, keeps, kinds }));
    println!("{report}");
    if report.is_well() && report.slow().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
