//! What a case is made of.

use std::time::Duration;

use scriptmill_sdk::{Code, Limits};

/// One script, and how its job ends.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) source: String,
    pub(crate) input: String,
    pub(crate) limits: Limits,
    pub(crate) expected: Expected,
    /// Whether it fills its memory.
    pub(crate) is_heavy: bool,
}

#[derive(Debug)]
pub(crate) enum Expected {
    /// JSON text.
    Value(&'static str),
    /// A status and a code.
    Ends(&'static str, Code),
    /// It fails with an error of this name, empty where something else is thrown.
    Throws(&'static str),
}

/// Small, so that the tests are quick.
pub(crate) fn limits() -> Limits {
    Limits {
        fuel: 500_000_000,
        prepare_fuel: 500_000_000,
        memory_bytes: 16 << 20,
        wall_time: Duration::from_secs(20),
        output_bytes: 64 << 10,
        log_lines: 100,
        log_bytes: 16 << 10,
        nesting: 64,
        pending_calls: 50,
        strict_logs: false,
    }
}

/// The limits of top levels. Memory is that of a whole slot.
pub(crate) fn sandbox_limits() -> Limits {
    Limits { memory_bytes: 32 << 20, ..limits() }
}

/// A case whose module has this source.
pub(crate) fn module(name: &'static str, source: impl Into<String>) -> Case {
    Case {
        name,
        file: "main.js",
        source: source.into(),
        input: "null".into(),
        limits: limits(),
        expected: Expected::Value("null"),
        is_heavy: false,
    }
}

/// A script whose entry has this body.
pub(crate) fn body(name: &'static str, body: &str) -> Case {
    module(name, format!("export default (input, ctx) => {{\n{body}\n}};"))
}

/// A script whose entry is asynchronous and has this body.
pub(crate) fn later(name: &'static str, body: &str) -> Case {
    module(name, format!("export default async (input, ctx) => {{\n{body}\n}};"))
}

impl Case {
    /// The same case in TypeScript.
    pub(crate) fn typescript(self) -> Self {
        Self { file: "main.ts", ..self }
    }

    pub(crate) fn input(self, input: impl Into<String>) -> Self {
        Self { input: input.into(), ..self }
    }

    pub(crate) fn fuel(mut self, fuel: u64) -> Self {
        self.limits.fuel = fuel;
        self
    }

    /// The job is ended when it logs more than it may.
    pub(crate) fn strict_logs(mut self) -> Self {
        self.limits.strict_logs = true;
        self
    }

    pub(crate) fn wall(mut self, milliseconds: u64) -> Self {
        self.limits.wall_time = Duration::from_millis(milliseconds);
        self
    }

    pub(crate) fn heavy(self) -> Self {
        Self { is_heavy: true, ..self }
    }

    /// It succeeds with this value.
    pub(crate) fn gives(self, value: &'static str) -> Self {
        Self { expected: Expected::Value(value), ..self }
    }

    pub(crate) fn throws(self, name: &'static str) -> Self {
        Self { expected: Expected::Throws(name), ..self }
    }

    pub(crate) fn fails(self, code: Code) -> Self {
        Self { expected: Expected::Ends("failed", code), ..self }
    }

    pub(crate) fn exhausts(self, code: Code) -> Self {
        Self { expected: Expected::Ends("exhausted", code), ..self }
    }

    pub(crate) fn refused(self, code: Code) -> Self {
        Self { expected: Expected::Ends("rejected", code), ..self }
    }
}
