//! `scriptmill scaler` as a process on a real RabbitMQ: all exporters give one number, and all give an error while it is unknown.

use std::process::Stdio;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_rustls::rustls::ClientConfig;
use tonic::Code;

use super::authority::{Authority, SERVER, call};
use super::cluster::{Cluster, Said, known_by};
use super::keda;
use super::support::{Rabbit, get, server, soon, start_command, with_rabbit};

const VALUES: &str = "GET /apis/external.metrics.k8s.io/v1beta1/namespaces/shop/scriptmill_desired_replicas";

/// The addresses of a scaler.
struct Scaler {
    process: Child,
    http: String,
    external: String,
    keda: String,
}

async fn free() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

impl Scaler {
    async fn start(rabbit: &Rabbit, settings: &[(&str, &str)]) -> Self {
        let (http, external, keda) = (free().await, free().await, free().await);
        let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env_remove(proxy);
        }
        command
            .arg("scaler")
            .env("SCRIPTMILL_BROKER__ADDRESSES", server())
            .env("SCRIPTMILL_BROKER__PREFIX", &rabbit.prefix)
            .env("SCRIPTMILL_SCALING__MIN", "3")
            .env("SCRIPTMILL_HTTP__ADDRESS", &http)
            .env("SCRIPTMILL_SCALER__EXTERNAL_METRICS_ADDRESS", &external)
            .env("SCRIPTMILL_SCALER__KEDA_ADDRESS", &keda)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Self { process: command.spawn().unwrap(), http, external, keda }
    }

    /// The number that Prometheus reads. Returns `None` while it is unknown.
    async fn prometheus(&self) -> Option<String> {
        let metrics = get(&self.http, "/metrics").await?;
        let begin = "scriptmill_desired_replicas{group=\"default\"} ";
        Some(metrics.lines().find_map(|line| line.strip_prefix(begin))?.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exporter_of_a_scaler_says_the_same() {
    with_rabbit(async |rabbit| {
        let (own, proxies, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
        let files = own.sign(SERVER).lay(folder.path());
        let cluster =
            Cluster::new(Said { config_map: known_by(&proxies.pem, "[]"), allowed: "hpa", ..Said::default() }).await;
        let kubeconfig = folder.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", cluster.address)}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        rabbit.proxy.goes(true);
        let mut scaler = Scaler::start(
            rabbit,
            &[
                ("KUBECONFIG", kubeconfig.to_str().unwrap()),
                ("SCRIPTMILL_BROKER__ADDRESSES", &rabbit.proxy.address.uri().to_string()),
                ("SCRIPTMILL_SCALER__CERTIFICATE_FILE", files.certificate.to_str().unwrap()),
                ("SCRIPTMILL_SCALER__KEY_FILE", files.key.to_str().unwrap()),
            ],
        )
        .await;
        let api_server = own.client(Some(&proxies.sign("front-proxy-client")), b"http/1.1");
        let mut keda = keda::over_tls(&scaler.keda, own.client(None, b"h2"));

        // Nothing is known yet: no exporter has a number, and each says why.
        let why = "the load of worker group default is unknown: no broker is connected";
        let said = soon("the reason", unknown(&scaler, &api_server, why)).await;
        assert_eq!((&said["reason"], &said["code"]), (&json!("ServiceUnavailable"), &json!(503)));
        let status = keda.get_metrics(keda::metrics(&[])).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unavailable, why));
        assert_eq!(scaler.prometheus().await, None);
        rabbit.proxy.goes(false);

        // All exporters follow the eldest process that knows a number, which may be the worker, so that one policy holds for all.
        let (_worker, _) = start_command("work", &[("SCRIPTMILL_SCALING__MIN", "3")], rabbit).await;
        let known = async {
            loop {
                if let Some(number) = scaler.prometheus().await {
                    return number;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        assert_eq!(soon("the number", known).await, "3.0");
        let (code, list) = call(&scaler.external, &api_server, VALUES, &["X-Remote-User: hpa"]).await;
        assert_eq!((code, &list["items"][0]["value"]), (200, &json!("3")), "{list}");
        let values = keda.get_metrics(keda::metrics(&[])).await.unwrap().into_inner().metric_values;
        assert_eq!((values.len(), values[0].metric_value), (1, 3));
        assert_eq!(cluster.reviews()[0]["user"], "hpa");
        scaler.process.kill().await.unwrap();
    })
    .await;
}

/// Waits until the external metric is refused for this reason.
async fn unknown(scaler: &Scaler, client: &Arc<ClientConfig>, why: &str) -> serde_json::Value {
    loop {
        if get(&scaler.http, "/livez").await.is_some() {
            let (_, said) = call(&scaler.external, client, VALUES, &["X-Remote-User: hpa"]).await;
            if said["message"] == why {
                return said;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// The message about settings with which a command cannot start.
async fn refusal(command: &str, settings: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_scriptmill"))
        .arg(command)
        .envs(settings.iter().copied())
        .env("SCRIPTMILL_HTTP__ADDRESS", "off")
        .env("KUBECONFIG", "/nowhere")
        .output();
    let output = soon("the end", output).await.unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_scaler_that_cannot_answer_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let files = Authority::new().sign(SERVER).lay(folder.path());
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let held = TcpListener::bind(taken).await.unwrap();
    let taken = taken.to_string();
    let external = ("SCRIPTMILL_SCALER__EXTERNAL_METRICS_ADDRESS", "127.0.0.1:0");
    let certificate = ("SCRIPTMILL_SCALER__CERTIFICATE_FILE", files.certificate.to_str().unwrap());
    let key = ("SCRIPTMILL_SCALER__KEY_FILE", files.key.to_str().unwrap());
    for (command, settings, says) in [
        ("scaler", vec![], "http.address and the addresses of scaler are off"),
        ("scaler", vec![external], "scaler.external_metrics_address needs scaler.certificate_file and scaler.key_file"),
        ("scaler", vec![external, certificate, key], "scaler.authentication is delegated, and so asks Kubernetes"),
        ("scaler", vec![("SCRIPTMILL_SCALER__KEDA_ADDRESS", &taken)], "scaler.keda_address: 127.0.0.1:"),
        ("work", vec![("SCRIPTMILL_SCALER__KEDA_ADDRESS", &taken)], "scaler.keda_address: 127.0.0.1:"),
    ] {
        let said = refusal(command, &settings).await;
        assert!(said.contains(says), "{command}: {said}");
    }
    drop(held);
}
