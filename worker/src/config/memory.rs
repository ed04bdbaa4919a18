//! How much memory this process may use.

use std::fs;
use std::path::{Path, PathBuf};

/// How much memory there is, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// Bytes.
    pub bytes: u64,
    /// The file that says so.
    pub source: PathBuf,
}

/// The memory that this process may use: the lowest limit of its control groups, else what the machine has. Returns
/// `None` if neither can be read, as on a system that is not Linux.
pub fn available() -> Option<Available> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    available_under(Path::new("/"), &own)
}

/// As [`available`], with the file system's root and the text of `/proc/self/cgroup` given.
///
/// A container often sees its own group as the root of `/sys/fs/cgroup` while `/proc/self/cgroup` names a path on the
/// host, so every ancestor of that path is looked at, up to the root.
fn available_under(root: &Path, own: &str) -> Option<Available> {
    let groups = root.join("sys/fs/cgroup");
    let mut files = Vec::new();
    for line in own.lines() {
        // hierarchy-ID:controllers:path, see cgroups(7); version 2 is "0::path".
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (base, name) = match controllers {
            "" => (groups.clone(), "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                (groups.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        files.extend(path.ancestors().map(|ancestor| base.join(ancestor).join(name)));
    }
    let limits = files.into_iter().filter_map(|source| Some(Available { bytes: number(&source)?, source }));
    // Version 1 writes "no limit" as a number above any machine's memory, so the machine's own is always a candidate.
    limits.chain(machine(root)).min_by_key(|available| available.bytes)
}

/// Reads a limit. Returns `None` for `max`, which says that there is no limit.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn machine(root: &Path) -> Option<Available> {
    let source = root.join("proc/meminfo");
    let text = fs::read_to_string(&source).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(Available { bytes: kibibytes * 1024, source })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    type Files<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn the_lowest_limit_counts() {
        let meminfo = ("proc/meminfo", "MemTotal:        4000 kB\nMemFree: 1 kB\n");
        let machine = 4000 * 1024;
        #[rustfmt::skip]
        let cases: &[(&str, &str, Files<'_>, Option<u64>)] = &[
            ("no groups: the machine", "", &[meminfo], Some(machine)),
            ("nothing to read", "", &[], None),
            ("version 2", "0::/pod/worker\n", &[meminfo, ("sys/fs/cgroup/pod/worker/memory.max", "1000000\n")], Some(1_000_000)),
            ("version 2, no limit", "0::/pod\n", &[meminfo, ("sys/fs/cgroup/pod/memory.max", "max\n")], Some(machine)),
            ("an ancestor is lower", "0::/pod/worker\n", &[meminfo, ("sys/fs/cgroup/pod/worker/memory.max", "900\n"),
                ("sys/fs/cgroup/pod/memory.max", "800\n")], Some(800)),
            ("the path is the host's", "0::/kubepods/x\n", &[meminfo, ("sys/fs/cgroup/memory.max", "700\n")], Some(700)),
            ("version 1", "5:cpu,cpuacct:/a\n4:memory:/b\n", &[meminfo, ("sys/fs/cgroup/memory/b/memory.limit_in_bytes", "600\n")], Some(600)),
            ("version 1, no limit", "4:memory:/\n", &[meminfo, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")], Some(machine)),
        ];
        for (what, own, files, expected) in cases {
            let root = tempfile::tempdir().unwrap();
            for (path, text) in *files {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            assert_eq!(available_under(root.path(), own).map(|available| available.bytes), *expected, "{what}");
        }
    }
}
