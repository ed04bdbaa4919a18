//! The job contract of Scriptmill, and a client that dispatches jobs over RabbitMQ.
//!
//! A process engine publishes a [`Job`] and gets exactly one [`Outcome`] for it. Both cross the wire as JSON with
//! camelCase keys; `schema/` holds their JSON Schemas, `docs/contract.md` the AMQP conventions around them.
//! Unknown fields are accepted everywhere, so that either side may be newer.

#[cfg(feature = "client")]
mod address;
#[cfg(feature = "client")]
pub mod amqp;
#[cfg(feature = "client")]
pub mod client;
mod code;
#[cfg(feature = "client")]
pub mod connect;
mod diagnostic;
mod job;
mod limits;
mod names;
mod outcome;
#[cfg(feature = "client")]
pub mod retry;
mod tenant;
mod tenants;
#[cfg(feature = "client")]
pub mod topology;

#[cfg(feature = "client")]
pub use address::{Address, InvalidAddress};
#[cfg(feature = "client")]
pub use client::Client;
pub use code::Code;
pub use diagnostic::{Diagnostic, Position, Severity};
pub use job::{Bundle, InvalidJob, Job, Module};
pub use limits::{JobLimits, LimitAboveWorker, LimitKind, Limits};
pub use names::{Names, PREFIX};
pub use outcome::{
    Ending, Exhausted, Failure, ItemResult, LogLevel, LogLine, Origin, Outcome, Rejection, StackFrame, Thrown, Times,
    Usage,
};
pub use tenant::{InvalidTenant, Tenant};
pub use tenants::Tenants;
