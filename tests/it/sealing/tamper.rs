//! Whatever is altered or moved does not open.

use bytes::Bytes;
use facemap_vault::crypto::OpenError;
use facemap_vault::model::{HeaderError, SealedBody, SealedRecord};

use super::*;

/// Each record with its body, if it has one.
fn records(ring: &Keyring) -> Vec<(SealedRecord, Option<SealedBody>)> {
    let row = ring.row_key(account(1));
    let (captured, body) =
        ring.seal_facemap(row, &draft(3), &facemap(&pattern(1, 20_000)), b"attributes").unwrap();
    let held = Draft { legal_hold: true, due: Some(NOW), ..draft(3) };
    let held = ring.reseal(row, &captured, &held, b"attributes").unwrap();
    let pending = Draft { completed: None, due: Some(NOW), ..draft(0) };
    let pending = ring.seal_empty(row, &pending, b"attributes").unwrap();
    vec![(captured, Some(body.clone())), (held, Some(body)), (pending, None)]
}

#[test]
fn every_flipped_bit_of_a_record_is_refused() {
    for provider in Provider::ALL {
        let ring = computed_by(provider, &ring());
        let row = ring.row_key(account(1));
        for (record, _) in records(&ring) {
            let bytes = record.to_bytes();
            assert!(ring.open_attributes(row, &record).is_ok(), "before the damage");
            let (mut newer, mut unknown, mut tampered) = (0, 0, 0);
            for bit in 0..bytes.len() * 8 {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let parsed = SealedRecord::parse(&bytes);
                match parsed.map(|record| ring.open_attributes(row, &record).map(|_| ())) {
                    Err(HeaderError::Newer { .. }) => newer += 1,
                    Err(_) => (),
                    Ok(Err(OpenError::UnknownKek(_))) => unknown += 1,
                    Ok(Err(OpenError::Tampered)) => tampered += 1,
                    Ok(Ok(())) => panic!("bit {bit} of byte {} went unnoticed", bit / 8),
                }
            }
            assert_eq!(newer, 16, "version and suite, before any key is touched");
            assert_eq!(unknown, 8 * 22, "bucket, epoch and id of the KEK");
            assert!(tampered > 8 * 100, "all the rest");
        }
    }
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_body_is_refused() {
    let ring = ring();
    let row = ring.row_key(account(1));
    let (record, body) = ring.seal_facemap(row, &draft(1), &facemap(b"face"), b"").unwrap();
    for byte in 0..body.0.len() {
        let mut bytes = body.0.to_vec();
        bytes[byte] ^= 1 << (byte % 8);
        let opened = ring.open_facemap(row, &record, SealedBody(Bytes::from(bytes)));
        assert_eq!(opened.unwrap_err(), OpenError::Tampered, "byte {byte}");
    }
    for len in [0, 1, 55, 56, 71, 72, body.0.len() - 1] {
        let opened = ring.open_facemap(row, &record, SealedBody(body.0.slice(..len)));
        assert_eq!(opened.unwrap_err(), OpenError::Tampered, "cut to {len} bytes");
    }
    let longer = SealedBody([&body.0[..], &[0]].concat().into());
    assert_eq!(ring.open_facemap(row, &record, longer).unwrap_err(), OpenError::Tampered);
}

/// All ordered pairs of 64 records: the record of one at the place of the other, its body, or both.
#[test]
fn nothing_opens_at_the_place_of_another() {
    let ring = ring();
    let all: Vec<_> = (0..64)
        .map(|n| {
            let row = ring.row_key(account(n));
            let face = facemap(&pattern(n as u8, 64));
            let (record, body) = ring.seal_facemap(row, &draft(1), &face, b"who").unwrap();
            (row, record, body)
        })
        .collect();
    for (i, (row, record, body)) in all.iter().enumerate() {
        assert!(ring.open_facemap(*row, record, body.clone()).is_ok(), "in its own place");
        for (_, (_, other_record, other_body)) in all.iter().enumerate().filter(|(j, _)| *j != i) {
            for (record, body) in
                [(other_record, body), (record, other_body), (other_record, other_body)]
            {
                let opened = ring.open_facemap(*row, record, body.clone());
                assert_eq!(opened.unwrap_err(), OpenError::Tampered);
            }
            assert!(ring.open_attributes(*row, other_record).is_err());
            assert!(ring.rewrap(*row, other_record).is_err());
            let prefix = other_body.0.first_chunk().unwrap();
            assert!(!ring.commitment_matches(*row, record, prefix).unwrap());
        }
    }
}

#[test]
fn a_body_of_another_generation_or_sealing_does_not_open() {
    let ring = ring();
    let row = ring.row_key(account(1));
    let seal = |generation| {
        ring.seal_facemap(row, &draft(generation), &facemap(b"the same face"), b"").unwrap()
    };
    let (first, second, second_again) = (seal(1), seal(2), seal(2));
    for (record, body) in
        [(&first.0, &second.1), (&second.0, &first.1), (&second.0, &second_again.1)]
    {
        let opened = ring.open_facemap(row, record, body.clone());
        assert_eq!(opened.unwrap_err(), OpenError::Tampered);
        let prefix = body.0.first_chunk().unwrap();
        assert!(!ring.commitment_matches(row, record, prefix).unwrap());
    }
}

#[test]
fn another_vault_opens_nothing() {
    let (ring, other) = (ring(), ring());
    let row = ring.row_key(account(1));
    assert_ne!(row, other.row_key(account(1)));
    for (record, body) in records(&ring) {
        let unknown = OpenError::UnknownKek(record.header.kek);
        assert_eq!(other.open_attributes(row, &record).unwrap_err(), unknown);
        if let Some(body) = body {
            assert_eq!(other.open_facemap(row, &record, body).unwrap_err(), unknown);
        }
    }
}
