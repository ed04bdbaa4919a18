//! How the options of a room are checked. Each range is written once, beside the option that it bounds, and gives both the check and
//! its message. The configuration adds where the value was set.

use std::fs::File;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;

/// The longest that a worker may leave a delivery unacknowledged by its settings. RabbitMQ closes the channel of a consumer that
/// leaves one unacknowledged for 30 minutes, unless `consumer_timeout` says otherwise. No setting may come near that.
pub(crate) const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest time for which a job that cannot begin is held, whatever wait is promised.
pub(crate) const PATIENCE_MAX: Duration = Duration::from_secs(60);

/// An option that breaks a rule.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Its key, such as `worker.slots`.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) fault: Fault,
}

/// What is wrong with an option.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The option breaks this rule: `must be …`.
    Rule(String),
    /// A finding of a check elsewhere, which names the value: `must be …, but is …`.
    Found(String),
    /// The file that the option names cannot be read.
    Unreadable { path: PathBuf, error: io::Error },
}

/// Collects the options that break a rule.
pub(crate) struct Rules<'a> {
    section: String,
    is_said: &'a dyn Fn(&str) -> bool,
    /// The findings so far.
    pub(crate) broken: Vec<Broken>,
}

impl<'a> Rules<'a> {
    /// Begins without findings. `is_said` answers whether a key was set.
    pub(crate) fn new(is_said: &'a dyn Fn(&str) -> bool) -> Self {
        Self { section: String::new(), is_said, broken: Vec::new() }
    }

    /// Checks the options of one section.
    pub(crate) fn section(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let inner = self.key(name);
        let outer = std::mem::replace(&mut self.section, inner);
        check(self);
        self.section = outer;
    }

    /// Whether this option was set, rather than left at its default.
    pub(crate) fn is_said(&self, name: &str) -> bool {
        (self.is_said)(&self.key(name))
    }

    /// Checks a rule of any kind. `rule` continues the sentence after the key, as in `must name at least one broker`.
    pub(crate) fn check(&mut self, name: &str, holds: bool, rule: impl Into<String>) {
        if !holds {
            self.broken.push(Broken { key: self.key(name), fault: Fault::Rule(rule.into()) });
        }
    }

    /// Adds the finding of a check elsewhere. `finding` continues the sentence after the key and names the value: `must be …, but is …`.
    pub(crate) fn found(&mut self, name: &str, finding: String) {
        self.broken.push(Broken { key: self.key(name), fault: Fault::Found(finding) });
    }

    /// Checks that a value is within its range. `reason` says where the range comes from; it may be empty.
    pub(crate) fn within<T: Shown>(&mut self, name: &str, value: T, range: impl RangeBounds<T>, reason: &str) {
        let rule = match (range.start_bound(), range.end_bound()) {
            (Bound::Included(least), Bound::Included(most)) => {
                format!("must be between {} and {}", least.shown(), most.shown())
            }
            (Bound::Included(least), _) => format!("must be at least {}", least.shown()),
            (_, Bound::Included(most)) => format!("must be {} at most", most.shown()),
            _ => return,
        };
        let separator = if reason.is_empty() { "" } else { ": " };
        self.check(name, range.contains(&value), format!("{rule}{separator}{reason}"));
    }

    /// Checks that a file can be read, if one is named.
    pub(crate) fn readable(&mut self, name: &str, path: Option<&Path>) {
        if let Some(path) = path
            && let Err(error) = File::open(path)
        {
            let fault = Fault::Unreadable { path: path.to_owned(), error };
            self.broken.push(Broken { key: self.key(name), fault });
        }
    }

    /// Checks that a file holds certificates in PEM, if one is named.
    pub(crate) fn certificates(&mut self, name: &str, path: Option<&Path>) {
        let Some(path) = path else { return };
        match std::fs::read(path) {
            Err(error) => {
                let fault = Fault::Unreadable { path: path.to_owned(), error };
                self.broken.push(Broken { key: self.key(name), fault });
            }
            Ok(bytes) => {
                let begin = b"-----BEGIN CERTIFICATE-----";
                let holds_one = bytes.windows(begin.len()).any(|window| window == begin);
                self.check(name, holds_one, "must be a file that holds at least one certificate (PEM)");
            }
        }
    }

    /// Checks that a file with a secret or a name can be read and is not empty, if one is named.
    pub(crate) fn filled(&mut self, name: &str, path: Option<&Path>) {
        let unreadable = self.broken.len();
        self.readable(name, path);
        if let Some(Ok(bytes)) = path.filter(|_| self.broken.len() == unreadable).map(std::fs::read) {
            self.check(name, !bytes.trim_ascii().is_empty(), "must be a file that is not empty");
        }
    }

    fn key(&self, name: &str) -> String {
        if self.section.is_empty() { name.to_owned() } else { format!("{}.{name}", self.section) }
    }
}

/// A value as it is written in a configuration.
pub(crate) trait Shown: PartialOrd {
    fn shown(&self) -> String;
}

impl Shown for usize {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for u64 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Duration {
    fn shown(&self) -> String {
        humantime_serde::re::humantime::format_duration(*self).to_string()
    }
}

impl Shown for ByteSize {
    fn shown(&self) -> String {
        let bytes = self.as_u64();
        [("GiB", 30), ("MiB", 20), ("KiB", 10)]
            .into_iter()
            .find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift)
            .map_or_else(|| format!("{bytes}B"), |(unit, shift)| format!("{}{unit}", bytes >> shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_gives_its_own_sentence() {
        let said = |_: &str| false;
        let mut rules = Rules::new(&said);
        rules.section("worker", |rules| {
            rules.within("slots", 3_usize, ..=2, "");
            rules.within("grace", Duration::ZERO, Duration::from_millis(100)..=Duration::from_secs(600), "why");
            rules.section("limits", |rules| rules.within("memory", ByteSize::b(5), ByteSize::kib(64).., ""));
            rules.within("threads", 2_usize, 1..=2, "");
        });
        let sentences: Vec<_> =
            rules.broken.iter().map(|broken| format!("{} {:?}", broken.key, broken.fault)).collect();
        assert_eq!(
            sentences,
            [
                "worker.slots Rule(\"must be 2 at most\")",
                "worker.grace Rule(\"must be between 100ms and 10m: why\")",
                "worker.limits.memory Rule(\"must be at least 64KiB\")",
            ]
        );
    }
}
