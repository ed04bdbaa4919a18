//! Names that manifests, exporters and commands share.

/// The label of a Deployment that names its group of workers.
pub(super) const GROUP_LABEL: &str = "scriptmill.dev/group";
/// By which name Kubernetes records what is changed here.
pub(super) const FIELD_MANAGER: &str = "scriptmill";
