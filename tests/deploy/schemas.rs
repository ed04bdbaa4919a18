//! Kubernetes' own schemas, as types that k8s-openapi generates from them, and our types for custom resources.

use k8s_openapi::api::{apps, autoscaling, core, networking, policy, rbac};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::manifests::{name, text};

/// What is wrong with an object, if anything.
///
/// The types of k8s-openapi ignore a field they don't know and fill in one that is missing. So an object that is read
/// and written again differs in both cases.
pub(crate) fn mistake(object: &Value) -> Option<String> {
    let check: fn(&Value) -> Result<Value, String> = match (text(object, "/apiVersion"), text(object, "/kind")) {
        ("v1", "ConfigMap") => again::<core::v1::ConfigMap>,
        ("v1", "Service") => again::<core::v1::Service>,
        ("v1", "ServiceAccount") => again::<core::v1::ServiceAccount>,
        ("apps/v1", "Deployment") => again::<apps::v1::Deployment>,
        ("autoscaling/v2", "HorizontalPodAutoscaler") => again::<autoscaling::v2::HorizontalPodAutoscaler>,
        ("networking.k8s.io/v1", "NetworkPolicy") => again::<networking::v1::NetworkPolicy>,
        ("policy/v1", "PodDisruptionBudget") => again::<policy::v1::PodDisruptionBudget>,
        ("rbac.authorization.k8s.io/v1", "Role") => again::<rbac::v1::Role>,
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => again::<rbac::v1::RoleBinding>,
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => again::<rbac::v1::ClusterRole>,
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => again::<rbac::v1::ClusterRoleBinding>,
        ("apiregistration.k8s.io/v1", "APIService") => again::<apiregistration::v1::APIService>,
        ("keda.sh/v1alpha1", "ScaledObject") => again::<Custom<ScaledObject>>,
        ("cert-manager.io/v1", "Issuer") => again::<Custom<SelfSigned>>,
        ("cert-manager.io/v1", "Certificate") => again::<Custom<Certificate>>,
        (version, kind) => return Some(format!("no schema for {kind} of {version}")),
    };
    match check(object) {
        Ok(again) => difference("", object, &again).map(|at| format!("{}: {at}", name(object))),
        Err(error) => Some(format!("{}: {error}", name(object))),
    }
}

fn again<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// The first place where an object differs from what it is after it was read and written again.
fn difference(at: &str, object: &Value, again: &Value) -> Option<String> {
    match (object, again) {
        (Value::Object(object), Value::Object(again)) => {
            if let Some(unknown) = object.keys().find(|key| !again.contains_key(*key)) {
                return Some(format!("{at}/{unknown} is not known"));
            }
            if let Some(missing) = again.keys().find(|key| !object.contains_key(*key)) {
                return Some(format!("{at}/{missing} is missing"));
            }
            object.iter().find_map(|(key, value)| difference(&format!("{at}/{key}"), value, &again[key]))
        }
        (Value::Array(object), Value::Array(again)) if object.len() == again.len() => {
            object.iter().zip(again).enumerate().find_map(|(i, (a, b))| difference(&format!("{at}/{i}"), a, b))
        }
        _ => (object != again).then(|| format!("{at} is {object}, read as {again}")),
    }
}

/// An object of a custom resource.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Custom<Spec> {
    api_version: String,
    kind: String,
    metadata: Map<String, Value>,
    spec: Spec,
}

/// The spec of KEDA's ScaledObject (keda.sh/v1alpha1), as far as it is used here.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ScaledObject {
    scale_target_ref: autoscaling::v2::CrossVersionObjectReference,
    min_replica_count: u32,
    max_replica_count: u32,
    polling_interval: u32,
    cooldown_period: u32,
    fallback: Fallback,
    advanced: Advanced,
    triggers: Vec<Trigger>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fallback {
    failure_threshold: u32,
    replicas: u32,
    behavior: FallbackBehavior,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum FallbackBehavior {
    Static,
    CurrentReplicas,
    CurrentReplicasIfHigher,
    CurrentReplicasIfLower,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advanced {
    horizontal_pod_autoscaler_config: HpaConfig,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HpaConfig {
    behavior: autoscaling::v2::HorizontalPodAutoscalerBehavior,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Trigger {
    r#type: TriggerType,
    metric_type: MetricType,
    /// KEDA refuses values that are not text.
    metadata: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum TriggerType {
    External,
    ExternalPush,
}

#[derive(Deserialize, Serialize)]
enum MetricType {
    AverageValue,
    Value,
}

/// The spec of cert-manager's Issuer (cert-manager.io/v1) that signs its own certificates.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SelfSigned {
    self_signed: Map<String, Value>,
}

/// The spec of cert-manager's Certificate (cert-manager.io/v1), as far as it is used here.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Certificate {
    secret_name: String,
    duration: String,
    renew_before: String,
    private_key: PrivateKey,
    dns_names: Vec<String>,
    issuer_ref: IssuerRef,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PrivateKey {
    algorithm: String,
    size: u32,
    rotation_policy: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct IssuerRef {
    name: String,
    kind: String,
}
