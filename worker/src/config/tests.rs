#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use bytesize::ByteSize;

use super::*;
use crate::http::ListenAddress;

/// Names or keys, and what they are set to.
type Said<'a> = &'a [(&'a str, &'a str)];

fn load(file: Option<&str>, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scriptmill.toml");
    if let Some(text) = file {
        fs::write(&path, text).unwrap();
    }
    let shown = format!("{}/", folder.path().display());
    let sources = Sources {
        file: file.map(|_| path),
        environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        flags: flags.iter().map(|(key, value)| flag(key, *value, "--set")).collect(),
    };
    Config::load(sources).map_err(|Mistakes(mistakes)| {
        mistakes.iter().map(|mistake| format!("{}: {}", mistake.code, mistake.message).replace(&shown, "")).collect()
    })
}

#[test]
fn each_layer_lies_over_the_one_before() {
    let file =
        "[worker]\nslots = 2\ngrace = '5s'\n[worker.limits]\nmemory = '32MiB'\nfuel = 1_000\n[http]\naddress = 'off'";
    let environment = [("SCRIPTMILL_WORKER__GRACE", "6s"), ("SCRIPTMILL_WORKER__LIMITS__FUEL", "2000")];
    let config = load(Some(file), &environment, &[("worker.limits.fuel", "3000")]).unwrap();
    assert_eq!(config.worker.slots.get(), 2);
    assert_eq!(config.worker.grace, Duration::from_secs(6));
    assert_eq!(config.worker.limits.memory, ByteSize::mib(32));
    assert_eq!(config.worker.limits.fuel, 3000);
    assert_eq!(config.http.address, ListenAddress::Off);
    assert_eq!(config.log, log::Options::default());
}

#[test]
fn texts_of_the_environment_become_what_the_setting_is() {
    let environment = [
        ("SCRIPTMILL_BROKER__ADDRESSES", "amqp://a:5672, amqps://b:5671/prod"),
        ("SCRIPTMILL_BROKER__PREFIX", "007"),
        ("SCRIPTMILL_BROKER__TENANT_IS_USER", "true"),
        ("SCRIPTMILL_WORKER__THREADS", "3"),
        ("SCRIPTMILL_WORKER__MESSAGE_SIZE", "1048576"),
    ];
    let config = load(None, &environment, &[]).unwrap();
    assert_eq!(config.broker.addresses.len(), 2);
    assert_eq!(config.broker.prefix, "007");
    assert!(config.broker.tenant_is_user);
    assert_eq!(config.worker.threads.map(|threads| threads.get()), Some(3));
    assert_eq!(config.worker.message_size, ByteSize::mib(1));
}

#[test]
fn variables_of_others_are_left_alone() {
    let environment =
        [("SCRIPTMILL_PORT", "tcp://10.0.0.1:80"), ("SCRIPTMILL_CONFIG", "x"), ("SCRIPTMILL_TEST_AMQP", "x")];
    assert_eq!(load(None, &environment, &[]).unwrap(), Config::default());
}

#[test]
fn variables_that_are_meant_as_settings_are_told() {
    let told = |name: &str| load(None, &[(name, "1")], &[]).err().unwrap_or_default().join("\n");
    for (name, expected) in [
        ("SCRIPTMILL_WROKER__SLOTS", "did you mean worker.slots?"),
        ("SCRIPTMILL_WORKER_SLOTS", "did you mean SCRIPTMILL_WORKER__SLOTS?"),
        ("SCRIPTMILL_WROKER_SLOTS", "did you mean SCRIPTMILL_WORKER__SLOTS?"),
        ("SCRIPTMIL_WORKER__SLOTS", "did you mean SCRIPTMILL_WORKER__SLOTS?"),
        ("SCRIPT_MILL_WORKER__SLOTS", "did you mean SCRIPTMILL_WORKER__SLOTS?"),
        ("scriptmill_worker__slots", "did you mean SCRIPTMILL_WORKER__SLOTS?"),
        ("SCRIPTMILL_BROKER_ADDRESS", "did you mean SCRIPTMILL_BROKER__ADDRESSES?"),
        ("SCRIPTMILL_WORKER_LIMITS_FUEL", "did you mean SCRIPTMILL_WORKER__LIMITS__FUEL?"),
        ("SCRIPTMILL_HTTP_ADDRESS", "did you mean SCRIPTMILL_HTTP__ADDRESS?"),
        ("SCRIPTMILL_LOG_FILTER", "did you mean SCRIPTMILL_LOG__FILTER?"),
        ("SCRIPTMILL_SLOTS", "did you mean SCRIPTMILL_WORKER__SLOTS?"),
        ("SCRIPTMILL_PREFIX", "did you mean SCRIPTMILL_BROKER__PREFIX?"),
        ("SCRIPTMILL_LIMITS_FUEL", "did you mean SCRIPTMILL_WORKER__LIMITS__FUEL?"),
        ("SCRIPTMILL_FUEL", "did you mean SCRIPTMILL_WORKER__LIMITS__FUEL?"),
        ("SCRIPTMILL_CACHE_DIR", "did you mean SCRIPTMILL_SANDBOX__CACHE_DIR?"),
        ("SCRIPTMILL_BROKER__URL", "[broker] has addresses, ca_file, "),
        ("SCRIPTMILL_LIMITS__MEMORY_BYTES", "[worker.limits] has fuel, "),
    ] {
        assert!(told(name).contains(name) && told(name).contains(expected), "{name}: {}", told(name));
    }
    for of_others in [
        "SCRIPTMILL_SERVICE_HOST",
        "SCRIPTMILL_WORKER_SERVICE_PORT_HTTP",
        "SCRIPTMILL_WORKER_PORT",
        "SCRIPTMILL_SCALER_PORT_6443_TCP_ADDR",
        "SCRIPTMILL_VERSION",
        "SCRIPTMILL_TEST_CACHE_DIR",
        "SCRIPT_NAME",
        "PATH__X",
    ] {
        assert_eq!(told(of_others), "", "{of_others}");
    }
    let config = load(None, &[("SCRIPTMILL_LOG", "debug")], &[]).unwrap();
    assert_eq!(config.log.filter, "debug");
    let both = [("SCRIPTMILL_LOG__FILTER", "warn"), ("SCRIPTMILL_LOG", "debug")];
    assert_eq!(load(None, &both, &[]).unwrap().log.filter, "warn");
}

#[test]
fn what_a_worker_would_refuse_is_found_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "\n").unwrap();
    let empty = empty.to_str().unwrap();
    let cases: &[(Said<'_>, &str)] = &[
        (&[("broker.ca_file", empty)], "broker.ca_file must be a file that holds at least one certificate (PEM)"),
        (&[("broker.ca_file", "")], "broker.ca_file names no file"),
        (&[("broker.ca_file", "/nowhere")], "broker.ca_file: /nowhere cannot be read"),
        (&[("broker.username_file", empty), ("broker.password_file", empty)], "must be a file that is not empty"),
        (&[("log.filter", "inof")], "log.filter must be a level (off, error, warn"),
        (&[("log.filter", "info,scriptmill")], "log.filter must be a level"),
        (&[("log.filter", "")], "log.filter must be a level"),
        (&[("log.filter", "scriptmill=loud")], "log.filter must be a level"),
        (&[("http.address", "8080")], "http.address must look like"),
        (&[("http.address", ":8080")], "for all of this machine's write 0.0.0.0:8080"),
        (&[("http.address", "localhost:8080")], "an IP address is needed"),
        (&[("http.address", "0.0.0.0:80800")], "its port is no number"),
        (
            &[("http.address", "0.0.0.0:9000"), ("scaler.keda_address", "127.0.0.1:9000")],
            "another port than http.address",
        ),
        (&[("broker.addresses", "localhost:5672")], "it has no scheme: begin it with amqp://"),
        (&[("broker.addresses", "amqp://a, amqp://b:x")], "its port is no number"),
        (&[("ledger.addresses", "mysql://db/x")], "it must begin with postgres://"),
    ];
    for (flags, expected) in cases {
        let told = load(None, &[], flags).unwrap_err().join("\n");
        assert!(told.contains(expected), "{flags:?}: {told}");
    }
    for filter in ["info", "WARN", "off", "info,scriptmill::settle=debug", "warn,[job{id=a}]=trace"] {
        load(None, &[], &[("log.filter", filter)]).unwrap();
    }
}

#[test]
fn mistakes_name_the_key_and_where_it_was_said() {
    #[rustfmt::skip]
    let cases: &[(Option<&str>, Said<'_>, Said<'_>, &[&str])] = &[
        (Some("[worker]\nslots = 0"), &[], &[],
            &["SM4001: worker.slots must be a whole number of at least 1, but is 0 (scriptmill.toml, line 2)"]),
        (None, &[("SCRIPTMILL_WORKER__SLOTS", "many")], &[],
            &["SM4001: worker.slots must be a whole number of at least 1, but is \"many\" (environment variable SCRIPTMILL_WORKER__SLOTS)"]),
        (None, &[], &[("worker.grace", "30")],
            &["SM4001: worker.grace must be a text such as \"25s\", but is \"30\" (flag --set)"]),
        (Some("[worker]\nmessage_size = '16MiB'"), &[], &[],
            &["SM4001: worker.message_size must be between 64KiB and 15MiB: RabbitMQ 4 refuses messages above 16 MiB, but is \"16MiB\" (scriptmill.toml, line 2)"]),
        (Some("[worker]\ngrace = '16m'"), &[], &[],
            &["SM4001: worker.grace must be 15m at most: that is half of RabbitMQ's consumer timeout, but is \"16m\" (scriptmill.toml, line 2)"]),
        (Some("[worker.limits]\nmemory = '1MiB'"), &[], &[],
            &["SM4001: worker.limits.memory must be between 8MiB and 4GiB: the engine needs the one, and WebAssembly can address the other, but is \"1MiB\" (scriptmill.toml, line 2)"]),
        (Some("[log]\nformat = 'xml'"), &[], &[],
            &["SM4001: log.format must be one of auto, human, json, but is \"xml\" (scriptmill.toml, line 2)"]),
        (Some("[http]\naddress = 8080"), &[], &[],
            &["SM4001: http.address must be a text such as \"127.0.0.1:8080\", but is 8080 (scriptmill.toml, line 2)"]),
        (Some("\n[worker]\nslot = 3"), &[], &[],
            &["SM4002: there is no setting worker.slot (scriptmill.toml, line 3); did you mean worker.slots?"]),
        (Some("slots = 3"), &[], &[],
            &["SM4002: there is no setting slots (scriptmill.toml, line 1); did you mean worker.slots?"]),
        (None, &[("SCRIPTMILL_WORKER__MYSTERY", "1")], &[],
            &["SM4002: there is no setting worker.mystery (environment variable SCRIPTMILL_WORKER__MYSTERY); \
               [worker] has batch_inputs, grace, input_size, message_size, prefetch_margin, preparing_size, slots, threads"]),
        (None, &[], &[("broker.password_file", "/nowhere/password")],
            &["SM4003: broker.password_file: /nowhere/password cannot be read: No such file or directory (os error 2) (flag --set)",
              "SM4001: broker.password_file needs broker.username_file beside it (flag --set)"]),
        (Some("[worker]\nslots = \n"), &[], &[],
            &["SM4003: scriptmill.toml, line 2: not TOML: string values must be quoted, expected literal string"]),
        (None, &[], &[("scaling.min", "5"), ("scaling.max", "2")],
            &["SM4001: scaling.min must be at most max, but 5 > 2 (flag --set)"]),
        (Some("[scaling]\ngroup = ''\ntarget_load = 1.5\n[scaling.promise]\nwait = '5ms'\nshares = 1"), &[], &[],
            &["SM4002: there is no setting scaling.promise.shares (scriptmill.toml, line 6); did you mean scaling.promise.share?",
              "SM4001: scaling.group must be 1 to 64 letters, digits, dots, dashes or underscores, but is \"\" (scriptmill.toml, line 2)",
              "SM4001: scaling.promise.wait must be from 10ms to 1h, but is 5ms (scriptmill.toml, line 5)",
              "SM4001: scaling.target_load must be from 0.1 to 0.98, but is 1.5 (scriptmill.toml, line 3)"]),
        (Some("[scaler]\nexternal_metrics_address = '0.0.0.0:6443'\nauthentication = 'token'"), &[], &[],
            &["SM4001: scaler.authentication must be one of delegated, none, but is \"token\" (scriptmill.toml, line 3)",
              "SM4001: scaler.external_metrics_address needs scaler.certificate_file and scaler.key_file, since Kubernetes calls it by HTTPS alone (scriptmill.toml, line 2)"]),
        (None, &[], &[("scaler.key_file", "/nowhere/tls.key")],
            &["SM4003: scaler.key_file: /nowhere/tls.key cannot be read: No such file or directory (os error 2) (flag --set)",
              "SM4001: scaler.key_file needs scaler.certificate_file beside it (flag --set)"]),
        (Some("[ledger]\naddresses = ['postgres://shop:hunter2@db/x?sslmode=require']\nlease = '1s'\ntimeout = '2m'"),
            &[("SCRIPTMILL_LEDGER__CA_FILE", "Cargo.toml"), ("SCRIPTMILL_LEDGER__RETENTION", "5m")], &[("ledger.when_down", "panic")],
            &["SM4001: ledger.when_down must be one of hold, go-on, but is \"panic\" (flag --set)",
              "SM4001: ledger.ca_file is of no use with an sslmode other than verify-ca and verify-full in ledger.addresses (environment variable SCRIPTMILL_LEDGER__CA_FILE)",
              "SM4001: ledger.timeout must be between 100ms and 1m, but is \"2m\" (scriptmill.toml, line 4)",
              "SM4001: ledger.lease must be between 5s and 15m, but is \"1s\" (scriptmill.toml, line 3)",
              "SM4001: ledger.retention must be between 1h and 10years, but is \"5m\" (environment variable SCRIPTMILL_LEDGER__RETENTION)",
              "SM4001: ledger.ca_file must be a file that holds at least one certificate (PEM) (environment variable SCRIPTMILL_LEDGER__CA_FILE)"]),
        // All at once, over all layers.
        (Some("[worker]\nslots = -1\nspeed = 'fast'"), &[("SCRIPTMILL_HTTP__ADDRESS", "nowhere")], &[("worker.grace", "1h")],
            &["SM4001: http.address must look like 127.0.0.1:8080 or [::]:8080, or be off: it names no port (environment variable SCRIPTMILL_HTTP__ADDRESS)",
              "SM4001: worker.slots must be a whole number of at least 1, but is -1 (scriptmill.toml, line 2)",
              "SM4002: there is no setting worker.speed (scriptmill.toml, line 3); \
               [worker] has batch_inputs, grace, input_size, message_size, prefetch_margin, preparing_size, slots, threads",
              "SM4001: worker.grace must be 15m at most: that is half of RabbitMQ's consumer timeout, but is \"1h\" (flag --set)"]),
    ];
    for (file, environment, flags, expected) in cases {
        assert_eq!(load(*file, environment, flags).unwrap_err(), *expected);
    }
}

#[test]
fn a_certificate_is_looked_at_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for name in ["own", "other"] {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(path(&format!("{name}.crt")), made.cert.pem()).unwrap();
        fs::write(path(&format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    }
    let said = |certificate: &str, key: &str| {
        let flags = [("scaler.certificate_file", path(certificate)), ("scaler.key_file", path(key))];
        let keda = ("scaler.keda_address", "0.0.0.0:9443");
        let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, value.as_str())).chain([keda]).collect();
        load(None, &[], &flags).err().unwrap_or_default()
    };
    assert_eq!(said("own.crt", "own.key"), [""; 0]);
    for (certificate, key, expected) in [
        ("own.key", "own.key", "scaler.certificate_file must hold a certificate in PEM: there is none"),
        ("own.crt", "own.crt", "scaler.key_file must hold a private key in PEM: no items found"),
        ("own.crt", "other.key", "scaler.key_file must hold the key of scaler.certificate_file: it is that of another"),
    ] {
        assert_eq!(said(certificate, key), [format!("SM4001: {expected} (flag --set)")]);
    }
}

#[test]
fn a_password_is_never_shown() {
    for value in ["amqp://shop:hunter2@mq:notaport", "hunter2", ""] {
        let mistakes = load(None, &[("SCRIPTMILL_BROKER__ADDRESSES", value)], &[]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
        assert!(mistakes[0].contains("SCRIPTMILL_BROKER__ADDRESSES"), "{mistakes:?}");
    }
    for (value, why) in [("postgres://shop:hunter2@db", "names no database"), ("hunter2", "has no scheme")] {
        let mistakes = load(None, &[("SCRIPTMILL_LEDGER__ADDRESSES", value)], &[]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].starts_with("SM4001: ledger.addresses must look like") && mistakes[0].contains(why));
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    }
}

#[test]
fn all_that_a_worker_takes_must_fit_the_memory() {
    let config = load(None, &[], &[("worker.slots", "16"), ("worker.limits.memory", "64MiB")]).unwrap();
    let available = |bytes| Available { bytes, source: "/sys/fs/cgroup/memory.max".into() };
    let (messages, answers) = ((3 * 16 + 2 * 16 + 16 / 2 + 1) * 8, 3 * 2 * 36);
    let apart = 128 + 512 + 3 * 36 + (2 + 5) * 64 + 2 * 64 + 64 + 2 * 3 * 8;
    let needed = (16 * 64 + messages + 64 + 32 + 2 * 512 + answers + (2 + 5) * 64 + 256 + 64 + apart + 128) << 20;
    assert_eq!(config.budget().bytes(), needed);
    assert!(config.fits(&available(needed)).is_ok());
    let message = config.fits(&available(4_200 << 20)).unwrap_err().to_string();
    let arithmetic = "16 × 64.0 MiB for jobs + 89 × 8.0 MiB for their messages and outcomes + \
                      64.0 MiB for jobs whose script is being prepared + 32.0 MiB for outcomes whose queue does not take them + \
                      2 × 512.0 MiB for the processes that check scripts + 6 × 36.0 MiB for what these answer + 7 × 64.0 MiB to make images in + 256.0 MiB for images + \
                      64.0 MiB for images beyond those that are kept + 1.4 GiB for processes that run jobs in quarantine + 128.0 MiB for the worker itself = 5.3 GiB, but \
                      /sys/fs/cgroup/memory.max allows 4.1 GiB; worker.slots = 2 would fit";
    assert!(message.contains(arithmetic), "{message}");
    assert!(config.fits(&available(needed - 1)).is_err());
    let two = load(None, &[], &[("worker.slots", "2")]).unwrap();
    assert!(two.budget().bytes() <= 4_200 << 20);
    let with_ledger = load(None, &[], &[("ledger.addresses", "postgres://db/x"), ("worker.slots", "16")]).unwrap();
    assert_eq!(with_ledger.budget().bytes(), needed + (4 * 16 + 2) * (8 << 20) + 2 * (12 << 10));
    let message = config.fits(&available(512 << 20)).unwrap_err().to_string();
    assert!(message.contains("with one slot it would still be too much"), "{message}");
}

/// Compares a checked-in file with what it should be; `BLESS=1` writes it.
fn current(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is not current: run the tests with BLESS=1", path.display());
}

#[test]
fn the_schema_is_current() {
    current("schema/config.schema.json", &format!("{:#}\n", Config::schema()));
}

#[test]
fn the_page_lists_every_setting() {
    let page = include_str!("../../../docs/configuration.md");
    let (head, _) = page.split_once("## Settings\n").unwrap();
    current("../docs/configuration.md", &format!("{head}## Settings\n{}", typed::table::<Config>()));
}
