#![allow(clippy::unwrap_used, reason = "tests")]
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use scriptmill_sandbox::TokioClock;
use scriptmill_scaling::{Demand, Observed, Policy, Slots, State as How, Term};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::scale::{Explanation, Reading, Signal, Unavailable};

/// A signal that shows what a test has set.
struct Fixed(Mutex<Result<Demand, String>>);

/// The group has a name that a page must not take for markup.
const GROUP: &str = "<b>de&fault</b>";

impl Signal for Fixed {
    fn groups(&self) -> Vec<String> {
        vec![GROUP.to_owned()]
    }

    fn read(&self, group: &str) -> Result<Reading, Unavailable> {
        if group != GROUP {
            return Err(Unavailable::UnknownGroup(group.to_owned()));
        }
        let age = Duration::from_millis(1_500);
        let unknown = |reason| Unavailable::Unknown { group: group.to_owned(), reason };
        let known = self.0.lock().unwrap().clone();
        known.map(|demand| Reading { demand, age, computed: SystemTime::UNIX_EPOCH }).map_err(unknown)
    }

    fn changes(&self) -> watch::Receiver<()> {
        watch::channel(()).1
    }
}

fn demand() -> Demand {
    let slots = Slots { load: 60.0, promise: 62.0, drain: 70.0, floor: 52.0 };
    let observed = Observed {
        workers: 8,
        slots: 64.0,
        busy: 52.0,
        backlog: 12.0,
        arrivals_per_second: 102.0,
        service_seconds: 0.5,
        service_variation: 1.0,
        offered_load: 51.0,
        slots_per_worker: 8.0,
        ..Observed::default()
    };
    Demand { replicas: 9, state: How::Ok, winner: Term::Drain, slots, places: 0.0, observed }
}

struct Server {
    address: SocketAddr,
    is_ready: Arc<AtomicBool>,
    is_stalled: Arc<AtomicBool>,
    signal: Arc<Fixed>,
    explainer: Arc<Explainer>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let is_ready = Arc::new(AtomicBool::new(false));
        let mut registry = Registry::with_prefix("scriptmill");
        let jobs = Counter::<u64>::default();
        registry.register("jobs", "Jobs settled", jobs.clone());
        jobs.inc_by(7);
        let bound = bind(ListenAddress::At(SocketAddr::from(([127, 0, 0, 1], 0)))).await.unwrap().unwrap();
        let (address, stop) = (bound.address(), CancellationToken::new());
        let seen = is_ready.clone();
        let not_ready = move || (!seen.load(Ordering::Relaxed)).then(|| "no broker is connected".to_owned());
        let signal = Arc::new(Fixed(Mutex::new(Ok(demand()))));
        let clock = Arc::new(TokioClock::new(tokio::runtime::Handle::current()));
        let explainer = Arc::new(Explainer::new(signal.clone(), GROUP.to_owned(), Policy::default(), clock));
        let (metrics, not_ready) = (Arc::new(registry), Arc::new(not_ready));
        let is_stalled = Arc::new(AtomicBool::new(false));
        let seen = is_stalled.clone();
        let not_live = Arc::new(move || seen.load(Ordering::Relaxed).then(|| "no progress".to_owned()));
        let admin = Admin { not_live, not_ready, metrics, explainer: explainer.clone() };
        let served = tokio::spawn(serve(bound, admin, stop.clone()));
        Self { address, is_ready, is_stalled, signal, explainer, stop, served }
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn ends(self) {
        self.stop.cancel();
        self.served.await.unwrap();
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
const CURL: &str = "Accept: */*\r\n";

#[tokio::test]
async fn each_path_says_what_it_is_for() {
    let server = Server::start().await;
    for (now, path, status, text) in [
        (false, "/livez", "200", "ok"),
        (false, "/readyz", "503", "not ready: no broker is connected"),
        (false, "/health", "503", "no broker is connected"),
        (true, "/readyz", "200", "ready"),
        (true, "/health", "200", "ready"),
        (true, "/metrics", "200", "scriptmill_jobs_total 7"),
        (true, "/elsewhere", "404", ""),
    ] {
        server.is_ready.store(now, Ordering::Relaxed);
        let answer = server.get(path, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains(text), "{path}: {answer}");
    }
    server.is_stalled.store(true, Ordering::Relaxed);
    let answer = server.get("/livez", "").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("not live: no progress\n"), "{answer}");
    server.ends().await;
}

#[tokio::test]
async fn a_taken_port_is_told_before_anything_begins() {
    let at = |address| bind(ListenAddress::At(address));
    let first = at(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap().unwrap();
    let message = format!("{:#}", at(first.address()).await.err().unwrap());
    assert!(message.contains("http.address: ") && message.contains("in use"), "{message}");
}

#[tokio::test]
async fn the_number_is_explained_to_programs_and_to_people() {
    let server = Server::start().await;
    server.explainer.remember();
    let (page, json) = ("content-type: text/html; charset=utf-8", "content-type: application/json");
    for (path, headers, kind) in [
        ("/scaling/explain", CURL, json),
        ("/scaling/explain", BROWSER, page),
        ("/scaling/explain?format=json", BROWSER, json),
        ("/scaling/explain?format=html", CURL, page),
        ("/scaling/explain?group=%3Cb%3Ede%26fault%3C%2Fb%3E", CURL, json),
    ] {
        let answer = server.get(path, headers).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        for header in [kind, "content-security-policy: default-src 'none';", "cache-control: no-store"] {
            assert!(answer.contains(header), "{path}: {header} is not in {answer}");
        }
    }
    let answer = server.get("/scaling/explain", CURL).await;
    let explanation: Explanation = serde_json::from_str(body(&answer)).unwrap();
    let number = explanation.number.unwrap();
    assert_eq!((number.replicas, number.winner, number.age_seconds), (9, Term::Drain, 1.5));
    assert_eq!(number.arithmetic, demand().arithmetic(&Policy::default()));
    let replicas: Vec<_> = number.outlooks.iter().map(|outlook| outlook.replicas).collect();
    assert_eq!((replicas, explanation.last_hour.len(), explanation.error), (vec![8, 9, 10], 1, None));
    assert_eq!(explanation.last_hour[0].known.unwrap().drain, 8.75);

    let answer = server.get("/scaling/explain", BROWSER).await;
    assert_eq!(answer.matches("<figure>").count(), 4, "{answer}");
    for text in [
        "<p class=\"number\">9 workers",
        "9 replicas, since 12 jobs wait, and 70.0 slots are needed to run them in time.",
        "drain          52 in use, and for 12 waiting jobs and those to come in time: 70.00 slots = 8.75 replicas",
        "Group &lt;b&gt;de&amp;fault&lt;/b&gt;",
    ] {
        assert!(answer.contains(text), "{text} is not in {answer}");
    }
    assert!(!answer.contains("<b>") && !answer.contains("<script"), "{answer}");
    server.ends().await;
}

#[tokio::test]
async fn what_is_unknown_is_told_with_the_reason_and_what_was_known() {
    let server = Server::start().await;
    server.explainer.remember();
    *server.signal.0.lock().unwrap() = Err("no broker is connected".to_owned());
    let json = server.get("/scaling/explain", CURL).await;
    assert!(json.starts_with("HTTP/1.1 503"), "{json}");
    let explanation: Explanation = serde_json::from_str(body(&json)).unwrap();
    let reason = format!("the load of worker group {GROUP} is unknown: no broker is connected");
    assert_eq!((explanation.number, explanation.error), (None, Some(reason)));
    assert!(!body(&json).contains("\"number\""), "{json}");
    assert_eq!(explanation.last_hour[0].known.unwrap().replicas, 9);
    let page = server.get("/scaling/explain", BROWSER).await;
    assert!(page.starts_with("HTTP/1.1 503"), "{page}");
    assert!(page.contains("is unknown: no broker is connected.") && page.contains("<figure>"), "{page}");

    let json = server.get("/scaling/explain?group=%3Ci%3E", CURL).await;
    assert!(json.starts_with("HTTP/1.1 404"), "{json}");
    assert_eq!(body(&json), format!("{{\"error\":\"there is no worker group <i>\",\"groups\":[\"{GROUP}\"]}}"));
    let page = server.get("/scaling/explain?group=%3Ci%3E", BROWSER).await;
    assert!(page.starts_with("HTTP/1.1 404") && page.contains("there is no worker group &lt;i&gt;"), "{page}");
    assert!(!page.contains("<b>") && !page.contains("<i>"), "{page}");

    for path in ["/scaling/explain?format=xml", "/scaling/explain?grup=default"] {
        let answer = server.get(path, CURL).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("group=NAME and format=json|html"), "{answer}");
    }
    server.ends().await;
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let server = Server::start().await;
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let plain = "text/plain; version=0.0.4; charset=utf-8";
    let prometheus = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1\r\n";
    for (headers, kind) in [
        (prometheus, open),
        ("Accept: text/plain, application/openmetrics-text\r\n", open),
        ("Accept: text/plain\r\nAccept: application/openmetrics-text\r\n", open),
        ("Accept: text/plain;version=0.0.4\r\n", plain),
        (BROWSER, plain),
        (CURL, plain),
        ("", plain),
    ] {
        // OpenMetrics names a family of counters without the ending of its samples, and says where the text ends.
        let (family, end) = match kind == open {
            true => ("# TYPE scriptmill_jobs counter\n", "\nscriptmill_jobs_total 7\n# EOF\n"),
            false => ("# TYPE scriptmill_jobs_total counter\n", "\nscriptmill_jobs_total 7\n"),
        };
        let answer = server.get("/metrics", headers).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{headers}: {answer}");
        assert!(answer.contains(&format!("content-type: {kind}\r\n")), "{headers}: {answer}");
        assert!(body(&answer).contains(family) && answer.ends_with(end), "{headers}: {answer}");
    }
    server.ends().await;
}
