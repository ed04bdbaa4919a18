//! Operations that were mended in the engine grow as they should: ten times as much takes about ten times the fuel. The
//! operations are those of `cargo xtask bench growth`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use scriptmill_sdk::Ending;
use serde_json::json;

const SIZES: [u64; 3] = [1_000, 10_000, 100_000];

/// Before they were mended, the operations took 22 times as much and more, from one of these sizes to the next.
const TIMES_MAX: f64 = 16.0;

/// The same for BigInts that are long enough for the faster methods, which took up to 100 times as much. By Karatsuba's method they take
/// 10^1.6 = 40 times as much.
const BIG_TIMES_MAX: f64 = 50.0;

const MENDED: [&str; 17] = [
    "arrays: shift",
    "arrays: shift and push, as a queue",
    "arrays: splice(0, 1)",
    "arrays: splice(0, 100)",
    "strings: += of a character",
    "strings: += of a wide character",
    "strings: += with its length",
    "strings: += of a long line",
    "strings: += in front of a long line",
    "strings: += on both sides",
    "strings: concat",
    "strings: indexOf, almost, long",
    "json: stringify with names",
    "patterns: test from the start",
    "patterns: test from the start, two ways",
    "patterns: a lexer that slices",
    "patterns: a lexer that replaces",
];

fn fuel(name: &str, size: u64) -> u64 {
    let operations = common::single("operations.js", include_str!("../../benches/growth/operations.js"));
    match common::run(&operations, &json!({ "name": name, "size": size }).to_string()).ending {
        Ending::Succeeded(value) => value.get().parse().unwrap(),
        Ending::Exhausted(_) => u64::MAX,
        ending => panic!("{name}: {ending:#?}"),
    }
}

#[test]
fn what_was_mended_grows_with_its_size() {
    let of = |name: &str, sizes: &[u64], most| (name.to_owned(), sizes.to_vec(), most);
    let mended = MENDED.map(|name| of(name, &SIZES, TIMES_MAX));
    // The code of so many alternatives was moved for each of them, which shows only where there are very many.
    let alternatives = of("patterns: many alternatives", &[100_000, 1_000_000], TIMES_MAX);
    let big = ["times", "divide", "toString", "parse"]
        .map(|name| of(&format!("others: BigInt: {name}"), &SIZES[1..], BIG_TIMES_MAX));
    let mut faults = Vec::new();
    for (name, sizes, most) in mended.into_iter().chain([alternatives]).chain(big) {
        let used: Vec<_> = sizes.iter().map(|size| fuel(&name, *size)).collect();
        if used.windows(2).any(|pair| pair[1] as f64 > pair[0] as f64 * most) {
            faults.push((name, used));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
