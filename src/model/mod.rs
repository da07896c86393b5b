//! The nouns: ids, times, the facemap in the clear, its ciphertext, and the enrollment of an account.
//!
//! Nothing here does I/O, reads a clock (but [`Timestamp::now`]) or knows a key.

mod buffer;
mod enrollment;
mod facemap;
mod id;
mod keyring;
mod network;
mod permission;
mod private_dir;
mod record_bytes;
mod refusal;
mod sealed;
mod secret;
mod time;

pub use buffer::Buffer;
pub use enrollment::{
    Blocked, CLOSE_REASON_LEN_MAX, Closed, Enrollment, LastError, Onboarding, Risk, State,
    StoredFacemap,
};
pub use facemap::{Facemap, FacemapError};
pub use id::{
    AccountId, CredentialId, Id, IdError, IdKind, RequestId, RewrapId, SweepId, WorkflowExecutionId,
};
pub use keyring::{KeyringSlot, Mode, VaultId};
pub use network::{Network, NetworkError};
pub use permission::Permission;
pub use private_dir::make_private_dir;
pub use record_bytes::HeaderError;
pub use refusal::Refusal;
pub use sealed::{
    AccountHash, BodyPrefix, KekRef, RecordHeader, RecordId, RecordKind, Revision, RowKey,
    SealedBody, SealedRecord,
};
pub use secret::{AccessToken, ClientSecret, Passphrase, SdkToken, Secret, UploadToken, WebLink};
pub use time::Timestamp;
