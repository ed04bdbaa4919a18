//! Many jobs and few threads: who waits where, and what is shared.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use scriptmill_sandbox::prepare::{Bounds, Checker};
use scriptmill_sandbox::{Clock, Execution, Invocation, Options, Sandbox, TokioClock};
use scriptmill_sdk::{Bundle, Ending};
use tokio::sync::Notify;

type Running = Pin<Box<dyn Future<Output = Execution> + Send>>;

fn options() -> Options {
    common::options(Checker::in_process(Bounds::default()))
}

fn start(sandbox: &Sandbox, source: &str) -> Running {
    let (sandbox, bundle) = (sandbox.clone(), common::single("main.js", source));
    Box::pin(async move { sandbox.execute(&bundle, common::invocation("null")).await })
}

fn value(execution: &Execution) -> &str {
    match &execution.ending {
        Ending::Succeeded(value) => value.get(),
        ending => panic!("{ending:#?}"),
    }
}

fn poll(running: &mut Running) -> Poll<Execution> {
    running.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Sleeps end when the test says so; the deadline of a job never comes.
#[derive(Default)]
struct Patient {
    sleeps: AtomicUsize,
    over: Arc<Notify>,
}

impl Clock for Patient {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration > Duration::from_secs(5) {
            return Box::pin(std::future::pending());
        }
        let over = self.over.clone();
        self.sleeps.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { over.notified().await })
    }
}

#[test]
fn a_waiting_script_goes_on_on_another_thread() {
    let clock = Arc::new(Patient::default());
    let sandbox = common::new_sandbox(Options { clock: clock.clone(), ..options() });
    let mut running = start(
        &sandbox,
        "export default async () => {
           const kept = { steps: [] };
           const add = (n) => (n ? add(n - 1) + 1 : 0);
           for (let n = 0; n < 3; n++) { kept.steps.push(add(500) + n); await sleep(1000); }
           return kept;
         };",
    );
    for sleeps in 1..=3 {
        let polled = clock.clone();
        running = thread::spawn(move || {
            while polled.sleeps.load(Ordering::SeqCst) < sleeps {
                assert!(poll(&mut running).is_pending());
            }
            assert!(poll(&mut running).is_pending(), "it waits");
            running
        })
        .join()
        .unwrap();
        clock.over.notify_one();
    }
    let last = thread::spawn(move || {
        loop {
            if let Poll::Ready(execution) = poll(&mut running) {
                return execution;
            }
        }
    });
    assert_eq!(value(&last.join().unwrap()), r#"{"steps":[500,501,502]}"#);
}

/// A clock that is an hour further on at each look.
struct Corrected(TokioClock, AtomicUsize);

impl Clock for Corrected {
    fn now(&self) -> Duration {
        Duration::from_secs(3600 * self.1.fetch_add(1, Ordering::SeqCst) as u64)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }
}

#[test]
fn the_clock_of_the_machine_may_be_set_while_a_script_waits() {
    let clock = Corrected(TokioClock::new(common::runtime()), AtomicUsize::new(500_000));
    let sandbox = common::new_sandbox(Options { clock: Arc::new(clock), ..options() });
    let bundle = common::single(
        "main.js",
        "export default async () => { const start = Date.now(); await sleep(5); return Date.now() - start < 60000; };",
    );
    let job = Invocation { clock_ms: None, ..common::invocation("null") };
    assert_eq!(value(&common::wait(sandbox.execute(&bundle, job))), "true");
}

/// A clock by which every wait is over at once.
struct Hurried;

impl Clock for Hurried {
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[test]
fn console_time_tells_each_span_in_the_unit_that_suits_it() {
    let sandbox = common::new_sandbox(Options { clock: Arc::new(Hurried), ..options() });
    let source = "export default async () => {
           for (const ms of [1.5, 25, 1500, 61500, 3661250]) {
             console.time('the wait');
             await sleep(ms);
             console.timeEnd('the wait');
           }
           return 1;
         };";
    let execution = common::wait(start(&sandbox, source));
    assert_eq!(value(&execution), "1");
    let logs: Vec<_> = execution.logs.iter().map(|line| line.text.as_str()).collect();
    // As Node writes them.
    let spans = ["1.5ms", "25ms", "1.500s", "1:01.500 (m:ss.mmm)", "1:01:01.250 (h:mm:ss.mmm)"];
    assert_eq!(logs, spans.map(|span| format!("the wait: {span}")));
}

#[test]
fn a_running_script_changes_threads_between_slices() {
    let sandbox = common::new_sandbox(options());
    let mut running = start(
        &sandbox,
        "export default () => { let n = 0; while (n < 200000) n++; return [n, /(a+)b/.exec('aab')[1]]; };",
    );
    let mut slices = 0;
    let execution = loop {
        let polled = thread::spawn(move || {
            let polled = poll(&mut running);
            (running, polled)
        });
        let polled = polled.join().unwrap();
        running = polled.0;
        if let Poll::Ready(execution) = polled.1 {
            break execution;
        }
        slices += 1;
    };
    assert_eq!(value(&execution), r#"[200000,"aa"]"#);
    assert!(slices > 10, "only {slices} slices");
}

#[test]
fn an_abandoned_job_gives_its_place_back() {
    let clock = Arc::new(Patient::default());
    let sandbox = common::new_sandbox(Options { clock: clock.clone(), instances: 1, ..options() });
    let source = "export default async () => { for (;;) await sleep(1); };";
    for waiting in 1..20 {
        let mut running = start(&sandbox, source);
        while clock.sleeps.load(Ordering::SeqCst) < waiting {
            assert!(poll(&mut running).is_pending());
        }
    }
    for _ in 0..20 {
        let mut running = start(&sandbox, "export default () => { for (;;); };");
        // The job is somewhere within its loop, on a stack of its own.
        for _ in 0..20 {
            assert!(poll(&mut running).is_pending());
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(value(&common::wait(start(&sandbox, "export default () => 1;"))), "1");
}

#[test]
fn five_hundred_scripts_run_with_a_small_cache() {
    let sandbox = common::new_sandbox(Options { image_cache_bytes: 8 << 20, ..options() });
    for number in 0..500 {
        let source = format!("const n = {number};\nexport default () => n * 2;");
        let execution = common::wait(start(&sandbox, &source));
        assert_eq!(value(&execution), (number * 2).to_string());
        assert!(images() <= 60, "{} images after {number} scripts", images());
    }
}

/// Each mapped image holds a file in memory; the sandboxes of other tests hold theirs too.
fn images() -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap();
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("/memfd:")).count()
}

#[test]
fn a_large_image_has_a_file_of_its_own_and_a_small_one_has_not() {
    let sandbox = common::new_sandbox(options());
    let before = images();
    assert_eq!(value(&common::wait(start(&sandbox, "export default () => 1;"))), "1");
    assert_eq!(images(), before);
    let large = "const rows = Array.from({ length: 20_000 }, (_, n) => ({ n }));
        export default () => rows.reduce((sum, row) => sum + row.n, rows.push({ n: 1 }));";
    for _ in 0..3 {
        assert_eq!(value(&common::wait(start(&sandbox, large))), "200010002");
        assert_eq!(images(), before + 1);
    }
}

#[test]
fn many_jobs_of_a_new_script_prepare_it_once() {
    let sandbox = common::new_sandbox(options());
    let bundle: Arc<Bundle> = Arc::new(common::single("main.js", "export default () => 1;"));
    let images = common::wait(join_all((0..64).map(|_| {
        let (sandbox, bundle) = (sandbox.clone(), bundle.clone());
        async { tokio::spawn(async move { sandbox.image(&bundle).await }).await.unwrap() }
    })));
    let images: Vec<_> =
        images.into_iter().map(|image| image.unwrap_or_else(|refusal| panic!("{refusal:?}"))).collect();
    assert!(images.iter().all(|image| Arc::ptr_eq(image, &images[0])));
}

#[test]
fn jobs_above_the_instances_wait_and_none_fails() {
    let sandbox = common::new_sandbox(Options { instances: 2, ..options() });
    let source =
        "export default async () => { await sleep(1); let n = 0; while (n < 9999) n++; await sleep(1); return n; };";
    let jobs = (0..100).map(|_| {
        let running = start(&sandbox, source);
        async { tokio::spawn(running).await.unwrap() }
    });
    for execution in common::wait(join_all(jobs)) {
        assert_eq!(value(&execution), "9999");
    }
}

#[test]
fn no_job_sees_what_those_before_it_wrote() {
    let sandbox = common::new_sandbox(Options { instances: 1, ..options() });
    let source = "const kept = []; let text = '';
        export default (count) => {
          for (let n = 0; n < count; n++) kept.push({ n, text: 'line ' + n });
          text += 'x'.repeat(100 * count);
          return [kept.length, text.length];
        };";
    let bundle = common::single("main.js", source);
    let run = |count: u32| {
        let input = count.to_string();
        let execution =
            common::wait(sandbox.execute(&bundle, Invocation { input: &input, ..common::invocation("null") }));
        assert_eq!(value(&execution), format!("[{count},{}]", 100 * count));
        execution.usage.fuel
    };
    let first = [run(1), run(5_000)];
    // More jobs than those of which one gives its memory's pages back.
    for _ in 0..70 {
        assert_eq!([run(1), run(5_000)], first);
    }
}
