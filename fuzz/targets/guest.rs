//! What a guest hands the host: a script that has taken over its guest chooses these bytes, and must gain nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| scriptmill_sandbox::fuzzing::guest(bytes));
