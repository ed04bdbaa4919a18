//! What a script may not do at its top level.

use crate::errors;
use crate::js::Result;
use crate::phase;

/// Fail while an image is made: the call would have its effect once, and not for every job.
pub(crate) fn refuse_at_top_level(name: &str) -> Result<()> {
    if phase::is_live() {
        return Ok(());
    }
    let message = alloc::format!(
        "{name} cannot be used at the top level of a script: it runs once, before any job. Use it inside the entry function"
    );
    Err(errors::coded_error("SM2006", &message))
}
