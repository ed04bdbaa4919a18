//! Whether a job runs, or the top level that makes an image.

static mut LIVE: bool = false;

/// Whether a job runs, and not the top level that makes an image.
pub(crate) fn is_live() -> bool {
    // SAFETY: one thread; written once, by `go_live`.
    unsafe { LIVE }
}

/// Jobs run from here on.
pub(crate) fn go_live() {
    // SAFETY: one thread, so nobody reads it meanwhile.
    unsafe { LIVE = true }
}
