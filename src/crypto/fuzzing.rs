//! Doors to this module's readers for [`crate::fuzzing`].

use std::sync::LazyLock;

use super::chunked::{self, SALT_LEN};
use super::key::KEY_LEN;
use super::keyring::Keyring;
use super::keyring_format::LockedKeyring;
use super::keyring_payload::{parse_payload, payload};
use super::provider::Provider;
use crate::model::{Mode, RowKey, SealedRecord, Timestamp, VaultId};

/// A key that everybody knows, so that the corpus can hold messages that open.
const KEY: [u8; KEY_LEN] = [0; KEY_LEN];
const CONTEXT: &[u8] = b"fuzzing";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const VAULT: VaultId = VaultId([7; 16]);

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    Keyring::generate(Provider::AwsLc, Mode::Simulator, 1, NOW)
        .expect("a machine that fuzzes has randomness")
});

/// A sealed message. Both providers say the same, and what opens was sealed exactly so.
pub(crate) fn sealed(bytes: &[u8]) -> bool {
    let [a, b] = Provider::ALL.map(|provider| chunked::open(provider, &KEY, CONTEXT, bytes).ok());
    assert!(a == b, "the providers disagree");
    let (Some(message), Some(salt)) = (a, bytes.first_chunk::<SALT_LEN>()) else { return false };
    let again = chunked::seal(Provider::AwsLc, &KEY, salt, CONTEXT, &message, 0);
    assert!(again == bytes, "two sealed messages open to the same");
    true
}

/// A stored record. An accepted one is written again as the same bytes, and does not open: its sealed
/// part is checked also under a KEK that is there.
pub(crate) fn record(bytes: &[u8]) -> bool {
    let Ok(mut record) = SealedRecord::parse(bytes) else { return false };
    assert!(record.to_bytes() == bytes, "two records read the same");
    let row = RowKey([0; 32]);
    assert!(RING.open_attributes(row, &record).is_err());
    if let Some(primary) = RING.primary(0) {
        record.header.kek = primary.kek;
        assert!(RING.open_attributes(row, &record).is_err());
    }
    true
}

/// The header of a keyring's file, up to the length of the sealed part. The checksums and a sealed part of
/// that length are added, since chance never makes them.
pub(crate) fn keyring(bytes: &[u8]) -> bool {
    let _ = LockedKeyring::parse(bytes);
    let Some(&[0, 0, a, b]) = bytes.last_chunk() else { return false };
    let mut whole = with_digest(bytes.to_vec());
    whole.resize(whole.len() + usize::from(u16::from_be_bytes([a, b])), 0);
    let whole = with_digest(whole);
    let Ok(locked) = LockedKeyring::parse(&whole) else { return false };
    assert!(locked.as_bytes() == whole);
    true
}

fn with_digest(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = Provider::AwsLc.sha256(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// What is sealed in a keyring's file. What is accepted is written again as the same bytes.
pub(crate) fn keyring_payload(bytes: &[u8]) -> bool {
    let parsed = parse_payload(bytes, Provider::AwsLc, Mode::Simulator, VAULT, 1);
    let Ok(ring) = parsed else { return false };
    assert!(payload(&ring).is_ok_and(|again| *again == bytes));
    true
}

/// A token that came back.
pub(crate) fn token(bytes: &[u8]) -> bool {
    RING.open_token("fuzzing", bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Sealed files of the corpus cannot be written by hand. Again only for a new format:
    ///
    /// ```text
    /// cargo test --release --locked --lib -- --ignored write_sealed_corpus
    /// ```
    #[test]
    #[ignore = "writes a part of the corpus"]
    fn write_sealed_corpus() {
        let write = |name: &str, bytes: &[u8]| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
            fs::write(folder.join(name), bytes).unwrap();
        };
        for (name, len) in [("empty", 0), ("short", 20), ("one-chunk", 16_384), ("two", 17_000)] {
            let message = vec![7; len];
            let sealed = chunked::seal(Provider::AwsLc, &KEY, &[9; SALT_LEN], CONTEXT, &message, 0);
            write(&format!("sealed/{name}"), &sealed);
        }
        let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, NOW).unwrap();
        let mut ring = Keyring { vault: VAULT, keks: Vec::new(), ..ring };
        for bucket in 0..2 {
            ring.keks.push(ring.new_kek(bucket, 1, super::super::KekState::Primary, NOW).unwrap());
        }
        write("keyring_payload/two-buckets", &payload(&ring).unwrap());
        let old = ring.primary(0).unwrap().kek;
        let ring = ring.rotated(&[0], NOW).unwrap();
        write("keyring_payload/rotating", &payload(&ring).unwrap());
        let ring = ring.without(&old, NOW, 76, 9).unwrap();
        write("keyring_payload/tombstone", &payload(&ring).unwrap());
    }
}
