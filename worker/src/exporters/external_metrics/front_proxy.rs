//! Who asks, as Kubernetes' API server says it in headers, behind its client certificate.
//!
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/>

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::exporters::certificate::provider;

/// The group of everybody who was authenticated.
const AUTHENTICATED: &str = "system:authenticated";

/// Who asks.
#[derive(Debug, PartialEq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

/// How the API server is recognised, and in which headers it names who asks.
#[derive(Debug)]
pub(super) struct FrontProxy {
    verifier: Arc<dyn ClientCertVerifier>,
    /// The common names that its certificate may have; if there are none here, it may have any.
    common_names: Vec<String>,
    name_headers: Vec<HeaderName>,
    uid_headers: Vec<HeaderName>,
    group_headers: Vec<HeaderName>,
    /// In small letters.
    extra_prefixes: Vec<String>,
}

impl FrontProxy {
    /// From what the API server says of itself in the ConfigMap `extension-apiserver-authentication`.
    pub(super) fn new(said: &BTreeMap<String, String>) -> Result<Self, String> {
        let authority = said.get("requestheader-client-ca-file").ok_or(
            "it has no requestheader-client-ca-file: the API server was started without --requestheader-client-ca-file",
        )?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
            let added = certificate.map_err(|error| error.to_string());
            let added = added.and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
            added.map_err(|error| format!("requestheader-client-ca-file: {error}"))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let texts = |key: &str| -> Result<Vec<String>, String> {
            let said = said.get(key).map_or("[]", String::as_str);
            serde_json::from_str(said).map_err(|error| format!("{key} is no list of texts: {error}"))
        };
        let headers = |key: &str| -> Result<Vec<HeaderName>, String> {
            let read = |name: String| HeaderName::try_from(name).map_err(|error| format!("{key}: {error}"));
            texts(key)?.into_iter().map(read).collect()
        };
        Ok(Self {
            verifier: verifier.map_err(|error| format!("requestheader-client-ca-file: {error}"))?,
            common_names: texts("requestheader-allowed-names")?,
            name_headers: headers("requestheader-username-headers")?,
            uid_headers: headers("requestheader-uid-headers")?,
            group_headers: headers("requestheader-group-headers")?,
            extra_prefixes: texts("requestheader-extra-headers-prefix")?
                .into_iter()
                .map(|prefix| prefix.to_ascii_lowercase())
                .collect(),
        })
    }

    /// Who asks. It is an error if somebody other than the API server says so.
    pub(super) fn user(&self, certificates: &[CertificateDer<'_>], headers: &HeaderMap) -> Result<User, String> {
        self.verify(certificates)?;
        let texts = |names: &[HeaderName]| -> Result<Vec<String>, String> {
            let values = names.iter().flat_map(|name| headers.get_all(name)).map(|value| text(value.as_bytes()));
            values.filter(|value| value.as_ref().is_ok_and(|value| !value.is_empty()) || value.is_err()).collect()
        };
        let name = texts(&self.name_headers)?.into_iter().next().ok_or("the API server names no user")?;
        let mut groups = texts(&self.group_headers)?;
        // As in every server behind the API server: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
        if name != "system:anonymous" && !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        let mut extra = BTreeMap::<String, Vec<String>>::new();
        for (header, value) in headers {
            for key in self.extra_prefixes.iter().filter_map(|prefix| header.as_str().strip_prefix(prefix)) {
                let key = percent_decode_str(key).decode_utf8().map_err(|_| "a header's name is no UTF-8")?;
                extra.entry(key.into_owned()).or_default().push(text(value.as_bytes())?);
            }
        }
        let uid = texts(&self.uid_headers)?.into_iter().next();
        Ok(User { name, uid, groups, extra })
    }

    fn verify(&self, certificates: &[CertificateDer<'_>]) -> Result<(), String> {
        let (own, between) = certificates.split_first().ok_or("there is no client certificate")?;
        self.verifier
            .verify_client_cert(own, between, UnixTime::now())
            .map_err(|error| format!("the client certificate does not count: {error}"))?;
        if self.common_names.is_empty() {
            return Ok(());
        }
        let (_, parsed) = X509Certificate::from_der(own).map_err(|error| format!("the client certificate: {error}"))?;
        let name = parsed.subject().iter_common_name().last().and_then(|name| name.as_str().ok()).unwrap_or_default();
        if self.common_names.iter().any(|allowed| allowed == name) {
            Ok(())
        } else {
            Err(format!(
                "the client certificate is that of `{name}`, which is none of {}",
                self.common_names.join(", ")
            ))
        }
    }
}

/// A header's value. A value that is not UTF-8 is refused: with replacement characters it could name somebody else.
fn text(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a header's value is no UTF-8".to_owned())
}
