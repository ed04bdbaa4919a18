//! The most memory that a worker takes, as a sum whose terms follow from the settings.

use std::fmt;

use bytesize::ByteSize;
use scriptmill_sandbox::prepare::Checker;
use scriptmill_sandbox::{BUILD_COPIES, BUILDS};

use super::options::Config;
use crate::ledger;
use crate::service::CLAIMS_OF_A_SLOT;

/// The memory that no setting bounds, in bytes: code, the compiled engine, stacks, connections, metrics, and what the allocator
/// holds between two uses.
const OWN: u64 = 128 << 20;
/// What a job in a slot holds: its message as it came, its message as it was read, and its outcome.
/// `worker.message_size` bounds each.
const MESSAGES_OF_A_SLOT: u64 = 3;
/// What a job holds that waits for a slot or for the confirm of its outcome: its message as it came, and its outcome.
const MESSAGES_BESIDE: u64 = 2;
/// The copies of a check's answer: as it came from its process, as it was read, and as the engine takes it.
const ANSWERS: u64 = 3;

/// The copies of a statement that records outcomes: as its arguments, and as it is written.
const STATEMENT_COPIES: u64 = 2;
/// A statement that has this many bytes takes no further outcome.
const STATEMENT: u64 = ledger::STATEMENT_BYTES as u64;

/// The most memory that a worker takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    terms: Vec<Term>,
    /// The part of all terms that one slot takes.
    slot: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    count: u64,
    bytes: u64,
    what: &'static str,
}

impl Budget {
    /// The budget of a worker with this configuration.
    pub(super) fn of(config: &Config) -> Self {
        let (worker, sandbox) = (&config.worker, &config.sandbox);
        let (slots, margin) = (worker.slots.get() as u64, u64::from(worker.prefetch_margin));
        let (memory, message) = (worker.limits.memory.as_u64(), worker.message_size.as_u64());
        let processes = sandbox.check_processes.get() as u64;
        let answer = u64::from(Checker::answer_bytes(sandbox.source_size.as_u64()));
        // A quarantine process has memory for the check, the images and the run of one job. Its messages are also held here, in the
        // worker. Further jobs in that process take slots.
        let image = sandbox.image_cache.as_u64().min(memory);
        let building = u64::from(BUILDS + BUILD_COPIES) * memory;
        let waiting_in_quarantine = u64::from(worker.quarantine_window());
        let messages = 2 * MESSAGES_OF_A_SLOT * message;
        let quarantined =
            OWN + sandbox.check_memory.as_u64() + ANSWERS * answer + building + 2 * image + memory + messages;
        let waiting_of_a_slot = if config.ledger.is_on() { MESSAGES_BESIDE * CLAIMS_OF_A_SLOT as u64 } else { 0 };
        let term = |count, bytes, what| Term { count, bytes, what };
        let mut terms = vec![
            term(slots, memory, "for jobs"),
            term(
                MESSAGES_OF_A_SLOT * slots + MESSAGES_BESIDE * margin + waiting_in_quarantine,
                message,
                "for their messages and outcomes",
            ),
            term(1, worker.preparing_size.as_u64(), "for jobs whose script is being prepared"),
            term(1, worker.undelivered.size.as_u64(), "for outcomes whose queue does not take them"),
            term(processes, sandbox.check_memory.as_u64(), "for the processes that check scripts"),
            term(ANSWERS * processes, answer, "for what these answer"),
            term(u64::from(BUILDS + BUILD_COPIES), memory, "to make images in"),
            term(1, sandbox.image_cache.as_u64(), "for images"),
            term(1, memory, "for images beyond those that are kept"),
            term(u64::from(worker.quarantine.slots), quarantined, "for processes that run jobs in quarantine"),
            term(1, OWN, "for the worker itself"),
        ];
        if config.ledger.is_on() {
            terms.push(term(waiting_of_a_slot * slots, message, "for jobs that wait for the ledger"));
            terms.push(term(STATEMENT_COPIES, message.saturating_add(STATEMENT), "for what is being recorded"));
        }
        let terms = terms.into_iter().filter(|term| term.count > 0).collect();
        let messages_of_a_slot = (MESSAGES_OF_A_SLOT + waiting_of_a_slot).saturating_mul(message);
        // Of two slots one job waits in quarantine.
        Self { terms, slot: memory.saturating_add(messages_of_a_slot).saturating_add(message / 2) }
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.terms.iter().fold(0, |sum, term| sum.saturating_add(term.count.saturating_mul(term.bytes)))
    }

    /// How many slots would fit into `bytes`, given that this budget is for `slots` slots.
    pub(super) fn slots_within(&self, bytes: u64, slots: u64) -> u64 {
        let beside = self.bytes().saturating_sub(slots.saturating_mul(self.slot));
        bytes.saturating_sub(beside) / self.slot.max(1)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Term { count, bytes, what }) in self.terms.iter().enumerate() {
            let plus = if index > 0 { " + " } else { "" };
            let size = ByteSize(*bytes);
            match count {
                1 => write!(f, "{plus}{size} {what}")?,
                count => write!(f, "{plus}{count} × {size} {what}")?,
            }
        }
        write!(f, " = {}", ByteSize(self.bytes()))
    }
}
