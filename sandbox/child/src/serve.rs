//! The child's side.

use std::io;
use std::process::ExitCode;
use std::thread;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::{confine, packet};

/// The child's side: answers requests from stdin on stdout until stdin ends, on a thread with `stack_bytes` of stack.
/// It first gives up every right but that to work on what it is sent (`confine.rs`); the parent's first packet sets how much
/// address space there is. Nothing else may write to stdout.
pub fn serve(stack_bytes: usize, answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> ExitCode {
    let lacking = confine::before_threads();
    serve_on_thread(stack_bytes, Some(lacking), answer)
}

/// As [`serve`], for a child that needs its rights, to map code and start processes of its own: it gives up none. Where memory runs out,
/// the system kills it before any other process.
pub fn serve_with_rights(stack_bytes: usize, answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> ExitCode {
    // Elsewhere than on Linux there is no such file, and nothing to be said.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    serve_on_thread(stack_bytes, None, answer)
}

/// Answers on a thread of its own. `lacking` says which rights could not be given up so far, where all are to be.
fn serve_on_thread(
    stack_bytes: usize,
    lacking: Option<Vec<String>>,
    answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static,
) -> ExitCode {
    let worker = thread::Builder::new().name("serve".into()).stack_size(stack_bytes);
    let served = worker.spawn(move || answer_requests(lacking, answer)).map(thread::JoinHandle::join);
    match served {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) | Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(Err(_)) => ExitCode::FAILURE,
    }
}

fn answer_requests(lacking: Option<Vec<String>>, mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    // A parent that dies while the child is busy takes it along; else the child sees the end of stdin.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let Some(bounds) = packet::read(&mut stdin, 8)? else { return Ok(()) };
    let memory_bytes = u64::from_le_bytes(bounds.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    for (resource, bound) in [(Resource::As, memory_bytes), (Resource::Core, 0)] {
        if bound < u64::MAX {
            setrlimit(resource, Rlimit { current: Some(bound), maximum: Some(bound) })?;
        }
    }
    let lacking = lacking.map_or_else(Vec::new, |lacking| lacking.into_iter().chain(confine::for_good()).collect());
    packet::write(&mut stdout, lacking.join(", ").as_bytes())?;
    while let Some(request) = packet::read(&mut stdin, u32::MAX)? {
        packet::write(&mut stdout, &answer(&request))?;
    }
    Ok(())
}
