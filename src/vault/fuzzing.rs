//! Doors to this module's readers of bytes for [`crate::fuzzing`]. What they read was sealed by us, so
//! only a wrong program or a stolen key gets anything else in front of them; they must stand it all the
//! same.

use super::{attributes, page_token};
use crate::model::{KekRef, RecordHeader, RecordId, RecordKind, Timestamp};

/// The attributes of a record. Accepted ones are written again as the same bytes.
pub(crate) fn attributes(bytes: &[u8]) -> bool {
    let read = |body_len| attributes::decode(bytes, &header(body_len));
    let enrollment = read(0).or_else(|| read(1));
    if let Some(enrollment) = &enrollment {
        assert_eq!(attributes::encode(enrollment)[..], *bytes);
    }
    enrollment.is_some()
}

/// What is sealed in a page token.
pub(crate) fn page_token(bytes: &[u8]) -> bool {
    let read = page_token::parse(bytes);
    if let Some((cursor, binding)) = read {
        assert_eq!(page_token::content(cursor, binding), bytes);
    }
    read.is_some()
}

fn header(body_len: u32) -> RecordHeader {
    RecordHeader {
        kind: RecordKind::Facemap,
        legal_hold: false,
        record_id: RecordId([0; 16]),
        generation: 1,
        sequence: 1,
        kek: KekRef { bucket: 0, epoch: 1, id: [0; 16] },
        created: Timestamp::from_millis(1),
        completed: None,
        due: None,
        padded_len: body_len,
        body_len,
        body_sha256: [0; 32],
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::model::{
        AccountId, Closed, CredentialId, Enrollment, Onboarding, RowKey, State, StoredFacemap,
        WorkflowExecutionId,
    };
    use crate::store::Due;
    use crate::vault::Cursor;

    /// Again only for a new format:
    ///
    /// ```text
    /// cargo test --release --locked --lib -- --ignored write_vault_corpus
    /// ```
    #[test]
    #[ignore = "writes a part of the corpus"]
    fn write_vault_corpus() {
        let write = |name: &str, bytes: &[u8]| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
            fs::write(folder.join(name), bytes).unwrap();
        };
        let now = Timestamp::from_millis(1_790_000_000_000);
        let execution = WorkflowExecutionId::from_bytes([2; 16]);
        let onboarding = |state| Onboarding { execution, completed: None, state };
        let pending = State::Pending { capture_by: now, attempts: 3, last_error: None };
        let account = AccountId::from_bytes([1; 16]);
        let mut enrollment = Enrollment::pending(account, now, onboarding(pending));
        write("attributes/pending", &attributes::encode(&enrollment));
        enrollment.closed = Some(Closed { at: now, reason: "moved abroad".to_owned() });
        write("attributes/closed", &attributes::encode(&enrollment));
        enrollment.closed = None;
        enrollment.erased_at = Some(now);
        enrollment.onboarding = onboarding(State::Captured);
        enrollment.facemap = Some(StoredFacemap {
            execution,
            credential: CredentialId::from_bytes([3; 16]),
            completed: Some(now),
            captured_at: now,
            erase_after: Some(now),
            liveness_type: "IPROOV_STANDARD".to_owned(),
            len: 355_367,
        });
        write("attributes/captured", &attributes::encode(&enrollment));

        let (row, binding) = (RowKey([4; 32]), b"caller\0filter");
        for (name, cursor) in [
            ("pending-start", Cursor::Pending(None)),
            ("pending", Cursor::Pending(Some(Due { at: now, row }))),
            ("settled-start", Cursor::Settled(None)),
            ("settled", Cursor::Settled(Some(row))),
        ] {
            write(&format!("page_token/{name}"), &page_token::content(cursor, binding));
        }
    }
}
