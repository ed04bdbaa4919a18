//! What Linux reports on the memory of processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::Context as _;

/// Bytes by a field of proc_pid_smaps_rollup(5).
pub(crate) fn rollup(pid: u32, field: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

/// The memory of processes, in bytes: their own pages, their share of the pages of files on disk, and all of their
/// files in memory. A container is charged for files in memory whether they are mapped or not.
pub(crate) fn taken(pids: &[u32]) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let mut files = BTreeMap::new();
    for &pid in pids {
        bytes += rollup(pid, "Pss_Anon:")? + rollup(pid, "Pss_File:")?;
        for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
            let path = entry?.path();
            // The file may have been closed meanwhile.
            if let (Ok(target), Ok(file)) = (fs::read_link(&path), fs::metadata(&path))
                && target.to_string_lossy().starts_with("/memfd:")
            {
                files.insert(file.ino(), file.blocks() * 512);
            }
        }
    }
    Ok(bytes + files.values().sum::<u64>())
}
