//! Who sets the replicas of a Deployment, and the HorizontalPodAutoscaler made here.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, MetricSpec};
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::Groups;
use super::error::Error;
use super::names::{FIELD_MANAGER, GROUP_LABEL};
use super::owner::Owner;
use crate::scale::METRIC;

impl Groups {
    /// Has a HorizontalPodAutoscaler keep a group between `min` and `max` replicas, on the external metric
    /// `scriptmill_desired_replicas`. Returns the autoscaler's name.
    ///
    /// # Errors
    /// As for [`Groups::scale`]; also if another autoscaler owns the replicas, or somebody else manages ours.
    pub async fn autoscale(&self, group: &str, min: u32, max: u32) -> Result<String, Error> {
        let deployment = self.deployment(group).await?;
        match self.owner(&deployment).await? {
            None | Some(Owner::Hpa { ours: true, .. }) => {}
            Some(owner) => return Err(Error::Owned { deployment, owner }),
        }
        let hpa = hpa(&deployment, group, min, max);
        // The patch is not forced: if a manifest sets the bounds, they would come back with its next `kubectl apply`.
        self.hpas()
            .patch(&deployment, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(hpa))
            .await
            .map_err(|error| self.failed("apply the HorizontalPodAutoscaler", error))?;
        Ok(deployment)
    }

    /// Deletes the HorizontalPodAutoscaler of a group, whose Deployment keeps the replicas it has. Returns its name, or
    /// `None` if there was none.
    ///
    /// # Errors
    /// As for [`Groups::scale`]; also if the autoscaler that owns the replicas is not ours.
    pub async fn autoscale_off(&self, group: &str) -> Result<Option<String>, Error> {
        let deployment = self.deployment(group).await?;
        match self.owner(&deployment).await? {
            None => Ok(None),
            Some(Owner::Hpa { name, ours: true }) => {
                let deleted = self.hpas().delete(&name, &DeleteParams::default()).await;
                deleted.map_err(|error| self.failed("delete the HorizontalPodAutoscaler", error))?;
                Ok(Some(name))
            }
            Some(owner) => Err(Error::Owned { deployment, owner }),
        }
    }

    /// Who sets the replicas of a Deployment. KEDA is asked first, since it makes an HPA of its own for each of its objects.
    pub(super) async fn owner(&self, deployment: &str) -> Result<Option<Owner>, Error> {
        if let Some(name) = self.scaled_object(deployment).await? {
            return Ok(Some(Owner::ScaledObject(name)));
        }
        // The whole list is read at once: an owner on a page that is not read would be overlooked.
        let hpas = self.hpas().list(&ListParams::default()).await;
        let hpas = hpas.map_err(|error| self.failed("list HorizontalPodAutoscalers", error))?;
        let owns = |hpa: &HorizontalPodAutoscaler| {
            let target = hpa.spec.as_ref().map(|spec| &spec.scale_target_ref);
            target.is_some_and(|target| target.kind == "Deployment" && target.name == deployment)
        };
        Ok(hpas.items.into_iter().find(owns).map(|hpa| {
            let metrics = hpa.spec.iter().flat_map(|spec| spec.metrics.iter().flatten());
            let ours = hpa.name_any() == deployment && metrics.into_iter().any(is_ours);
            Owner::Hpa { name: hpa.name_any(), ours }
        }))
    }

    /// The ScaledObject that scales a Deployment. Returns `None` if there is none, or if KEDA is not installed.
    async fn scaled_object(&self, deployment: &str) -> Result<Option<String>, Error> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject"));
        let objects: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &kind);
        let objects = match objects.list(&ListParams::default()).await {
            Ok(objects) => objects,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
            Err(error) => return Err(self.failed("list ScaledObjects", error)),
        };
        let scales = |object: &DynamicObject| {
            let target = &object.data["spec"]["scaleTargetRef"];
            // A Deployment is what KEDA takes when no kind is given.
            target["name"] == deployment && target["kind"].as_str().is_none_or(|kind| kind == "Deployment")
        };
        Ok(objects.items.into_iter().find(scales).map(|object| object.name_any()))
    }

    fn hpas(&self) -> Api<HorizontalPodAutoscaler> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

fn is_ours(metric: &MetricSpec) -> bool {
    metric.external.as_ref().is_some_and(|external| external.metric.name == METRIC)
}

/// The autoscaler, with the behaviour that suits the signal: `docs/scaling.md` has the figures.
fn hpa(deployment: &str, group: &str, min: u32, max: u32) -> Value {
    let policy = |kind: &str, value: u32| json!({"type": kind, "value": value, "periodSeconds": 15});
    let rules =
        |policies: &[Value]| json!({"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": policies});
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": deployment, "labels": {GROUP_LABEL: group}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
            "minReplicas": min,
            "maxReplicas": max,
            "metrics": [{"type": "External", "external": {
                "metric": {"name": METRIC, "selector": {"matchLabels": {"group": group}}},
                "target": {"type": "AverageValue", "averageValue": "1"},
            }}],
            "behavior": {
                "scaleUp": rules(&[policy("Percent", 900), policy("Pods", 50)]),
                "scaleDown": rules(&[policy("Percent", 100)]),
            },
        },
    })
}
