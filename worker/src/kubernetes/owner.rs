//! Who sets the replicas of a Deployment.

use std::fmt;

/// Who sets the replicas of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A HorizontalPodAutoscaler of this name.
    Hpa {
        /// Its name.
        name: String,
        /// Whether it is the one that [`super::Groups::autoscale`] makes: it has the Deployment's name, and uses our
        /// metric.
        ours: bool,
    },
    /// A ScaledObject of KEDA of this name.
    ScaledObject(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hpa { name, .. } => write!(f, "HorizontalPodAutoscaler {name}"),
            Self::ScaledObject(name) => write!(f, "ScaledObject {name} of KEDA"),
        }
    }
}

impl Owner {
    /// What a person can do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Hpa { ours: true, .. } => "change its bounds with `scriptmill autoscale`, or end it with `--off`",
            Self::Hpa { .. } | Self::ScaledObject(_) => "change its bounds, or delete it first",
        }
    }
}
