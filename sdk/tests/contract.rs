//! The contract as the outside meets it: JSON in, JSON out, and the schemas that are published beside it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use scriptmill_sdk::{Code, Ending, InvalidJob, Job, Outcome};

const JOB: &str = r#"{
    "id": "order-7", "tenant": "acme.sales",
    "script": { "modules": [{ "name": "main.ts", "source": "export default () => 1" }] },
    "entry": "main", "input": {"a": 1}, "limits": { "fuel": 1000 },
    "deadline": "2026-03-01T09:30:00.250+01:00", "clock": "1969-12-31T23:59:59Z"
}"#;

/// `JOB` with one part of its text replaced.
fn job_with(part: &str, by: &str) -> String {
    assert!(JOB.contains(part), "{part}");
    JOB.replacen(part, by, 1)
}

/// What is wrong with a body: the field's path, or `not JSON`.
fn fault(body: &[u8]) -> String {
    match Job::from_slice(body).unwrap_err() {
        InvalidJob::NotJson(_) => "not JSON".to_owned(),
        InvalidJob::Field { path, .. } => path,
    }
}

#[test]
fn a_job_is_read_whole() {
    let job = Job::from_slice(JOB.as_bytes()).unwrap();
    assert_eq!((job.id.as_str(), job.tenant.as_str(), job.entry.as_deref()), ("order-7", "acme.sales", Some("main")));
    assert_eq!(job.limits.fuel, Some(1000));
    assert_eq!((job.deadline_ms(), job.clock_ms()), (Some(1_772_353_800_250), Some(-1000)));
}

#[test]
fn a_job_needs_an_id_a_tenant_and_a_script_alone() {
    let job = r#"{"id":"1","tenant":"acme","script":{"modules":[{"name":"m.js","source":""}]}}"#;
    let read = Job::from_slice(job.as_bytes()).unwrap();
    assert_eq!(read.input.get(), "null");
    assert_eq!((read.deadline_ms(), read.clock_ms()), (None, None));
}

#[test]
fn a_source_map_stands_beside_its_module_and_counts_as_source() {
    let (source, map) = ("export default () => 1", r#"{"version":3,"sources":["tax.ts"],"mappings":"AAAA"}"#);
    let beside = format!(r#""{source}", "sourceMap": {}"#, serde_json::to_string(map).unwrap());
    let job = Job::from_slice(job_with(&format!("\"{source}\""), &beside).as_bytes()).unwrap();
    let module = &job.script.modules[0];
    assert_eq!((module.source.as_str(), module.source_map.as_deref()), (source, Some(map)));
    assert_eq!(module.source_bytes(), source.len() + map.len());
    assert_eq!(serde_json::to_value(&job).unwrap()["script"]["modules"][0]["sourceMap"], map);
    let without = Job::from_slice(JOB.as_bytes()).unwrap();
    assert_eq!(without.script.modules[0].source_bytes(), source.len());
    // A worker that is older refuses fields that it does not know.
    assert!(!serde_json::to_string(&without).unwrap().contains("sourceMap"));
}

#[test]
fn unknown_fields_of_an_outcome_are_accepted() {
    let outcome = r#"{"jobId":"1","tenant":"a","status":"failed","engine":"e","region":"eu",
        "error":{"code":"SM2999","message":"m","origin":"host","retryable":true,"hint":1},
        "usage":{"fuel":5,"watts":3,"times":{"ranUs":4,"sleptUs":1}}}"#;
    let outcome: Outcome = serde_json::from_str(outcome).unwrap();
    assert_eq!((outcome.ending.code(), outcome.usage.fuel, outcome.usage.times.ran_us), (Some(Code::Unknown), 5, 4));
}

#[test]
fn bad_bodies_are_told_apart() {
    let deep = "[".repeat(100_000);
    let closed = format!("{deep}{}", "]".repeat(100_000));
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "not JSON"),
        ("hello".to_owned(), "not JSON"),
        ("\u{feff}{}".to_owned(), "not JSON"),
        (format!("{JOB} {{}}"), "not JSON"),
        (JOB[..JOB.len() - 1].to_owned(), "not JSON"),
        (deep.clone(), "."),
        (job_with(r#"{"a": 1}"#, &deep), "not JSON"),
        (job_with(r#"{"a": 1}"#, r#"{"a": 1,}"#), "not JSON"),
        (job_with(r#"{"a": 1}"#, "NaN"), "not JSON"),
        (job_with(r#""id""#, &format!(r#""x": {deep}, "id""#)), "x"),
        (job_with(r#""order-7""#, &closed), "id"),
        ("[]".to_owned(), "."),
        ("null".to_owned(), "."),
        ("{}".to_owned(), "id"),
        (job_with(r#""tenant": "acme.sales","#, ""), "tenant"),
        (job_with(r#""name": "main.ts", "#, ""), "script.modules[0].name"),
        (
            job_with(r#"{ "modules": [{ "name": "main.ts", "source": "export default () => 1" }] }"#, "{}"),
            "script.modules",
        ),
        (job_with(r#"[{ "name": "main.ts", "source": "export default () => 1" }]"#, "[]"), "script.modules"),
        (job_with(r#""export default () => 1""#, "7"), "script.modules[0].source"),
        (job_with(r#""export default () => 1""#, r#""", "sourceMap": 7"#), "script.modules[0].sourceMap"),
        (job_with(r#""order-7""#, "7"), "id"),
        (job_with(r#""order-7""#, "null"), "id"),
        (job_with(r#""order-7""#, r#""""#), "id"),
        (job_with(r#""order-7""#, r#""a\nb""#), "id"),
        (job_with("order-7", &"x".repeat(201)), "id"),
        (job_with(r#""id""#, r#""id": "again", "id""#), "id"),
        (job_with(r#""fuel""#, r#""fuel": 2, "fuel""#), "limits.fuel"),
        (job_with("1000", "-1"), "limits.fuel"),
        (job_with("1000", "1.5"), "limits.fuel"),
        (job_with("1000", r#""1000""#), "limits.fuel"),
        (job_with("acme.sales", ""), "tenant"),
        (job_with("acme.sales", "acme..sales"), "tenant"),
        (job_with("acme.sales", "Acme"), "tenant"),
        (job_with("acme.sales", "acme.*"), "tenant"),
        (job_with("2026-03-01T09:30:00.250+01:00", "tomorrow"), "deadline"),
        (job_with("2026-03-01T09:30:00.250+01:00", "2026-03-01"), "deadline"),
        (job_with("2026-03-01T09:30:00.250+01:00", "2026-03-01T09:30:00"), "deadline"),
        (job_with("2026-03-01T09:30:00.250+01:00", "2026-02-30T09:30:00Z"), "deadline"),
        (job_with("1969-12-31T23:59:59Z", "99999-01-01T00:00:00Z"), "clock"),
        (job_with(r#""1969-12-31T23:59:59Z""#, "0"), "clock"),
    ];
    for (body, expected) in cases {
        let shown: String = body.chars().take(120).collect();
        assert_eq!(fault(body.as_bytes()), expected, "{shown}");
    }
    let tenant = Job::from_slice(job_with("acme.sales", "Acme").as_bytes()).unwrap_err();
    let told = "tenant: must be dotted domains of a-z, 0-9, - and _, such as acme.sales, 200 bytes at most";
    assert_eq!((tenant.to_string().as_str(), tenant.code()), (told, Code::InvalidField));
    let invalid_utf8 = job_with("a\": 1", "\u{1}").into_bytes().into_iter().map(|b| if b == 1 { 0xff } else { b });
    assert_eq!(fault(&invalid_utf8.collect::<Vec<_>>()), "not JSON");
}

#[test]
fn a_mistake_is_told_in_words_of_json() {
    let at = |path: &str, text: &str| {
        let job = match path {
            "" => text.to_owned(),
            "limits" => job_with(r#"{ "fuel": 1000 }"#, text),
            "retry" => job_with(r#""id""#, &format!(r#""retry": {text}, "id""#)),
            "script" => job_with(r#"{ "modules": [{ "name": "main.ts", "source": "export default () => 1" }] }"#, text),
            "deadline" => job_with(r#""2026-03-01T09:30:00.250+01:00""#, text),
            _ => job_with(r#""id""#, text),
        };
        Job::from_slice(job.as_bytes()).unwrap_err().to_string()
    };
    let cases = [
        (
            at("limits", r#"{"wallTimeMs": "5s"}"#),
            "limits.wallTimeMs: must be a whole number of milliseconds, but is the text \"5s\"",
        ),
        (
            at("limits", r#"{"memoryBytes": 1.5}"#),
            "limits.memoryBytes: must be a whole number of bytes, but is the number 1.5",
        ),
        (at("limits", r#"{"fuel": -1}"#), "limits.fuel: must be a whole number of at least 0, but is the number -1"),
        (at("limits", r#"{"fuel": 1e30}"#), "limits.fuel: must be a smaller whole number, but is the number 1e+30"),
        (at("limits", r#"{"wall_time": 5}"#), "limits.wall_time: is no field that there is; did you mean wallTimeMs?"),
        (at("limits", r#"{"fule": 5}"#), "limits.fule: is no field that there is; did you mean fuel?"),
        (at("limits", "[]"), "limits: must be an object, but is an array"),
        (at("limits", "5"), "limits: must be an object, but is the number 5"),
        (at("retry", r#"{"attempts": 0}"#), "retry.attempts: must be 1 to 100, but is 0"),
        (at("retry", r#"{"attempts": "3"}"#), "retry.attempts: must be a whole number, but is the text \"3\""),
        (
            at("retry", r#"{"on": ["hosts"]}"#),
            "retry.on[0]: must be one of script, exhausted, host, platform, but is \"hosts\"; did you mean host?",
        ),
        (
            at("retry", r#"{"max_attempts": 3}"#),
            "retry.max_attempts: is no field that there is; there are on, attempts, pauseMs, pauseMaxMs",
        ),
        (at("retry", "[]"), "retry: must be an object, but is an array"),
        (at("script", "\"export default 1\""), "script: must be an object, but is the text \"export default 1\""),
        (at("script", "[[]]"), "script: must be an object, but is an array"),
        (at("script", r#"{"modules": {}}"#), "script.modules: must be an array, but is an object"),
        (at("script", r#"{"modules": [["main.ts", ""]]}"#), "script.modules[0]: must be an object, but is an array"),
        (
            at("script", r#"{"modules": [{"name": "main.ts", "code": ""}]}"#),
            "script.modules[0].code: is no field that there is; did you mean source?",
        ),
        (at("script", r#"{"modules": [{"name": "main.ts"}]}"#), "script.modules[0].source: is missing"),
        (
            at("deadline", "1772353800"),
            "deadline: must be an instant as RFC 3339 writes it, such as 2026-03-01T09:30:00Z, but is the number 1772353800; as seconds since 1970 that is 2026-03-01T08:30:00Z",
        ),
        (
            at("deadline", "1772353800000"),
            "deadline: must be an instant as RFC 3339 writes it, such as 2026-03-01T09:30:00Z, but is the number 1772353800000; as milliseconds since 1970 that is 2026-03-01T08:30:00Z",
        ),
        (at("", r#"{"id": "1", "tenantId": "acme"}"#), "tenantId: is no field that there is; did you mean tenant?"),
        (at("", "[]"), "the message must be an object, but is an array"),
        (at("", "7"), "the message must be an object, but is the number 7"),
        (at("", ""), "the message is not JSON: it is empty"),
        (at("", "{} x"), "id: is missing"),
    ];
    for (told, expected) in &cases {
        assert_eq!(told, expected);
    }
}

#[test]
fn a_mistake_of_any_length_is_told_in_few_words() {
    let long = "x".repeat(4 << 20);
    let named = |name: &str| Job::from_slice(job_with(r#""id""#, &format!(r#""{name}": 1, "id""#)).as_bytes());
    for refused in [named(&long), named(&"é".repeat(1 << 20)), Job::from_slice(job_with("order-7", &long).as_bytes())]
    {
        let told = refused.unwrap_err().to_string();
        assert!(told.len() < 500, "{} bytes", told.len());
    }
}

#[test]
fn null_is_absent_and_a_whole_number_is_one_however_it_is_written() {
    let job = r#"{"id":"1","tenant":"acme","script":{"modules":[{"name":"m.js","source":""}]},"entry":null,"input":1,
        "inputs":null,"limits":null,"deadline":null,"clock":null,"startAt":null,"retry":null,"contract":null}"#;
    let read = Job::from_slice(job.as_bytes()).unwrap();
    assert_eq!((read.limits.fuel, read.retry.is_none(), read.contract), (None, true, None));
    for number in ["50000000", "50000000.0", "5e7", "5.0E7", "500000000e-1"] {
        let job = job_with("1000", number);
        assert_eq!(Job::from_slice(job.as_bytes()).unwrap().limits.fuel, Some(50_000_000), "{number}");
    }
    let retry = r#""contract": 2.0, "retry": {"on": null, "attempts": 3.0, "pauseMs": null}, "id""#;
    let read = Job::from_slice(job_with(r#""id""#, retry).as_bytes()).unwrap();
    assert_eq!((read.retry.unwrap().attempts, read.contract), (3, Some(2)));
}

#[test]
fn input_and_value_keep_their_text() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in [
        "1e400",
        "-0",
        "0.1000",
        r#""\ud800""#,
        "1E5",
        "12345678901234567890123",
        r#"{"b":1, "a":2,"b":3}"#,
        "null",
        &nested,
    ] {
        let job = Job::from_slice(job_with(r#"{"a": 1}"#, text).as_bytes()).unwrap();
        let again = Job::from_slice(&serde_json::to_vec(&job).unwrap()).unwrap();
        assert_eq!(again.input.get(), text);

        let outcome: Outcome =
            serde_json::from_str(&format!(r#"{{"jobId":"1","tenant":"a","status":"succeeded","value":{text}}}"#))
                .unwrap();
        let again: Outcome = serde_json::from_slice(&serde_json::to_vec(&outcome).unwrap()).unwrap();
        let Ending::Succeeded(value) = again.ending else { panic!("{:?}", again.ending) };
        assert_eq!(value.get(), text);

        let result = format!(r#"{{"status":"succeeded","value":{text}}}"#);
        let batch = format!(r#"{{"jobId":"1","tenant":"a","status":"completed","results":[{result}]}}"#);
        let batch: Outcome = serde_json::from_str(&batch).unwrap();
        let again: Outcome = serde_json::from_slice(&serde_json::to_vec(&batch).unwrap()).unwrap();
        let Ending::Completed(results) = again.ending else { panic!("{:?}", again.ending) };
        let Ending::Succeeded(value) = &results[0].ending else { panic!("{:?}", results[0].ending) };
        assert_eq!(value.get(), text);
    }
}

#[test]
fn every_ending_round_trips() {
    for (error, expected) in [
        (
            r#""status":"failed","error":{"code":"SM2001","message":"m","origin":"script","retryable":false,
            "thrown":{"name":"TypeError","message":"x","stack":[{"function":"f","at":{"file":"main.ts","line":1,"column":2}},{}],
            "cause":{"name":"Error","message":"y","stack":[]}}}"#,
            Some(Code::Thrown),
        ),
        (
            r#""status":"exhausted","error":{"code":"SM2101","message":"m","limit":"fuel","allowed":5,"stack":[{"function":"f"}]}"#,
            Some(Code::Fuel),
        ),
        (
            r#""status":"rejected","error":{"code":"SM3003","message":"m","path":"limits.fuel"}"#,
            Some(Code::LimitAboveWorker),
        ),
        (r#""status":"cancelled","error":{"code":"SM3008","message":"m"}"#, Some(Code::DeadlinePassed)),
        (r#""status":"succeeded","value":null"#, None),
    ] {
        let text = format!(r#"{{"jobId":"1","tenant":"a",{error},"usage":{{"fuel":1}},"engine":"e"}}"#);
        let outcome: Outcome = serde_json::from_str(&text).unwrap();
        assert_eq!(outcome.ending.code(), expected, "{text}");
        let written = serde_json::to_value(&outcome).unwrap();
        let given: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&written["status"], &written["error"]), (&given["status"], &given["error"]));
        assert_eq!(written.get("value"), given.get("value"), "a value of null is written");
    }
    for broken in [
        r#"{"jobId":"1","tenant":"a","status":"failed"}"#,
        r#"{"jobId":"1","tenant":"a","status":"failed","error":{"code":"SM2001","message":"m"}}"#,
        r#"{"jobId":"1","tenant":"a","status":"exhausted","error":{"code":"SM2101","message":"m","allowed":5}}"#,
        r#"{"jobId":"1","tenant":"a","status":"gone"}"#,
    ] {
        assert!(serde_json::from_str::<Outcome>(broken).is_err(), "{broken}");
    }
}

#[test]
fn the_schemas_are_current() {
    for (name, schema) in [("job", schemars::schema_for!(Job)), ("outcome", schemars::schema_for!(Outcome))] {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        assert_eq!(
            text.contains("\"additionalProperties\": false"),
            name == "job",
            "what is unknown is refused in jobs alone"
        );
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.schema.json"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, text).unwrap();
        } else {
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(written, text, "run BLESS=1 cargo test -p scriptmill-sdk --test contract");
        }
    }
}
