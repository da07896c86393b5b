//! What only somebody with the keys could have sealed wrongly is refused too.

use super::*;
use crate::crypto::provider::Provider;
use crate::model::Mode;

fn draft() -> Draft {
    let now = Timestamp::from_millis(1);
    Draft {
        legal_hold: false,
        generation: 1,
        sequence: 1,
        created: now,
        completed: None,
        due: None,
    }
}

fn ring() -> Keyring {
    let now = Timestamp::from_millis(1);
    Keyring::generate(Provider::AwsLc, Mode::Production, 1, now).unwrap()
}

fn facemap() -> Facemap {
    Facemap::new(Zeroizing::new(vec![7; 100])).unwrap()
}

#[test]
fn a_true_length_that_does_not_fit_the_padding_is_refused() {
    let ring = ring();
    let row = ring.row_key(AccountId::from_bytes([1; 16]));
    let (record, body) = ring.seal_facemap(row, &draft(), &facemap(), b"").unwrap();
    let Opened { dek, true_len, .. } = ring.unwrap_record(row, &record).unwrap();
    assert_eq!(true_len, 100);
    let table = [
        (100, true, "the true one"),
        (101, true, "a padding byte taken for content: both are zeros"),
        (99, false, "content taken for padding"),
        (0, false, "no facemap at all"),
        (16_384, false, "longer than the padded length"),
        (u32::MAX, false, "longer than anything"),
    ];
    for (len, good, what) in table {
        let record = ring.wrap(row, record.header.clone(), &dek, len, b"").unwrap();
        let opened = ring.open_facemap(row, &record, body.clone());
        assert_eq!(opened.is_ok(), good, "{what}");
    }
}

#[test]
fn lengths_in_the_header_must_be_those_of_the_body() {
    let ring = ring();
    let row = ring.row_key(AccountId::from_bytes([1; 16]));
    let (record, body) = ring.seal_facemap(row, &draft(), &facemap(), b"").unwrap();
    let Opened { dek, .. } = ring.unwrap_record(row, &record).unwrap();
    for (padded, sealed) in [(1, 0), (0, 1)] {
        let mut header = record.header.clone();
        header.padded_len -= padded;
        header.body_len -= sealed;
        let record = ring.wrap(row, header, &dek, 100, b"").unwrap();
        let opened = ring.open_facemap(row, &record, body.clone());
        assert_eq!(opened.unwrap_err(), OpenError::Tampered);
    }
}

#[test]
fn every_facemap_and_every_record_has_its_own_keys_and_salts() {
    let ring = ring();
    let row = ring.row_key(AccountId::from_bytes([1; 16]));
    let (one, body_one) = ring.seal_facemap(row, &draft(), &facemap(), b"").unwrap();
    let (two, body_two) = ring.seal_facemap(row, &draft(), &facemap(), b"").unwrap();
    let dek = |record| ring.unwrap_record(row, record).unwrap().dek;
    assert_ne!(dek(&one).expose(), dek(&two).expose());
    assert_ne!(one.header.record_id, two.header.record_id);
    assert_ne!(one.revision(), two.revision());
    assert_ne!(body_one.0[..PREFIX_LEN], body_two.0[..PREFIX_LEN]);

    let again = ring.rewrap(row, &one).unwrap();
    assert_eq!(dek(&one).expose(), dek(&again).expose(), "rewrapping keeps the data key");
    let empty = ring.seal_empty(row, &draft(), b"").unwrap();
    assert_eq!(dek(&empty).expose(), &[0; 32], "without a body there is none");
}

#[test]
fn tenants_and_accounts_have_rows_of_their_own() {
    let ring = ring();
    let account = AccountId::from_bytes([1; 16]);
    assert_eq!(ring.row_key(account), ring.row_key_of_tenant("", account));
    assert_ne!(ring.row_key(account), ring.row_key_of_tenant("a", account));
    assert_ne!(ring.row_key(account), ring.row_key(AccountId::from_bytes([2; 16])));
}

/// A fresh data key alone would keep bodies apart; the context does so even if one were used twice.
#[test]
fn a_body_is_tied_to_every_part_of_its_place() {
    let (ring, other) = (ring(), ring());
    let (row, other_row) = (RowKey([1; 32]), RowKey([2; 32]));
    let record = ring.seal_facemap(row, &draft(), &facemap(), b"").unwrap().0;
    let header = || record.header.clone();
    let mut contexts = vec![
        ring.body_context(row, &header()),
        other.body_context(row, &header()),
        ring.body_context(other_row, &header()),
        ring.body_context(row, &RecordHeader { record_id: RecordId([3; 16]), ..header() }),
        ring.body_context(row, &RecordHeader { generation: 2, ..header() }),
        ring.body_context(row, &RecordHeader { padded_len: 1, ..header() }),
    ];
    let rotated =
        RecordHeader { sequence: 9, kek: KekRef { epoch: 9, ..header().kek }, ..header() };
    assert_eq!(ring.body_context(row, &rotated), contexts[0], "rotation leaves it alone");
    contexts.sort();
    contexts.dedup();
    assert_eq!(contexts.len(), 6);
}

#[test]
fn a_kek_that_has_wrapped_as_much_as_it_may_wraps_no_more_and_still_opens() {
    let ring = ring();
    let row = ring.row_key(AccountId::from_bytes([1; 16]));
    let (before, last) = (ring.seal_empty(row, &draft(), b"old").unwrap(), Keyring::WRAPS_MAX - 1);
    let worn = ring.with_wraps(|_| last).unwrap();
    let kek = worn.primary(worn.bucket_of(row)).unwrap().kek;

    worn.seal_empty(row, &draft(), b"the last one").unwrap();
    assert_eq!(worn.wraps(&kek), Some(Keyring::WRAPS_MAX));
    let refused = [worn.seal_empty(row, &draft(), b""), worn.rewrap(row, &before)];
    assert_eq!(refused, [Err(SealError::WornOut(kek)), Err(SealError::WornOut(kek))]);
    assert_eq!(worn.open_attributes(row, &before).unwrap()[..], *b"old");

    let rotated = worn.rotated(&[kek.bucket], Timestamp::from_millis(1)).unwrap();
    assert_eq!(rotated.wraps(&kek), Some(Keyring::WRAPS_MAX), "the old one stays worn out");
    rotated.rewrap(row, &before).unwrap();
}
