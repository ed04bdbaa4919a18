//! The job contract of Scriptmill, and a client that dispatches jobs over RabbitMQ.
//!
//! A process engine publishes a [`Job`] and gets exactly one [`Outcome`] for it. Both cross the wire as JSON with
//! camelCase keys; `schema/` holds their JSON Schemas, `docs/contract.md` the AMQP conventions around them. A job with
//! an unknown field is refused. In an outcome unknown fields are ignored, so that the worker may be newer.

#[cfg(feature = "client")]
mod address;
#[cfg(feature = "client")]
pub mod amqp;
mod cancel;
#[cfg(feature = "client")]
pub mod client;
mod code;
#[cfg(feature = "client")]
pub mod connect;
mod diagnostic;
mod identity;
mod instant;
mod job;
pub mod json;
mod json_object;
mod limits;
mod logs;
mod names;
mod outcome;
#[cfg(feature = "client")]
pub mod retry;
mod retry_policy;
mod strict;
mod tenant;
mod tenants;
#[cfg(feature = "client")]
pub mod topology;
mod warning;

#[cfg(feature = "client")]
pub use address::{Address, InvalidAddress, fault as address_fault};
pub use cancel::{Cancel, InvalidCancel};
#[cfg(feature = "client")]
pub use client::Client;
pub use code::Code;
pub use diagnostic::{Diagnostic, Position, Severity};
pub use identity::Identity;
pub use job::{Bundle, CONTRACT, InvalidJob, Job, Module, START_WITHIN_DAYS};
pub use json_object::JsonObject;
pub use limits::{JobLimits, LimitAboveWorker, LimitKind, Limits};
pub use logs::{LogLevel, LogLine};
pub use names::{Names, PREFIX};
pub use outcome::{
    Ending, Exhausted, Failure, ItemResult, Origin, Outcome, Rejection, StackFrame, Thrown, Times, Usage,
};
pub use retry_policy::{RetryOn, RetryPolicy};
pub use tenant::{InvalidTenant, Tenant};
pub use tenants::Tenants;
pub use warning::Warning;
