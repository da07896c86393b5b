//! Why the vault does not start, and what to do next.

use std::io;
use std::path::PathBuf;

use crate::audit::LedgerError;
use crate::config::SecretError;
use crate::crypto::{KeyringChangeError, KeyringError, RandomError, SelfTestError, SlotError};
use crate::jumio::SettingsError;
use crate::model::Mode;
use crate::ops::WeakSecret;
use crate::store::keyring_file::KeyringFileError;
use crate::store::{OpenError, StoreError};
use crate::tls::TlsError;
use crate::unlock::UnlockError;
use crate::vault::{KeyringHomeError, MissingKeks, VaultError};

/// Why the vault does not start, or was not made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The sealing provider computes wrong answers on this machine.
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    /// There is no keyring yet.
    #[error("the vault is not initialised: there is no keyring in {}", .keyring.display())]
    NotInitialized {
        /// Where it was looked for.
        keyring: PathBuf,
    },
    /// There is a keyring and a store already.
    #[error("there is a vault already: its keyring and its store are in place")]
    AlreadyInitialized,
    /// There is a store, but the keyring that opens it is gone. A new one would not open it.
    #[error(
        "there is a store in {}, but no keyring in {}; a new keyring could not open it",
        .store.display(),
        .keyring.display()
    )]
    StoreWithoutKeyring {
        /// The store.
        store: PathBuf,
        /// Where its keyring should be.
        keyring: PathBuf,
    },
    /// The keyring was made for the other world.
    #[error("the keyring was made for mode {keyring}, the settings say {wanted}")]
    OtherMode {
        /// The keyring's.
        keyring: Mode,
        /// The settings'.
        wanted: Mode,
    },
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The keyring cannot be made.
    #[error(transparent)]
    KeyringChange(#[from] KeyringChangeError),
    /// The keyring's files cannot be read or written.
    #[error(transparent)]
    KeyringFile(#[from] KeyringFileError),
    /// A change of the keyring that was cut off cannot be completed.
    #[error(transparent)]
    KeyringHome(#[from] KeyringHomeError),
    /// What was brought does not open the keyring, or could not be brought.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// A slot of the keyring cannot be made.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The files of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Certificates cannot be switched on or off while the vault runs.
    #[error("TLS was switched on or off in the settings; that needs a restart")]
    TlsSwitched,
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret in the path of the callback receiver is none.
    #[error(transparent)]
    PathSecret(#[from] WeakSecret),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Records name keys that the keyring does not have: it is an older copy, or another one.
    #[error("{0}; this keyring does not have them, so those records could not be opened")]
    MissingKeks(MissingKeks),
    /// The store was used with a newer keyring than this one.
    #[error(
        "this keyring is an older copy: it has change number {found}, the store was used with {known}"
    )]
    OlderKeyring {
        /// The keyring's number.
        found: u64,
        /// The number the store was used with.
        known: u64,
    },
    /// The keyring knows that the store had come further.
    #[error(
        "the store was set back: its newest change has number {found}, the keyring knows of {least}"
    )]
    OlderStore {
        /// The store's number.
        found: u64,
        /// The least that the keyring accepts.
        least: u64,
    },
    /// The store does not take a note of its keyring.
    #[error("the store cannot note which keyring it is used with")]
    Note(#[source] StoreError),
    /// The audit trail cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store cannot be read.
    #[error("the vault cannot be opened")]
    Vault(#[from] VaultError),
    /// The settings of Jumio's client cannot be right.
    #[error(transparent)]
    Jumio(#[from] SettingsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {what}: {source}")]
    Listen {
        /// The address or path.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The settings want the memory of the keys locked, and the system does not allow it.
    #[error("the system does not let the vault lock memory, and memory.require_locked wants it")]
    KeysNotLocked,
    /// The start was cut off.
    #[error("the start was interrupted")]
    Interrupted,
}

impl StartError {
    /// Whether the key is the matter: missing, wrong, or not readable.
    pub fn is_sealed(&self) -> bool {
        match self {
            // A keyring that is not this store's.
            Self::Store(OpenError::OtherVault { .. })
            | Self::NotInitialized { .. }
            | Self::StoreWithoutKeyring { .. }
            | Self::Keyring(_)
            | Self::KeyringFile(_)
            | Self::KeyringHome(_)
            | Self::Unlock(_)
            | Self::Slot(_)
            | Self::Secret(_)
            | Self::MissingKeks(_)
            | Self::OlderKeyring { .. }
            | Self::OtherMode { .. } => true,
            Self::SelfTest(_)
            | Self::AlreadyInitialized
            | Self::KeyringChange(_)
            | Self::Random(_)
            | Self::PathSecret(_)
            | Self::Tls(_)
            | Self::TlsSwitched
            | Self::Store(_)
            | Self::OlderStore { .. }
            | Self::Note(_)
            | Self::Ledger(_)
            | Self::Vault(_)
            | Self::Jumio(_)
            | Self::Listen { .. }
            | Self::File { .. }
            | Self::KeysNotLocked
            | Self::Interrupted => false,
        }
    }

    /// Whether something else is in the way: another process, a vault that is there already, or
    /// another vault's store.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::AlreadyInitialized
                | Self::Store(
                    OpenError::Locked { .. }
                        | OpenError::Exists { .. }
                        | OpenError::OtherMode { .. }
                )
                | Self::Ledger(LedgerError::Exists { .. } | LedgerError::InUse { .. })
                | Self::Vault(VaultError::RolledBack(_))
        )
    }

    /// What to do next.
    pub fn next(&self) -> &'static str {
        match self {
            Self::SelfTest(_) => "choose the other [crypto] provider, and check this machine",
            Self::NotInitialized { .. } => "fmvault keys init",
            Self::AlreadyInitialized => "fmvault server",
            Self::StoreWithoutKeyring { .. } => {
                "restore the keyring from its backup, or name another store.path"
            }
            Self::OtherMode { .. } => "name another keyring and store, or correct `mode`",
            Self::Keyring(KeyringError::Newer { .. }) => {
                "use the program that wrote it, or a newer one"
            }
            Self::KeyringFile(
                KeyringFileError::Exposed { .. } | KeyringFileError::Foreign { .. },
            ) => "do what the message says",
            Self::KeyringHome(_) => "check the disk of the keyring, and its permissions",
            Self::Keyring(_) | Self::KeyringFile(_) => "restore the keyring from its backup",
            Self::KeyringChange(_) => "correct keys.buckets",
            Self::Unlock(error) => error.next(),
            Self::Slot(_) => "do what the message says",
            Self::Secret(_) => "correct [keys] and [jumio] in the settings",
            Self::Random(_) => "check this machine: it has no randomness",
            Self::PathSecret(_) => "make one: openssl rand -hex 32",
            Self::Tls(_) => "correct the files that [listen.public] names",
            Self::TlsSwitched => "restart the vault",
            Self::Store(_) => "do what the message says",
            Self::MissingKeks(_) => {
                "put the newest copy of the keyring back; records of a lost key cannot be opened"
            }
            Self::OlderKeyring { .. } => {
                "put the newest copy back; if it is lost: fmvault keys restore --confirm"
            }
            Self::OlderStore { .. } => "put the newest copy of the store back",
            Self::Note(_) => "check the disk of the store",
            Self::Ledger(LedgerError::Missing { .. } | LedgerError::Damaged { .. }) => {
                "restore the audit trail's files; if they are gone, fmvault store recover"
            }
            Self::Ledger(_) => "do what the message says, or correct audit.dir",
            Self::Vault(VaultError::RolledBack(_)) => {
                "restore the newest backup of the store; if there is none, fmvault store recover"
            }
            Self::Vault(_) => "check the disk; then restore the store from its backup",
            Self::Jumio(_) => "fmvault config check",
            Self::Listen { .. } => "stop what listens there, or choose another address",
            Self::File { .. } => "check the path and its permissions",
            Self::KeysNotLocked => "set LimitMEMLOCK=64M in the unit, or raise `ulimit -l`",
            Self::Interrupted => "start again",
        }
    }
}
