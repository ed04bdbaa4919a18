//! The folders of `examples/`, as they were when this program was built.

use scriptmill_sdk::{Bundle, Job, Module};
use serde_json::value::RawValue;

/// One example.
pub(crate) struct Example {
    /// Its folder.
    pub(crate) name: &'static str,
    /// Names and sources, the main module first.
    modules: &'static [(&'static str, &'static str)],
    input: &'static str,
    /// The value that its outcome must hold, as JSON.
    pub(crate) expected: &'static str,
}

/// All examples, by name.
pub(crate) const EXAMPLES: &[Example] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

impl Example {
    /// A job of this example.
    pub(crate) fn job(&self, id: String, clock: Option<&str>) -> serde_json::Result<Job> {
        let module = |(name, source): &(&str, &str)| Module::new(*name, *source);
        let script = Bundle { modules: self.modules.iter().map(module).collect() };
        let input = RawValue::from_string(self.input.to_owned())?;
        let tenant = "demo".parse().map_err(serde::de::Error::custom)?;
        Ok(Job { input, clock: clock.map(str::to_owned), ..Job::new(id, tenant, script) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_example_is_a_job_with_a_value_to_expect() {
        assert!(EXAMPLES.len() >= 10);
        for example in EXAMPLES {
            example.job("1".to_owned(), None).unwrap().validate().unwrap();
            assert_eq!(example.modules[0].0, "main.ts", "{}", example.name);
            serde_json::from_str::<serde_json::Value>(example.expected).unwrap();
        }
    }
}
