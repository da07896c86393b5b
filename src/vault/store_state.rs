//! Whether the store takes changes, looked at now and then and remembered in between.

use crate::jumio::Jumio;
use crate::store::{Store, StoreError};

use super::Vault;

/// Whether the store takes changes. Starting authentications needs none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    #[default]
    Writable,
    /// There is no room. It does again by itself once there is.
    Full,
    /// The file system is read-only. It does again by itself once it is not.
    ReadOnly,
    /// A write could not be made durable. It does again after a restart.
    Broken,
    /// It failed in another way.
    Failing,
}

impl StoreState {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writable => "writable",
            Self::Full => "full",
            Self::ReadOnly => "read_only",
            Self::Broken => "broken",
            Self::Failing => "failing",
        }
    }

    /// What to do about it; nothing while it is writable.
    pub fn next(self) -> &'static str {
        match self {
            Self::Writable => "",
            Self::Full => "make room on its disk; the vault goes on by itself within seconds",
            Self::ReadOnly => {
                "look for errors of the disk (dmesg) and mount it writable; the vault goes on by itself"
            }
            Self::Broken => "look for errors of the disk (dmesg), then restart the vault",
            Self::Failing => "look into the vault's log, and for errors of the disk (dmesg)",
        }
    }
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Looks whether the store takes changes, lets it bring itself back if it can, and says so once for
    /// each change.
    pub async fn look_at_store(&self) -> StoreState {
        let looked = self.store.check_writable().await;
        let state = match &looked {
            Ok(()) => StoreState::Writable,
            Err(StoreError::Full) => StoreState::Full,
            Err(StoreError::ReadOnly) => StoreState::ReadOnly,
            Err(StoreError::Poisoned) => StoreState::Broken,
            Err(
                StoreError::Unavailable(_)
                | StoreError::Ambiguous
                | StoreError::Conflict
                | StoreError::Corrupt { .. },
            ) => StoreState::Failing,
        };
        if self.watch.store_is(state) {
            match looked {
                Ok(()) => tracing::info!("the store takes changes again"),
                Err(error) => tracing::error!(error = %error, next = state.next(),
                    "the store takes no changes; authentications go on"),
            }
        }
        state
    }

    /// What the last look found.
    pub fn store_state(&self) -> StoreState {
        self.watch.store_state()
    }
}
