//! The figures that the project holds itself to, as ratios within this run.

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use crate::tables::Results;

const OWN: &str = "scriptmill";

pub(crate) fn print(results: &Results) {
    let cpu = |case, peer| results.cpu_us(OWN, case) / results.cpu_us(peer, case);
    let jobs = |case| results.jobs_per_second(OWN, case) / results.jobs_per_second("echo", case);
    let memory = results.memory_of(OWN);
    let figures = [
        ("order: CPU a job / echo's", cpu("order", "echo"), "≤ 5", "≤ 3.5"),
        ("trivial: jobs/s / echo's", jobs("trivial"), "≥ 0.75", "≥ 0.9"),
        ("order: jobs/s / echo's", jobs("order"), "≥ 0.6", "≥ 0.8"),
        (
            "batches of 100 trivial inputs: results/s / jobs/s",
            results.batch_results_per_second() / results.jobs_per_second(OWN, "trivial"),
            "≥ 4",
            "≥ 8",
        ),
        ("order: CPU a job / isolated-vm's", cpu("order", "isolated-vm"), "≤ 0.111", "≤ 0.077"),
        ("order: CPU a job / bun's", cpu("order", "bun-vm"), "≤ 0.6", "≤ 0.4"),
        ("start to first outcome / echo's", results.start_ms(OWN) / results.start_ms("echo"), "≤ 4", "≤ 2"),
        ("resident memory, idle, MB", memory.map_or(f64::NAN, |memory| memory.idle as f64 / 1e6), "≤ 70", "≤ 40"),
        (
            "a waiting sandbox, KiB",
            memory.map_or(f64::NAN, |memory| memory.per_sandbox as f64 / 1024.0),
            "≤ 200",
            "≤ 100",
        ),
    ];
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN);
    table.set_header(["figure", "measured", "must", "aim"]);
    for (name, measured, must, aim) in figures {
        if measured.is_finite() {
            table.add_row([name.to_owned(), format!("{measured:.3}"), must.to_owned(), aim.to_owned()]);
        }
    }
    println!("{table}");
}
