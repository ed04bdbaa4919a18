//! Names that manifests, exporters and commands share.

/// The label of a Deployment that names its group of workers.
pub(super) const GROUP_LABEL: &str = "scriptmill.dev/group";
/// The name under which Kubernetes records the changes made here.
pub(super) const FIELD_MANAGER: &str = "scriptmill";
