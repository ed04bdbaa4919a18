//! What this process says of itself, and which heartbeats of others it believes.

use std::collections::VecDeque;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use scriptmill_scaling::{Beat, Demand, Unreadable, VERSION};

use crate::signals::Signals;

/// How many own heartbeats are kept, to tell an echo from a forgery: those of the six seconds in which one expires in the broker, also
/// if each look at the queue raised the number.
const SENT_MAX: usize = 64;

/// Makes the heartbeats of this process, and reads those of others.
pub(super) struct Heartbeat {
    process: String,
    group: String,
    pod: Option<String>,
    bounds: Option<String>,
    signals: Arc<Signals>,
    /// The heartbeats that were sent last, as bytes.
    sent: VecDeque<Vec<u8>>,
    ignored: Ignored,
}

/// Heartbeats that were ignored, by reason.
#[derive(Clone, Debug)]
pub(super) struct Ignored(Family<Reason, Counter>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

const TOO_LONG: Reason = Reason { reason: "too_long" };
const MALFORMED: Reason = Reason { reason: "malformed" };
const OTHER_VERSION: Reason = Reason { reason: "version" };
const IMPOSSIBLE: Reason = Reason { reason: "impossible" };
/// The heartbeat says that it is of this process, and is not.
const FORGED: Reason = Reason { reason: "forged" };
const OTHER_GROUP: Reason = Reason { reason: "group" };
/// The heartbeat is of a further process, and there are too many already.
const TOO_MANY: Reason = Reason { reason: "too_many" };

impl Ignored {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let family = Family::default();
        for reason in [TOO_LONG, MALFORMED, OTHER_VERSION, IMPOSSIBLE, FORGED, OTHER_GROUP, TOO_MANY] {
            drop(family.get_or_create(&reason));
        }
        registry.register("heartbeats_ignored", "Heartbeats that were ignored", family.clone());
        Self(family)
    }

    fn count(&self, why: Reason) {
        tracing::debug!(reason = why.reason, "a heartbeat is ignored");
        self.0.get_or_create(&why).inc();
    }
}

impl From<Unreadable> for Reason {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::TooLong => TOO_LONG,
            Unreadable::Malformed => MALFORMED,
            Unreadable::Version => OTHER_VERSION,
            Unreadable::Impossible => IMPOSSIBLE,
        }
    }
}

impl Heartbeat {
    /// The heartbeat of a process with a name of its own.
    pub(super) fn new(
        process: String,
        group: String,
        pod: Option<String>,
        bounds: Option<String>,
        signals: Arc<Signals>,
        ignored: Ignored,
    ) -> Self {
        Self { process, group, pod, bounds, signals, sent: VecDeque::new(), ignored }
    }

    /// The heartbeat to send now.
    pub(super) fn beat(&self, leaving: bool, demand: Option<Demand>) -> Beat {
        let seen = self.signals.snapshot();
        Beat {
            version: VERSION,
            process: self.process.clone(),
            group: self.group.clone(),
            pod: self.pod.clone(),
            bounds: self.bounds.clone(),
            uptime_seconds: seen.uptime.as_secs_f64(),
            boot_seconds: seen.boot.map(|boot| boot.as_secs_f64()),
            leaving,
            sums: seen.sums,
            level: seen.level,
            waits: seen.waits,
            services: seen.services,
            demand,
            raised: false,
        }
    }

    /// Whether a heartbeat is of a worker with other bounds on jobs than this one.
    pub(super) fn differs_from(&self, beat: &Beat) -> bool {
        beat.level.consumers > 0 && !beat.leaving && beat.bounds.is_some() && beat.bounds != self.bounds
    }

    /// Notes that these bytes are about to be sent, so that their echo is known.
    pub(super) fn sends(&mut self, bytes: &[u8]) {
        if self.sent.len() == SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(bytes.to_owned());
    }

    /// The heartbeat of another process, if it is to be believed. An ignored heartbeat is counted.
    pub(super) fn hear(&self, bytes: &[u8]) -> Option<Beat> {
        self.believe(bytes).unwrap_or_else(|reason| {
            self.ignored.count(reason);
            None
        })
    }

    /// Counts a heartbeat that was ignored since too many processes are heard.
    pub(super) fn ignore_too_many(&self) {
        self.ignored.count(TOO_MANY);
    }

    /// Reads a heartbeat. Returns `None` for the echo of an own one.
    fn believe(&self, bytes: &[u8]) -> Result<Option<Beat>, Reason> {
        let beat = Beat::read(bytes)?;
        if beat.process == self.process {
            return if self.sent.iter().any(|sent| sent == bytes) { Ok(None) } else { Err(FORGED) };
        }
        if beat.group == self.group { Ok(Some(beat)) } else { Err(OTHER_GROUP) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use scriptmill_sandbox::Clock;
    use scriptmill_scaling::BEAT_BYTES_MAX;

    use super::*;

    struct RealTime;

    impl Clock for RealTime {
        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    fn heartbeat(process: &str) -> Heartbeat {
        let ignored = Ignored::new(&mut Registry::default());
        Heartbeat::new(process.to_owned(), "default".to_owned(), None, None, Signals::new(Arc::new(RealTime)), ignored)
    }

    #[test]
    fn what_is_no_heartbeat_of_another_is_ignored_and_counted() {
        let own = heartbeat("own");
        let other = heartbeat("other").beat(false, None);
        let bytes = |change: &dyn Fn(&mut Beat)| {
            let mut beat = other.clone();
            change(&mut beat);
            beat.write().unwrap()
        };
        #[rustfmt::skip]
        let cases: &[(Reason, Vec<u8>)] = &[
            (TOO_LONG, vec![b' '; BEAT_BYTES_MAX + 1]),
            (MALFORMED, b"{".to_vec()),
            (MALFORMED, vec![0xff; 100]),
            (MALFORMED, br#"{"version":2}"#.to_vec()),
            (OTHER_VERSION, bytes(&|beat| beat.version = 3)),
            (OTHER_VERSION, br#"{"version":3,"new":true}"#.to_vec()),
            (IMPOSSIBLE, bytes(&|beat| beat.sums.starts = -1.0)),
            (IMPOSSIBLE, bytes(&|beat| beat.process = "x".repeat(1_000))),
            (IMPOSSIBLE, bytes(&|beat| beat.pod = Some("x".repeat(254)))),
            (FORGED, bytes(&|beat| beat.process = "own".to_owned())),
            (OTHER_GROUP, bytes(&|beat| beat.group = "another".to_owned())),
        ];
        for (reason, bytes) in cases {
            let before = own.ignored.0.get_or_create(reason).get();
            assert_eq!(own.hear(bytes), None, "{reason:?}");
            assert_eq!(own.ignored.0.get_or_create(reason).get(), before + 1, "{reason:?}");
        }
        assert_eq!(own.hear(&bytes(&|_| {})), Some(other.clone()));
    }

    #[test]
    fn an_echo_is_no_forgery() {
        let mut own = heartbeat("own");
        let bytes = own.beat(false, None).write().unwrap();
        own.sends(&bytes);
        assert_eq!(own.hear(&bytes), None);
        assert_eq!(own.ignored.0.get_or_create(&FORGED).get(), 0);
        for leaving in [true, false] {
            let later = own.beat(leaving, None).write().unwrap();
            (0..SENT_MAX).for_each(|_| own.sends(&later));
        }
        own.hear(&bytes);
        assert_eq!(own.ignored.0.get_or_create(&FORGED).get(), 1);
    }
}
