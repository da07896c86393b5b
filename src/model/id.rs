//! Ids: UUIDs that Jumio or a caller made, each kind its own type.
//!
//! Parsed once at the edge. In logs and errors an id shows only its first four digits; whoever must
//! hand out the whole id says [`Id::hyphenated`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

/// Jumio's account: one end user at one tenant. Our primary key.
pub type AccountId = Id<kind::Account>;
/// One run of a Jumio workflow on an account.
pub type WorkflowExecutionId = Id<kind::WorkflowExecution>;
/// One credential (ID, SELFIE, FACEMAP ...) of a workflow execution.
pub type CredentialId = Id<kind::Credential>;
/// Names one request of one caller, so that repeating it is harmless.
pub type RequestId = Id<kind::Request>;
/// One run of the sweep, while the process lives.
pub type SweepId = Id<kind::Sweep>;
/// One rotation of keys, across restarts.
pub type RewrapId = Id<kind::Rewrap>;

/// A UUID of one kind. One generic type instead of five hand-written copies; the kinds do not mix.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// What an [`Id`] identifies.
pub trait IdKind {
    /// The word for it in messages.
    const NAME: &'static str;
}

/// The kinds of ids.
pub(super) mod kind {
    use super::IdKind;

    /// See [`super::AccountId`].
    pub enum Account {}
    /// See [`super::WorkflowExecutionId`].
    pub enum WorkflowExecution {}
    /// See [`super::CredentialId`].
    pub enum Credential {}
    /// See [`super::RequestId`].
    pub enum Request {}
    /// See [`super::SweepId`].
    pub enum Sweep {}
    /// See [`super::RewrapId`].
    pub enum Rewrap {}

    impl IdKind for Account {
        const NAME: &'static str = "account";
    }
    impl IdKind for WorkflowExecution {
        const NAME: &'static str = "workflow execution";
    }
    impl IdKind for Credential {
        const NAME: &'static str = "credential";
    }
    impl IdKind for Request {
        const NAME: &'static str = "request";
    }
    impl IdKind for Sweep {
        const NAME: &'static str = "sweep";
    }
    impl IdKind for Rewrap {
        const NAME: &'static str = "rewrap";
    }
}

impl<K> Id<K> {
    /// The id with these 16 bytes, as stored inside a sealed record.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes), PhantomData)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The whole id in lower case with hyphens: for Jumio and for callers, never for logs.
    pub fn hyphenated(&self) -> String {
        self.0.hyphenated().to_string()
    }

    /// A fresh random id (UUID version 4).
    pub fn generate() -> Self {
        Self(Uuid::new_v4(), PhantomData)
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    /// Parses the 36-character form; upper case is accepted and becomes lower case here and nowhere
    /// else. Braces, `urn:uuid:`, missing hyphens and the nil UUID are refused.
    ///
    /// # Errors
    ///
    /// [`IdError`] naming the kind of id; the text itself is not repeated.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = IdError { kind: K::NAME };
        if text.len() != 36 {
            return Err(error);
        }
        match Uuid::try_parse(text) {
            Ok(uuid) if !uuid.is_nil() => Ok(Self(uuid, PhantomData)),
            Ok(_) | Err(_) => Err(error),
        }
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = *self.as_bytes();
        write!(f, "{a:02x}{b:02x}..")
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Written out because a derive would ask the same of the kinds, which have no values.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Text that is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind} id: want a UUID such as 7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10")]
pub struct IdError {
    kind: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let table = [
            ("", false),
            (GOOD, true),
            ("7B1F0C7E-2D54-4B63-9A0E-5C1D8E2F4A10", true),
            ("7b1f0c7e2d544b639a0e5c1d8e2f4a10", false),
            ("{7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10}", false),
            ("urn:uuid:7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10", false),
            ("7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a1", false),
            ("7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a100", false),
            ("7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a1\0", false),
            ("7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a1\n", false),
            ("00000000-0000-0000-0000-000000000000", false),
            ("../../etc", false),
            ("%2e%2e", false),
        ];
        for (text, want) in table {
            assert_eq!(text.parse::<AccountId>().is_ok(), want, "{text:?}");
        }
    }

    #[test]
    fn upper_case_becomes_lower_case() {
        let id: AccountId = GOOD.to_uppercase().parse().unwrap();
        assert_eq!(id.hyphenated(), GOOD);
    }

    #[test]
    fn an_id_in_a_log_shows_four_digits() {
        let id: AccountId = GOOD.parse().unwrap();
        assert_eq!(format!("{id} {id:?}"), "7b1f.. 7b1f..");
    }
}
