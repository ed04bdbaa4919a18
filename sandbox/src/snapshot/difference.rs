//! The difference between two memories.

use wasmtime::{Memory, Store};

use crate::engine::PAGE;
use crate::guest::Guest;
use crate::trap::{Trap, unmade};

/// Bytes that are compared, and copied, at a time: a line of a processor's cache.
const GRAIN: usize = 64;
const ZEROS: [u8; GRAIN] = [0; GRAIN];

/// How a memory differs from a base.
#[derive(Default)]
pub(super) struct Difference {
    /// Where each run of bytes begins, and how many bytes it has.
    runs: Box<[(u32, u32)]>,
    /// The bytes of all runs, one after the other.
    bytes: Box<[u8]>,
    /// Pages of linear memory that the base lacks.
    further_pages: u64,
}

impl Difference {
    /// How `content` differs from `base`, which is no longer than `content` and is followed by zeros. Returns `None` if the
    /// difference has more than `max` bytes.
    pub(super) fn between(base: &[u8], content: &[u8], max: usize) -> Option<Self> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut bytes = Vec::new();
        let mut end = 0;
        for (index, grain) in content.chunks(GRAIN).enumerate() {
            let start = index * GRAIN;
            if grain == base.get(start..start + grain.len()).unwrap_or(&ZEROS[..grain.len()]) {
                continue;
            }
            if bytes.len() + grain.len() > max {
                return None;
            }
            bytes.extend_from_slice(grain);
            let len = u32::try_from(grain.len()).ok()?;
            match runs.last_mut() {
                Some((_, run)) if end == start => *run += len,
                _ => runs.push((u32::try_from(start).ok()?, len)),
            }
            end = start + grain.len();
        }
        let further_pages = (content.len().saturating_sub(base.len()) / PAGE) as u64;
        Some(Self { runs: runs.into(), bytes: bytes.into(), further_pages })
    }

    /// Bytes that it takes in memory.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.runs) + self.bytes.len()
    }

    /// Turns a fresh copy of the base into a copy of the other memory.
    pub(super) async fn apply(&self, memory: Memory, store: &mut Store<Guest>) -> Result<(), Trap> {
        if self.further_pages > 0 {
            memory.grow_async(&mut *store, self.further_pages).await.map_err(unmade)?;
        }
        self.write(memory.data_mut(store));
        Ok(())
    }

    fn write(&self, memory: &mut [u8]) {
        let mut rest = &*self.bytes;
        for (start, len) in &self.runs {
            let (run, further) = rest.split_at(*len as usize);
            memory[*start as usize..][..run.len()].copy_from_slice(run);
            rest = further;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the difference between `base` and `content` makes one of the other. Returns the bytes that it holds.
    fn holds(base: &[u8], content: &[u8]) -> usize {
        let difference = Difference::between(base, content, usize::MAX).expect("no bound");
        let mut memory = base.to_vec();
        memory.resize(content.len(), 0);
        difference.write(&mut memory);
        assert_eq!(memory, content);
        assert_eq!(difference.further_pages, ((content.len() - base.len()) / PAGE) as u64);
        difference.bytes.len()
    }

    #[test]
    fn a_memory_is_made_from_the_base_and_the_difference() {
        let base: Vec<u8> = (0..PAGE).map(|at| (at % 7) as u8).collect();
        assert_eq!(holds(&base, &base), 0);
        let mut content = base.clone();
        // Bytes of one grain, of two that touch, and of the last.
        for at in [5, 20, GRAIN * 9 - 1, GRAIN * 9, PAGE - 1] {
            content[at] = 0xff;
        }
        assert_eq!(holds(&base, &content), 4 * GRAIN);
        // Bytes that the base has and the content lacks are written too.
        content[GRAIN * 20..GRAIN * 22].fill(0);
        assert_eq!(holds(&base, &content), 6 * GRAIN);
        // Further pages are zeros but for what is written there.
        content.resize(3 * PAGE, 0);
        content[2 * PAGE + 7] = 1;
        assert_eq!(holds(&base, &content), 7 * GRAIN);
    }

    #[test]
    fn more_than_the_bound_is_no_difference() {
        let content = [1; 3 * GRAIN];
        assert!(Difference::between(&[], &content, 3 * GRAIN).is_some());
        assert!(Difference::between(&[], &content, 3 * GRAIN - 1).is_none());
    }
}
