//! The one configuration: defaults, then a TOML file, then the environment, then flags.
//!
//! Parts define their own options; this module only puts them together, lays the layers over each other and says
//! what is wrong: every mistake at once, each with its key and where it was said, before any port is bound or any
//! queue touched.

pub mod log;
mod memory;
mod options;
mod ranges;
pub mod sandbox;
mod settings;
mod typed;

use std::fmt;
use std::path::PathBuf;

use scriptmill_sdk::Code;

pub use memory::{Available, available};
pub use options::Config;
pub use settings::{Origin, Setting, Settings, flag};

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

/// Where a configuration is read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file, where one is named.
    pub file: Option<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(String, String)>,
    /// What flags say.
    pub flags: Vec<(String, Setting)>,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn load(sources: Sources) -> Result<Self, Mistakes> {
        let (mut said, mut mistakes) = match sources.file.as_deref().map(settings::file) {
            None => (Settings::new(), Vec::new()),
            Some(Ok(settings)) => (settings, Vec::new()),
            Some(Err(mistakes)) => (Settings::new(), mistakes),
        };
        said.extend(settings::variables(sources.environment.into_iter()));
        said.extend(sources.flags);
        let (config, wrong) = typed::read::<Self>(&said);
        mistakes.extend(wrong);
        mistakes.extend(ranges::check(&config, &said));
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
    }

    /// The JSON Schema of a configuration file.
    pub fn schema() -> serde_json::Value {
        typed::schema::<Self>()
    }

    /// Holds the memory that all slots may take against what this process may use.
    ///
    /// # Errors
    /// The slots don't fit, with the arithmetic.
    pub fn fits(&self, available: &Available) -> Result<(), Mistakes> {
        ranges::fits(&self.worker, available).map_err(|mistake| Mistakes(vec![mistake]))
    }
}

#[cfg(test)]
mod tests;
