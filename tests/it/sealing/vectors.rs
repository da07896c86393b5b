//! Golden files: bytes of every format ever released still open, with both providers.
//!
//! They were written once, by [`write_golden_files`]; a new format gets new files beside these:
//!
//! ```text
//! cargo test --release --locked --test it -- --ignored write_golden_files
//! ```

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use facemap_vault::crypto::{KdfCost, KekState, RootSecret};
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
        let passphrase = Passphrase::new(PASSPHRASE.to_owned());
        let file = key_file(0x60);
        let by_passphrase =
            unlock("keyring-1-passphrase.bin", RootSecret::Passphrase(&passphrase), provider);
        let by_key_file = unlock("keyring-1-key-file.bin", RootSecret::KeyFile(&file), provider);
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

fn unlock(name: &str, secret: RootSecret<'_>, provider: Provider) -> Keyring {
    let locked = LockedKeyring::parse(&golden(name)).unwrap();
    let root = locked.root_provider().root_key(secret).unwrap();
    locked.unlock(&root, provider).unwrap()
}

#[test]
#[ignore = "writes the golden files; only for a new format"]
fn write_golden_files() {
    let write = |name: &str, bytes: &[u8]| {
        assert!(!path(name).exists(), "{name} is golden already");
        fs::write(path(name), bytes).unwrap();
    };
    let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, NOW).unwrap();
    let old = ring.primary(0).unwrap().kek;
    let ring = ring.rotated(&[0], NOW).unwrap().without(&old, NOW, 76, 9).unwrap();
    let ring = ring.with_min_store_sequence(77).unwrap();

    let passphrase = Passphrase::new(PASSPHRASE.to_owned());
    let (provider, root) = RootProvider::new_passphrase(&passphrase, KdfCost::FLOOR).unwrap();
    write("keyring-1-passphrase.bin", ring.lock(&root, &provider).unwrap().as_bytes());
    let (provider, root) = RootProvider::new_key_file(&key_file(0x60));
    let resaved = ring.resaved().unwrap();
    write("keyring-1-key-file.bin", resaved.lock(&root, &provider).unwrap().as_bytes());

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
