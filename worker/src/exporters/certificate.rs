//! The certificate that the exporters show, read again when its files change.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::http::server::Protocol;

/// The most bytes of a file with certificates or a key; chains are some kilobytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Where a certificate and its key lie, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and after it the certificates that lead to its authority.
    pub certificate: PathBuf,
    /// The key of the first certificate.
    pub key: PathBuf,
}

/// What is wrong with the files.
#[derive(Debug, thiserror::Error)]
#[error("scaler.{setting} {message}")]
pub(super) struct Wrong {
    /// The setting that names the file: `certificate_file` or `key_file`.
    pub(super) setting: &'static str,
    /// What is wrong with it, as the rest of a sentence that begins with the setting's name.
    pub(super) message: String,
}

/// What both files hold.
#[derive(PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The certificate as it is now.
struct Current {
    files: Files,
    key: RwLock<Arc<CertifiedKey>>,
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl Files {
    /// Reads both files.
    ///
    /// # Errors
    /// One of them cannot be read or is not PEM, or they don't belong together.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        self.read()?.parse().map(drop)
    }

    fn read(&self) -> Result<Pem, Wrong> {
        let read = |setting, path: &Path| {
            let failed = |error| Wrong { setting, message: format!("({}) cannot be read: {error}", path.display()) };
            bounded(path).map_err(failed)
        };
        let certificate = read("certificate_file", &self.certificate)?;
        Ok(Pem { certificate, key: read("key_file", &self.key)? })
    }

    /// The TLS of a server with this certificate, which is read again when the files change. `clients` says what is asked of
    /// clients; without it nothing is. Call it within a tokio runtime.
    pub(super) fn serve(
        &self,
        protocol: Protocol,
        clients: Option<Arc<dyn ClientCertVerifier>>,
    ) -> anyhow::Result<Arc<ServerConfig>> {
        let pem = self.read()?;
        let key = RwLock::new(Arc::new(pem.parse()?));
        let current = Arc::new(Current { files: self.clone(), key });
        tokio::spawn(follow(Arc::downgrade(&current), pem));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients.unwrap_or_else(|| Arc::new(NoClientAuth)))
            .with_cert_resolver(current);
        config.alpn_protocols = vec![protocol.alpn().to_owned()];
        Ok(Arc::new(config))
    }
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

impl Pem {
    fn parse(&self) -> Result<CertifiedKey, Wrong> {
        let wrong =
            |setting, what: &str, why: &dyn std::fmt::Display| Wrong { setting, message: format!("{what}: {why}") };
        let holds_none = "must hold a certificate in PEM";
        let certificates = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong("certificate_file", holds_none, &error))?;
        if certificates.is_empty() {
            return Err(wrong("certificate_file", holds_none, &"there is none"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| wrong("key_file", "must hold a private key in PEM", &error))?;
        CertifiedKey::from_der(certificates, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                wrong("key_file", "must hold the key of scaler.certificate_file", &"it is that of another")
            }
            error => wrong("key_file", "must belong to scaler.certificate_file", &error),
        })
    }
}

/// Looks at the files until nobody needs the certificate any more. A problem with them is logged once, and the last good
/// certificate is still shown, since the files may be only half replaced.
async fn follow(current: Weak<Current>, mut seen: Pem) {
    let mut said = String::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(current) = current.upgrade() else { return };
        let files = current.files.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || files.read()).await else { return };
        let is_new = |pem: &Pem| *pem != seen;
        let wrong = match read {
            Ok(pem) if is_new(&pem) => match pem.parse() {
                Ok(key) => {
                    tracing::info!(file = %current.files.certificate.display(), "the certificate has changed");
                    *current.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                    seen = pem;
                    String::new()
                }
                Err(wrong) => wrong.to_string(),
            },
            Ok(_) => String::new(),
            Err(wrong) => wrong.to_string(),
        };
        if !wrong.is_empty() && wrong != said {
            tracing::warn!(error = wrong, "the certificate there was is shown on");
        }
        said = wrong;
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("files", &self.files).finish_non_exhaustive()
    }
}
