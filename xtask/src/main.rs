//! What a contributor runs: `cargo xtask COMMAND`. One module per command.

mod bench;
mod dist;
mod engine;
mod faults;
mod fuzz;
mod instructions;
mod needs;
mod postgres;
mod test;
mod test262;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything a contributor runs, beside cargo itself.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every test, starting first what the tests need and isn't there
    Test(test::Options),
    /// Run the tests of a test262 checkout through the sandbox
    Test262(test262::Options),
    /// Hold the sources to the rules of the house: import directions, circles, lengths, module files, SAFETY comments
    Tidy,
    /// Build the JavaScript engine's wasm (needs clang-19), or prove that it is current
    Engine(engine::Options),
    /// Let everything go wrong around workers for a long time, and count what is lost
    Faults(faults::Options),
    /// Run the fuzz targets, a minute each (needs a nightly toolchain and cargo-fuzz)
    Fuzz(fuzz::Options),
    /// Measure Scriptmill beside others
    Bench(bench::Options),
    /// Make what a release would carry: archives and packages, of one binary
    Dist(dist::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Test262(options) => test262::run(&options),
        Command::Tidy => tidy::run(),
        Command::Engine(options) => engine::run(&options),
        Command::Faults(options) => faults::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Dist(options) => dist::run(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
