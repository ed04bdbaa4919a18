//! What a child gives up before it reads anything: network, files, other processes, new privileges. What it can still do is
//! read and write its pipes, the only descriptors that it was given, and use memory and processor, within bounds. Each step stands on its own; what the kernel has not is
//! said to the parent, and the other steps remain.

#[cfg(not(target_os = "linux"))]
pub(crate) fn before_threads() -> Vec<String> {
    vec!["landlock and seccomp are Linux's alone".to_owned()]
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn for_good() -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{before_threads, for_good};

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
    };
    use rustix::process::{Resource, Rlimit, setrlimit};
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    /// What later kernels can withhold is withheld there.
    const NEWEST: ABI = ABI::V6;

    /// The calls that a process needs which works on what it has. All others answer EPERM, those that are new as well.
    const CALLS: &[i64] = &[
        libc::SYS_brk,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_close,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_fstat,
        libc::SYS_futex,
        libc::SYS_getpid,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_madvise,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_nanosleep,
        libc::SYS_read,
        libc::SYS_restart_syscall,
        libc::SYS_rseq,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_set_robust_list,
        libc::SYS_sigaltstack,
        // Of its own threads: how it aborts. It may see no other process (`scope`), nor signal one of another user.
        libc::SYS_tgkill,
        libc::SYS_write,
        libc::SYS_writev,
    ];

    /// The steps that all threads inherit. What could not be done, in words.
    pub(crate) fn before_threads() -> Vec<String> {
        let lacking = match landlock() {
            Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => None,
            Ok(RulesetStatus::NotEnforced) => Some("the kernel has no landlock".to_owned()),
            Err(error) => Some(format!("landlock: {error}")),
        };
        lacking.into_iter().collect()
    }

    /// The last steps, for all threads there are: no files or processes by number either, and no system call beyond those that
    /// are needed.
    pub(crate) fn for_good() -> Option<String> {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        // A limit that cannot be lowered leaves the filter of calls, which refuses the same.
        for resource in [Resource::Nofile, Resource::Nproc, Resource::Fsize] {
            let _ = setrlimit(resource, none);
        }
        filter().err().map(|error| format!("seccomp: {error}"))
    }

    /// No rule allows anything.
    fn landlock() -> Result<RulesetStatus, RulesetError> {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?;
        Ok(ruleset.create()?.restrict_self()?.ruleset)
    }

    fn filter() -> Result<(), Box<dyn std::error::Error>> {
        let calls: BTreeMap<_, _> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
        let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let program: BpfProgram = SeccompFilter::new(calls, refused, SeccompAction::Allow, arch)?.try_into()?;
        Ok(seccompiler::apply_filter_all_threads(&program)?)
    }
}
