//! The processors for which the engine can be compiled beforehand.

use std::env::consts::{ARCH, OS};
use std::str::FromStr;

use wasmtime::Config;

/// A class of processors that code is compiled for. The code runs on all of them, whichever of them compiled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cpu {
    /// x86-64-v2 of the System V ABI: Intel's since Nehalem (2008), AMD's since Bulldozer (2011).
    X86V2,
    /// x86-64-v3 of the System V ABI: Intel's since Haswell (2013), AMD's since Excavator (2015).
    X86V3,
    /// All 64-bit processors of Arm.
    Arm8A,
}

/// The text names no processors that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no processors of this name are known")]
pub struct UnknownCpu;

/// The name of a set of instructions, and whether this processor has it.
type Feature = (&'static str, fn() -> bool);

impl Cpu {
    /// The processors of this machine's architecture. This program compiles for no others. The first is the default.
    pub const HERE: &'static [Self] =
        if cfg!(target_arch = "x86_64") { &[Self::X86V2, Self::X86V3] } else { &[Self::Arm8A] };

    /// The name of these processors.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86V2 => "x86-64-v2",
            Self::X86V3 => "x86-64-v3",
            Self::Arm8A => "armv8-a",
        }
    }

    /// Returns the reason if code for these processors does not run here.
    pub(crate) fn misfit(self) -> Option<String> {
        if !Self::HERE.contains(&self) {
            return Some(format!("this machine is {ARCH}"));
        }
        lacking(features(self)).map(|lacking| format!("this processor lacks {lacking}"))
    }

    /// Makes wasmtime compile for these processors rather than for the one that compiles.
    pub(crate) fn compile_for(self, config: &mut Config) -> wasmtime::Result<()> {
        let environment = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
        config.target(&format!("{ARCH}-unknown-{OS}-{environment}"))?;
        if self != Self::Arm8A {
            enable(config, self.name());
        }
        Ok(())
    }
}

impl FromStr for Cpu {
    type Err = UnknownCpu;

    fn from_str(text: &str) -> Result<Self, UnknownCpu> {
        [Self::X86V2, Self::X86V3, Self::Arm8A].into_iter().find(|cpu| cpu.name() == text).ok_or(UnknownCpu)
    }
}

#[allow(unsafe_code, reason = "wasmtime takes cranelift's flags on trust")]
fn enable(config: &mut Config, flag: &str) {
    // SAFETY: the flag is the name of a `Cpu`, which to cranelift stands for a set of instructions and for nothing else. wasmtime
    // runs no code on a processor that lacks an instruction which it was compiled with.
    unsafe { config.cranelift_flag_enable(flag) };
}

/// The names of the features that this processor lacks. Returns `None` if it has all.
fn lacking(features: impl Iterator<Item = Feature>) -> Option<String> {
    let lacking: Vec<_> = features.filter(|(_, is_there)| !is_there()).map(|(name, _)| name).collect();
    (!lacking.is_empty()).then(|| lacking.join(", "))
}

/// The instructions that cranelift uses on these processors and that some processors of their architecture lack.
#[cfg(target_arch = "x86_64")]
fn features(cpu: Cpu) -> impl Iterator<Item = Feature> {
    macro_rules! features {
        ($($name:tt)*) => { [$(($name, (|| std::arch::is_x86_feature_detected!($name)) as fn() -> bool)),*] };
    }
    let second = features!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "cmpxchg16b");
    let third = features!("avx" "avx2" "bmi1" "bmi2" "fma" "lzcnt");
    second.into_iter().chain(third.into_iter().filter(move |_| cpu == Cpu::X86V3))
}

#[cfg(not(target_arch = "x86_64"))]
fn features(_: Cpu) -> impl Iterator<Item = Feature> {
    std::iter::empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_processor_lacks_is_named() {
        let there: Feature = ("sse4.2", || true);
        assert_eq!(lacking([there].into_iter()), None);
        let missing: [Feature; 2] = [("avx2", || false), ("bmi2", || false)];
        assert_eq!(lacking([missing[0], there, missing[1]].into_iter()).as_deref(), Some("avx2, bmi2"));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for cpu in [Cpu::X86V2, Cpu::X86V3, Cpu::Arm8A] {
            assert_eq!(cpu.name().parse(), Ok(cpu));
        }
        assert_eq!("x86-64-v9".parse::<Cpu>(), Err(UnknownCpu));
    }
}
