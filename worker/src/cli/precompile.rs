//! `scriptmill precompile`: the engine, compiled before anything starts, for images and machines that workers run on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use scriptmill::config::sandbox::precompiled_beside_program;
use scriptmill_sandbox::{Cpu, EngineOptions, precompile as compile};

use super::text::{grouped, say, span};

const EXAMPLES: &str = "\
Examples:
  scriptmill precompile
  scriptmill precompile --output /usr/local/lib/scriptmill/engine.bin --cpu x86-64-v3

Whatever needs the engine (`work`, `run`, `check`, `demo`) loads this file instead of compiling for a second or two. It is for this
very program: make it anew whenever the program is replaced. It is loaded where nobody but root and the user who runs the
program can write it, on processors that have what it was compiled for; anywhere else a start says so and compiles.

Code is compiled for this machine's architecture alone: for another one, run the command there.

Exit code: 0 when the file is there, 1 when it cannot be made, 2 for a wrong call.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file to write [default: lib/scriptmill/engine.bin beside the program's folder, where it is looked for]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The oldest processors that are to run it
    #[arg(long, value_parser = processors(), default_value = Cpu::HERE[0].name())]
    cpu: Cpu,
}

fn processors() -> impl clap::builder::TypedValueParser<Value = Cpu> {
    PossibleValuesParser::new(Cpu::HERE.iter().map(|cpu| cpu.name())).try_map(|name| name.parse::<Cpu>())
}

pub(crate) fn precompile(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { output, cpu } = arguments;
    let file = output.clone().or_else(precompiled_beside_program).context("the folder of this program is not known")?;
    let began = Instant::now();
    let bytes = compile(&EngineOptions::default(), *cpu, &file)?;
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    say(format_args!(
        "{}: the engine for {}, {} bytes, compiled in {}\n",
        file.display(),
        cpu.name(),
        grouped(bytes),
        span(micros)
    ))?;
    Ok(ExitCode::SUCCESS)
}
