//! `scriptmill ledger` and `scriptmill history`, as commands.

use std::process::Stdio;

use futures_util::FutureExt as _;
use scriptmill::ledger::{Key, Ledger as _, postgres::Postgres};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::bench::{Database, claim, claim_of, record};
use crate::server::Case;
use crate::support;

pub(crate) const CASES: &[(&str, Case)] = &[
    ("the_tables_are_made_once", |database| the_tables_are_made_once(database).boxed_local()),
    ("history_finds_what_was_recorded", |database| history_finds_what_was_recorded(database).boxed_local()),
];

/// What a command said on its outputs, and whether it succeeded.
struct Said {
    out: String,
    error: String,
    is_well: bool,
}

async fn run(database: &Database, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    command.args(arguments).args(["--ledger", database.address().url().as_str()]);
    let output = timeout(support::LONG, command.stdin(Stdio::null()).output()).await.expect("an end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { out: text(output.stdout), error: text(output.stderr), is_well: output.status.success() }
}

async fn the_tables_are_made_once(database: &Database) {
    // A command that only reads makes no tables.
    let Said { error, is_well, .. } = run(database, &["history"]).await;
    assert!(!is_well && error.contains("SM4124") && error.contains("scriptmill ledger migrate"), "{error}");
    for before in ["none", "1"] {
        let Said { out, error, is_well } = run(database, &["ledger", "migrate"]).await;
        assert!(is_well, "{error}");
        assert_eq!(out, format!("the ledger's tables have version 1 (before: {before})\n"));
    }
    let Said { out, error, is_well } = run(database, &["history"]).await;
    assert!(is_well, "{error}");
    assert_eq!(out, "no job\n");
    database.execute("insert into scriptmill_ledger_version (version) values (7)").await;
    for arguments in [["ledger", "migrate"].as_slice(), &["history"]] {
        let Said { error, is_well, .. } = run(database, arguments).await;
        assert!(!is_well && error.contains("SM4123") && error.contains("use a newer scriptmill"), "{error}");
    }
}

/// The ids of the jobs that it lists.
async fn listed(database: &Database, arguments: &[&str]) -> String {
    let Said { out, error, is_well } = run(database, &[&["history", "--json"], arguments].concat()).await;
    assert!(is_well, "{error}");
    let lines: Vec<Value> = serde_json::from_str(&out).unwrap();
    let ids: Vec<_> = lines.iter().map(|line| line["jobId"].as_str().unwrap()).collect();
    ids.join(" ")
}

async fn history_finds_what_was_recorded(database: &Database) {
    let ledger = Postgres::open(database.options()).await.unwrap();
    let other = Key { tenant: "acme".to_owned(), job_id: "b".to_owned(), generation: 0 };
    let (a, b) = (claim("a", 1, "pod-1"), claim_of(other, 1, "pod-2"));
    for claim in [&a, &b] {
        ledger.claim(claim).await.unwrap();
    }
    ledger.record(&a, &record("failed", r#"{"status":"failed","value":1e400}"#)).await.unwrap();

    let cases = [
        (vec![], "b a"),
        (vec!["--tenant", "acme.sales"], "a"),
        (vec!["--status", "failed"], "a"),
        (vec!["--status", "claimed"], "b"),
        (vec!["--script", "ABAB", "--limit", "1"], "b"),
        (vec!["--since", "1h"], "b a"),
        (vec!["--until", "1h"], ""),
    ];
    for (arguments, expected) in cases {
        assert_eq!(listed(database, &arguments).await, expected, "{arguments:?}");
    }
    let table = run(database, &["history"]).await.out;
    let of_a = table.lines().find(|line| line.contains("acme.sales")).unwrap();
    assert!(["failed", "SM2001", "main.ts abababababab", "pod-1"].iter().all(|part| of_a.contains(part)), "{table}");

    let Said { out, error, is_well } = run(database, &["history", "acme.sales", "a", "--json"]).await;
    assert!(is_well && out.contains(r#""outcome":{"status":"failed","value":1e400}"#), "{out}{error}");
    let shown = run(database, &["history", "acme", "b"]).await.out;
    assert!(
        ["status    claimed", "by pod-2, attempt 1", "leased    until"].iter().all(|part| shown.contains(part)),
        "{shown}"
    );
    let Said { error, is_well, .. } = run(database, &["history", "acme", "a"]).await;
    assert!(!is_well && error.contains("the ledger does not know the job a of acme"), "{error}");
}
