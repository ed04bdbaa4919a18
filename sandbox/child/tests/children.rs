//! Children that work, die, take too long, are killed, and try what they must not.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use scriptmill_child::{Asked, Bounds, Child, Failed, Gone, Program, Shared, serve, serve_shared};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::Receiver;

/// Makes this program the child.
const SERVE: &str = "--serve";
/// Makes it a child that works on several requests at one time.
const SERVE_SHARED: &str = "--serve-shared";

const BOUNDS: Bounds = Bounds {
    children: 2,
    memory_bytes: 512 << 20,
    time: Duration::from_secs(60),
    wall_time: Duration::from_secs(600),
    queue: 16,
    answer_bytes: 1 << 20,
};

fn trial(name: &str, case: fn()) -> Trial {
    Trial::test(name, move || {
        case();
        Ok(())
    })
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(SERVE) => return serve(8 << 20, |request| answer(str::from_utf8(request).unwrap()).into_bytes()),
        Some(SERVE_SHARED) => return serve_shared(8 << 20, hold_and_release),
        _ => {}
    }
    let trials = vec![
        trial("a child has no rights but to work", confined),
        trial("a child opens nothing that its parent had open", descriptors),
        trial("the time of a child is its processor's", processor_time),
        trial("a child that gets no processor is not at fault", no_processor),
        trial("a child that is killed is not at fault", killed),
        trial("a child that dies is at fault", died),
        trial("a slow request does not hold up a quick one", side_by_side),
        trial("a shared child answers in any order", shared_in_any_order),
        trial("a shared child that dies says over how many requests", shared_died),
        trial("a shared child outlives a caller that leaves others behind, and no other", shared_left),
        trial("a shared child rests", shared_rests),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What the child does when it is asked.
fn answer(request: &str) -> String {
    let tried = |result: io::Result<()>| result.map_or_else(|error| error.kind().to_string(), |()| "done".to_owned());
    match request {
        "read a file" => tried(fs::read("/etc/passwd").map(drop)),
        "write a file" => tried(fs::write("/tmp/scriptmill-child-was-here", "x")),
        "list a folder" => tried(fs::read_dir("/").map(drop)),
        "listen" => tried(TcpListener::bind("127.0.0.1:0").map(drop)),
        "send" => tried(UdpSocket::bind("127.0.0.1:0").map(drop)),
        "a pair of sockets" => tried(UnixStream::pair().map(drop)),
        "run a program" => tried(Command::new("/bin/true").status().map(drop)),
        "start a thread" => tried(thread::Builder::new().spawn(|| {}).map(drop)),
        "allocate" => format!("{}", vec![1_u8; 16 << 20].iter().map(|byte| usize::from(*byte)).sum::<usize>()),
        "panic" => match std::panic::catch_unwind(|| panic!("said on stderr")) {
            Ok(()) => "no".to_owned(),
            Err(_) => "caught".to_owned(),
        },
        "spin" => loop {
            std::hint::spin_loop();
        },
        "sleep" => loop {
            thread::sleep(Duration::from_secs(1));
        },
        "abort" => std::process::abort(),
        "pid" => std::process::id().to_string(),
        _ => match request.strip_prefix("signal ").and_then(|pid| rustix::process::Pid::from_raw(pid.parse().ok()?)) {
            Some(pid) => {
                tried(rustix::process::kill_process(pid, rustix::process::Signal::WINCH).map_err(io::Error::from))
            }
            None => "what?".to_owned(),
        },
    }
}

fn child(bounds: Bounds) -> Child {
    named("", bounds)
}

/// A child that can be told from those of other tests by its last argument.
fn named(name: &str, bounds: Bounds) -> Child {
    let program = Program { path: std::env::current_exe().unwrap(), arguments: vec![SERVE.into(), name.into()] };
    Child::new(program, bounds).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn ask(child: &Child, request: &str) -> Result<String, Failed> {
    runtime().block_on(child.call(request.into())).map(|answer| String::from_utf8(answer).unwrap())
}

fn confined() {
    let child = child(BOUNDS);
    for request in [
        "read a file",
        "write a file",
        "list a folder",
        "listen",
        "send",
        "a pair of sockets",
        "run a program",
        "start a thread",
        &format!("signal {}", std::process::id()),
    ] {
        let said = ask(&child, request).unwrap();
        let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::WouldBlock].map(|kind| kind.to_string());
        // glibc says of a clone that is refused that there is no room for it.
        assert!(said == refused[0] || (request == "start a thread" && said == refused[1]), "{request}: {said}");
    }
    assert_eq!(ask(&child, "allocate").unwrap(), (16 << 20).to_string());
    assert_eq!(ask(&child, "panic").unwrap(), "caught");
}

fn descriptors() {
    // Left open for whoever is started, as a careless shell does.
    let file = File::open("/etc/passwd").unwrap();
    let left_open = rustix::io::fcntl_dupfd_cloexec(&file, 50).unwrap();
    rustix::io::fcntl_setfd(&left_open, rustix::io::FdFlags::empty()).unwrap();
    let child = child(Bounds { children: 1, ..BOUNDS });
    let pid = ask(&child, "pid").unwrap();
    let seen = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    assert_eq!(seen, 3, "beside its pipes the child has something open, such as {}", left_open.as_raw_fd());
}

fn processor_time() {
    let limit = Duration::from_millis(200);
    let bounds = Bounds { time: limit, wall_time: Duration::from_secs(60), ..BOUNDS };
    let child = child(bounds);
    assert_eq!(ask(&child, "spin"), Err(Failed::TookTooLong(limit)));
    // The next one has a child of its own.
    assert_eq!(ask(&child, "allocate").unwrap(), (16 << 20).to_string());
}

fn no_processor() {
    let bounds = Bounds { time: Duration::from_millis(200), wall_time: Duration::from_millis(600), ..BOUNDS };
    // It sleeps, as a child does that others keep from the processor: by the clock it takes far longer than it may.
    let said = ask(&child(bounds), "sleep");
    assert!(matches!(said, Err(Failed::Stopped(_))), "{said:?}");
}

fn killed() {
    let child = named("killed", Bounds { children: 1, ..BOUNDS });
    let kill = |pid: &str| {
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    };
    // Once is nothing to the request.
    kill(&ask(&child, "pid").unwrap());
    assert_eq!(ask(&child, "allocate").unwrap(), (16 << 20).to_string());
    let first = ask(&child, "pid").unwrap();
    let asking = thread::spawn({
        let child = child.clone();
        move || ask(&child, "sleep")
    });
    // The one that runs, and the one that takes over its request.
    kill(&first);
    let second = successor(&first);
    kill(&second);
    let said = asking.join().unwrap();
    assert!(matches!(said, Err(Failed::Stopped(_))), "{said:?}");
    assert_ne!(ask(&child, "pid").unwrap(), first);
}

/// The process id of the child that came after this one.
fn successor(first: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let pid = entry.file_name().to_string_lossy().into_owned();
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1).map(str::to_owned));
            let is_ours = fs::read(entry.path().join("cmdline")).is_ok_and(|line| line.ends_with(b"killed\0"));
            if pid != first && is_ours && parent == Some(std::process::id().to_string()) && confined_already(&pid) {
                return pid;
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("no child took over");
}

/// Whether a child has got as far as to answer requests.
fn confined_already(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("Seccomp:") && line.ends_with('2'))
}

fn died() {
    let said = ask(&child(BOUNDS), "abort");
    assert!(matches!(said, Err(Failed::Died(_))), "{said:?}");
}

fn side_by_side() {
    let child = child(BOUNDS);
    let runtime = runtime();
    let (slow, quick) = (child.call(b"spin".to_vec()), child.call(b"allocate".to_vec()));
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = slow => panic!("it never ends"),
            answer = quick => assert!(answer.is_ok()),
        }
    });
}

/// What a shared child does: it holds what it is asked until it is asked to release all, the last first.
fn hold_and_release(mut asked: Receiver<Asked>) {
    let mut held = Vec::new();
    while let Some(asked) = asked.blocking_recv() {
        match asked {
            Asked::Request(request) if request.body() == b"release" => {
                for request in held.drain(..).rev().chain([request]) {
                    request.answer(&[request.body(), b" of ", std::process::id().to_string().as_bytes()].concat());
                }
            }
            Asked::Request(request) if request.body() == b"abort" => std::process::abort(),
            Asked::Request(request) => held.push(request),
            Asked::Unwanted(number) => {
                for request in held.extract_if(.., |request| request.number() == number) {
                    request.answer(b"");
                }
            }
        }
    }
}

fn shared() -> Shared {
    let program = Program { path: std::env::current_exe().unwrap(), arguments: vec![SERVE_SHARED.into()] };
    Shared::new(program, 1 << 10)
}

async fn call(shared: &Shared, request: &str) -> Result<String, Gone> {
    shared.call(request.into()).await.map(|answer| String::from_utf8(answer).unwrap())
}

/// The process that answers.
async fn pid(shared: &Shared) -> String {
    call(shared, "release").await.unwrap().replace("release of ", "")
}

fn shared_in_any_order() {
    let shared = shared();
    runtime().block_on(async {
        let (first, second, pid) = tokio::join!(call(&shared, "1"), call(&shared, "2"), pid(&shared));
        assert_eq!((first.unwrap(), second.unwrap()), (format!("1 of {pid}"), format!("2 of {pid}")));
    });
}

fn shared_died() {
    let shared = shared();
    runtime().block_on(async {
        let died = call(&shared, "abort").await;
        assert!(matches!(&died, Err(Gone::Alone(how)) if how.contains("signal: 6")), "{died:?}");
        let (first, died) = tokio::join!(call(&shared, "1"), call(&shared, "abort"));
        assert!(matches!((&first, &died), (Err(Gone::Beside(_)), Err(Gone::Beside(_)))), "{first:?}, {died:?}");
        // What was answered before is not among them.
        pid(&shared).await;
        let died = call(&shared, "abort").await;
        assert!(matches!(died, Err(Gone::Alone(_))), "{died:?}");
        pid(&shared).await;
    });
    let absent = Shared::new(Program { path: "/nowhere".into(), arguments: Vec::new() }, 1);
    let said = runtime().block_on(absent.call(b"1".to_vec()));
    assert!(matches!(&said, Err(Gone::Unavailable(why)) if why.contains("/nowhere")), "{said:?}");
}

fn shared_left() {
    let shared = shared();
    runtime().block_on(async {
        let before = pid(&shared).await;
        let mut stays = Box::pin(call(&shared, "stays"));
        let mut leaves = Box::pin(call(&shared, "leaves"));
        tokio::select! {
            _ = &mut stays => panic!("nobody released it"),
            _ = &mut leaves => panic!("nobody released it"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        drop(leaves);
        let (stayed, during) = tokio::join!(stays, pid(&shared));
        assert_eq!((stayed.unwrap(), during), (format!("stays of {before}"), before.clone()));
        let mut leaves = Box::pin(call(&shared, "leaves"));
        tokio::select! {
            _ = &mut leaves => panic!("nobody released it"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        drop(leaves);
        assert_ne!(pid(&shared).await, before, "it works on for nobody");
    });
}

fn shared_rests() {
    let shared = shared();
    runtime().block_on(async {
        let before = pid(&shared).await;
        let (held, ()) = tokio::join!(call(&shared, "1"), async {
            shared.rest();
            pid(&shared).await;
        });
        assert_eq!(held.unwrap(), format!("1 of {before}"), "it rested while it worked");
        shared.rest();
        assert_ne!(pid(&shared).await, before);
    });
}
