//! The numbers that guest and host share. Both compile this very file; `README.md`, one folder up, says what they mean.
#![allow(dead_code, reason = "each side has no use for some of what the other needs")]

/// Numbers of one kind, each with a name.
macro_rules! numbers {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $name:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(i32)]
        pub(crate) enum $kind {
            $($(#[$variant_doc])* $name = $number,)*
        }

        impl $kind {
            /// The meaning of a number from the other side. Returns `None` for a number that has none.
            pub(crate) fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

numbers! {
    /// What the guest asks the host for, by the one import.
    Operation {
        /// The current payload.
        Take = 0,
        /// The completion of a job or of a load.
        Settle = 1,
        /// A host call, to be answered later by `resume`.
        HostCall = 2,
        /// The script no longer waits for a host call.
        CancelCall = 3,
        /// A line of the log.
        Log = 4,
        /// A field of the job's context.
        Context = 5,
        /// The fuel that is left.
        Fuel = 6,
        /// The stack of a script that was ended.
        Located = 7,
        /// The time.
        Now = 8,
        /// The author's place for a place of a module's code.
        Place = 9,
        /// Something that the outcome should warn of.
        Warn = 10,
    }
}

/// A place travels as one number: the line times this, plus the column, which is smaller than this.
pub(crate) const PLACE_COLUMNS: f64 = (1 << 23) as f64;

/// Lines from here on are those of the files that modules were made of, counted from one file to the next.
pub(crate) const SOURCE_LINES: u32 = 1 << 24;

/// Flags of a module in a bundle: the module has the sum of those that are true.
pub(crate) const MODULE_IS_SCRIPT: u32 = 1;
pub(crate) const MODULE_HAS_PLACES: u32 = 2;

numbers! {
    /// How a job, or a load, came to its end.
    Kind {
        /// With a value: JSON text.
        Value = 0,
        /// Something was thrown: a report.
        Thrown = 1,
        /// It awaits a promise that nothing can settle any more.
        Stalled = 2,
        /// There is no such entry: the names of the entries that exist.
        UnknownEntry = 3,
        /// The engine refuses the syntax: a report.
        Syntax = 4,
        /// The value is not JSON: a report.
        NotJson = 5,
        /// Input or value are nested too deeply.
        TooDeep = 6,
    }
}

numbers! {
    /// What a host call asks for.
    CallKind {
        /// An answer without content, once the payload's `f64` of milliseconds is over.
        Timer = 1,
    }
}

numbers! {
    /// How a host call was answered.
    Status {
        /// With what was asked for.
        Fulfilled = 0,
        /// With an error: its report.
        Rejected = 1,
    }
}

numbers! {
    /// What a warning is about.
    WarningKind {
        /// The value has something that its JSON does not: its path, and the rest of the sentence on a second line.
        Lost = 0,
        /// A call that nobody waits for had not ended: two lines as `locate` writes them, or one.
        Floating = 1,
        /// A function that an answer would have called: a line as `locate` writes it.
        Dropped = 2,
        /// A rejection that nothing handled: a report.
        Rejection = 3,
        /// Where a job waits for something that never comes: lines as `locate` writes them, the outermost first.
        Stalled = 4,
    }
}

numbers! {
    /// The level of a line of the log.
    Level {
        Debug = 0,
        Info = 1,
        Warn = 2,
        Error = 3,
    }
}

numbers! {
    /// A field of `ctx`.
    Field {
        JobId = 0,
        Tenant = 1,
        Attempt = 2,
        Deadline = 3,
    }
}
