//! The author's places of the code that is compiled. The host knows them and is asked once for each place. From then on
//! the engine's own tables have the author's lines, and a stack costs a job no more than it would without them.

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

/// The module that is being compiled, if the host knows its places.
static mut MODULE: Option<i32> = None;

/// Sets the module that is compiled from here on. With `None`, the host is asked for no places. Returns the module set before.
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

/// Replaces a place of the code by the author's place. Returns false where the code is not the author's.
///
/// # Safety
/// Only the engine calls it, with pointers to two numbers that may be changed.
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
