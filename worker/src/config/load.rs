//! Reading a configuration from its layers.

use std::path::PathBuf;

use super::budget::Budget;
use super::memory::Available;
use super::mistakes::Mistakes;
use super::options::Config;
use super::settings::{self, Setting, Settings};
use super::{ranges, typed};

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
        let (variables, misspelt) = settings::variables(sources.environment.into_iter(), &typed::keys::<Self>());
        said.extend(variables);
        mistakes.extend(misspelt);
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

    /// The most memory that a worker of this configuration takes.
    pub fn budget(&self) -> Budget {
        Budget::of(self)
    }

    /// Checks that the most memory that the worker takes fits into what this process may use.
    ///
    /// # Errors
    /// It does not fit, with the arithmetic.
    pub fn fits(&self, available: &Available) -> Result<(), Mistakes> {
        ranges::fits(self, available).map_err(|mistake| Mistakes(vec![mistake]))
    }
}
