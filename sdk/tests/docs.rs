//! What the documentation says about the contract holds: every code has its page, every example is valid.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use scriptmill_sdk::{Code, Ending, Job, Outcome};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(code: Code) -> String {
    format!("docs/errors/{code}.md")
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("docs/errors")).unwrap() {
        pages.insert(format!("docs/errors/{}", entry.unwrap().file_name().into_string().unwrap()));
    }
    let codes: BTreeSet<String> = Code::ALL.iter().map(|&code| page(code)).collect();
    assert_eq!(codes.difference(&pages).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without a page");
    assert_eq!(pages.difference(&codes).collect::<Vec<_>>(), Vec::<&String>::new(), "pages without a code");
}

#[test]
fn every_page_says_what_it_means_why_and_what_to_do() {
    for &code in Code::ALL {
        let text = std::fs::read_to_string(root().join(page(code))).unwrap();
        assert_eq!(text.lines().next().unwrap(), format!("# {code}: {}", code.title()));
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## What it means", "## Likely causes", "## What to do"], "{code}");
        for section in text.split("\n## ").skip(1) {
            assert!(section.lines().skip(1).any(|line| !line.trim().is_empty()), "{code}: an empty section");
        }
        assert_eq!(code.to_string().parse::<Code>().unwrap(), code);
    }
}

#[test]
fn the_examples_of_the_contract_are_valid() {
    let text = std::fs::read_to_string(root().join("docs/contract.md")).unwrap();
    let blocks = |kind: &str| -> Vec<String> {
        let start = format!("```json {kind}\n");
        text.split(start.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    };
    let jobs = blocks("job");
    for job in &jobs {
        Job::from_slice(job.as_bytes()).unwrap();
    }
    let endings: Vec<Ending> =
        blocks("outcome").iter().map(|text| serde_json::from_str::<Outcome>(text).unwrap().ending).collect();
    let statuses: Vec<&str> = endings.iter().map(Ending::status).collect();
    let expected = ["succeeded", "succeeded", "failed", "exhausted", "rejected", "cancelled", "completed"];
    assert_eq!((jobs.len(), statuses), (3, expected.to_vec()));
    assert!(endings.iter().all(|ending| ending.code() != Some(Code::Unknown)));
}
