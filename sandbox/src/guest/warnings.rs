//! The guest's warnings, kept until the run is over and their places can be looked up.

use scriptmill_sdk::{Code, Warning};

use crate::abi::WarningKind;
use crate::places::Files;
use crate::stack::{Report, located, shortened};

/// Warnings of one outcome; further ones are counted. The guest reports ten of each kind, and how many more there are.
const WARNINGS_MAX: usize = 20;
/// Bytes of one warning that are kept: the guest cuts what it writes to less than that.
const BYTES_MAX: usize = 256 << 10;

/// The warnings of one run.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    kept: Vec<(WarningKind, Vec<u8>)>,
    more: u64,
    /// The functions that wait for something that never comes.
    stalled: Vec<u8>,
}

impl Warnings {
    pub(crate) fn add(&mut self, kind: WarningKind, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
        if kind == WarningKind::Stalled {
            self.stalled = bytes.to_vec();
        } else if self.kept.len() < WARNINGS_MAX {
            self.kept.push((kind, bytes.to_vec()));
        } else {
            self.more += 1;
        }
    }

    /// Takes the warnings in the form that an outcome has.
    pub(crate) fn take(&mut self, files: &Files) -> Vec<Warning> {
        let Self { kept, more, .. } = std::mem::take(self);
        let mut warnings: Vec<_> = kept.iter().filter_map(|(kind, bytes)| warning(*kind, bytes, files)).collect();
        if let Some(last) = warnings.last().filter(|_| more > 0) {
            let were = if more == 1 { "warning was" } else { "warnings were" };
            let message = format!("{more} further {were} left out");
            warnings.push(Warning { code: last.code, message, path: None, at: None });
        }
        warnings
    }

    /// The innermost place where a stalled run waits, if it is known.
    pub(crate) fn stalled_at(&self, files: &Files) -> Option<scriptmill_sdk::Position> {
        let frames = located(&String::from_utf8_lossy(&self.stalled), files);
        frames.into_iter().rev().find_map(|frame| frame.at)
    }
}

fn warning(kind: WarningKind, bytes: &[u8], files: &Files) -> Option<Warning> {
    let text = String::from_utf8_lossy(bytes);
    let place =
        |frame: &scriptmill_sdk::StackFrame| frame.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    let name = |frame: &scriptmill_sdk::StackFrame| match &frame.function {
        Some(name) => format!("`{name}`"),
        None => "a function".to_owned(),
    };
    Some(match kind {
        WarningKind::Lost => {
            let (path, what) = text.split_once('\n')?;
            let message = shortened(format!("{path} {what}"));
            Warning { code: Code::LostInJson, message, path: Some(shortened(path.to_owned())), at: None }
        }
        WarningKind::Floating => {
            let frames = located(&text, files);
            let (waits, called) = (frames.first()?, frames.get(1));
            let missing = match called.and_then(|frame| frame.at.as_ref()) {
                Some(at) => format!("is an `await` missing at {at}?"),
                None => "is an `await` missing where it is called?".to_owned(),
            };
            let message = format!(
                "{} still waited{} when the entry returned, and what comes after that did not run: {missing}",
                name(waits),
                place(waits)
            );
            let at = called.and_then(|frame| frame.at.clone()).or_else(|| waits.at.clone());
            Warning { code: Code::CallsLeft, message, path: None, at }
        }
        WarningKind::Dropped => {
            let frames = located(&text, files);
            let function = frames.first()?;
            let message = format!(
                "{}{} was to be called later, and was not, since the entry had returned: await what it belongs to",
                name(function),
                place(function)
            );
            Warning { code: Code::CallsLeft, message, path: None, at: function.at.clone() }
        }
        WarningKind::Rejection => {
            let report = Report::read(bytes);
            let message = format!("a promise was rejected and nothing handled it: {}", report.sentence());
            Warning { code: Code::UnhandledRejection, message, path: None, at: report.position(files) }
        }
        WarningKind::Stalled => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The warnings of a value of which JSON has lost this many places.
    fn lost(count: usize) -> Vec<Warning> {
        let mut warnings = Warnings::default();
        for number in 0..count {
            let text = format!("value.lines[{number}].price\nis NaN, written as null");
            warnings.add(WarningKind::Lost, text.as_bytes());
        }
        warnings.take(&Files::new(&[]))
    }

    #[test]
    fn what_json_has_lost_is_named_by_its_path_in_the_value() {
        let expected = |number: usize| Warning {
            code: Code::LostInJson,
            message: format!("value.lines[{number}].price is NaN, written as null"),
            path: Some(format!("value.lines[{number}].price")),
            at: None,
        };
        assert_eq!(lost(2), [expected(0), expected(1)]);
    }

    #[test]
    fn an_outcome_has_twenty_warnings_and_says_how_many_more_there_were() {
        assert_eq!((lost(0).len(), lost(20).len()), (0, 20));
        for (count, message) in [(21, "1 further warning was left out"), (25, "5 further warnings were left out")] {
            let warnings = lost(count);
            assert_eq!(warnings.len(), 21, "{count}");
            assert_eq!(warnings[..20], lost(20), "{count}");
            let more = Warning { code: Code::LostInJson, message: message.to_owned(), path: None, at: None };
            assert_eq!(warnings[20], more, "{count}");
        }
    }
}
