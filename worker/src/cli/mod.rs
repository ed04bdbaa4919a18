//! The commands, one file each.

#[cfg(feature = "kube")]
mod autoscale;
mod bundle;
mod check;
mod declare;
mod demo;
mod examples;
mod explain;
mod failure;
mod jobs;
mod local;
mod logs;
mod report;
mod run;
#[cfg(feature = "kube")]
mod scale;
mod scaler;
mod scaler_explain;
mod send;
mod serving;
mod settings;
mod simulate;
mod text;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs scripts of business processes in sandboxes: as jobs from RabbitMQ, or here and now.
#[derive(Debug, Parser)]
#[command(name = "scriptmill", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script once and show its outcome
    Run(run::Arguments),
    /// Check scripts and show what is wrong with them
    Check(check::Arguments),
    /// Take jobs from RabbitMQ, run them and publish their outcomes
    Work(work::Arguments),
    /// Show how many workers there should be, without running jobs; or say why
    Scaler(scaler::Arguments),
    /// Declare the queues and exchanges that workers and engines use
    Declare(declare::Arguments),
    /// Send jobs of one script to the workers, wait for their outcomes and sum them up
    Send(send::Arguments),
    /// Set how many workers a group has in Kubernetes
    #[cfg(feature = "kube")]
    Scale(scale::Arguments),
    /// Have Kubernetes set how many workers a group has, between two bounds
    #[cfg(feature = "kube")]
    Autoscale(autoscale::Arguments),
    /// Say what an error code means, its likely causes and what to do
    Explain(explain::Arguments),
    /// Simulate how the number of workers would follow a load, beside other ways to scale
    Simulate(simulate::Arguments),
    /// Run the examples through a worker over a queue in memory
    Demo(demo::Arguments),
    /// The process that checks scripts for another one
    #[command(hide = true)]
    PrepareChild,
}

impl Arguments {
    /// Does what was asked for; an error is said on standard error.
    pub(crate) fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Run(arguments) => run::run(arguments),
            Command::Check(arguments) => check::check(arguments),
            Command::Work(arguments) => work::work(arguments),
            Command::Scaler(arguments) => scaler::scaler(arguments),
            Command::Declare(arguments) => declare::declare(arguments),
            Command::Send(arguments) => send::send(arguments),
            #[cfg(feature = "kube")]
            Command::Scale(arguments) => scale::scale(arguments),
            #[cfg(feature = "kube")]
            Command::Autoscale(arguments) => autoscale::autoscale(arguments),
            Command::Explain(arguments) => explain::explain(arguments),
            Command::Simulate(arguments) => simulate::simulate(arguments),
            Command::Demo(arguments) => demo::demo(arguments),
            Command::PrepareChild => Ok(scriptmill_sandbox::prepare::serve()),
        };
        result.unwrap_or_else(|error| failure::report(&error))
    }
}
