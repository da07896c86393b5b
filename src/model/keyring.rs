//! The keyring as others see it: which vault, which world, which of its two files. No key in sight.

use std::fmt;

/// The random name of one vault: its keyring and its store carry the same one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VaultId(pub [u8; 16]);

/// The world a vault was made for. A vault of one world is never opened in the other, so that
/// made-up facemaps and real ones cannot meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Real accounts at Jumio.
    Production,
    /// Made-up accounts at the simulator.
    Simulator,
}

/// One of the keyring's two files, which are written alternately.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyringSlot {
    /// `keyring.0`.
    Zero,
    /// `keyring.1`.
    One,
}

impl KeyringSlot {
    /// The other one: the one to write next if this one is in use.
    pub fn other(self) -> Self {
        match self {
            Self::Zero => Self::One,
            Self::One => Self::Zero,
        }
    }

    /// The name of its file inside the keyring's directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Zero => "keyring.0",
            Self::One => "keyring.1",
        }
    }
}

impl fmt::Display for Mode {
    /// As in the settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Simulator => "simulator",
        })
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vault {self}")
    }
}
