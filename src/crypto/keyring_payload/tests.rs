//! A payload that opens but is no keyring: only a fault of ours, or an attacker with the root key,
//! makes one.

use super::*;
use crate::model::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1);

fn ring() -> Keyring {
    Keyring::generate(Provider::AwsLc, Mode::Production, 2, NOW).unwrap()
}

fn parsed(ring: &Keyring, payload: &[u8]) -> Result<(), KeyringError> {
    parse_payload(payload, Provider::AwsLc, ring.mode, ring.vault, ring.sequence).map(|_| ())
}

#[test]
fn a_ring_that_breaks_a_rule_is_refused() {
    type Break = fn(&mut Keyring);
    const PRIMARIES: KeyringError = KeyringError::Malformed { what: "its primary KEKs" };
    const ORDER: KeyringError = KeyringError::Malformed { what: "the order of its KEKs" };
    const COUNT: KeyringError = KeyringError::Malformed { what: "the bucket count" };
    let table: [(&str, Break, KeyringError); 7] = [
        ("no primary", |r| r.keks[0].info.state = KekState::Retiring, PRIMARIES),
        ("a bucket too few", |r| r.bucket_count = 3, PRIMARIES),
        ("a bucket too many", |r| r.bucket_count = 1, ORDER),
        ("no bucket", |r| r.bucket_count = 0, COUNT),
        ("more than there may be", |r| r.bucket_count = 257, COUNT),
        ("out of order", |r| r.keks.swap(0, 1), ORDER),
        ("the same twice", |r| r.keks.insert(0, r.keks[0].clone()), ORDER),
    ];
    for (what, damage, want) in table {
        let mut ring = ring();
        assert_eq!(parsed(&ring, &payload(&ring).unwrap()), Ok(()), "{what}: before");
        damage(&mut ring);
        assert_eq!(parsed(&ring, &payload(&ring).unwrap()), Err(want), "{what}");
    }
}

#[test]
fn a_kek_that_is_not_what_it_was_is_named() {
    let mut damaged = ring();
    let kek = damaged.keks[1].info.kek;
    damaged.keks[1].key = Arc::new(Kek::random().unwrap());
    let payload = payload(&damaged).unwrap();
    assert_eq!(parsed(&damaged, &payload), Err(KeyringError::BrokenKek { kek }));

    // A KEK of another vault, whole, with its canary.
    let mut mixed = ring();
    let stranger = ring().keks[0].clone();
    let kek = stranger.info.kek;
    mixed.keks[0] = stranger;
    let payload = super::payload(&mixed).unwrap();
    assert_eq!(parsed(&mixed, &payload), Err(KeyringError::BrokenKek { kek }));
}

#[test]
fn only_the_exact_length_is_read() {
    let ring = ring().rotated(&[1], NOW).unwrap();
    let exact = payload(&ring).unwrap();
    assert_eq!(parsed(&ring, &exact), Ok(()));
    assert_eq!(exact.capacity(), exact.len(), "the buffer never grew, so no copy stayed behind");
    for len in 0..exact.len() {
        assert!(parsed(&ring, &exact[..len]).is_err(), "{len} bytes");
    }
    let longer = [&exact[..], &[0]].concat();
    let want = KeyringError::Malformed { what: "its length" };
    assert_eq!(parsed(&ring, &longer), Err(want));
}

#[test]
fn header_and_payload_must_agree_on_the_world() {
    let ring = ring();
    let payload = payload(&ring).unwrap();
    let other = parse_payload(&payload, Provider::AwsLc, Mode::Simulator, ring.vault, 1);
    assert_eq!(other.map(|_| ()), Err(KeyringError::Malformed { what: "a field" }));
}
