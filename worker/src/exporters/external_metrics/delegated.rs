//! Access as Kubernetes' API server grants it: the API server says which user asks, and is asked whether that user may.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::request::Parts;
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, Client};
use moka::future::Cache;
use scriptmill_sdk::retry::Retry;
use tokio::task::JoinHandle;

use super::front_proxy::{FrontProxy, User};
use super::refusal::Refusal;
use crate::http::server::ClientCertificates;
use crate::kubernetes::{self, Error};

/// The longest wait for an answer. The API server itself waits 5 s when it looks whether this server is there.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// How often the API server is asked how it can be recognised.
const LOOK: Duration = Duration::from_secs(60);
/// How long a decision is believed, as in Kubernetes' own servers.
const BELIEVED: Duration = Duration::from_secs(10);
/// The most decisions that are remembered.
const DECISIONS_MAX: u64 = 256;
const NAMESPACE: &str = "kube-system";
const CONFIG_MAP: &str = "extension-apiserver-authentication";

/// Access as Kubernetes' API server grants it.
pub struct Delegated {
    client: Client,
    front_proxy: Arc<RwLock<Known>>,
    /// Decisions by the question that was asked.
    decisions: Cache<String, Decision>,
    following: JoinHandle<()>,
}

/// How the API server is recognised, or why that is not known.
type Known = Result<Arc<FrontProxy>, String>;

#[derive(Clone, Debug)]
struct Decision {
    is_allowed: bool,
    reason: String,
}

impl Delegated {
    /// Asks the API server that a kubeconfig names, or inside a pod the cluster's. Call it within a tokio runtime.
    ///
    /// # Errors
    /// There is neither a kubeconfig that can be read nor a ServiceAccount.
    pub async fn by_environment() -> Result<Self, Error> {
        let (client, _) = kubernetes::client(None, ANSWER_MAX).await?;
        Ok(Self::new(client, LOOK))
    }

    /// Asks the API server of this client for decisions, and every `look` how it can be recognised. Until it has answered that,
    /// all requests are refused. Call it within a tokio runtime.
    pub fn new(client: Client, look: Duration) -> Self {
        let unknown = format!("ConfigMap {NAMESPACE}/{CONFIG_MAP} has not been read yet");
        let front_proxy = Arc::new(RwLock::new(Err(unknown)));
        let following = tokio::spawn(follow(client.clone(), front_proxy.clone(), look));
        let decisions = Cache::builder().max_capacity(DECISIONS_MAX).time_to_live(BELIEVED).build();
        Self { client, front_proxy, decisions, following }
    }

    /// Whether a request may be answered.
    pub(super) async fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        let known = self.front_proxy.read().unwrap_or_else(PoisonError::into_inner).clone();
        let front_proxy = known.map_err(|why| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("it is not known who may ask: {why}"))
        })?;
        let certificates = head.extensions.get::<ClientCertificates>().map_or(&[][..], |shown| &shown.0);
        let user = front_proxy
            .user(certificates, &head.headers)
            .map_err(|why| Refusal::new(StatusCode::UNAUTHORIZED, format!("Unauthorized: {why}")))?;
        let asked = review(&user, head.method.as_str(), head.uri.path());
        let Decision { is_allowed, reason } = self.decide(&asked).await?;
        if is_allowed {
            return Ok(());
        }
        let message = format!("User {:?} cannot {}: {reason}", user.name, wanted(&asked));
        Err(Refusal::new(StatusCode::FORBIDDEN, message))
    }

    async fn decide(&self, asked: &SubjectAccessReviewSpec) -> Result<Decision, Refusal> {
        let internal =
            |error: &dyn std::fmt::Display| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
        let key = serde_json::to_string(asked).map_err(|error| internal(&error))?;
        let ask = async {
            let review = SubjectAccessReview { spec: asked.clone(), ..SubjectAccessReview::default() };
            let reviews = Api::<SubjectAccessReview>::all(self.client.clone());
            let status = match reviews.create(&PostParams::default(), &review).await {
                Ok(review) => review.status.unwrap_or_default(),
                Err(kube::Error::Api(status)) => {
                    let message = format!(
                        "Kubernetes' API server refuses to say who may read the metric: {}; the scaler's ServiceAccount needs \
                         the ClusterRole system:auth-delegator",
                        status.message
                    );
                    tracing::warn!("{message}");
                    return Err(internal(&message));
                }
                Err(error) => {
                    let message =
                        format!("Kubernetes' API server cannot be asked who may read the metric: {}", said(error));
                    tracing::warn!("{message}");
                    return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message));
                }
            };
            let is_allowed = status.allowed && !status.denied.unwrap_or(false);
            let reason = status.reason.filter(|reason| !reason.is_empty());
            Ok(Decision { is_allowed, reason: reason.unwrap_or_else(|| "no rule of RBAC allows it".to_owned()) })
        };
        self.decisions.try_get_with(key, ask).await.map_err(|refusal| (*refusal).clone())
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// Asks the API server from time to time how it can be recognised. If it does not answer, the last answer still counts.
/// This is safe, since an API server that does not answer allows nobody anything either.
async fn follow(client: Client, front_proxy: Arc<RwLock<Known>>, look: Duration) {
    let maps = Api::<ConfigMap>::namespaced(client, NAMESPACE);
    let mut retry = Retry::up_to(look);
    loop {
        let read = maps.get(CONFIG_MAP).await.map_err(said);
        let read = read.and_then(|map| FrontProxy::new(&map.data.unwrap_or_default()));
        let pause = match read {
            Ok(read) => {
                *front_proxy.write().unwrap_or_else(PoisonError::into_inner) = Ok(Arc::new(read));
                retry.reset();
                look
            }
            Err(error) => {
                let why = format!(
                    "ConfigMap {NAMESPACE}/{CONFIG_MAP} cannot be used: {error}; the scaler's ServiceAccount needs the Role \
                     extension-apiserver-authentication-reader in {NAMESPACE}"
                );
                tracing::warn!("{why}");
                let mut known = front_proxy.write().unwrap_or_else(PoisonError::into_inner);
                if known.is_err() {
                    *known = Err(why);
                }
                drop(known);
                retry.next_pause()
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// What the API server said, or the innermost cause why it said nothing.
fn said(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        error => anyhow::Chain::new(&error).last().map_or_else(String::new, ToString::to_string),
    }
}

/// The question to the API server: for a metric, whether its values may be listed, which is what the API server itself asks;
/// for everything else, whether the path may be read.
fn review(user: &User, method: &str, path: &str) -> SubjectAccessReviewSpec {
    let own =
        path.strip_prefix("/apis/external.metrics.k8s.io/v1beta1/namespaces/").and_then(|own| own.split_once('/'));
    let verb = method.to_ascii_lowercase();
    let (resource, non_resource) = match own {
        Some((namespace, metric)) => {
            let resource = ResourceAttributes {
                group: Some("external.metrics.k8s.io".to_owned()),
                version: Some("v1beta1".to_owned()),
                resource: Some(metric.to_owned()),
                namespace: Some(namespace.to_owned()),
                verb: Some(if verb == "get" { "list".to_owned() } else { verb }),
                ..ResourceAttributes::default()
            };
            (Some(resource), None)
        }
        None => (None, Some(NonResourceAttributes { path: Some(path.to_owned()), verb: Some(verb) })),
    };
    SubjectAccessReviewSpec {
        user: Some(user.name.clone()),
        uid: user.uid.clone(),
        groups: Some(user.groups.clone()),
        extra: Some(user.extra.clone()).filter(|extra: &BTreeMap<_, _>| !extra.is_empty()),
        resource_attributes: resource,
        non_resource_attributes: non_resource,
    }
}

/// What was asked, in words.
fn wanted(asked: &SubjectAccessReviewSpec) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match (&asked.resource_attributes, &asked.non_resource_attributes) {
        (Some(resource), _) => format!(
            "{} resource {:?} in API group {:?} in the namespace {:?}",
            text(&resource.verb),
            text(&resource.resource),
            text(&resource.group),
            text(&resource.namespace),
        ),
        (None, Some(path)) => format!("{} path {:?}", text(&path.verb), text(&path.path)),
        (None, None) => "do that".to_owned(),
    }
}
