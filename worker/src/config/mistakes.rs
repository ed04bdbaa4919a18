//! What is wrong with a configuration.

use std::fmt;

use scriptmill_sdk::Code;

/// One mistake, as a sentence that names the setting and where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What kind of mistake.
    pub code: Code,
    /// The sentence.
    pub message: String,
}

/// All mistakes of a configuration; never empty.
#[derive(Debug, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration has a mistake")?,
            count => write!(f, "the configuration has {count} mistakes")?,
        }
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {}: {}", mistake.code, mistake.message))
    }
}
