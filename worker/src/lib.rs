//! The script worker.
//!
//! A job goes through these rooms once, in this order: [`broker`] → [`intake`] → [`schedule`] → [`execute`] →
//! [`settle`] → [`broker`]. [`job`] has the states of a job on that way, and [`signals`] counts jobs on it.
//! Jobs with which a worker died run in [`quarantine`]. [`ledger`] remembers for all workers what has been
//! done. [`service`] is the worker as a whole. [`config`] has its settings, and [`http`] serves what operators
//! see. [`exporters`] tell autoscalers what [`scale`] computes.

pub mod broker;
pub mod cancels;
pub mod config;
pub mod execute;
pub mod exporters;
pub mod http;
pub mod intake;
pub mod job;
#[cfg(feature = "kube")]
pub mod kubernetes;
pub mod ledger;
pub mod limits;
pub mod metrics;
pub mod page;
mod preparing;
mod progress;
pub mod quarantine;
mod rooms;
mod rules;
pub mod scale;
pub mod schedule;
pub mod service;
pub mod settle;
pub mod signals;
mod window;
