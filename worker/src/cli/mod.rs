//! The commands, one file each.

#[cfg(feature = "kube")]
mod autoscale;
mod bundle;
mod cancel;
mod check;
mod claims;
mod dead;
mod declare;
mod demo;
mod examples;
mod explain;
mod failure;
#[cfg(feature = "ledger")]
mod history;
mod jobs;
#[cfg(feature = "ledger")]
mod ledger;
mod local;
mod logs;
mod pages;
mod precompile;
mod quarantine_child;
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

use clap::{CommandFactory as _, Parser, Subcommand};

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
    /// Look into the dead letters, send them again or remove them
    Dead(dead::Arguments),
    /// Send jobs of one script to the workers, wait for their outcomes and sum them up
    Send(send::Arguments),
    /// Cancel jobs, wherever they are
    Cancel(cancel::Arguments),
    /// Show jobs that the ledger remembers, or all that it knows of one
    #[cfg(feature = "ledger")]
    History(history::Arguments),
    /// Make the ledger's tables, or bring them up to date
    #[cfg(feature = "ledger")]
    Ledger(ledger::Arguments),
    /// Set how many workers a group has in Kubernetes
    #[cfg(feature = "kube")]
    Scale(scale::Arguments),
    /// Have Kubernetes set how many workers a group has, between two bounds
    #[cfg(feature = "kube")]
    Autoscale(autoscale::Arguments),
    /// Compile the engine into a file, so that no start does
    Precompile(precompile::Arguments),
    /// Say what an error code means, its likely causes and what to do
    Explain(explain::Arguments),
    /// Simulate how the number of workers would follow a load, beside other ways to scale
    Simulate(simulate::Arguments),
    /// Run the examples through a worker over a queue in memory
    Demo(demo::Arguments),
    /// Print what a shell needs to complete the commands
    Completions(pages::Completions),
    /// Write the pages for `man` into a folder
    #[command(hide = true)]
    Manual(pages::Manual),
    /// The process that checks scripts for another one
    #[command(hide = true)]
    PrepareChild,
    /// The process that runs jobs in quarantine for another one
    #[command(hide = true)]
    QuarantineChild(quarantine_child::Arguments),
}

impl Arguments {
    /// Runs the command. An error is reported on standard error.
    pub(crate) fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Run(arguments) => run::run(arguments),
            Command::Check(arguments) => check::check(arguments),
            Command::Work(arguments) => work::work(arguments),
            Command::Scaler(arguments) => scaler::scaler(arguments),
            Command::Declare(arguments) => declare::declare(arguments),
            Command::Dead(arguments) => dead::dead(arguments),
            Command::Send(arguments) => send::send(arguments),
            Command::Cancel(arguments) => cancel::cancel(arguments),
            #[cfg(feature = "ledger")]
            Command::History(arguments) => history::history(arguments),
            #[cfg(feature = "ledger")]
            Command::Ledger(arguments) => ledger::ledger(arguments),
            #[cfg(feature = "kube")]
            Command::Scale(arguments) => scale::scale(arguments),
            #[cfg(feature = "kube")]
            Command::Autoscale(arguments) => autoscale::autoscale(arguments),
            Command::Precompile(arguments) => precompile::precompile(&arguments),
            Command::Explain(arguments) => explain::explain(arguments),
            Command::Simulate(arguments) => simulate::simulate(arguments),
            Command::Demo(arguments) => demo::demo(arguments),
            Command::Completions(arguments) => pages::completions(&arguments, Self::command()),
            Command::Manual(arguments) => pages::manual(&arguments, Self::command()),
            Command::PrepareChild => Ok(scriptmill_sandbox::prepare::serve()),
            Command::QuarantineChild(arguments) => quarantine_child::quarantine_child(&arguments),
        };
        result.unwrap_or_else(|error| failure::report(&error))
    }
}
