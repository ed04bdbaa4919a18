//! What the worker counts on and no schema checks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::manifests::{list, name, text};

/// Seconds that Kubernetes waits for a pod to end beyond what the worker gives its jobs: for the outcomes' confirms.
const GRACE_MARGIN_S: u64 = 15;
/// Seconds that a pod may stay bound to a dead node.
const TOLERATION_S: std::ops::RangeInclusive<u64> = 10..=300;

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

fn is_there(objects: &[Value], kind: &str, wanted: &str) -> bool {
    of_kind(objects, kind).any(|object| text(object, "/metadata/name") == wanted)
}

/// Whether labels match a selector, both of them JSON objects.
fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    })
}

/// References to objects that do not exist.
pub(crate) fn dangling(objects: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let deployments: Vec<_> = of_kind(objects, "Deployment").collect();
    for object in objects {
        let mut need = |right: bool, what: &str| {
            if !right {
                found.push(format!("{}: {what}", name(object)));
            }
        };
        let selected = |pointer: &str| {
            let selector = object.pointer(pointer).unwrap_or(&Value::Null);
            deployments
                .iter()
                .find(|deployment| selects(selector, &deployment["spec"]["template"]["metadata"]["labels"]))
        };
        match text(object, "/kind") {
            "Service" => {
                let ports: BTreeSet<_> = selected("/spec/selector")
                    .into_iter()
                    .flat_map(|deployment| list(deployment, "/spec/template/spec/containers/0/ports"))
                    .map(|port| text(port, "/name"))
                    .collect();
                let all = list(object, "/spec/ports").iter().all(|port| ports.contains(text(port, "/targetPort")));
                need(all, "a port leads to no pod's port");
            }
            "PodDisruptionBudget" => need(selected("/spec/selector/matchLabels").is_some(), "selects no pod"),
            "NetworkPolicy" => need(selected("/spec/podSelector/matchLabels").is_some(), "selects no pod"),
            "HorizontalPodAutoscaler" | "ScaledObject" => {
                let target = text(object, "/spec/scaleTargetRef/name");
                need(is_there(objects, "Deployment", target), "scales no Deployment");
            }
            "APIService" => {
                let service = text(object, "/spec/service/name");
                need(is_there(objects, "Service", service), "leads to no Service");
                let authority = text(object, "/metadata/annotations/cert-manager.io~1inject-ca-from");
                let certificate = authority.rsplit('/').next().unwrap_or_default();
                need(is_there(objects, "Certificate", certificate), "trusts no Certificate");
            }
            "Deployment" => {
                need(
                    selected("/spec/selector/matchLabels").is_some_and(|own| *own == object),
                    "does not select its pods",
                );
                let account = text(object, "/spec/template/spec/serviceAccountName");
                need(is_there(objects, "ServiceAccount", account), "has no ServiceAccount");
                let maps = list(object, "/spec/template/spec/containers/0/envFrom");
                let maps: Vec<_> = maps.iter().map(|from| text(from, "/configMapRef/name")).collect();
                let all = maps.iter().all(|map| is_there(objects, "ConfigMap", map));
                need(all && !maps.is_empty(), "has no settings");
                let volumes: BTreeSet<_> =
                    list(object, "/spec/template/spec/volumes").iter().map(|volume| text(volume, "/name")).collect();
                let mounts = list(object, "/spec/template/spec/containers/0/volumeMounts");
                need(mounts.iter().all(|mount| volumes.contains(text(mount, "/name"))), "mounts a volume it has not");
            }
            _ => {}
        }
    }
    found
}

/// The environment of a Deployment's pods.
pub(crate) fn settings(objects: &[Value], deployment: &str) -> Value {
    let mut settings = json!({});
    let deployments = of_kind(objects, "Deployment").filter(|object| text(object, "/metadata/name") == deployment);
    for from in deployments.flat_map(|object| list(object, "/spec/template/spec/containers/0/envFrom")) {
        let maps = of_kind(objects, "ConfigMap");
        let mut maps = maps.filter(|map| text(map, "/metadata/name") == text(from, "/configMapRef/name"));
        for (name, value) in maps.next().and_then(|map| map["data"].as_object()).into_iter().flatten() {
            settings[name] = value.clone();
        }
    }
    settings
}

/// What is wrong with the pods of the Deployments.
pub(crate) fn of_pods(objects: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for deployment in of_kind(objects, "Deployment") {
        let settings = settings(objects, text(deployment, "/metadata/name"));
        let grace_s: Option<u64> =
            text(&settings, "/SCRIPTMILL_WORKER__GRACE").strip_suffix('s').and_then(|seconds| seconds.parse().ok());
        let pod = &deployment["spec"]["template"]["spec"];
        let is_worker = deployment["metadata"]["name"] == "scriptmill-worker";
        let mut need = |right: bool, what: &str| {
            if !right {
                found.push(format!("{}: {what}", name(deployment)));
            }
        };
        need(pod["securityContext"]["runAsNonRoot"] == true, "runs as root");
        need(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "has no seccomp profile");
        need(pod["automountServiceAccountToken"] == !is_worker, "workers hold no token, and the scaler needs one");
        need(!list(pod, "/topologySpreadConstraints").is_empty(), "may all be on one node");
        let end_s = pod["terminationGracePeriodSeconds"].as_u64();
        let fits = end_s.zip(grace_s).is_some_and(|(end_s, grace_s)| end_s >= grace_s + GRACE_MARGIN_S);
        need(fits || !is_worker, "is killed before worker.grace and its confirms are over");
        need(
            deployment["spec"]["replicas"].as_u64().is_none_or(|replicas| replicas >= 2),
            "has fewer than two replicas",
        );
        for key in ["not-ready", "unreachable"] {
            let key = format!("node.kubernetes.io/{key}");
            let toleration = list(pod, "/tolerations").iter().find(|toleration| toleration["key"] == key.as_str());
            let seconds = toleration.and_then(|toleration| toleration["tolerationSeconds"].as_u64());
            need(
                seconds.is_some_and(|seconds| TOLERATION_S.contains(&seconds)),
                "tolerates a dead node for 10 to 300 s",
            );
        }
        for container in list(pod, "/containers") {
            let security = &container["securityContext"];
            need(security["readOnlyRootFilesystem"] == true, "may write to its root");
            need(security["allowPrivilegeEscalation"] == false, "may gain privileges");
            need(security["capabilities"] == json!({"drop": ["ALL"]}), "keeps capabilities");
            need(container["livenessProbe"]["httpGet"]["path"] == "/livez", "has no liveness probe");
            need(container["readinessProbe"]["httpGet"]["path"] == "/readyz", "has no readiness probe");
            need(!container["resources"]["limits"]["memory"].is_null(), "has no memory limit");
        }
    }
    for account in of_kind(objects, "ServiceAccount") {
        if account["automountServiceAccountToken"] != false {
            found.push(format!("{}: hands its token to every pod", name(account)));
        }
    }
    found
}

/// What is wrong with how the exporters are reached, and with what they may ask Kubernetes' API server.
pub(crate) fn of_exporters(objects: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for deployment in of_kind(objects, "Deployment") {
        let settings = settings(objects, text(deployment, "/metadata/name"));
        let ports = list(deployment, "/spec/template/spec/containers/0/ports");
        for (setting, name) in [
            ("/SCRIPTMILL_HTTP__ADDRESS", "http"),
            ("/SCRIPTMILL_SCALER__EXTERNAL_METRICS_ADDRESS", "metrics-api"),
            ("/SCRIPTMILL_SCALER__KEDA_ADDRESS", "keda"),
        ] {
            let port =
                ports.iter().find(|port| text(port, "/name") == name).map(|port| port["containerPort"].to_string());
            let address = text(&settings, setting);
            let is_reached = address.rsplit(':').next() == port.as_deref();
            if !address.is_empty() && !is_reached {
                found.push(format!("{setting} is {address}, and the port {name} is another"));
            }
        }
    }
    let grants = |kind: &str, namespace: &str, role: &str| {
        let bindings = of_kind(objects, kind).filter(|binding| text(binding, "/metadata/namespace") == namespace);
        bindings.filter(|binding| text(binding, "/roleRef/name") == role).any(|binding| {
            list(binding, "/subjects").iter().any(|subject| text(subject, "/name") == "scriptmill-scaler")
        })
    };
    // With the first grant the scaler asks who may read the metric. With the second it learns how to recognise the API server.
    let may_ask = grants("ClusterRoleBinding", "", "system:auth-delegator")
        && grants("RoleBinding", "kube-system", "extension-apiserver-authentication-reader");
    let asks =
        !text(&settings(objects, "scriptmill-scaler"), "/SCRIPTMILL_SCALER__EXTERNAL_METRICS_ADDRESS").is_empty();
    if asks != may_ask || asks != of_kind(objects, "APIService").next().is_some() {
        found.push("the grants, the APIService and the address belong together".to_owned());
    }
    found
}

/// What is wrong with who sets the number of workers.
pub(crate) fn of_scaling(scales: Option<&str>, objects: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut need = |right: bool, what: &str| {
        if !right {
            found.push(what.to_owned());
        }
    };
    let autoscalers: Vec<_> = objects
        .iter()
        .filter(|object| ["HorizontalPodAutoscaler", "ScaledObject"].contains(&text(object, "/kind")))
        .collect();
    let kinds: Vec<_> = autoscalers.iter().map(|object| text(object, "/kind")).collect();
    need(kinds == scales.into_iter().collect::<Vec<_>>(), "another autoscaler than the overlay's name says");
    for worker in of_kind(objects, "Deployment").filter(|worker| text(worker, "/metadata/name") == "scriptmill-worker")
    {
        let fixed = !worker["spec"]["replicas"].is_null();
        need(fixed == scales.is_none(), "replicas are set in the Deployment just where no autoscaler does");
    }
    let settings = settings(objects, "scriptmill-worker");
    for autoscaler in autoscalers {
        let spec = &autoscaler["spec"];
        for (keys, setting) in [
            (["minReplicas", "minReplicaCount"], "/SCRIPTMILL_SCALING__MIN"),
            (["maxReplicas", "maxReplicaCount"], "/SCRIPTMILL_SCALING__MAX"),
        ] {
            let bound = keys.iter().find_map(|key| spec[key].as_u64());
            need(
                bound.map(|bound| bound.to_string()).as_deref() == Some(text(&settings, setting)),
                "bounds differ from [scaling]",
            );
        }
        let behavior = spec.get("behavior").unwrap_or(&spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]);
        need(*behavior == behaviour(), "the behaviour is not the one that was measured");
        let targets = list(autoscaler, "/spec/metrics").iter().map(|metric| &metric["external"]["target"]["type"]);
        let triggers = list(autoscaler, "/spec/triggers").iter().map(|trigger| &trigger["metricType"]);
        need(targets.chain(triggers).all(|kind| kind == "AverageValue"), "`Value` multiplies by the ready pods");
    }
    found
}

/// The HPA's behaviour that was measured; docs/scaling.md says what other behaviours cost.
fn behaviour() -> Value {
    json!({
        "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
            {"type": "Percent", "value": 900, "periodSeconds": 15},
            {"type": "Pods", "value": 50, "periodSeconds": 15},
        ]},
        "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ]},
    })
}
