//! How well the memory of this process is kept: no dumps, no other process looking in, no swap.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
    setrlimit,
};
use rustix::system::sysinfo;

use crate::config::Config;
use crate::crypto::{Protection, protection};
use crate::grpc::{KeyMemory, ProcessMemory};

use super::StartError;

/// Switches off core dumps, and the view of this process's memory for others of the same user. To be
/// called before any secret is read. What the system refuses shows in [`memory`].
pub fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// How it is at present.
pub(super) fn memory() -> ProcessMemory {
    ProcessMemory {
        keys: match protection() {
            Protection::Secret => KeyMemory::Secret,
            Protection::Locked => KeyMemory::Locked,
            Protection::Plain => KeyMemory::Plain,
        },
        core_dumps: getrlimit(Resource::Core).current != Some(0),
        dumpable: !matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)),
        swap: sysinfo().totalswap > 0 && !swap_forbidden(),
    }
}

/// Whether the control group of this process, as far as it can be seen, may not swap.
fn swap_forbidden() -> bool {
    // The group of the second version of cgroups is the line that begins with a zero.
    std::fs::read_to_string("/proc/self/cgroup").is_ok_and(|groups| {
        let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        let file = |group| format!("/sys/fs/cgroup/{group}/memory.swap.max");
        group
            .and_then(|group| std::fs::read_to_string(file(group)).ok())
            .is_some_and(|most| most.trim() == "0")
    })
}

/// Says what is not as it should be.
///
/// # Errors
///
/// [`StartError::KeysNotLocked`] if the settings want the keys' memory locked and it is not.
pub(super) fn check_memory(config: &Config) -> Result<(), StartError> {
    let memory = memory();
    if memory.keys == KeyMemory::Plain {
        if config.memory.require_locked {
            return Err(StartError::KeysNotLocked);
        }
        tracing::warn!(
            "the system does not let the vault lock memory: its keys could be swapped to disk; raise \
             LimitMEMLOCK= of the unit, or `ulimit -l`"
        );
    }
    if memory.core_dumps || memory.dumpable {
        tracing::warn!("core dumps of the vault are not switched off: they could hold keys");
    }
    if memory.swap {
        tracing::warn!(
            "this machine swaps: facemaps and tokens in use could get to disk; switch it off, or set \
             MemorySwapMax=0 in the unit"
        );
    }
    Ok(())
}
