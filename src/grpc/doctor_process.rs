//! What the doctor says about the running vault itself.

use crate::proto::admin::v1;
use crate::proto::admin::v1::check::Outcome;
use crate::vault::StoreState;

use super::doctor_service::said;

/// How well the memory of the vault's process is kept. The wiring finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMemory {
    /// Where the keys are.
    pub keys: KeyMemory,
    /// A crash could leave a core dump.
    pub core_dumps: bool,
    /// Other processes of the same user may read the memory.
    pub dumpable: bool,
    /// Memory that is not locked may get to disk.
    pub swap: bool,
}

/// Where keys are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMemory {
    /// In memory that the kernel itself cannot read.
    Secret,
    /// In memory that is neither swapped nor dumped.
    Locked,
    /// In memory that is not dumped, but could be swapped.
    Plain,
}

/// Whether the store takes changes.
pub(super) fn store(state: StoreState) -> v1::Check {
    let name = "store takes changes";
    match state {
        StoreState::Writable => said(name, Outcome::Ok, "yes"),
        StoreState::Full | StoreState::ReadOnly | StoreState::Broken | StoreState::Failing => {
            let what = state.name().replace('_', "-");
            said(name, Outcome::Fail, format!("no: it is {what}; authentications go on"))
                .next(state.next())
        }
    }
}

/// One check for each.
pub(super) fn checks(memory: ProcessMemory) -> Vec<v1::Check> {
    let ProcessMemory { keys, core_dumps, dumpable, swap } = memory;
    let lock = "memory of the keys";
    let keys = match keys {
        KeyMemory::Secret => {
            said(lock, Outcome::Ok, "secret (memfd_secret): not even root reads it")
        }
        KeyMemory::Locked => said(lock, Outcome::Ok, "locked: neither swapped nor dumped"),
        KeyMemory::Plain => said(lock, Outcome::Warn, "not locked: keys could be swapped to disk")
            .next("set LimitMEMLOCK=64M in the unit, or raise `ulimit -l`, and restart the vault"),
    };
    let core = match core_dumps {
        false => said("core dumps", Outcome::Ok, "off"),
        true => said("core dumps", Outcome::Warn, "on: a crash could write keys to disk")
            .next("set LimitCORE=0 in the unit and restart the vault"),
    };
    let dumpable = match dumpable {
        false => said("view of its memory", Outcome::Ok, "closed to other processes of its user"),
        true => said("view of its memory", Outcome::Warn, "open to other processes of its user")
            .next("allow the vault to call prctl, and restart it"),
    };
    let swap = match swap {
        false => said("swap", Outcome::Ok, "none for the vault"),
        true => said("swap", Outcome::Warn, "facemaps and tokens in use could get to disk")
            .next("set MemorySwapMax=0 in the unit, or switch swap off (swapoff -a)"),
    };
    vec![keys, core, dumpable, swap]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weakness_is_a_warning_with_a_next_step() {
        let well = ProcessMemory {
            keys: KeyMemory::Secret,
            core_dumps: false,
            dumpable: false,
            swap: false,
        };
        let table = [
            (well, None),
            (ProcessMemory { keys: KeyMemory::Locked, ..well }, None),
            (ProcessMemory { keys: KeyMemory::Plain, ..well }, Some("memory of the keys")),
            (ProcessMemory { core_dumps: true, ..well }, Some("core dumps")),
            (ProcessMemory { dumpable: true, ..well }, Some("view of its memory")),
            (ProcessMemory { swap: true, ..well }, Some("swap")),
        ];
        for (memory, warned) in table {
            let checks = checks(memory);
            assert_eq!(checks.len(), 4, "{memory:?}");
            for check in checks {
                let warns = warned == Some(check.name.as_str());
                assert_eq!(check.outcome() == Outcome::Warn, warns, "{memory:?}: {check:?}");
                assert_eq!(check.next.is_empty(), !warns, "{memory:?}: {check:?}");
            }
        }
    }
}
