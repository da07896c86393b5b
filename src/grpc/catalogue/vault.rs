//! Reasons that lie in the vault, its keys, its disk, or its jobs.

use tonic::Code as C;

use crate::proto::v1::ErrorReason as R;

use super::{Acts, Entry, Raised, new};

pub(super) const ENTRIES: &[Entry] = &[
    new(
        R::ShuttingDown,
        C::Unavailable,
        Acts::Wait,
        "The vault is stopping.",
        "Retry with the same request_id.",
    )
    .retry(),
    new(
        R::Internal,
        C::Internal,
        Acts::Operator,
        "The vault has a defect.",
        "Report it with the time of the request.",
    )
    .note("Other requests are not affected."),
    new(
        R::StoreFull,
        C::ResourceExhausted,
        Acts::Operator,
        "The disk is full; nothing was done.",
        "The operator must make room.",
    )
    .note("[What to do](../troubleshooting.md#the-disk-is-full)"),
    new(
        R::StoreReadOnly,
        C::Unavailable,
        Acts::Operator,
        "The store takes no changes.",
        "The operator must look at the disk.",
    )
    .note(
        "The disk is [read-only](../troubleshooting.md#the-disk-is-read-only), or a write [could not be made \
         durable](../troubleshooting.md#a-write-could-not-be-made-durable); the message says which. \
         Authentications go on.",
    ),
    new(R::StoreFailed, C::Internal, Acts::Operator, "The store failed.", "Tell the operator.")
        .note("Or nothing can be sealed. The log says more."),
    new(
        R::StoreRolledBack,
        C::Unavailable,
        Acts::Operator,
        "The store does not have all that was acknowledged.",
        "The operator must bring the newer store back, or run fmvault store recover.",
    )
    .note("[What to do](../operate/audit.md#the-store-was-set-back)")
    .raised(Raised::Start),
    new(
        R::AuditUnavailable,
        C::Unavailable,
        Acts::Operator,
        "The audit trail cannot be written, and nothing is done unrecorded.",
        "Retry with the same request_id; the operator must look at the trail's disk.",
    )
    .retry()
    .note("What was under way may have happened. [What to do](../operate/audit.md#the-trail-cannot-be-written)"),
    new(
        R::SweepInProgress,
        C::Aborted,
        Acts::Operator,
        "A sweep is running.",
        "Watch it, or ask for the running one to be returned.",
    )
    .carries(&[("name", "of the running one")])
    .note("`fmvault sweep get NAME` watches it."),
    new(
        R::SweepNotFound,
        C::NotFound,
        Acts::Operator,
        "There is no such sweep: fifty are remembered, until the vault stops.",
        "List them.",
    )
    .note("`fmvault sweep list` shows the ones it remembers."),
    new(R::BackupInProgress, C::Aborted, Acts::Operator, "A backup is running.", "Watch that one.")
        .raised(Raised::Nowhere)
        .note(
            "Reserved: the vault makes no backups of its own yet; a copy of its files is the operator's \
             (see \"Backups\" in the operating guide). The name and the number are kept for the command that \
             will, and no client needs to handle it.",
        ),
];
