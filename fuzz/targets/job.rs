//! Messages of strangers: a job or an outcome that can be read is the same after it was written and read back, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scriptmill_sdk::{Job, Limits, Outcome};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(job) = Job::from_slice(bytes) {
        let _ = Limits::default().lowered(&job.limits);
        let _ = (job.deadline_ms(), job.clock_ms());
        let written = serde_json::to_vec(&job).expect("a job that was read can be written");
        let again = Job::from_slice(&written).expect("a job that was written can be read");
        assert_eq!(written, serde_json::to_vec(&again).expect("as before"));
    }
    if let Ok(outcome) = serde_json::from_slice::<Outcome>(bytes) {
        let written = serde_json::to_vec(&outcome).expect("an outcome that was read can be written");
        let again: Outcome = serde_json::from_slice(&written).expect("an outcome that was written can be read");
        assert_eq!(written, serde_json::to_vec(&again).expect("as before"));
    }
});
