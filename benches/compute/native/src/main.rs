//! Runs scripts in QuickJS-NG as native code: for each path on stdin, a line with the nanoseconds that `main()` took, in a
//! fresh runtime, and its value as JSON.

use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rquickjs::{CatchResultExt as _, Context, Function, Runtime, Value};

fn main() -> anyhow::Result<()> {
    for path in io::stdin().lock().lines() {
        let source = fs::read(path?)?;
        let (took, value) = run(&source)?;
        writeln!(io::stdout().lock(), "{} {value}", took.as_nanos())?;
    }
    Ok(())
}

fn run(source: &[u8]) -> anyhow::Result<(Duration, String)> {
    Context::full(&Runtime::new()?)?.with(|context| {
        let measured = || {
            context.eval::<(), _>(source)?;
            let main: Function<'_> = context.globals().get("main")?;
            let began = Instant::now();
            let value: Value<'_> = main.call(())?;
            let took = began.elapsed();
            Ok((took, context.json_stringify(value)?))
        };
        let (took, value) = measured().catch(&context).map_err(|error| anyhow!("{error}"))?;
        Ok((took, value.context("no value")?.to_string()?))
    })
}
