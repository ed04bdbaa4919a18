//! Where the author wrote what is compiled. The host knows, and is asked once for each place of the code: from then on the
//! engine's own tables have the author's lines, and a stack costs a job no more than without them.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};

use crate::host;

/// A file that a module was made of; the engine's sources say what the fields mean.
#[repr(C)]
pub(crate) struct Source {
    before: u32,
    name: *const c_char,
}

// SAFETY: our patches define these functions, with these signatures.
unsafe extern "C" {
    fn sm_ask_places(are_asked: bool);
    fn sm_set_sources(sources: *const Source, count: u32);
}

/// The module that is compiled, if the host knows its places.
static mut MODULE: Option<i32> = None;

/// From here on that module is compiled, or none whose places are asked for. Returns which one was.
pub(crate) fn compile(module: Option<i32>) -> Option<i32> {
    // SAFETY: one thread, and the engine copies the flag.
    unsafe {
        sm_ask_places(module.is_some());
        (&raw mut MODULE).replace(module)
    }
}

/// Remember the files that modules were made of: how many lines come before each, in order, and its name.
pub(crate) fn remember(files: impl Iterator<Item = (u32, CString)>) {
    let sources: Vec<_> = files.map(|(before, name)| Source { before, name: name.into_raw() }).collect();
    let sources = sources.leak();
    // SAFETY: table and names live for ever.
    unsafe { sm_set_sources(sources.as_ptr(), sources.len() as u32) };
}

/// The author's place of a place of the code; false where it is nobody's.
///
/// # Safety
/// Only the engine calls it, with two numbers that it lets be changed.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
unsafe extern "C" fn sm_ask_place(line: *mut c_int, column: *mut c_int) -> bool {
    // SAFETY: one thread, and the engine hands over two numbers of its own.
    unsafe {
        let place = MODULE.and_then(|module| host::place(module, *line, *column));
        if let Some(place) = place {
            (*line, *column) = place;
        }
        place.is_some()
    }
}
