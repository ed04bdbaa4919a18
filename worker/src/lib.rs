//! The script worker.
//!
//! A job goes through these rooms once, in this order: [`broker`] → [`intake`] → [`schedule`] → [`execute`] →
//! [`settle`] → [`broker`]. [`service`] is the worker as a whole.

pub mod broker;
pub mod execute;
pub mod intake;
pub mod limits;
pub mod metrics;
pub mod schedule;
pub mod service;
pub mod settle;
