//! Where a command reads a secret: a reference as in the settings, an open file descriptor, or what
//! was typed. Never an argument and never the environment.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::{SecretRef, SecretRefError};

use super::UnlockError;

/// Longest secret read, in bytes.
const LEN_MAX: usize = 4096;

/// Where a secret is read from.
#[derive(Clone)]
pub enum Place {
    /// As in the settings.
    Reference(SecretRef),
    /// A file descriptor that this process was started with; 0 is standard input.
    Descriptor(u32),
    /// Somebody typed it.
    Typed(Arc<Zeroizing<String>>),
}

impl Place {
    /// The secret as text, without the line feed at its end.
    ///
    /// # Errors
    ///
    /// [`UnlockError::Secret`], [`UnlockError::Place`].
    pub(super) fn read(&self) -> Result<Zeroizing<String>, UnlockError> {
        if let Self::Reference(reference) = self {
            return Ok(reference.read()?);
        }
        let mut bytes = self.read_bytes()?;
        while bytes.last().is_some_and(|byte| [b'\n', b'\r'].contains(byte)) {
            bytes.pop();
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| PlaceError::NotText)?;
        match text {
            "" => Err(PlaceError::Empty.into()),
            text => Ok(Zeroizing::new(text.to_owned())),
        }
    }

    /// The secret as it is, byte for byte.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub(super) fn read_bytes(&self) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        match self {
            Self::Reference(reference) => Ok(reference.read_bytes()?),
            Self::Descriptor(number) => Ok(read_descriptor(*number)?),
            Self::Typed(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        }
    }
}

fn read_descriptor(number: u32) -> Result<Zeroizing<Vec<u8>>, PlaceError> {
    let io = |source| PlaceError::Io { number, source };
    let file = File::open(format!("/proc/self/fd/{number}")).map_err(io)?;
    // Grows once at most, so that no copy of a secret is left behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LEN_MAX + 1));
    let limit = u64::try_from(LEN_MAX + 1).expect("4 KiB fit into any integer");
    file.take(limit).read_to_end(&mut bytes).map_err(io)?;
    match bytes.len() {
        0 => Err(PlaceError::Empty),
        len if len > LEN_MAX => Err(PlaceError::TooLong),
        _ => Ok(bytes),
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    /// `file:/path`, `cred:NAME`, `stdin` or `fd:NUMBER`.
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text == "stdin" {
            return Ok(Self::Descriptor(0));
        }
        if let Some(number) = text.strip_prefix("fd:") {
            return number.parse().map(Self::Descriptor).map_err(|_| PlaceError::Form);
        }
        match text.parse()? {
            SecretRef::Environment(_) => Err(PlaceError::Environment),
            reference @ (SecretRef::File(_) | SecretRef::Credential(_)) => {
                Ok(Self::Reference(reference))
            }
        }
    }
}

impl fmt::Debug for Place {
    /// Not what was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => write!(f, "{reference}"),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
            Self::Typed(_) => f.write_str("typed"),
        }
    }
}

/// Why a secret cannot be read from where the command line says. Repeats no text that was given.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// No place that we know, so probably the secret itself.
    #[error(
        "write where the secret is (file:/path, cred:NAME, stdin or fd:NUMBER), not the secret"
    )]
    Form,
    /// Other processes can see the environment.
    #[error("a secret does not come from the environment; write file:, cred:, stdin or fd:")]
    Environment,
    /// See [`SecretRefError`].
    #[error(transparent)]
    Reference(#[from] SecretRefError),
    /// There is nothing.
    #[error("the secret is empty")]
    Empty,
    /// More than any of our secrets has.
    #[error("the secret is longer than 4 KiB, so it is probably the wrong file")]
    TooLong,
    /// Not UTF-8.
    #[error("the secret is not UTF-8 text")]
    NotText,
    /// The system refused.
    #[error("file descriptor {number} cannot be read: {source}")]
    Io {
        /// Which one.
        number: u32,
        /// Why.
        source: io::Error,
    },
}
