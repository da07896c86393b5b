//! Golden files: bytes of every format ever released still open, with both providers.
//!
//! They were written once, by the functions here that are ignored; a new format gets new files beside
//! these. What wrote the keyrings of format 1 is gone: nothing writes that format any more.
//!
//! ```text
//! cargo test --release --locked --test it -- --ignored write_golden
//! ```

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use facemap_vault::crypto::{Bytes32, KdfCost, KekState, RecoveryKey, SlotsChange};
use facemap_vault::model::{Passphrase, SealedBody, SealedRecord};

use super::*;

const PASSPHRASE: &str = "seven golden vaults of the west";
const ATTRIBUTES: &[u8] = b"attributes of the golden record";
const FACEMAP_LEN: usize = 20_000;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/vectors").join(name)
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

#[test]
fn keyring_format_1_and_record_format_1_still_open() {
    for provider in Provider::ALL {
        let passphrase = SlotSecret::Passphrase(Passphrase::new(PASSPHRASE.to_owned()));
        let file = SlotSecret::KeyFile(key_file(0x60));
        let by_passphrase = unlock("keyring-1-passphrase.bin", &passphrase, provider);
        let by_key_file = unlock("keyring-1-key-file.bin", &file, provider);
        for (ring, sequence) in [(by_passphrase, 4), (by_key_file, 5)] {
            assert_eq!((ring.sequence(), ring.mode()), (sequence, Mode::Simulator));
            assert_eq!((ring.bucket_count(), ring.min_store_sequence()), (2, 77));
            assert_eq!(hex::encode(ring.vault().0), "730f33c707c0d545675e018a50f496f9");
            let states = ring.keks().map(|info| (info.kek.bucket, info.kek.epoch, info.state));
            let want = [(0, 2, KekState::Primary), (1, 1, KekState::Primary)];
            assert!(states.eq(want));
            assert_eq!(ring.tombstones().len(), 1);
            assert_eq!(ring.tombstones()[0].records, 9);
            assert_golden_records_open(&ring);
        }
    }
}

fn assert_golden_records_open(ring: &Keyring) {
    let row = ring.row_key(account(0x60));
    let captured = SealedRecord::parse(&golden("record-1.bin")).unwrap();
    let body = SealedBody(Bytes::from(golden("body-1.bin")));
    assert!(captured.header.legal_hold);
    assert_eq!((captured.header.generation, captured.header.created), (3, NOW));
    assert_eq!(ring.open_attributes(row, &captured).unwrap()[..], *ATTRIBUTES);
    let opened = ring.open_facemap(row, &captured, body.clone()).unwrap();
    assert!(opened.expose() == pattern(0x60, FACEMAP_LEN));

    let pending = SealedRecord::parse(&golden("record-1-pending.bin")).unwrap();
    assert_eq!(pending.header.due, Some(NOW));
    assert_eq!(ring.open_attributes(row, &pending).unwrap()[..], *ATTRIBUTES);

    let ring = ring.rotated(&[0, 1], NOW).unwrap();
    let rewrapped = ring.rewrap(row, &captured).unwrap();
    assert!(ring.open_facemap(row, &rewrapped, body).is_ok());
    assert_eq!(ring.open_token("golden", &golden("token-1.bin")).unwrap()[..], *b"token");
}

fn unlock(name: &str, secret: &SlotSecret, provider: Provider) -> Keyring {
    let locked = LockedKeyring::parse(&golden(name)).unwrap();
    let opened = locked.open_slot(secret, provider).unwrap();
    locked.unlock(&opened.root, provider).unwrap()
}

/// What opens the golden keyring of format 2, a slot of each kind.
fn secrets_of_format_2() -> [SlotSecret; 5] {
    let bytes32 = |seed: u8| {
        let bytes: Vec<u8> = (0..32).map(|i| i ^ seed).collect();
        Bytes32::brought(&bytes).unwrap()
    };
    let recovery = String::from_utf8(golden("recovery-2.txt")).unwrap();
    [
        SlotSecret::Passphrase(Passphrase::new(PASSPHRASE.to_owned())),
        SlotSecret::KeyFile(key_file(0x60)),
        SlotSecret::Recovery(RecoveryKey::parse(&recovery).unwrap()),
        SlotSecret::Program(bytes32(0x61)),
        SlotSecret::Token(vec![(5, bytes32(0x62))]),
    ]
}

/// It holds the keys of the keyrings of format 1, so it opens the same records.
#[test]
fn keyring_format_2_still_opens_by_each_of_its_slots() {
    for provider in Provider::ALL {
        for secret in secrets_of_format_2() {
            let ring = unlock("keyring-2.bin", &secret, provider);
            assert_eq!((ring.sequence(), ring.mode()), (6, Mode::Simulator));
            assert_golden_records_open(&ring);
        }
    }
}

#[test]
#[ignore = "writes the golden files; only for a new format"]
fn write_golden_files_of_keyring_format_2() {
    let recovery = RecoveryKey::fresh().unwrap();
    assert!(!path("recovery-2.txt").exists(), "golden already");
    fs::write(path("recovery-2.txt"), &*recovery.text()).unwrap();
    let file = SlotSecret::KeyFile(key_file(0x60));
    let ring = unlock("keyring-1-key-file.bin", &file, Provider::AwsLc).resaved().unwrap();
    let [passphrase, _, _, program, token] = secrets_of_format_2();
    let SlotSecret::Passphrase(passphrase) = passphrase else { panic!() };
    let first = NewSlot::passphrase(&passphrase, KdfCost::FLOOR).unwrap();
    let (root, slots) = ring.first_slot(&first, "primary", NOW).unwrap();
    let mut change = SlotsChange::new(&ring, &root, slots);
    change.add(&NewSlot::key_file(&key_file(0x60)), "", NOW).unwrap();
    change.add(&NewSlot::recovery(&recovery), "recovery", NOW).unwrap();
    let SlotSecret::Program(program) = program else { panic!() };
    change.add(&NewSlot::program(&program), "a program's", NOW).unwrap();
    let SlotSecret::Token(token) = token else { panic!() };
    change.add(&NewSlot::token([0x63; 32], &token[0].1), "token", NOW).unwrap();
    fs::write(path("keyring-2.bin"), ring.lock(&root, &change.done()).unwrap().as_bytes()).unwrap();
}

#[test]
#[ignore = "writes the golden files; only for a new format"]
fn write_golden_records() {
    let write = |name: &str, bytes: &[u8]| {
        assert!(!path(name).exists(), "{name} is golden already");
        fs::write(path(name), bytes).unwrap();
    };
    let file = SlotSecret::KeyFile(key_file(0x60));
    let ring = unlock("keyring-1-key-file.bin", &file, Provider::AwsLc);
    let row = ring.row_key(account(0x60));
    let held = Draft { legal_hold: true, ..draft(3) };
    let face = facemap(&pattern(0x60, FACEMAP_LEN));
    let (record, body) = ring.seal_facemap(row, &held, &face, ATTRIBUTES).unwrap();
    write("record-1.bin", &record.to_bytes());
    write("body-1.bin", &body.0);
    let pending = Draft { completed: None, due: Some(NOW), ..draft(0) };
    write("record-1-pending.bin", &ring.seal_empty(row, &pending, ATTRIBUTES).unwrap().to_bytes());
    write("token-1.bin", &ring.seal_token("golden", b"token").unwrap());
}
