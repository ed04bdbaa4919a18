//! How a command that failed says why.

use std::fmt::Write as _;
use std::process::ExitCode;

use scriptmill::config::Mistakes;
use scriptmill_sdk::{Code, Ending, Exhausted, Failure, Rejection};

use super::text::tame;

/// The exit code for a wrong call: flags, files, configuration.
pub(crate) const USAGE: u8 = 2;

/// A failure with a code and so with a page.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Coded {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Whether the call is wrong.
    pub(crate) usage: bool,
}

impl Coded {
    /// The error for an ending that is not the outcome of a job.
    pub(crate) fn ending(ending: Ending) -> anyhow::Error {
        match ending {
            Ending::Failed(Failure { code, message, .. })
            | Ending::Exhausted(Exhausted { code, message, .. })
            | Ending::Rejected(Rejection { code, message, .. })
            | Ending::Cancelled { code, message } => Self { code, message, usage: false }.into(),
            Ending::Succeeded(_) | Ending::Completed(_) => anyhow::anyhow!("the check ended with a value"),
        }
    }

    /// A mistake of the call.
    pub(crate) fn usage(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), usage: true }
    }
}

/// Says on standard error what went wrong, and gives the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprint!("{}", sentences(error));
    let usage = error
        .chain()
        .any(|cause| cause.is::<Mistakes>() || cause.downcast_ref::<Coded>().is_some_and(|coded| coded.usage));
    ExitCode::from(if usage { USAGE } else { 1 })
}

/// The chain of causes, one a line, and the command that explains the codes in it.
fn sentences(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}\n", tame(&error.to_string()));
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Many errors repeat their cause in their own sentence.
        if !last.ends_with(&cause) {
            _ = writeln!(text, "  because: {}", tame(&cause));
            last = cause;
        }
    }
    let named = |code: &&Code| text.contains(&code.to_string());
    let commands: Vec<_> = Code::ALL.iter().filter(named).map(|code| code.command()).collect();
    for command in commands {
        _ = writeln!(text, "  more about it: {command}");
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_chain_reads_as_sentences_and_says_how_to_learn_more() {
        let inner = Coded { code: Code::BrokerUnreachable, message: "no broker answers".to_owned(), usage: false };
        let error = Err::<(), _>(inner).context("12 jobs were not sent").unwrap_err();
        let expected = "error: 12 jobs were not sent\n  because: SM4101: no broker answers\n  more about it: scriptmill explain SM4101\n";
        assert_eq!(sentences(&error), expected);
    }
}
