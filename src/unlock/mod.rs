//! What opens a keyring's slot, brought from where it is: a file, a prompt, a program, a token.
//!
//! Each kind of source reads its secret here, and nowhere does a secret come by an argument. What is
//! done with it, `crypto` knows.

mod error;
mod owned;
mod place;
mod program;
mod token;

use std::time::Duration;

use tokio::task::spawn_blocking;

use crate::config::{RootSource, SecretRef, TokenUri};
use crate::crypto::{
    Bytes32, KdfCost, KeyFile, KeySlots, LockedKeyring, NewSlot, OpenedSlot, Provider, RecoveryKey,
    SlotError, SlotKind, SlotSecret,
};
use crate::model::Passphrase;

pub use error::UnlockError;
pub use owned::OwnedError;
pub use place::{Place, PlaceError};
pub use program::{Program, ProgramError};
pub use token::TokenError;

/// A source of what opens a slot.
#[derive(Debug, Clone)]
pub enum Source {
    /// A passphrase, read from somewhere.
    Passphrase(Place),
    /// A key file.
    KeyFile(Place),
    /// A recovery key.
    Recovery(Place),
    /// A program that prints 32 bytes.
    Program(Program),
    /// A key in a PKCS#11 token.
    Token(TokenUri),
}

/// How long a program may take. A key service far away answers within seconds or not at all.
pub const PROGRAM_TIMEOUT: Duration = Duration::from_secs(10);

impl From<&RootSource> for Source {
    fn from(root: &RootSource) -> Self {
        match root {
            RootSource::Passphrase(reference) => Self::Passphrase(reference.clone().into()),
            RootSource::KeyFile(reference) => Self::KeyFile(reference.clone().into()),
            RootSource::Program(command) => {
                Self::Program(Program { command: command.clone(), timeout: PROGRAM_TIMEOUT })
            }
            RootSource::Token(uri) => Self::Token(uri.clone()),
        }
    }
}

impl Source {
    /// The kind of slots it opens.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::KeyFile(_) => SlotKind::KeyFile,
            Self::Recovery(_) => SlotKind::Recovery,
            Self::Program(_) => SlotKind::Program,
            Self::Token(_) => SlotKind::Token,
        }
    }

    /// Opens a slot of `keyring`, any that fits, and so its root key. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`UnlockError`], each cause its own.
    pub async fn open(
        &self,
        keyring: &LockedKeyring,
        provider: Provider,
    ) -> Result<OpenedSlot, UnlockError> {
        let secret = self.secret(keyring.slots()).await?;
        let keyring = keyring.clone();
        blocking(move || Ok(keyring.open_slot(&secret, provider)?)).await
    }

    /// What a new slot needs that this source shall open. `cost` is for passphrases. With a token
    /// that has no such key yet, the key is made in it.
    ///
    /// # Errors
    ///
    /// [`UnlockError`].
    pub async fn new_slot(&self, cost: KdfCost) -> Result<NewSlot, UnlockError> {
        Ok(match self {
            Self::Passphrase(place) => {
                let passphrase = passphrase(place)?;
                blocking(move || Ok(NewSlot::passphrase(&passphrase, cost)?)).await?
            }
            Self::KeyFile(place) => NewSlot::key_file(&key_file(place)?),
            Self::Recovery(place) => NewSlot::recovery(&recovery_key(place)?),
            Self::Program(program) => NewSlot::program(&Bytes32::brought(&program.run().await?)?),
            Self::Token(uri) => {
                let (uri, salt) = (uri.clone(), NewSlot::token_salt().map_err(SlotError::from)?);
                blocking(move || token::new_slot(&uri, salt)).await?
            }
        })
    }

    async fn secret(&self, slots: &KeySlots) -> Result<SlotSecret, UnlockError> {
        Ok(match self {
            Self::Passphrase(place) => SlotSecret::Passphrase(passphrase(place)?),
            Self::KeyFile(place) => SlotSecret::KeyFile(key_file(place)?),
            Self::Recovery(place) => SlotSecret::Recovery(recovery_key(place)?),
            Self::Program(program) => SlotSecret::Program(Bytes32::brought(&program.run().await?)?),
            Self::Token(uri) => {
                let (uri, slots) = (uri.clone(), slots.clone());
                blocking(move || token::secret(&uri, &slots)).await?
            }
        })
    }
}

fn passphrase(place: &Place) -> Result<Passphrase, UnlockError> {
    Ok(Passphrase::new(place.read()?.to_string()))
}

fn key_file(place: &Place) -> Result<KeyFile, UnlockError> {
    Ok(KeyFile::new(&place.read_bytes()?)?)
}

fn recovery_key(place: &Place) -> Result<RecoveryKey, UnlockError> {
    Ok(RecoveryKey::parse(&place.read()?)?)
}

/// Off the threads that serve: Argon2id and tokens take their time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UnlockError> + Send + 'static,
) -> Result<T, UnlockError> {
    spawn_blocking(work).await.map_err(|_| UnlockError::Interrupted)?
}

impl From<SecretRef> for Place {
    fn from(reference: SecretRef) -> Self {
        Self::Reference(reference)
    }
}
