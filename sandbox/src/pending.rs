//! The host's table of a run's pending calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, abortable};
use futures_util::stream::FuturesUnordered;
use scriptmill_sdk::LimitKind;

use crate::calls::{ANSWER_BYTES_MAX, Answer, CallError, HostCall, HostCalls};
use crate::stop::Stop;
use crate::timers::Timers;

/// The calls of one run.
pub(crate) struct PendingCalls {
    timers: Timers,
    others: Arc<dyn HostCalls>,
    pending_max: u64,
    /// Calls made so far.
    pub(crate) count: u32,
    /// Made with the first call: most jobs make none.
    table: Option<Table>,
}

/// A call's number and its answer.
pub(crate) type Answered = (u32, Answer);

#[derive(Default)]
struct Table {
    answers: FuturesUnordered<Abortable<BoxFuture<'static, Answered>>>,
    /// The calls that are still waited for.
    handles: BTreeMap<u32, AbortHandle>,
}

/// How many futures of cancelled calls the table may hold before it is cleared of them, however few other calls there are.
const CANCELLED_MIN: usize = 64;

impl PendingCalls {
    /// No calls yet; `pending_max` of them may be pending at one time.
    pub(crate) fn new(timers: Timers, others: Arc<dyn HostCalls>, pending_max: u64) -> Self {
        Self { timers, others, pending_max, count: 0, table: None }
    }

    /// Begins a call, and gives its number.
    pub(crate) fn begin(&mut self, kind: i32, payload: &[u8]) -> Result<u32, Stop> {
        let table = self.table.get_or_insert_default();
        if table.handles.len() as u64 >= self.pending_max {
            return Err(Stop::Limit(LimitKind::PendingCalls));
        }
        let id = self.count + 1;
        let call = HostCall { id, kind, payload: payload.to_vec() };
        let answer = self.timers.call(call.clone()).or_else(|| self.others.call(call));
        let answer = answer.ok_or(Stop::Contract("it made an unknown host call"))?;
        let answered: BoxFuture<'static, Answered> = Box::pin(async move { (id, bounded(answer.await)) });
        let (answered, handle) = abortable(answered);
        self.count = id;
        table.answers.push(answered);
        table.handles.insert(id, handle);
        Ok(id)
    }

    /// Stops waiting for a call. Its future is dropped when the table is next looked at, or earlier, once half of the table's
    /// futures are of cancelled calls: a script that never waits may make and cancel millions.
    pub(crate) fn cancel(&mut self, id: u32) {
        let Some(table) = &mut self.table else { return };
        if let Some(handle) = table.handles.remove(&id) {
            handle.abort();
            if table.answers.len() >= 2 * table.handles.len() + CANCELLED_MIN {
                let all = std::mem::take(&mut table.answers);
                table.answers = all.into_iter().filter(|answer| !answer.is_aborted()).collect();
            }
        }
    }

    /// The next answer, of whichever call has one first. `None` if no call is pending.
    pub(crate) async fn next(&mut self) -> Option<Answered> {
        let table = self.table.as_mut()?;
        loop {
            // The futures of cancelled calls end here too.
            if let Ok((id, answer)) = table.answers.next().await? {
                table.handles.remove(&id);
                return Some((id, answer));
            }
        }
    }
}

fn bounded(answer: Answer) -> Answer {
    match answer {
        Ok(bytes) if bytes.len() > ANSWER_BYTES_MAX => Err(CallError {
            message: format!("the answer has {} bytes; {ANSWER_BYTES_MAX} are allowed", bytes.len()),
            name: None,
            code: None,
        }),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;
    use crate::clock::TokioClock;
    use crate::timers::ScriptClock;

    /// Kind 7 is answered when the test says so.
    #[derive(Default)]
    struct ByHand {
        answers: Mutex<Vec<oneshot::Sender<Answer>>>,
        dropped: Arc<AtomicUsize>,
    }

    struct Dropped(Arc<AtomicUsize>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl HostCalls for ByHand {
        fn call(&self, call: HostCall) -> Option<BoxFuture<'static, Answer>> {
            let (sender, receiver) = oneshot::channel();
            self.answers.lock().unwrap().push(sender);
            let dropped = Dropped(self.dropped.clone());
            (call.kind == 7).then(|| {
                async move {
                    let _dropped = dropped;
                    receiver.await.unwrap_or(Ok(call.payload))
                }
                .boxed()
            })
        }
    }

    fn calls(others: Arc<ByHand>, fixed: Duration) -> PendingCalls {
        let clock = Arc::new(TokioClock::new(tokio::runtime::Handle::current()));
        PendingCalls::new(Timers::new(clock, ScriptClock::Fixed(fixed)), others, 3)
    }

    #[tokio::test]
    async fn answers_come_in_any_order_and_from_another_thread() {
        let by_hand = Arc::new(ByHand::default());
        let mut calls = calls(by_hand.clone(), Duration::ZERO);
        for (id, payload) in [(1, b"a"), (2, b"b"), (3, b"c")] {
            assert_eq!(calls.begin(7, payload).unwrap(), id);
        }
        assert!(calls.next().now_or_never().is_none());
        let answering = thread::spawn(move || {
            let mut answers = by_hand.answers.lock().unwrap();
            let error = CallError { message: "no".to_owned(), name: None, code: None };
            answers.pop().unwrap().send(Err(error)).unwrap();
            thread::sleep(Duration::from_millis(20));
            answers.remove(0).send(Ok(b"first".to_vec())).unwrap();
        });
        assert_eq!(calls.next().await.unwrap().0, 3);
        assert_eq!(calls.next().await.unwrap(), (1, Ok(b"first".to_vec())));
        answering.join().unwrap();
        assert_eq!(calls.count, 3);
    }

    #[tokio::test]
    async fn what_is_not_waited_for_is_dropped() {
        let by_hand = Arc::new(ByHand::default());
        let mut calls = calls(by_hand.clone(), Duration::ZERO);
        calls.begin(7, b"").unwrap();
        calls.begin(7, b"").unwrap();
        calls.cancel(1);
        assert!(calls.next().now_or_never().is_none(), "the other one is pending");
        assert_eq!(by_hand.dropped.load(Ordering::SeqCst), 1);
        drop(calls);
        assert_eq!(by_hand.dropped.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_script_that_cancels_what_it_asked_for_leaves_nothing_behind() {
        let by_hand = Arc::new(ByHand::default());
        let mut calls = calls(by_hand.clone(), Duration::ZERO);
        calls.begin(7, b"").unwrap();
        for round in 0..10_000 {
            let id = calls.begin(7, b"").unwrap();
            calls.cancel(id);
            let undropped = round + 1 - by_hand.dropped.load(Ordering::SeqCst);
            assert!(undropped <= 2 * CANCELLED_MIN, "{undropped} of {round} calls lie about");
        }
        by_hand.answers.lock().unwrap().remove(0).send(Ok(Vec::new())).unwrap();
        assert_eq!(calls.next().await.unwrap().0, 1, "what is waited for is answered");
    }

    #[tokio::test]
    async fn calls_are_bounded_and_so_are_their_answers() {
        let by_hand = Arc::new(ByHand::default());
        let mut calls = calls(by_hand.clone(), Duration::ZERO);
        assert!(matches!(calls.begin(8, b""), Err(Stop::Contract(_))), "nobody knows that kind");
        by_hand.answers.lock().unwrap().clear();
        for _ in 0..3 {
            calls.begin(7, b"").unwrap();
        }
        assert!(matches!(calls.begin(7, b""), Err(Stop::Limit(LimitKind::PendingCalls))));
        by_hand.answers.lock().unwrap().remove(0).send(Ok(vec![0; ANSWER_BYTES_MAX + 1])).unwrap();
        let (id, answer) = calls.next().await.unwrap();
        assert!(id == 1 && answer.is_err());
        calls.begin(7, b"").unwrap();
    }

    #[tokio::test]
    async fn timers_are_answered_in_their_order_and_move_a_fixed_clock() {
        let mut calls = calls(Arc::default(), Duration::from_secs(5));
        let milliseconds = |ms: f64| ms.to_le_bytes();
        calls.begin(1, &milliseconds(20.0)).unwrap();
        calls.begin(1, &milliseconds(10.0)).unwrap();
        calls.begin(1, &milliseconds(10.0)).unwrap();
        // All of them are over by now.
        tokio::time::sleep(Duration::from_millis(40)).await;
        let mut order = Vec::new();
        while let Some((id, _)) = calls.next().await {
            order.push((id, calls.timers.now().as_millis()));
        }
        assert_eq!(order, [(2, 5_010), (3, 5_010), (1, 5_020)]);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_where_nothing_is_pending() {
        let mut calls = calls(Arc::default(), Duration::ZERO);
        assert!(calls.next().await.is_none());
        calls.begin(1, &60_000_f64.to_le_bytes()).unwrap();
        calls.cancel(1);
        assert!(calls.next().await.is_none());
    }
}
