//! The jobs.

use serde_json::{Value, json};

/// Inputs of a batch.
pub(crate) const BATCH: usize = 100;

/// How many scripts take turns in jobs that somebody waits for.
const SCRIPTS: [usize; 3] = [1, 100, 1_000];
/// Scripts that are ready while memory is weighed.
pub(crate) const WEIGHED: usize = 500;
/// The number of tenants to whom many scripts belong.
const TENANTS: usize = 20;

/// A job that every worker gets alike.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) input: Value,
    /// The sandbox waits, and gives no answer while its memory is measured.
    pub(crate) hold: bool,
    /// How often the input is repeated, as a batch.
    pub(crate) batch: Option<usize>,
    /// Scripts that take turns, all of which do the same.
    pub(crate) scripts: usize,
}

impl Case {
    pub(crate) fn all() -> [Self; 5] {
        let case = |name, source, input| Self { name, source, input, hold: false, batch: None, scripts: 1 };
        [
            case("trivial", include_str!("scripts/trivial.js"), json!({ "id": 7 })),
            case("order", include_str!("scripts/order.js"), order()),
            case("compute", include_str!("scripts/compute.js"), json!({ "limit": 70_000, "rounds": 10 })),
            case("json 1 KB", include_str!("scripts/json.js"), rows(9)),
            case("json 100 KB", include_str!("scripts/json.js"), rows(950)),
        ]
    }

    /// A job whose sandbox waits, so that its memory can be measured. `source` is the script that makes this peer's sandbox wait.
    pub(crate) fn waiting(source: &'static str) -> Self {
        Self { name: "waiting", source, input: Value::Null, hold: true, batch: None, scripts: 1 }
    }

    /// The trivial job as a batch, which Scriptmill alone knows.
    pub(crate) fn batch() -> Self {
        let [trivial, ..] = Self::all();
        Self { name: "batch", batch: Some(BATCH), ..trivial }
    }

    /// The variants in which the job is measured. A job that somebody waits for is measured with each of [`SCRIPTS`],
    /// another with one script.
    pub(crate) fn mixes(&self) -> Vec<Self> {
        let counts = if self.is_interactive() { SCRIPTS.as_slice() } else { &[1] };
        counts.iter().map(|&scripts| self.of(scripts)).collect()
    }

    /// The same job, of `scripts` scripts in turn.
    pub(crate) fn of(&self, scripts: usize) -> Self {
        Self { scripts, ..self.clone() }
    }

    /// Its name in the tables.
    pub(crate) fn label(&self) -> String {
        match self.scripts {
            1 => self.name.to_owned(),
            scripts => format!("{}, {scripts} scripts", self.name),
        }
    }

    /// The job with a script that was never seen before.
    pub(crate) fn new_script(&self, number: usize) -> Vec<u8> {
        self.body_of(&self.numbered(number), "bench")
    }

    /// One of many scripts that do the same but differ in their text.
    pub(crate) fn numbered(&self, number: usize) -> String {
        format!("const own = {number};\n{}", self.source)
    }

    /// Whether a person may wait for the job at a form. Its latency is measured then.
    pub(crate) fn is_interactive(&self) -> bool {
        matches!(self.name, "trivial" | "order")
    }

    /// Checks that an answer is what the job should give, so that no worker is fast by failing.
    pub(crate) fn check(&self, answer: &[u8]) -> anyhow::Result<()> {
        // The status comes first; the value behind it may be long.
        let head = if self.batch.is_some() { answer } else { &answer[..answer.len().min(300)] };
        let succeeded = String::from_utf8_lossy(head).matches("\"succeeded\"").count();
        let expected = self.batch.unwrap_or(1);
        anyhow::ensure!(succeeded == expected, "{}: {}", self.name, String::from_utf8_lossy(head));
        Ok(())
    }

    /// The value in an answer, as text.
    pub(crate) fn value(&self, answer: &[u8]) -> anyhow::Result<Value> {
        #[derive(serde::Deserialize)]
        struct Outcome {
            value: Value,
        }
        self.check(answer)?;
        Ok(serde_json::from_slice::<Outcome>(answer)?.value)
    }

    /// The message of the job with its one script.
    pub(crate) fn body(&self) -> Vec<u8> {
        self.body_of(self.source, "bench")
    }

    /// The messages that take turns, one of each script.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        let body = |number| self.body_of(&self.numbered(number), &format!("bench-{}", number % TENANTS));
        if self.scripts == 1 { vec![self.body()] } else { (0..self.scripts).map(body).collect() }
    }

    fn body_of(&self, source: &str, tenant: &str) -> Vec<u8> {
        let mut job = json!({
            // The peers recognise by the id which jobs are to wait, since a job has no field for that.
            "id": if self.hold { "waiting" } else { "bench" },
            "tenant": tenant,
            "script": { "modules": [{ "name": "main.js", "source": source }] },
        });
        match self.batch {
            None => job["input"] = self.input.clone(),
            Some(count) => job["inputs"] = vec![self.input.clone(); count].into(),
        }
        job.to_string().into_bytes()
    }
}

/// About 1 KB.
fn order() -> Value {
    let lines: Vec<_> = (0_u32..12)
        .map(|n| json!({ "sku": format!(" ab-{:03} ", n * 37 % 11), "quantity": n * 13 % 120 + 1, "price": f64::from(n * 731 % 9000) / 100.0 }))
        .collect();
    json!({ "id": "A-4711", "country": "DE", "currency": "EUR", "customer": { "name": "Ada Lovelace", "tier": "gold" }, "lines": lines })
}

/// About 105 bytes a row.
fn rows(count: u32) -> Value {
    let row = |n: u32| json!({ "id": n, "name": format!("Contact number {n}"), "mail": format!("contact{n}@example.com"), "score": f64::from(n) / 8.0, "tags": ["a", "b"] });
    json!({ "rows": (0..count).map(row).collect::<Vec<_>>() })
}
