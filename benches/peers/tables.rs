//! What was measured, and the tables that show it.

use std::collections::BTreeMap;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

/// The worker with which all others are compared.
pub(crate) const OWN: &str = "scriptmill";
/// The floor.
pub(crate) const ECHO: &str = "echo";

pub(crate) const JOBS: &str = "jobs/s";
pub(crate) const CPU: &str = "CPU µs a job";
pub(crate) const P50: &str = "p50 µs";
pub(crate) const P99: &str = "p99 µs";
pub(crate) const START: &str = "start to first outcome ms";
pub(crate) const MEMORY: &str = "memory MB";
pub(crate) const EACH: &str = "memory KB of each";
pub(crate) const BATCHES: &str = "batches/s";

// Columns that are not jobs.
pub(crate) const WARM: &str = "warm";
pub(crate) const COLD: &str = "empty disk";
pub(crate) const IDLE: &str = "idle";
pub(crate) const FURTHER: &str = "a further script";
pub(crate) const WAITING: &str = "a waiting sandbox";

/// The most columns of a table. More are hard to read side by side.
const COLUMNS_MAX: usize = 6;

/// Figures of workers. Figures and columns are shown in the order in which they came.
#[derive(Default)]
pub(crate) struct Results {
    peers: Vec<String>,
    figures: Vec<Figure>,
}

struct Figure {
    what: &'static str,
    columns: Vec<String>,
    /// By worker and column, a sample for each round.
    samples: BTreeMap<(String, String), Vec<f64>>,
}

impl Results {
    pub(crate) fn add(&mut self, what: &'static str, peer: &str, column: impl Into<String>, sample: f64) {
        let column = column.into();
        if !self.peers.iter().any(|known| known == peer) {
            self.peers.push(peer.to_owned());
        }
        let at = self.figures.iter().position(|figure| figure.what == what).unwrap_or_else(|| {
            self.figures.push(Figure { what, columns: Vec::new(), samples: BTreeMap::new() });
            self.figures.len() - 1
        });
        let figure = &mut self.figures[at];
        if !figure.columns.contains(&column) {
            figure.columns.push(column.clone());
        }
        figure.samples.entry((peer.to_owned(), column)).or_default().push(sample);
    }

    /// The median of the rounds, or NaN if nothing was measured.
    pub(crate) fn median(&self, what: &str, peer: &str, column: &str) -> f64 {
        let figure = self.figures.iter().find(|figure| figure.what == what);
        figure.map_or(f64::NAN, |figure| figure.median(peer, column))
    }

    /// Workers that are neither Scriptmill nor the floor.
    pub(crate) fn others(&self) -> impl Iterator<Item = &str> {
        self.peers.iter().map(String::as_str).filter(|peer| ![OWN, ECHO].contains(peer))
    }

    pub(crate) fn print(&self) {
        println!("In parentheses, each figure over the echo worker's.\n");
        // Scriptmill alone knows batches.
        for figure in self.figures.iter().filter(|figure| figure.what != BATCHES) {
            for columns in figure.columns.chunks(COLUMNS_MAX) {
                println!("{}\n", self.table(figure, columns));
            }
        }
    }

    /// A row for each worker.
    fn table(&self, figure: &Figure, columns: &[String]) -> Table {
        let mut table = Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(std::iter::once(figure.what).chain(columns.iter().map(String::as_str)));
        let is_measured = |peer: &&String| columns.iter().any(|column| figure.median(peer, column).is_finite());
        for peer in self.peers.iter().filter(is_measured) {
            let cell = |column: &String| {
                let (own, floor) = (figure.median(peer, column), figure.median(ECHO, column));
                match (own.is_finite(), floor.is_finite()) {
                    (true, true) => format!("{own:.0} ({:.2} ×)", own / floor),
                    (true, false) => format!("{own:.0}"),
                    (false, _) => "–".to_owned(),
                }
            };
            table.add_row(std::iter::once(peer.clone()).chain(columns.iter().map(cell)));
        }
        table
    }

    /// Says of each figure which peers are ahead.
    pub(crate) fn print_ahead(&self) {
        let mut table = Table::new();
        table.load_preset(ASCII_MARKDOWN);
        table.set_header(["Where a peer is ahead", "its figure over Scriptmill's"]);
        for figure in &self.figures {
            for column in &figure.columns {
                let own = figure.median(OWN, column);
                let is_ahead = |ratio: f64| if figure.what == JOBS { ratio > 1.0 } else { ratio < 1.0 };
                let ahead: Vec<_> = self
                    .others()
                    .map(|peer| (peer, figure.median(peer, column) / own))
                    .filter(|(_, ratio)| is_ahead(*ratio))
                    .map(|(peer, ratio)| format!("{peer} {ratio:.2}"))
                    .collect();
                if !ahead.is_empty() {
                    table.add_row([format!("{}: {column}", figure.what), ahead.join(", ")]);
                }
            }
        }
        if table.is_empty() {
            println!("No peer is ahead in anything that was measured.\n");
        } else {
            println!("{table}\n");
        }
    }
}

impl Figure {
    fn median(&self, peer: &str, column: &str) -> f64 {
        let mut samples = self.samples.get(&(peer.to_owned(), column.to_owned())).cloned().unwrap_or_default();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
