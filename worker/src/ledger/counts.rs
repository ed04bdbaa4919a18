//! What a worker counts of its ledger.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use scriptmill_scaling::BOUNDS;

use super::{Claimed, Error, Recorded};

/// The ledger's answers to a worker, and how long the worker waited for them.
pub(super) struct Counts {
    claims: Family<ResultLabel, Counter>,
    records: Family<ResultLabel, Counter>,
    waits: Family<OperationLabel, Histogram>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

const CLAIM: OperationLabel = OperationLabel { operation: "claim" };
const RECORD: OperationLabel = OperationLabel { operation: "record" };

fn claim_result(answer: &Result<Claimed, Error>) -> &'static str {
    match answer {
        Ok(Claimed::Granted) => "granted",
        Ok(Claimed::Recorded(_)) => "recorded",
        Ok(Claimed::Held { .. }) => "held",
        Ok(Claimed::OtherBody) => "other_body",
        Err(_) => "unanswered",
    }
}

fn record_result(answer: &Result<Recorded, Error>) -> &'static str {
    match answer {
        Ok(Recorded::First) => "first",
        Ok(Recorded::Earlier(_)) => "earlier",
        Ok(Recorded::OtherBody) => "other_body",
        Err(_) => "unanswered",
    }
}

impl Counts {
    pub(super) fn new() -> Self {
        // The bounds of the other histograms, so that a promise in seconds can be read off all of them.
        let waits = || Histogram::new(BOUNDS);
        let counts =
            Self { claims: Family::default(), records: Family::default(), waits: Family::new_with_constructor(waits) };
        for operation in [CLAIM, RECORD] {
            drop(counts.waits.get_or_create(&operation));
        }
        for result in ["granted", "recorded", "held", "other_body", "unanswered"] {
            drop(counts.claims.get_or_create(&ResultLabel { result }));
        }
        for result in ["first", "earlier", "other_body", "unanswered"] {
            drop(counts.records.get_or_create(&ResultLabel { result }));
        }
        counts
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Claims asked for, by what the ledger answered";
        registry.register("ledger_claims", help, self.claims.clone());
        let help = "Outcomes handed to the ledger, by what it answered";
        registry.register("ledger_records", help, self.records.clone());
        let help = "How long jobs waited for one answer of the ledger";
        registry.register_with_unit("ledger_wait", help, Unit::Seconds, self.waits.clone());
    }

    pub(super) fn claimed(&self, answer: &Result<Claimed, Error>, waited: Duration) {
        self.claims.get_or_create(&ResultLabel { result: claim_result(answer) }).inc();
        self.waits.get_or_create(&CLAIM).observe(waited.as_secs_f64());
    }

    pub(super) fn recorded(&self, answer: &Result<Recorded, Error>, waited: Duration) {
        self.records.get_or_create(&ResultLabel { result: record_result(answer) }).inc();
        self.waits.get_or_create(&RECORD).observe(waited.as_secs_f64());
    }
}
