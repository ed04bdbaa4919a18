//! QuickJS-NG as the guest of the sandbox. The contract with the host is README.md, one folder up.
#![no_std]

extern crate alloc;

mod abi;
mod calls;
mod clone;
mod clone_parts;
mod collate;
mod console;
mod console_table;
mod context;
mod decimal;
mod error_text;
mod errors;
mod fields;
mod format;
mod globals;
mod host;
mod inspect;
mod invoke;
mod js;
mod json_text;
mod layout;
mod load;
mod locale;
mod look;
mod lost;
mod phase;
mod places;
mod portrait;
mod primitive;
mod quote;
mod report;
mod timers;
mod title;
mod top_level;
mod waiting;
mod wasm;

use js::Engine;

/// Create the engine and the globals of the script world. Called once, on a memory of zeroes.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn initialise() {
    js::create();
    globals::install();
    invoke::install();
    wasm::reserve();
    Engine::is_complete();
}

/// Compile a bundle of `len` bytes and, unless `evaluate` is 0, run its top level and go live.
///
/// Returns 0, or 1 when `settle` was called with what is wrong.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn load(len: i32, evaluate: i32) -> i32 {
    let payload = host::take(len as usize);
    match load::load(payload, evaluate != 0) {
        Ok(()) => 0,
        Err(fault) => {
            invoke::settle_fault(fault);
            1
        }
    }
}

/// Call an entry with an input. Returns 0 when the job is settled, 1 when it waits for the host.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn invoke(seed: i64, entry_len: i32, input_len: i32) -> i32 {
    invoke::invoke(seed as u64, entry_len as usize, input_len as usize)
}

/// Answer a pending host call with a payload of `len` bytes. Returns as [`invoke`] does.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn resume(call: i32, status: i32, len: i32) -> i32 {
    invoke::resume(call, status, len as usize)
}

/// Report the running stack with `located`. Allocates nothing and changes nothing of the script's.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn locate() {
    static mut TEXT: [u8; 8192] = [0; 8192];
    // SAFETY: the guest has one thread, and this is the only use of TEXT.
    let text = unsafe { &mut *(&raw mut TEXT) };
    // SAFETY: after a trap the engine's frames are as the trap left them: whole, since each is linked last.
    let len = unsafe { js::sm_locate(Engine::context(), text.as_mut_ptr(), text.len()) };
    host::located(&text[..len]);
}
