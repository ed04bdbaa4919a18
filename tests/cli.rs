//! The commands as a person calls them: exit codes, what is printed, and what a mistake says.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

/// The binary in `folder`, without the caller's configuration.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("SCRIPTMILL_") && !name.ends_with("CACHE_DIR"))
    {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder);
    command
}

/// Runs the binary in `folder`, without the caller's configuration.
fn scriptmill(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads no input may be gone already.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn calls_and_their_exit_codes() {
    let folder = folder(&[
        ("double.ts", b"export default (n: number) => n * 2;"),
        ("throws.ts", b"export default () => {\n  throw new RangeError('too much');\n};"),
        ("broken.ts", b"export default () => {"),
        ("warns.ts", b"export default () => consol.log(1);"),
        ("latin1.ts", b"// line\nexport default () => '\xe9';"),
        ("seven.json", b" 7\n"),
        ("broken.json", b"{"),
        ("wrong.toml", b"[worker]\nslots = 0\nfast = true\n"),
    ]);
    #[rustfmt::skip]
    let cases: &[(&[&str], &str, i32, &str, &str)] = &[
        // arguments, standard input, exit code, part of standard output, part of standard error
        (&["run", "double.ts", "--input", "seven.json"], "", 0, r#""status":"succeeded","value":14"#, ""),
        (&["run", "double.ts", "--input", "-"], "21", 0, r#""value":42"#, ""),
        (&["run", "double.ts"], "", 0, r#""value":0"#, ""),
        (&["run", "throws.ts"], "", 1, r#""code":"SM2001""#, ""),
        (&["run", "broken.ts"], "", 1, r#""status":"rejected""#, ""),
        (&["run", "double.ts", "--entry", "triple"], "", 1, r#""code":"SM2005""#, ""),
        (&["run", "double.ts", "--limit", "fuel=10"], "", 1, r#""limit":"fuel""#, ""),
        (&["run", "double.ts", "--id", "a", "--tenant", "acme.sales"], "", 0, r#""jobId":"a","tenant":"acme.sales""#, ""),
        (&["run"], "", 2, "", "<SCRIPT>"),
        (&["run", "absent.ts"], "", 2, "", "SM4003: the script absent.ts cannot be read: No such file or directory"),
        (&["run", "."], "", 2, "", "SM4003: "),
        (&["run", "latin1.ts"], "", 2, "", "latin1.ts:2 is not UTF-8 text"),
        (&["run", "double.ts", "--input", "broken.json"], "", 2, "", "SM3002: the input broken.json is not JSON"),
        (&["run", "double.ts", "--input", "{\"n\": 4}"], "", 2, "", "SM4003: --input names a file, and {\"n\": 4} is the input itself"),
        (&["run", "double.ts", "--input", "absent.json"], "", 2, "", "SM4003: the input absent.json cannot be read"),
        (&["run", "double.ts", "--tenant", "No Tenant"], "", 2, "", "SM3002: tenant: "),
        (&["run", "double.ts", "--clock", "noon"], "", 2, "", "SM3002: clock: "),
        (&["run", "double.ts", "--limit", "fule=10"], "", 2, "", "SM4002: there is no setting worker.limits.fule (flag --limit fule); did you mean worker.limits.fuel?"),
        (&["run", "double.ts", "--limit", "fuel"], "", 2, "", "KEY=VALUE"),
        (&["check", "double.ts"], "", 0, "1 script checked, 0 errors, 0 warnings", ""),
        (&["check", "double.ts", "broken.ts"], "", 1, "error[SM1001]", ""),
        (&["check", "warns.ts"], "", 0, "warning[SM1101]", ""),
        (&["check", "warns.ts", "--strict"], "", 1, "warning[SM1101]", ""),
        (&["check"], "", 2, "", "<SCRIPT>"),
        (&["work", "--config-schema"], "", 0, "\"worker\"", ""),
        (&["work", "--check-config", "--http", "off"], "", 0, "the configuration is right", ""),
        (&["work", "--check-config", "--config", "wrong.toml"], "", 2, "", "SM4001: worker.slots must be a whole number of at least 1, but is 0 (wrong.toml, line 2)"),
        (&["work", "--check-config", "--config", "wrong.toml"], "", 2, "", "SM4002: there is no setting worker.fast (wrong.toml, line 3)"),
        (&["work", "--check-config", "--config", "absent.toml"], "", 2, "", "SM4003: the configuration file absent.toml cannot be read"),
        (&["work", "--slots", "0"], "", 2, "", "(flag --slots)"),
        (&["work", "--slots", "9999"], "", 2, "", "would fit"),
        (&["work", "--broker", "http://guest:secret@x"], "", 2, "", "SM4001: broker.addresses"),
        (&["explain", "SM2101"], "", 0, "SM2101: The fuel is used up", ""),
        (&["explain", "2101", "sm1001"], "", 0, "SM1001: The script is not valid", ""),
        (&["precompile", "--cpu", "z80"], "", 2, "", "[possible values: "),
        (&["precompile", "--output", "double.ts/engine.bin"], "", 1, "", "double.ts/engine.bin cannot be written: "),
        (&["explain"], "", 0, "SM5004  The cache of the compiled engine was not used", ""),
        (&["explain", "SM2110"], "", 2, "", "there is no code SM2110; `scriptmill explain` lists all of them"),
        (&["explain", "brace"], "", 2, "", "there is no code brace"),
        (&["declare", "--broker", "http://guest:secret@x"], "", 2, "", "SM4001: broker.addresses"),
        (&["declare", "--broker", "amqp://guest:secret@127.0.0.1:1"], "", 1, "", "SM4101: amqp://127.0.0.1:1/"),
        (&["dance"], "", 2, "", "unrecognized subcommand"),
        (&["--version"], "", 0, "scriptmill 0.", ""),
        (&["--help"], "", 0, "Run a script once and show its outcome", ""),
    ];
    for (arguments, input, exit, out, err) in cases {
        let output = scriptmill(folder.path(), arguments, input);
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(*exit), "{arguments:?}\n{stdout}\n{stderr}");
        assert!(stdout.contains(out), "{arguments:?}: no {out:?} in\n{stdout}");
        assert!(stderr.contains(err), "{arguments:?}: no {err:?} in\n{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let folder = folder(&[("double.ts", b"export default (n: number) => n * 2;")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    command.args(["run", "double.ts"]).current_dir(folder.path()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_mistake_says_how_to_learn_more() {
    let folder = folder(&[]);
    let output = scriptmill(folder.path(), &["work", "--check-config", "--set", "worker.slots=0"], "");
    assert_eq!(
        text(&output.stderr),
        "error: the configuration has a mistake\n  SM4001: worker.slots must be a whole number of at least 1, but is \"0\" (flag --set)\n  more about it: scriptmill explain SM4001\n"
    );
}

#[test]
fn a_program_finds_the_engine_that_was_compiled_for_it() {
    // A folder beside the program that cargo built, so that the program can be hard-linked instead of copied.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [program, engine, cache] =
        ["bin/scriptmill", "lib/scriptmill/engine.bin", "cache"].map(|path| folder.path().join(path));
    fs::create_dir(program.parent().unwrap()).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_scriptmill"), &program).unwrap();
    fs::write(folder.path().join("double.ts"), "export default (n: number) => n * 2;").unwrap();
    let call = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("SCRIPTMILL_SANDBOX__CACHE_DIR", &cache)
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}\n{}", text(&output.stderr));
        text(&output.stdout)
    };
    let said = call(&["precompile"]);
    assert!(said.starts_with(&format!("{}: the engine for ", engine.display())), "{said}");
    let with = call(&["run", "double.ts", "--id", "a", "--clock", "2026-01-31T09:00:00Z"]);
    assert!(!cache.exists(), "the engine was compiled once more");
    fs::remove_file(&engine).unwrap();
    let without = call(&["run", "double.ts", "--id", "a", "--clock", "2026-01-31T09:00:00Z"]);
    assert!(cache.exists(), "nothing compiled the engine");
    let fixed = |outcome: &str| {
        let mut outcome: Value = serde_json::from_str(outcome).unwrap();
        outcome["usage"]["times"].take();
        outcome
    };
    assert_eq!(fixed(&with), fixed(&without));
}

#[test]
fn imports_come_along() {
    let folder = folder(&[
        ("app/main.ts", b"import { tax } from './lib/tax';\nimport { name } from '../shared/name.js';\nexport default () => `${name} ${tax(100)}`;"),
        ("app/lib/tax.ts", b"import { rate } from './rate/index.ts';\nexport const tax = (net: number) => net * rate;"),
        ("app/lib/rate/index.ts", b"export const rate = 0.25;"),
        ("shared/name.ts", b"export const name = 'VAT';"),
        ("shared/unused.ts", b"syntax error"),
        ("missing.ts", b"import { x } from './nowhere';\nexport default () => x;"),
    ]);
    let output = scriptmill(folder.path(), &["run", "app/main.ts"], "");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["value"], "VAT 25", "{outcome:#}");

    let output = scriptmill(folder.path(), &["check", "missing.ts", "--json"], "");
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["diagnostics"][0]["code"], "SM1006", "{found:#}");
    assert_eq!(found[0]["diagnostics"][0]["file"], "missing.ts");
}

#[test]
fn a_map_beside_a_bundle_names_the_lines_of_its_files() {
    let bundle = "function helper(order) {\n  return order.missing.name;\n}\nexport default () => helper({});\n//# sourceMappingURL=main.js.map\n";
    let map = |file: &str| format!(r#"{{"version":3,"sources":["{file}"],"mappings":"AAIA;EACE"}}"#);
    let folder = folder(&[
        ("main.js", bundle.as_bytes()),
        ("main.js.map", map("../src/helper.ts").as_bytes()),
        ("alone/main.js", bundle.as_bytes()),
        ("broken/main.js", bundle.as_bytes()),
        ("broken/main.js.map", b"{"),
    ]);
    let thrown_at = |script: &str| {
        let outcome: Value = serde_json::from_slice(&scriptmill(folder.path(), &["run", script], "").stdout).unwrap();
        (outcome["error"]["thrown"]["stack"][0]["at"].clone(), outcome["diagnostics"][0]["code"].clone())
    };
    let at = |file: &str, line: u32, column: u32| json!({ "file": file, "line": line, "column": column });
    assert_eq!(thrown_at("main.js"), (at("src/helper.ts", 6, 3), Value::Null));
    assert_eq!(thrown_at("alone/main.js"), (at("main.js", 2, 24), Value::Null), "there is no map");
    assert_eq!(thrown_at("broken/main.js"), (at("main.js", 2, 24), json!("SM1110")));
    for (script, codes) in [("main.js", json!([])), ("alone/main.js", json!([])), ("broken/main.js", json!(["SM1110"]))]
    {
        let output = scriptmill(folder.path(), &["check", script, "--json"], "");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = found[0]["diagnostics"].as_array().unwrap();
        assert_eq!(found.iter().map(|found| found["code"].clone()).collect::<Value>(), codes, "check {script}");
    }
}

#[test]
fn the_value_arrives_as_the_script_wrote_it() {
    let folder =
        folder(&[("main.ts", b"export default (x: unknown) => [x, 1e21, -0, 0.1, '\\ud800', 'a\\u001b[2J'];")]);
    let output = scriptmill(folder.path(), &["run", "main.ts", "--input", "-"], r#"{"a":1.10,"b":"\ud83d"}"#);
    let stdout = text(&output.stdout);
    assert!(stdout.contains(r#""value":[{"a":1.1,"b":"\ud83d"},1e+21,0,0.1,"\ud800","a\u001b[2J"]"#), "{stdout}");
}

#[test]
fn id_and_clock_fix_the_outcome() {
    let folder = folder(&[("main.ts", b"export default () => [Math.random(), Date.now()];")]);
    let run = |id: &str| {
        let output = scriptmill(folder.path(), &["run", "main.ts", "--id", id, "--clock", "2026-01-31T09:00:00Z"], "");
        let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
        (outcome["value"].to_string(), outcome["usage"]["fuel"].as_u64().unwrap())
    };
    assert_eq!(run("a"), run("a"));
    assert_ne!(run("a").0, run("b").0);
    assert!(run("a").0.ends_with(",1769850000000]"), "{}", run("a").0);
}

#[test]
fn json_is_printed_byte_for_byte() {
    let value = "\u{7f}\u{1b}[31m\u{9b}2J\u{202e}\u{85}\u{feff}ü\u{0}";
    let source = "export default (text: string) => { console.log(text); return text; };";
    let folder = folder(&[("main.ts", source.as_bytes())]);
    let input = serde_json::to_string(value).unwrap();
    let output = scriptmill(folder.path(), &["run", "main.ts", "--input", "-"], &input);
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&outcome["value"], &outcome["logs"][0]["text"]), (&Value::from(value), &Value::from(value)));
    assert!(text(&output.stdout).contains('\u{7f}'), "not even escaped");
}

#[test]
fn a_job_that_logs_too_much_goes_on_unless_it_must_not() {
    let source = "export default () => { for (let i = 0; i < 1200; i++) console.log('row ' + i); return 1200; };";
    let folder = folder(&[("main.ts", source.as_bytes())]);
    let run = |limits: &[&str]| {
        let arguments = [&["run", "main.ts"], limits].concat();
        serde_json::from_slice::<Value>(&scriptmill(folder.path(), &arguments, "").stdout).unwrap()
    };
    let outcome = run(&[]);
    let logs = outcome["logs"].as_array().unwrap();
    assert_eq!(
        (&outcome["value"], logs.len(), &logs[999]["text"]),
        (&Value::from(1200), 1001, &Value::from("row 999"))
    );
    assert_eq!(logs[1000]["text"], "200 further lines were left out (limit logLines)");
    let outcome = run(&["--limit", "log_size=20"]);
    assert_eq!(outcome["logs"][4]["text"], "1196 further lines were left out (limit logBytes)");
    let outcome = run(&["--limit", "strict_logs=true"]);
    assert_eq!((&outcome["error"]["code"], &outcome["error"]["allowed"]), (&Value::from("SM2105"), &Value::from(1000)));
}

/// Lets one client in over TLS with a certificate for this name, valid between these years. Returns the port.
fn shows_certificate(authority: &Issuer<'_, KeyPair>, name: &str, years: [i32; 2]) -> u16 {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap().der().clone();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The client breaks it off.
        let _ = ServerConnection::new(config).unwrap().complete_io(&mut stream);
    });
    port
}

/// Answers one client as RabbitMQ answers what is not AMQP. Returns the port.
fn speaks_no_tls() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = stream.read(&mut [0; 16 << 10]).unwrap();
        assert!(asked > 0);
        stream.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
    });
    port
}

#[test]
fn what_is_wrong_with_a_brokers_certificate_is_told_in_words() {
    const HERE: &str = "127.0.0.1";
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
    };
    let ((pem, trusted), (_, stranger)) = (authority("trusted"), authority("stranger"));
    let folder = folder(&[("ca.pem", pem.as_bytes())]);
    for (port, words) in [
        (
            shows_certificate(&stranger, HERE, [2020, 2999]),
            "its certificate is of an authority that is not trusted here",
        ),
        (shows_certificate(&trusted, "mq.example", [2020, 2999]), "its certificate is for another host's name"),
        (shows_certificate(&trusted, HERE, [2020, 2021]), "its certificate has expired"),
        (shows_certificate(&trusted, HERE, [2900, 2999]), "its certificate is not valid yet"),
        (speaks_no_tls(), "it does not speak TLS there: is it the port for amqp://?"),
    ] {
        let address = format!("amqps://{HERE}:{port}");
        let arguments = ["declare", "--broker", &address, "--set", "broker.ca_file=ca.pem"];
        let mut command = command(folder.path(), &arguments);
        // These stand for the system's own, of which some machines have none.
        command.env("SSL_CERT_FILE", folder.path().join("ca.pem")).stdin(Stdio::null());
        let output = command.output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&format!("SM4101: {address}/%2F cannot be reached: TLS: {words}")), "{told}");
    }
}
