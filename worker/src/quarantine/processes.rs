//! The processes in which jobs run in quarantine, and what they are asked.
//!
//! A request is a line of JSON that says what stands around the message, and the message's body behind it. The answer is a
//! [`Ran`] as JSON.

use std::borrow::Cow;
use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use scriptmill_sandbox::Clock;
use scriptmill_sandbox::child::{self, Bounds, Child, Program};
use serde::{Deserialize, Serialize};

use super::{Failed, Isolation};
use crate::execute::{Environment, Runner};
use crate::intake::{self, Around, Policy};
use crate::job::{Isolated, Next, Ran, within};
use crate::rules::UNACKNOWLEDGED_MAX;

/// The stack of the thread that answers.
const STACK_BYTES: usize = 8 << 20;

/// Children that run one job at a time each, started when there is one.
pub struct Processes {
    program: Program,
    bounds: Bounds,
    live: Mutex<Option<Child>>,
}

/// What a child is asked beside the message's body.
#[derive(Serialize, Deserialize)]
struct Request<'a> {
    around: Cow<'a, Around>,
    /// Since the epoch.
    received_at: Duration,
}

impl Processes {
    /// Children of this program, so many at one time, which answer with so many bytes at most.
    pub fn new(program: Program, children: u16, answer_bytes: u32) -> Self {
        let bounds = Bounds {
            children: children.into(),
            // The engine reserves far more address space than it uses; what it uses is bounded by the job's limits.
            memory_bytes: u64::MAX,
            // The limits of the job end it far sooner.
            time: UNACKNOWLEDGED_MAX,
            wall_time: UNACKNOWLEDGED_MAX,
            queue: children.into(),
            answer_bytes,
        };
        Self { program, bounds, live: Mutex::default() }
    }

    fn child(&self) -> io::Result<Child> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = &*live {
            return Ok(child.clone());
        }
        let child = Child::new(self.program.clone(), self.bounds)?;
        Ok(live.insert(child).clone())
    }
}

impl Isolation for Processes {
    fn run<'a>(&'a self, job: &'a Isolated) -> BoxFuture<'a, Result<Ran, Failed>> {
        async move {
            let unavailable = |why: &dyn std::fmt::Display| Failed::Unavailable(why.to_string());
            let (body, around, received_at) = job.message();
            let request = Request { around: Cow::Borrowed(around), received_at };
            let mut packet = serde_json::to_vec(&request).map_err(|error| unavailable(&error))?;
            packet.push(b'\n');
            packet.extend_from_slice(body);
            let child = self.child().map_err(|error| unavailable(&error))?;
            match child.call_once(packet).await {
                // An answer that cannot be read is that of a process whose memory is broken.
                Ok(answer) => serde_json::from_slice(&answer)
                    .map_err(|error| Failed::Died(format!("its answer cannot be read: {error}"))),
                Err(error @ child::Failed::Unavailable(_)) => Err(unavailable(&error)),
                Err(error) => Err(Failed::Died(error.to_string())),
            }
        }
        .boxed()
    }

    fn rest(&self) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The child's side: runs one job after the other, until the parent is gone.
pub fn serve<R: Runner>(
    runner: R,
    policy: Policy,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Runtime,
) -> ExitCode {
    child::serve_with_rights(STACK_BYTES, move |request| {
        let ran = runtime.block_on(answer(request, &runner, &policy, &*clock));
        // Writing to memory fails for no value of this type; an empty answer counts as a death.
        serde_json::to_vec(&ran).unwrap_or_default()
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
