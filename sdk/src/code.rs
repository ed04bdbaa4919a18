//! Every failure a person can see has a code, and every code a page under `docs/errors`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $title:literal;)*) => {
        /// The code of a failure, written `SM1001`. Thousands say whose it is: 1 the check of a script, 2 its run,
        /// 3 the job, 4 the worker's configuration and broker, 5 the platform.
        ///
        /// ```
        /// use scriptmill_sdk::Code;
        ///
        /// let code: Code = "SM2101".parse()?;
        /// assert_eq!((code, code.title()), (Code::Fuel, "The fuel is used up"));
        /// assert_eq!(code.to_string(), "SM2101");
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            /// A code that this version does not know: a newer worker's. It has no page and is not in [`Code::ALL`].
            Unknown = 0,
            $(#[doc = $title] $(#[$doc])* $name = $number,)*
        }

        impl Code {
            /// Every code there is, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// What the code stands for, as a short phrase: the title of its page.
            pub fn title(self) -> &'static str {
                match self {
                    Code::Unknown => "A code that this version does not know",
                    $(Code::$name => $title,)*
                }
            }
        }
    };
}

codes! {
    Syntax = 1001, "The script is not valid TypeScript or JavaScript";
    Redeclaration = 1002, "A name is declared twice";
    ConstantAssignment = 1003, "A constant is assigned";
    UnsupportedSyntax = 1004, "The syntax is not supported";
    MissingEntry = 1005, "The script has no entry";
    ImportNotFound = 1006, "An import names something that the bundle does not have";
    SourceTooLarge = 1007, "The bundle's source is too large";
    TooManyModules = 1008, "The bundle has too many modules";
    SourceNotText = 1009, "The source is not readable text";
    TooComplex = 1010, "The script is too large or too deeply nested to check";
    EngineRefusesSyntax = 1011, "The engine cannot parse the script";
    InvalidBundle = 1012, "The bundle is not well formed";
    UndeclaredName = 1101, "A name is not declared";
    TopLevelClock = 1102, "The clock or a random number is read at top level";
    LocaleIgnored = 1103, "A locale or a time zone is asked for";
    Misleading = 1104, "Code does something else than it seems to";
    PromiseDropped = 1105, "Nobody waits for a promise, or nothing settles it";
    SourceMapIgnored = 1110, "The source map of a bundle is not used";

    Thrown = 2001, "The script threw an error";
    TopLevelThrew = 2002, "The script threw an error while it was loaded";
    NeverSettles = 2003, "The script waits for something that never comes";
    ValueNotJson = 2004, "The value cannot be written as JSON";
    UnknownEntry = 2005, "The script has no such entry";
    TopLevelCall = 2006, "A function of the platform was called at top level";
    NativeStack = 2007, "The engine ran out of its native stack";
    NoLocaleData = 2008, "There is no data for a locale";
    Fuel = 2101, "The fuel is used up";
    Memory = 2102, "The memory limit is reached";
    WallTime = 2103, "The wall time is used up";
    Output = 2104, "The output is too large";
    LogLines = 2105, "Too many log lines";
    LogBytes = 2106, "Too many log bytes";
    Nesting = 2107, "A value is nested too deeply";
    PendingCalls = 2108, "Too many host calls are pending";
    PrepareFuel = 2109, "The fuel of the top level is used up";
    LostInJson = 2201, "The value has what its JSON does not";
    CallsLeft = 2202, "Calls had not ended when the entry returned";
    UnhandledRejection = 2203, "A promise was rejected and nothing handled it";

    NotJson = 3001, "The message is not JSON";
    InvalidField = 3002, "A field of the job is missing or wrong";
    LimitAboveWorker = 3003, "A limit of the job is above the worker's";
    MessageTooLarge = 3004, "The message is too large";
    InputTooLarge = 3005, "The input is too large";
    InputTooDeep = 3006, "The input is nested too deeply";
    TenantMismatch = 3007, "The tenant is not the publisher's";
    DeadlinePassed = 3008, "The deadline passed before the job ran";
    BatchTooLarge = 3009, "The batch has too many inputs";
    HeadersTooLarge = 3010, "The message's headers are too large";
    StartTooFar = 3011, "The start of the job is too far ahead";
    NewerContract = 3012, "The job needs a newer worker";
    JobIdReused = 3013, "The job's id was used for another job";
    CancelRequested = 3014, "The job was cancelled on request";

    InvalidSetting = 4001, "A setting has a wrong value";
    UnknownSetting = 4002, "A setting is not known";
    UnreadableFile = 4003, "A file cannot be read";
    BrokerUnreachable = 4101, "The broker cannot be reached";
    QueueDiffers = 4102, "A queue or exchange exists with other arguments";
    BrokerRefuses = 4103, "The broker refuses the connection";
    NoQueue = 4104, "The queue of jobs does not exist";
    QueueFull = 4105, "The queue of jobs takes no more";
    Unconfirmed = 4106, "The broker did not confirm a job";
    NoOutcome = 4107, "No outcome came in time";
    HeldBack = 4108, "The broker holds publishing back";
    LedgerUnreachable = 4121, "The ledger cannot be reached";
    LedgerRefuses = 4122, "The ledger refuses a request";
    LedgerNewer = 4123, "The ledger is newer than this scriptmill";
    LedgerOlder = 4124, "The ledger's tables are not up to date";

    KubernetesUnreachable = 4301, "Kubernetes' API cannot be reached";
    KubernetesRefuses = 4302, "Kubernetes refuses a request";
    NoDeployment = 4303, "The group is not one Deployment";
    AutoscalerOwns = 4304, "An autoscaler sets the replicas";

    EngineFault = 5001, "The engine failed";
    NoMemory = 5002, "The machine has no memory left for a sandbox";
    PrepareFailed = 5003, "The process that checks scripts failed";
    EngineCache = 5004, "The cache of the compiled engine was not used";
    WorkersDied = 5005, "Workers died while they ran the job";
    Precompiled = 5006, "The precompiled engine was not used";
}

impl Code {
    /// The command that prints what this code means, its likely causes and what to do.
    ///
    /// ```
    /// assert_eq!(scriptmill_sdk::Code::Fuel.command(), "scriptmill explain SM2101");
    /// ```
    pub fn command(self) -> String {
        format!("scriptmill explain {self}")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SM{:04}", *self as u16)
    }
}

/// The text is not a code that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a code of Scriptmill")]
pub struct UnknownCode(String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.to_string() == text).ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An outcome stays readable when its worker is newer than its reader.
        Ok(String::deserialize(deserializer)?.parse().unwrap_or(Self::Unknown))
    }
}

impl JsonSchema for Code {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^SM[0-9]{4}$", "description": "A code; `scriptmill explain CODE` prints its page." })
    }
}
