//! The processes in which jobs run in quarantine, and what they are asked.
//!
//! A request is a line of JSON that says what stands around the message, and the message's body behind it. The answer is a
//! [`Ran`] as JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use scriptmill_sandbox::Clock;
use scriptmill_sandbox::child::{self, Asked, Gone, Program, Shared};
use serde::{Deserialize, Serialize};

use super::{Failed, Isolation};
use crate::execute::{Environment, Runner};
use crate::intake::{self, Around, Policy};
use crate::job::{Isolated, Next, Ran, within};

/// The stack of the thread that reads and runs jobs.
const STACK_BYTES: usize = 8 << 20;

/// Processes that run jobs, each started when there is one.
pub struct Processes(Vec<Shared>);

/// What a child is asked beside the message's body.
#[derive(Serialize, Deserialize)]
struct Request<'a> {
    around: Cow<'a, Around>,
    /// Since the epoch.
    received_at: Duration,
}

impl Processes {
    /// `count` children of this program. An answer of one has at most `answer_bytes` bytes.
    pub fn new(program: &Program, count: u16, answer_bytes: u32) -> Self {
        Self((0..count).map(|_| Shared::new(program.clone(), answer_bytes)).collect())
    }
}

impl Isolation for Processes {
    fn run<'a>(&'a self, job: &'a Isolated, process: usize) -> BoxFuture<'a, Result<Ran, Failed>> {
        async move {
            let unavailable = |why: &dyn std::fmt::Display| Failed::Unavailable(why.to_string());
            let child = self.0.get(process).ok_or_else(|| unavailable(&"there is no process of that number"))?;
            let (body, around, received_at) = job.message();
            let request = Request { around: Cow::Borrowed(around), received_at };
            let mut packet = serde_json::to_vec(&request).map_err(|error| unavailable(&error))?;
            packet.push(b'\n');
            packet.extend_from_slice(body);
            match child.call(packet).await {
                // An answer that cannot be read is that of a process whose memory is broken.
                Ok(answer) => serde_json::from_slice(&answer)
                    .map_err(|error| Failed::Died(format!("its answer cannot be read: {error}"))),
                Err(gone @ Gone::Unavailable(_)) => Err(unavailable(&gone)),
                Err(gone @ Gone::Beside(_)) => Err(Failed::Beside(gone.to_string())),
                Err(gone @ Gone::Alone(_)) => Err(Failed::Died(gone.to_string())),
            }
        }
        .boxed()
    }

    fn rest(&self) {
        self.0.iter().for_each(Shared::rest);
    }
}

/// The child's side: runs the jobs that it is sent side by side, until the parent is gone.
pub fn serve<R: Runner>(
    runner: R,
    policy: Policy,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Runtime,
) -> ExitCode {
    child::serve_shared(STACK_BYTES, move |mut asked| {
        let (mut running, mut handles) = (FuturesUnordered::new(), HashMap::new());
        runtime.block_on(async {
            loop {
                tokio::select! {
                    asked = asked.recv() => match asked {
                        Some(Asked::Request(request)) => {
                            let number = request.number();
                            let (runner, policy, clock) = (&runner, &policy, &*clock);
                            let request = Rc::new(request);
                            let asked = request.clone();
                            let run = async move { answer(asked.body(), runner, policy, clock).await };
                            let (run, handle) = abortable(run);
                            handles.insert(number, handle);
                            running.push(run.map(|ran| (request, ran)));
                        }
                        Some(Asked::Unwanted(number)) => _ = handles.remove(&number).map(|handle| handle.abort()),
                        None => break,
                    },
                    Some((request, ran)) = running.next(), if !running.is_empty() => {
                        handles.remove(&request.number());
                        // Writing to memory fails for no value of this type. An empty answer counts as a death where somebody waits for it.
                        let answer = ran.map(|ran| serde_json::to_vec(&ran).unwrap_or_default());
                        request.answer(&answer.unwrap_or_default());
                    }
                }
            }
        });
    })
}

async fn answer<R: Runner>(packet: &[u8], runner: &R, policy: &Policy, clock: &dyn Clock) -> Ran {
    let end = packet.iter().position(|byte| *byte == b'\n').unwrap_or(packet.len());
    let (request, body) = packet.split_at(end);
    let Ok(Request { around, received_at }) = serde_json::from_slice(request) else {
        return Ran::Unreadable(Box::new(policy.broken(String::new(), String::new())));
    };
    let accepted = match intake::read(body.get(1..).unwrap_or_default(), &around, received_at, policy) {
        Ok(accepted) => accepted,
        Err(outcome) => return Ran::Unreadable(outcome),
    };
    let now = u64::try_from(clock.now().as_millis()).unwrap_or(u64::MAX);
    if let Some(start_ms) = accepted.start_ms.filter(|start_ms| *start_ms > now) {
        return Ran::Later(start_ms);
    }
    let next = Next::of(&accepted);
    let environment = Environment { runner, policy, clock };
    let outcome = environment.prepare_and_execute(accepted).await;
    // An answer that is too long for the parent would look like a death.
    let (outcome, _) = within(outcome, policy.message_bytes_max);
    Ran::Ended { outcome: Box::new(outcome), next }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sandbox::{Execution, Invocation, TokioClock};
    use scriptmill_sdk::{Bundle, Code, Ending, Job};
    use serde_json::value::to_raw_value;

    use super::*;
    use crate::service::Options;

    /// Answers with more than a message may hold.
    struct Long;

    impl Runner for Long {
        type Script = ();

        fn engine(&self) -> &str {
            "long"
        }

        async fn ready(&self, _: &Bundle) -> Option<()> {
            Some(())
        }

        async fn prepare(&self, _: &Bundle, _: u64) {}

        async fn run(&self, (): &(), _: Invocation<'_>) -> Execution {
            Execution::unrun(Ending::Succeeded(to_raw_value(&"x".repeat(20 << 10)).unwrap()))
        }
    }

    #[tokio::test]
    async fn an_answer_is_no_longer_than_the_parent_takes() {
        let policy = Policy { message_bytes_max: 10 << 10, ..Options::default().policy(false, "long") };
        let request = Request { around: Cow::Owned(Around::default()), received_at: Duration::ZERO };
        let job = Job::new("a", "acme".parse().unwrap(), Bundle::of("main.ts", "export default () => 1"));
        let packet = [serde_json::to_vec(&request).unwrap(), vec![b'\n'], serde_json::to_vec(&job).unwrap()].concat();
        let clock = TokioClock::new(tokio::runtime::Handle::current());
        let Ran::Ended { outcome, .. } = answer(&packet, &Long, &policy, &clock).await else { panic!("it ran") };
        assert_eq!(outcome.ending.code(), Some(Code::Output));
    }
}
