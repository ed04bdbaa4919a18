//! What the client leaves in the log of the program that uses it.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use scriptmill_sdk::Job;
use scriptmill_sdk::client::{Client, DispatchError};
use serde_json::value::to_raw_value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::rig::{Rig, job};

/// Keeps all that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        _ = writeln!(self.0.lock().unwrap(), "{}", line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_comes_back_is_not_in_the_log() {
    const SECRET: &str = "DE89370400440532013000";
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let rig = Rig::new().await;
    let client = Client::connect(rig.options()).await.unwrap();
    rig.delete_queue().await;
    let returned =
        client.dispatch(&Job { input: to_raw_value(SECRET).unwrap(), ..job(1) }).await.map(drop).unwrap_err();
    assert!(matches!(returned, DispatchError::NoQueue(_)), "{returned}");
    client.close().await;
    let said = log.0.lock().unwrap().clone();
    let bytes: Vec<_> = SECRET.bytes().take(6).map(|byte| byte.to_string()).collect();
    assert!(!said.contains(SECRET) && !said.contains(&bytes.join(", ")), "{said}");
    let loud =
        said.lines().find(|line| line.contains(" lapin") && !line.starts_with("TRACE") && !line.starts_with("DEBUG"));
    assert_eq!(loud, None);
}
