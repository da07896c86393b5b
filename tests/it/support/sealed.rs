//! Sealed records made by hand, for tests that need no key.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use facemap_vault::model::{
    KekRef, RecordHeader, RecordId, RecordKind, RowKey, SealedBody, SealedRecord, Timestamp,
};
use facemap_vault::store::{BodyChange, Change, Expect};

/// Row `number`. Rows sort by their number.
pub(crate) fn row(number: u8) -> RowKey {
    RowKey([number; 32])
}

/// `millis` after 1970.
pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A record like no other one: each call gives another revision.
pub(crate) fn record(due: Option<u64>, body_len: usize) -> SealedRecord {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut sealed = vec![7; 80];
    sealed[..8].copy_from_slice(&number.to_be_bytes());
    SealedRecord {
        header: RecordHeader {
            kind: RecordKind::Facemap,
            legal_hold: false,
            record_id: RecordId([3; 16]),
            generation: 1,
            sequence: number,
            kek: KekRef { bucket: 0, epoch: 1, id: [4; 16] },
            created: at(1),
            completed: None,
            due: due.map(at),
            padded_len: body_len as u32,
            body_len: body_len as u32,
            body_sha256: [0; 32],
        },
        sealed,
    }
}

/// A body of `len` bytes, all `byte`.
pub(crate) fn body(byte: u8, len: usize) -> SealedBody {
    SealedBody(Bytes::from(vec![byte; len]))
}

/// Creates the row, without a body.
pub(crate) fn create(number: u8, record: &SealedRecord) -> Change {
    Change {
        row: row(number),
        expect: Expect::Absent,
        record: record.clone(),
        body: BodyChange::Keep,
    }
}

/// Creates the row with a body of the length its record says.
pub(crate) fn create_with_body(number: u8, record: &SealedRecord) -> Change {
    let body = body(number, record.header.body_len as usize);
    Change { body: BodyChange::Set(body), ..create(number, record) }
}

/// Replaces `old` by `new`.
pub(crate) fn replace(
    number: u8,
    old: &SealedRecord,
    new: &SealedRecord,
    body: BodyChange,
) -> Change {
    Change { row: row(number), expect: Expect::Revision(old.revision()), record: new.clone(), body }
}
