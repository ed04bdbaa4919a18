//! What can be set about scaling.

use schemars::JsonSchema;
use scriptmill_scaling::Policy;
use serde::{Deserialize, Serialize};

use crate::rules::Rules;

/// The most bytes of a group's name.
const GROUP_BYTES_MAX: usize = 64;
/// The most bytes of a pod's name, as Kubernetes bounds it.
const POD_BYTES_MAX: usize = 253;

/// How many workers there should be: what is promised to those who send jobs, and how far it may cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
// serde cannot refuse unknown fields beside a flattened struct; the configuration refuses them by this schema.
#[schemars(extend("additionalProperties" = false))]
pub struct Options {
    /// The worker group that this process belongs to, and whose workers are counted.
    #[schemars(length(min = 1, max = GROUP_BYTES_MAX))]
    pub group: String,
    /// The pod of Kubernetes that a worker runs in, so that `scaler.pod_deletion_cost` can be kept for it.
    #[schemars(length(min = 1, max = POD_BYTES_MAX))]
    pub pod: Option<String>,
    /// What the group is to keep to.
    #[serde(flatten)]
    pub policy: Policy,
}

impl Default for Options {
    fn default() -> Self {
        Self { group: "default".to_owned(), pod: None, policy: Policy::default() }
    }
}

impl Options {
    /// Checks the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        rules.check(
            "group",
            (1..=GROUP_BYTES_MAX).contains(&self.group.len()) && self.group.chars().all(is_name),
            format!("must be 1 to {GROUP_BYTES_MAX} letters, digits, dots, dashes or underscores"),
        );
        rules.check(
            "pod",
            self.pod.as_ref().is_none_or(|pod| (1..=POD_BYTES_MAX).contains(&pod.len())),
            format!("must be 1 to {POD_BYTES_MAX} bytes"),
        );
        for broken in self.policy.check() {
            rules.found(broken.key, broken.message);
        }
    }
}
