//! What a script may know of its job.

use crate::abi::Field;
use crate::stop::Stop;

/// The fields of `ctx`. Each is asked for on first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) job_id: String,
    pub(crate) tenant: String,
    pub(crate) attempt: u32,
    pub(crate) deadline_ms: Option<u64>,
}

impl Context {
    /// A field as JSON text.
    pub(crate) fn field(&self, field: Field) -> Result<Vec<u8>, Stop> {
        let text = |text: &str| serde_json::to_vec(text).map_err(|_| Stop::Contract("a text is not JSON"));
        match field {
            Field::JobId => text(&self.job_id),
            Field::Tenant => text(&self.tenant),
            Field::Attempt => Ok(self.attempt.to_string().into_bytes()),
            Field::Deadline => Ok(self.deadline_ms.map_or_else(|| "null".into(), |ms| ms.to_string()).into_bytes()),
        }
    }
}
