//! Jobs with which workers die: the one that kills them is set aside, and those that were merely there run.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use scriptmill::broker::Message;
use scriptmill_sdk::amqp::{CODE, Envelope};
use scriptmill_sdk::{Code, Ending, Outcome};
use support::{LONG, Rabbit, start_command, with_rabbit};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Ends by itself long after a test would have failed.
const KILLER: &str = "export default async () => { await sleep(600_000); };";
const NEIGHBOUR: &str = "export default async () => { await sleep(500); return 1; };";
const SETTINGS: [(&str, &str); 4] = [
    ("SCRIPTMILL_WORKER__QUARANTINE__SLOTS", "4"),
    ("SCRIPTMILL_WORKER__LIMITS__WALL_TIME", "10m"),
    ("SCRIPTMILL_BROKER__RETRY_PAUSE_MAX", "200ms"),
    ("SCRIPTMILL_WORKER__SLOTS", "4"),
];

async fn put(rabbit: &Rabbit, id: &str, source: &str, reply_to: &str) {
    rabbit.put_job(id, source, &serde_json::Value::Null, reply_to).await;
}

async fn started(rabbit: &Rabbit) -> (Child, String) {
    start_command("work", &SETTINGS, rabbit).await
}

/// Waits until so many jobs hold a slot of this worker.
async fn running(address: &str, jobs: usize) {
    let all = async {
        let line = format!("scriptmill_jobs_running {jobs}\n");
        while !support::get(address, "/metrics").await.is_some_and(|metrics| metrics.contains(&line)) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, all).await.expect("the jobs run");
}

/// The process in which this worker runs jobs in quarantine, once it has one.
async fn apart(worker: &Child) -> u32 {
    let parent = worker.id().expect("it runs");
    let found = async {
        loop {
            for id in
                fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            {
                let read = |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
                let stat = read("stat");
                let is_child = stat
                    .rsplit_once(") ")
                    .is_some_and(|(_, rest)| rest.split(' ').nth(1).is_some_and(|ppid| ppid == parent.to_string()));
                if is_child && read("cmdline").contains("quarantine-child") {
                    return id;
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, found).await.expect("a job runs in quarantine")
}

async fn kill(id: u32) {
    assert!(Command::new("kill").args(["-9", &id.to_string()]).status().await.unwrap().success());
}

/// Takes the outcomes of so many jobs, by their id.
async fn outcomes(rabbit: &Rabbit, queue: &str, count: usize) -> HashMap<String, (Outcome, Message)> {
    let mut taken = HashMap::new();
    while taken.len() < count {
        let message = timeout(LONG, rabbit.take(queue)).await.expect("an outcome");
        let outcome: Outcome = serde_json::from_slice(&message.body).unwrap();
        taken.insert(outcome.job_id.clone(), (outcome, message));
    }
    taken
}

/// Kills processes in which this worker runs jobs in quarantine, until there is an outcome.
async fn kill_until_answered(rabbit: &Rabbit, worker: &Child, queue: &str) -> (Outcome, Message) {
    let answered = async {
        loop {
            let child = apart(worker).await;
            // Time to be asked: one that dies before is nobody's fault.
            sleep(Duration::from_millis(700)).await;
            // It may be gone, since the job is.
            let _ = Command::new("kill").args(["-9", &child.to_string()]).status().await;
            sleep(Duration::from_millis(200)).await;
            if let Some(message) = rabbit.try_take(queue).await {
                return (serde_json::from_slice(&message.body).unwrap(), message);
            }
        }
    };
    timeout(LONG, answered).await.expect("the job is set aside")
}

/// What a job that was set aside leaves.
async fn set_aside(rabbit: &Rabbit, (outcome, message): &(Outcome, Message), crashes: u32) {
    let Ending::Failed(failure) = &outcome.ending else { panic!("{outcome:?}") };
    assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str()), ("killer", "acme"));
    assert_eq!((failure.code, failure.retryable), (Code::WorkersDied, false));
    assert_eq!(message.properties.envelope().attempt, 3);
    let letter = timeout(LONG, rabbit.take(&rabbit.names.dead)).await.expect("a dead letter");
    let Envelope { message_id, crashes: counted, history, .. } = letter.properties.envelope();
    assert_eq!((message_id.as_deref(), counted), (Some("killer"), crashes));
    assert_eq!(history.len() as u32, 1 + crashes + 1, "{history:?}");
    let headers = letter.properties.as_ref().headers().clone().unwrap();
    assert!(headers.inner().get(CODE).is_some(), "{headers:?}");
    assert_eq!(rabbit.ready(&rabbit.names.dead).await, 0, "nobody else is set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_workers_is_set_aside_and_its_neighbours_run() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (mut first, address) = started(rabbit).await;
        for n in 0..3 {
            put(
                rabbit,
                &format!("neighbour-{n}"),
                "export default async () => { await sleep(6_000); return 1; };",
                &queue,
            )
            .await;
        }
        put(rabbit, "killer", KILLER, &queue).await;
        running(&address, 4).await;
        first.kill().await.unwrap();
        let (second, _) = started(rabbit).await;
        // In quarantine the neighbours take as long as before; one process runs them all.
        let taken = outcomes(rabbit, &queue, 3).await;
        for (id, (outcome, message)) in &taken {
            assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{id}: {:?}", outcome.ending);
            assert_eq!(message.properties.envelope().attempt, 2, "{id}");
        }
        let killer = kill_until_answered(rabbit, &second, &queue).await;
        set_aside(rabbit, &killer, 2).await;
        // Others go on.
        put(rabbit, "after", NEIGHBOUR, &queue).await;
        outcomes(rabbit, &queue, 1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_worker_that_died_run_side_by_side_in_one_process() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (mut first, address) = start_command("work", &[], rabbit).await;
        for n in 0..9 {
            let source = "export default async () => { const began = Date.now(); await sleep(5_000); return [began, Date.now()]; };";
            put(rabbit, &format!("job-{n}"), source, &queue).await;
        }
        running(&address, 9).await;
        first.kill().await.unwrap();
        let (_second, _) = start_command("work", &[], rabbit).await;
        let times = outcomes(rabbit, &queue, 9).await.into_values().map(|(outcome, _)| {
            let Ending::Succeeded(value) = &outcome.ending else { panic!("{outcome:?}") };
            serde_json::from_str::<[u64; 2]>(value.get()).unwrap()
        });
        let (last_began, first_ended) =
            times.fold((0, u64::MAX), |(began, ended), time| (began.max(time[0]), ended.min(time[1])));
        assert!(last_began < first_ended, "one waited for another: {last_began} is not before {first_ended}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_with_its_quarantine_counts_as_one_death() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let (mut first, address) = started(rabbit).await;
        put(rabbit, "killer", KILLER, &queue).await;
        running(&address, 1).await;
        first.kill().await.unwrap();
        let (mut second, _) = started(rabbit).await;
        let child = apart(&second).await;
        sleep(Duration::from_millis(700)).await;
        second.kill().await.unwrap();
        // It does not outlive its worker.
        let gone = async {
            while fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LONG, gone).await.expect("the process of the quarantine ends with its worker");
        let (third, _) = started(rabbit).await;
        kill(apart(&third).await).await;
        let killer = kill_until_answered(rabbit, &third, &queue).await;
        set_aside(rabbit, &killer, 2).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_charges_nobody() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let address = rabbit.proxy.address.uri().to_string();
        let settings = [SETTINGS.as_slice(), &[("SCRIPTMILL_BROKER__ADDRESSES", address.as_str())]].concat();
        let (_worker, address) = start_command("work", &settings, rabbit).await;
        for n in 0..4 {
            put(
                rabbit,
                &format!("job-{n}"),
                "export default async (input, ctx) => { await sleep(3_000); return ctx.attempt; };",
                &queue,
            )
            .await;
        }
        running(&address, 4).await;
        rabbit.proxy.cut();
        for (id, (outcome, message)) in outcomes(rabbit, &queue, 4).await {
            let Ending::Succeeded(_) = &outcome.ending else { panic!("{id}: {:?}", outcome.ending) };
            assert!(message.properties.envelope().attempt >= 2, "{id}");
        }
        assert_eq!(rabbit.ready(&rabbit.names.quarantine).await, 0);
        assert_eq!(rabbit.ready(&rabbit.names.dead).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_again_and_again_is_no_death() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let address = rabbit.proxy.address.uri().to_string();
        let settings = [SETTINGS.as_slice(), &[("SCRIPTMILL_BROKER__ADDRESSES", address.as_str())]].concat();
        let (_worker, address) = start_command("work", &settings, rabbit).await;
        // It runs until it has been delivered five times, four of them in quarantine.
        let source = "export default async (input, ctx) => { if (ctx.attempt < 5) await sleep(600_000); return 1; };";
        put(rabbit, "innocent", source, &queue).await;
        running(&address, 1).await;
        let cut_until_answered = async {
            for pause in 1.. {
                rabbit.proxy.cut();
                // Longer each time: a slow machine needs more to be there again.
                if let Ok(message) = timeout(Duration::from_secs(pause), rabbit.take(&queue)).await {
                    return serde_json::from_slice::<Outcome>(&message.body).unwrap();
                }
            }
            unreachable!("it goes on for ever")
        };
        let outcome = timeout(LONG, cut_until_answered).await.expect("an outcome");
        assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
        assert_eq!(rabbit.ready(&rabbit.names.dead).await, 0);
    })
    .await;
}

/// With two deaths in all a job is set aside after one that is charged.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_one_worker_alone_loses_is_no_death() {
    with_rabbit(async |rabbit| {
        let queue = rabbit.declare_requester("replies").await;
        let address = rabbit.proxy.address.uri().to_string();
        let strict = [SETTINGS.as_slice(), &[("SCRIPTMILL_WORKER__QUARANTINE__DEATHS", "2")]].concat();
        let behind = [strict.as_slice(), &[("SCRIPTMILL_BROKER__ADDRESSES", address.as_str())]].concat();
        let (unlucky, address) = start_command("work", &behind, rabbit).await;
        let source = "export default async (input, ctx) => { if (ctx.attempt < 3) await sleep(600_000); return 1; };";
        put(rabbit, "innocent", source, &queue).await;
        running(&address, 1).await;
        rabbit.proxy.cut();
        apart(&unlucky).await;
        // The other one is idle, so the broker sends it what it takes back. It must have listened for a while.
        let (_lucky, _) = start_command("work", &strict, rabbit).await;
        sleep(Duration::from_secs(12)).await;
        rabbit.proxy.cut();
        let (outcome, message) = outcomes(rabbit, &queue, 1).await.remove("innocent").unwrap();
        assert!(matches!(outcome.ending, Ending::Succeeded(_)), "{:?}", outcome.ending);
        assert_eq!(message.properties.envelope().attempt, 3);
        assert_eq!(rabbit.ready(&rabbit.names.dead).await, 0);
    })
    .await;
}
