//! The sealed attributes of a record: an [`Enrollment`], as bytes.
//!
//! A list of tag (1 byte), length (2 bytes, big-endian) and value, in rising order of tags. What the
//! clear header already says (`created`, `completed`) is not repeated. The bytes are sealed with the
//! data key; nothing here is secret from whoever holds the key, and nothing outside is readable.

use zeroize::Zeroizing;

use crate::model::{
    AccountId, Closed, Enrollment, Id, Onboarding, RecordHeader, StoredFacemap, Timestamp,
};

use super::state_code;

const ACCOUNT: u8 = 1;
const FACEMAP_EXECUTION: u8 = 2;
const FACEMAP_CREDENTIAL: u8 = 3;
const LIVENESS_TYPE: u8 = 5;
const ONBOARDING_EXECUTION: u8 = 8;
const STATE: u8 = 9;
const CAPTURED_AT: u8 = 10;
const ERASE_AFTER: u8 = 11;
const FACEMAP_LEN: u8 = 12;
const FACEMAP_COMPLETED: u8 = 13;
const ERASED_AT: u8 = 14;
const CLOSED: u8 = 15;

/// Longest liveness type kept; longer names are cut. Jumio's longest known has 15 characters.
pub(super) const LIVENESS_TYPE_LEN_MAX: usize = 64;

/// The attributes of `enrollment`, ready to be sealed.
pub(super) fn encode(enrollment: &Enrollment) -> Zeroizing<Vec<u8>> {
    let mut out = Writer(Zeroizing::new(Vec::with_capacity(192)));
    out.put(ACCOUNT, enrollment.account.as_bytes());
    if let Some(facemap) = &enrollment.facemap {
        out.put(FACEMAP_EXECUTION, facemap.execution.as_bytes());
        out.put(FACEMAP_CREDENTIAL, facemap.credential.as_bytes());
        out.put(LIVENESS_TYPE, facemap.liveness_type.as_bytes());
    }
    out.put(ONBOARDING_EXECUTION, enrollment.onboarding.execution.as_bytes());
    out.put(STATE, &state_code::encode(enrollment.onboarding.state));
    if let Some(facemap) = &enrollment.facemap {
        out.put(CAPTURED_AT, &facemap.captured_at.as_millis().to_be_bytes());
        if let Some(at) = facemap.erase_after {
            out.put(ERASE_AFTER, &at.as_millis().to_be_bytes());
        }
        out.put(FACEMAP_LEN, &facemap.len.to_be_bytes());
        if let Some(at) = facemap.completed {
            out.put(FACEMAP_COMPLETED, &at.as_millis().to_be_bytes());
        }
    }
    if let Some(at) = enrollment.erased_at {
        out.put(ERASED_AT, &at.as_millis().to_be_bytes());
    }
    if let Some(Closed { at, reason }) = &enrollment.closed {
        out.put(CLOSED, &[&at.as_millis().to_be_bytes(), reason.as_bytes()].concat());
    }
    out.0
}

/// The enrollment in `attributes` of a record with this `header`; `None` if they are not as
/// [`encode`] writes them.
pub(super) fn decode(attributes: &[u8], header: &RecordHeader) -> Option<Enrollment> {
    let mut rest = Reader(attributes);
    let account = AccountId::from_bytes(rest.take(ACCOUNT)?.try_into().ok()?);
    let mut facemap = None;
    if let Some(execution) = rest.take(FACEMAP_EXECUTION) {
        let credential = rest.take(FACEMAP_CREDENTIAL)?;
        let liveness_type = rest.take(LIVENESS_TYPE)?;
        facemap =
            Some((id(execution)?, id(credential)?, String::from_utf8(liveness_type.into()).ok()?));
    }
    let execution = id(rest.take(ONBOARDING_EXECUTION)?)?;
    let state = state_code::decode(rest.take(STATE)?)?;
    let facemap = match facemap {
        None => None,
        Some((execution, credential, liveness_type)) => Some(StoredFacemap {
            execution,
            credential,
            liveness_type,
            captured_at: time(rest.take(CAPTURED_AT)?)?,
            erase_after: rest.take_time(ERASE_AFTER)?,
            len: u32::from_be_bytes(rest.take(FACEMAP_LEN)?.try_into().ok()?),
            completed: rest.take_time(FACEMAP_COMPLETED)?,
        }),
    };
    let erased_at = rest.take_time(ERASED_AT)?;
    let closed = rest.take_closed()?;
    let onboarding = Onboarding { execution, completed: header.completed, state };
    let consistent = rest.0.is_empty() && facemap.is_some() == (header.body_len > 0);
    consistent.then_some(Enrollment {
        account,
        created: header.created,
        onboarding,
        facemap,
        erased_at,
        closed,
    })
}

fn id<K>(bytes: &[u8]) -> Option<Id<K>> {
    bytes.try_into().ok().map(Id::from_bytes)
}

fn time(bytes: &[u8]) -> Option<Timestamp> {
    bytes.try_into().ok().map(u64::from_be_bytes).map(Timestamp::from_millis)
}

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn put(&mut self, tag: u8, value: &[u8]) {
        let len = u16::try_from(value.len()).expect("every value above is short");
        self.0.push(tag);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(value);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The value of the next entry if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&next, rest) = self.0.split_first()?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        if next != tag {
            return None;
        }
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        self.0 = rest;
        Some(value)
    }

    /// The moment in the next entry if it has this tag; `None` outside if it is there and no moment.
    fn take_time(&mut self, tag: u8) -> Option<Option<Timestamp>> {
        match self.take(tag) {
            Some(bytes) => time(bytes).map(Some),
            None => Some(None),
        }
    }

    /// That an operator gave up, if it says so; `None` outside if it does not say it properly.
    fn take_closed(&mut self) -> Option<Option<Closed>> {
        let Some(bytes) = self.take(CLOSED) else { return Some(None) };
        let (at, reason) = bytes.split_at_checked(8)?;
        let reason = String::from_utf8(reason.into()).ok()?;
        Some(Some(Closed { at: time(at)?, reason }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::state_code::{BLOCKED, LAST_ERRORS};
    use super::*;
    use crate::model::{CredentialId, KekRef, RecordId, RecordKind, State, WorkflowExecutionId};

    fn header(enrollment: &Enrollment) -> RecordHeader {
        RecordHeader {
            kind: RecordKind::Facemap,
            legal_hold: false,
            record_id: RecordId([0; 16]),
            generation: 1,
            sequence: 1,
            kek: KekRef { bucket: 0, epoch: 1, id: [0; 16] },
            created: enrollment.created,
            completed: enrollment.onboarding.completed,
            due: enrollment.due(),
            padded_len: 0,
            body_len: u32::from(enrollment.facemap.is_some()),
            body_sha256: [0; 32],
        }
    }

    fn moment() -> impl Strategy<Value = Timestamp> {
        (1..u64::MAX).prop_map(Timestamp::from_millis)
    }

    fn state() -> impl Strategy<Value = State> {
        prop_oneof![
            (moment(), any::<u32>(), prop::option::of(prop::sample::select(&LAST_ERRORS[..])))
                .prop_map(|(capture_by, attempts, last_error)| State::Pending {
                    capture_by,
                    attempts,
                    last_error
                }),
            (moment(), prop::sample::select(&BLOCKED[..]))
                .prop_map(|(since, why)| State::Blocked { why, since }),
            Just(State::Captured),
            moment().prop_map(|noticed_at| State::Lost { noticed_at }),
            moment().prop_map(|erased_at| State::Erased { erased_at }),
        ]
    }

    fn facemap() -> impl Strategy<Value = StoredFacemap> {
        let ids = (any::<[u8; 16]>(), any::<[u8; 16]>());
        let times = (moment(), prop::option::of(moment()), prop::option::of(moment()));
        (ids, times, "[A-Z_]{0,64}", any::<u32>()).prop_map(
            |(
                (execution, credential),
                (captured_at, erase_after, completed),
                liveness_type,
                len,
            )| {
                StoredFacemap {
                    execution: WorkflowExecutionId::from_bytes(execution),
                    credential: CredentialId::from_bytes(credential),
                    completed,
                    captured_at,
                    erase_after,
                    liveness_type,
                    len,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(
            ids in any::<([u8; 16], [u8; 16])>(),
            state in state(),
            facemap in prop::option::of(facemap()),
            times in (moment(), prop::option::of(moment()), prop::option::of(moment())),
            closed in prop::option::of((moment(), "\\PC{1,200}")),
        ) {
            let (created, completed, erased_at) = times;
            let enrollment = Enrollment {
                account: AccountId::from_bytes(ids.0),
                created,
                onboarding: Onboarding {
                    execution: WorkflowExecutionId::from_bytes(ids.1),
                    completed,
                    state,
                },
                facemap,
                erased_at,
                closed: closed.map(|(at, reason)| Closed { at, reason }),
            };
            let header = header(&enrollment);
            prop_assert_eq!(decode(&encode(&enrollment), &header), Some(enrollment));
        }

        #[test]
        fn any_bytes_decode_or_do_not_and_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let enrollment = Enrollment::pending(
                AccountId::from_bytes([1; 16]),
                Timestamp::from_millis(1),
                Onboarding {
                    execution: WorkflowExecutionId::from_bytes([2; 16]),
                    completed: None,
                    state: State::Captured,
                },
            );
            let header = header(&enrollment);
            let _ = decode(&bytes, &header);
            let mut whole = encode(&enrollment).to_vec();
            whole.extend_from_slice(&bytes);
            prop_assert!(bytes.is_empty() || decode(&whole, &header).is_none_or(|e| e != enrollment));
        }
    }
}
