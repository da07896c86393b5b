//! What a caller may do.

use serde::{Deserialize, Serialize};

/// A permission of a caller. Nobody has one that was not given to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Bring accounts in.
    Enroll,
    /// See what is on record.
    Read,
    /// Start authentications, and see how they end.
    Authenticate,
    /// Erase.
    Erase,
    /// Hand over Jumio's callbacks.
    Callback,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Enroll, Self::Read, Self::Authenticate, Self::Erase, Self::Callback];

    /// Its name, as in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Read => "read",
            Self::Authenticate => "authenticate",
            Self::Erase => "erase",
            Self::Callback => "callback",
        }
    }
}
