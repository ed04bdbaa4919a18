//! What the worker expects of any ledger, as a table of cases, each run in memory and on PostgreSQL; and what only
//! PostgreSQL has: roles, versions, a server that is gone.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod commands;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, LONG, SHORT, claim, claim_of, record, with_database};
use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};
use libtest_mimic::{Arguments, Trial};
use scriptmill::ledger::leases::Leases;
use scriptmill::ledger::{Claimed, Filter, Key, Recorded, WhenDown};
use tokio::time::{sleep, timeout};

const EVERYTHING: Filter = Filter { tenant: None, script: None, status: None, since: None, until: None, limit: 100 };

async fn a_claim_keeps_others_out_until_it_is_given_back(bench: &Bench) {
    let [one, other] = bench.two().await;
    let (first, second) = (claim("a", 1, "one"), claim("a", 1, "two"));
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Granted);
    let Claimed::Held { left } = other.claim(&second).await.unwrap() else { panic!("it was not held") };
    assert!(left > LONG / 2 && left <= LONG, "{left:?}");
    // Another id, another tenant and another generation each make another job.
    let key = |tenant: &str, job_id: &str, generation| Key { tenant: tenant.into(), job_id: job_id.into(), generation };
    for key in [key("acme.sales", "b", 0), key("acme", "a", 0), key("acme.sales", "a", 1)] {
        assert_eq!(other.claim(&claim_of(key, 1, "two")).await.unwrap(), Claimed::Granted);
    }
    one.release(&first).await.unwrap();
    assert_eq!(other.claim(&second).await.unwrap(), Claimed::Granted);
    // A claim that has passed to another worker can't be released.
    one.release(&first).await.unwrap();
    assert!(matches!(one.claim(&first).await.unwrap(), Claimed::Held { .. }));
}

async fn a_claim_asked_for_again_is_the_same_claim(bench: &Bench) {
    let ledger = bench.one().await;
    let first = claim("a", 1, "one");
    for _ in 0..3 {
        assert_eq!(ledger.claim(&first).await.unwrap(), Claimed::Granted);
    }
    let jobs = ledger.job("acme.sales", "a").await.unwrap();
    assert_eq!((jobs[0].line.claims, jobs[0].attempts.len()), (1, 1));
}

async fn a_lease_that_runs_out_lets_others_in(bench: &Bench) {
    let [one, other] = bench.two().await;
    let (first, second) = (claim("a", 1, "one"), claim("a", 1, "two"));
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Granted);
    assert!(matches!(other.claim(&second).await.unwrap(), Claimed::Held { .. }));
    bench.pass(2 * LONG).await;
    assert_eq!(ledger_status(&*one).await, ["expired"]);
    assert_eq!(other.claim(&second).await.unwrap(), Claimed::Granted);
    // The first worker has lost its claim.
    assert_eq!(one.extend(std::slice::from_ref(&first)).await.unwrap(), 1);
    assert!(matches!(one.claim(&first).await.unwrap(), Claimed::Held { .. }));
}

async fn a_lease_that_is_extended_does_not_run_out(bench: &Bench) {
    let [one, other] = bench.two().await;
    let (first, second) = (claim("a", 1, "one"), claim("a", 1, "two"));
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Granted);
    for _ in 0..4 {
        bench.pass(LONG / 4 * 3).await;
        assert_eq!(one.extend(&[first.clone(), claim("gone", 1, "one")]).await.unwrap(), 1);
    }
    assert!(matches!(other.claim(&second).await.unwrap(), Claimed::Held { .. }));
}

async fn claims_are_kept_for_as_long_as_they_are_held(bench: &Bench) {
    let [one, other] = bench.two().await;
    let leases = Leases::new(one.clone(), SHORT, WhenDown::Hold, "one".to_owned());
    let (kept, second) = (claim("a", 1, "one"), claim("a", 1, "two"));
    assert_eq!(one.claim(&kept).await.unwrap(), Claimed::Granted);
    let lease = leases.keep(kept);
    for _ in 0..4 {
        bench.pass(LONG / 4 * 3).await;
        let extended = async {
            loop {
                let Claimed::Held { left } = other.claim(&second).await.unwrap() else { panic!("it was not kept") };
                if left > LONG / 2 {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, extended).await.unwrap();
    }
    // Dropping the lease gives the claim back, long before the lease of a crashed worker would run out.
    drop(lease);
    let granted = async {
        while other.claim(&second).await.unwrap() != Claimed::Granted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, granted).await.unwrap();
    assert!(other.job("acme.sales", "a").await.unwrap()[0].attempts[0].released_ms.is_some());
}

async fn a_job_with_an_outcome_is_answered(bench: &Bench) {
    let [one, other] = bench.two().await;
    let first = claim("a", 1, "one");
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Granted);
    let outcome = record("failed", r#"{"value":1e400}"#);
    assert_eq!(one.record(&first, &outcome).await.unwrap(), Recorded::First);
    // Again, since the first answer may have been lost.
    assert_eq!(one.record(&first, &outcome).await.unwrap(), Recorded::First);
    assert_eq!(other.claim(&claim("a", 1, "two")).await.unwrap(), Claimed::Recorded(outcome.clone()));
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Recorded(outcome));
    // A recorded job has no claim: nothing can be given back or extended.
    one.release(&first).await.unwrap();
    assert_eq!(one.extend(&[first]).await.unwrap(), 1);
    assert_eq!(ledger_status(&*one).await, ["failed"]);
}

async fn the_first_outcome_counts(bench: &Bench) {
    let [one, other] = bench.two().await;
    let (first, second) = (claim("a", 1, "one"), claim("a", 1, "two"));
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Granted);
    bench.pass(2 * LONG).await;
    assert_eq!(other.claim(&second).await.unwrap(), Claimed::Granted);
    // The worker whose lease ran out is done first.
    let (early, late) = (record("succeeded", "1"), record("succeeded", "2"));
    assert_eq!(one.record(&first, &early).await.unwrap(), Recorded::First);
    assert_eq!(other.record(&second, &late).await.unwrap(), Recorded::Earlier(early.clone()));
    assert_eq!(other.record(&second, &late).await.unwrap(), Recorded::Earlier(early.clone()));
    assert_eq!(one.job("acme.sales", "a").await.unwrap()[0].outcome, Some(early.body));
}

async fn an_outcome_needs_no_claim(bench: &Bench) {
    let ledger = bench.one().await;
    let ran_without = claim("a", 1, "one");
    assert_eq!(ledger.record(&ran_without, &record("succeeded", "1")).await.unwrap(), Recorded::First);
    assert_eq!(ledger.record(&claim("a", 2, "one"), &record("succeeded", "2")).await.unwrap(), Recorded::OtherBody);
    let again = ledger.claim(&claim("a", 1, "two")).await.unwrap();
    assert_eq!(again, Claimed::Recorded(record("succeeded", "1")));
}

async fn the_same_id_with_another_message_is_refused(bench: &Bench) {
    let [one, other] = bench.two().await;
    let first = claim("a", 1, "one");
    assert_eq!(one.claim(&first).await.unwrap(), Claimed::Granted);
    let refused = async || assert_eq!(other.claim(&claim("a", 2, "two")).await.unwrap(), Claimed::OtherBody);
    refused().await;
    bench.pass(2 * LONG).await;
    refused().await;
    one.release(&first).await.unwrap();
    refused().await;
    assert_eq!(one.record(&first, &record("succeeded", "1")).await.unwrap(), Recorded::First);
    refused().await;
}

async fn many_at_once_are_each_claimed_once(bench: &Bench) {
    let [one, other] = bench.two().await;
    let ids: Vec<_> = (0..600).map(|n| format!("job-{}", n % 300)).collect();
    let claims = ids.iter().enumerate().map(|(n, id)| {
        let ledger = if n % 2 == n / 300 { &one } else { &other };
        async move {
            let claim = claim(id, 1, "one");
            match ledger.claim(&claim).await.unwrap() {
                Claimed::Granted => {
                    // Lets others ask meanwhile, even if the ledger answers at once.
                    tokio::task::yield_now().await;
                    let recorded = ledger.record(&claim, &record("succeeded", id)).await.unwrap();
                    assert_eq!(recorded, Recorded::First);
                    true
                }
                Claimed::Held { .. } => false,
                Claimed::Recorded(found) => {
                    assert_eq!(found.body, id.as_bytes());
                    false
                }
                Claimed::OtherBody => panic!("it is the same message"),
            }
        }
    });
    let granted = join_all(claims).await.into_iter().filter(|granted| *granted).count();
    assert_eq!(granted, 300);
    let all = Filter { limit: 1_000, ..EVERYTHING };
    assert_eq!(one.history(&all).await.unwrap().len(), 300);
}

async fn large_outcomes_arrive(bench: &Bench) {
    let ledger = bench.one().await;
    let large = record("succeeded", &"x".repeat(8 << 20));
    let claims: Vec<_> = (0..4).map(|n| claim(&n.to_string(), 1, "one")).collect();
    let recorded = join_all(claims.iter().map(|claim| ledger.record(claim, &large))).await;
    assert!(recorded.into_iter().all(|recorded| recorded.unwrap() == Recorded::First));
    let again = join_all((0..4).map(|n| {
        let ledger = ledger.clone();
        async move { ledger.claim(&claim(&n.to_string(), 1, "two")).await.unwrap() }
    }));
    assert!(again.await.into_iter().all(|claimed| claimed == Claimed::Recorded(large.clone())));
}

async fn the_history_is_found_by_what_a_person_knows(bench: &Bench) {
    let ledger = bench.one().await;
    let key = |tenant: &str, job_id: &str| Key { tenant: tenant.into(), job_id: job_id.into(), generation: 0 };
    let claims = [claim_of(key("acme", "a"), 1, "one"), claim_of(key("acme", "b"), 1, "one"), claim("c", 1, "two")];
    for claim in &claims {
        assert_eq!(ledger.claim(claim).await.unwrap(), Claimed::Granted);
        sleep(Duration::from_millis(20)).await;
    }
    ledger.record(&claims[0], &record("failed", "{}")).await.unwrap();
    ledger.release(&claims[1]).await.unwrap();
    let at = |index: usize| {
        let ledger = &ledger;
        let claim = &claims[index];
        async move { ledger.job(&claim.key.tenant, &claim.key.job_id).await.unwrap()[0].line.claimed_ms }
    };
    let second = Some(Duration::from_millis(at(1).await));
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (EVERYTHING, "c b a"),
        (Filter { limit: 2, ..EVERYTHING }, "c b"),
        (Filter { tenant: text("acme"), ..EVERYTHING }, "b a"),
        (Filter { status: text("failed"), ..EVERYTHING }, "a"),
        (Filter { status: text("released"), ..EVERYTHING }, "b"),
        (Filter { status: text("claimed"), ..EVERYTHING }, "c"),
        (Filter { script: text("main.ts"), limit: 1, ..EVERYTHING }, "c"),
        (Filter { script: text("abab"), limit: 1, ..EVERYTHING }, "c"),
        (Filter { script: text("abac"), ..EVERYTHING }, ""),
        (Filter { since: second, ..EVERYTHING }, "c b"),
        (Filter { until: second, ..EVERYTHING }, "a"),
    ];
    for (filter, expected) in cases {
        let found = ledger.history(&filter).await.unwrap();
        let found: Vec<_> = found.iter().map(|line| line.job_id.as_str()).collect();
        assert_eq!(found.join(" "), expected, "{filter:?}");
    }
}

async fn one_jobs_whole_record(bench: &Bench) {
    let ledger = bench.one().await;
    for n in 0..30 {
        let claim = claim("a", 1, &format!("worker-{n}"));
        assert_eq!(ledger.claim(&claim).await.unwrap(), Claimed::Granted);
        ledger.release(&claim).await.unwrap();
    }
    let last = claim("a", 1, "the last one");
    assert_eq!(ledger.claim(&last).await.unwrap(), Claimed::Granted);
    let held = &ledger.job("acme.sales", "a").await.unwrap()[0];
    assert!(held.lease_ms.unwrap() > held.line.claimed_ms && held.outcome.is_none());
    ledger.record(&last, &record("failed", r#"{"status":"failed"}"#)).await.unwrap();
    let replayed = Key { generation: 2, ..last.key.clone() };
    assert_eq!(ledger.claim(&claim_of(replayed, 1, "one")).await.unwrap(), Claimed::Granted);

    let jobs = ledger.job("acme.sales", "a").await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.line.generation).collect::<Vec<_>>(), [2, 0]);
    let job = &jobs[1];
    assert_eq!((job.line.status.as_str(), job.line.code.as_deref(), job.line.claims), ("failed", Some("SM2001"), 31));
    assert_eq!(job.line.worker, "the last one");
    assert_eq!((job.line.script_name.as_str(), &job.line.script_hash), ("main.ts", &"ab".repeat(32)));
    assert_eq!((&job.body_hash, job.lease_ms), (&"01".repeat(32), None));
    assert_eq!(job.outcome.as_deref(), Some(br#"{"status":"failed"}"#.as_slice()));
    assert!(job.line.recorded_ms >= Some(job.line.claimed_ms));
    // The first attempt and the latest ones are kept.
    let workers: Vec<_> = job.attempts.iter().map(|attempt| attempt.worker.as_str()).collect();
    assert_eq!((workers.len(), workers[0], workers[1], workers[19]), (20, "worker-0", "worker-12", "the last one"));
    assert!(job.attempts[18].released_ms.is_some() && job.attempts[19].released_ms.is_none());
    assert!(ledger.job("acme.sales", "b").await.unwrap().is_empty());
}

async fn ledger_status(ledger: &dyn scriptmill::ledger::Ledger) -> Vec<String> {
    ledger.history(&EVERYTHING).await.unwrap().into_iter().map(|line| line.status).collect()
}

type Case = for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, ()>;

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[$((stringify!($case), |bench| $case(bench).boxed_local()),)*];
    };
}

cases![
    a_claim_keeps_others_out_until_it_is_given_back,
    a_claim_asked_for_again_is_the_same_claim,
    a_lease_that_runs_out_lets_others_in,
    a_lease_that_is_extended_does_not_run_out,
    claims_are_kept_for_as_long_as_they_are_held,
    a_job_with_an_outcome_is_answered,
    the_first_outcome_counts,
    an_outcome_needs_no_claim,
    the_same_id_with_another_message_is_refused,
    many_at_once_are_each_claimed_once,
    large_outcomes_arrive,
    the_history_is_found_by_what_a_person_knows,
    one_jobs_whole_record,
];

type WorkersCase = for<'a> fn(&'a support::Rabbit, &'a bench::Database) -> LocalBoxFuture<'a, ()>;

const WORKERS: [(&str, WorkersCase); 4] = [
    ("a_job_that_comes_twice_has_one_outcome", |rabbit, database| {
        worker::a_job_that_comes_twice_has_one_outcome(rabbit, database).boxed_local()
    }),
    ("a_killed_worker_leaves_its_jobs_to_others", |rabbit, database| {
        worker::a_killed_worker_leaves_its_jobs_to_others(rabbit, database).boxed_local()
    }),
    ("jobs_are_held_while_the_ledger_is_down", |rabbit, database| {
        worker::jobs_are_held_while_the_ledger_is_down(rabbit, database).boxed_local()
    }),
    ("jobs_go_on_while_the_ledger_is_down", |rabbit, database| {
        worker::jobs_go_on_while_the_ledger_is_down(rabbit, database).boxed_local()
    }),
];

fn main() {
    let mut trials = Vec::new();
    for (name, case) in CASES {
        trials.push(Trial::test(format!("embedded::{name}"), move || {
            run(async { case(&Bench::Embedded(Arc::default())).await });
            Ok(())
        }));
        trials.push(Trial::test(format!("postgres::{name}"), move || {
            run(with_database(async |database| case(&Bench::Postgres(database)).await));
            Ok(())
        }));
    }
    for (kind, cases) in [("postgres", server::CASES), ("commands", commands::CASES)] {
        for (name, case) in cases {
            trials.push(Trial::test(format!("{kind}::{name}"), move || {
                run(with_database(async |database| case(&database).await));
                Ok(())
            }));
        }
    }
    for (name, case) in WORKERS {
        trials.push(Trial::test(format!("workers::{name}"), move || {
            run(support::with_rabbit(async |rabbit| {
                with_database(async |database| case(rabbit, &database).await).await;
            }));
            Ok(())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(case: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().unwrap().block_on(case);
}
