//! Sealing: what was sealed opens, and nothing else does.

mod envelope;
mod files;
mod keyring;
mod root_key;
mod slots;
mod tamper;
mod vectors;

use facemap_vault::crypto::{
    Draft, KeyFile, Keyring, LockedKeyring, NewSlot, Provider, SlotSecret,
};
use facemap_vault::model::{AccountId, Facemap, Mode, Timestamp};
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp::from_millis(1_772_442_952_903);

/// A keyring of few buckets, so that tests meet the same bucket twice.
fn ring() -> Keyring {
    ring_of(Provider::AwsLc, 4)
}

fn ring_of(provider: Provider, buckets: u16) -> Keyring {
    Keyring::generate(provider, Mode::Production, buckets, NOW).unwrap()
}

/// The same keyring, computed by `provider`.
fn computed_by(provider: Provider, ring: &Keyring) -> Keyring {
    let locked = locked(ring);
    let opened = locked.open_slot(&SlotSecret::KeyFile(key_file(1)), provider).unwrap();
    locked.unlock(&opened.root, provider).unwrap()
}

/// The keyring with one slot, which key file 1 opens.
fn locked(ring: &Keyring) -> LockedKeyring {
    locked_with(ring, &NewSlot::key_file(&key_file(1)))
}

fn locked_with(ring: &Keyring, new: &NewSlot) -> LockedKeyring {
    let (root, slots) = ring.first_slot(new, "primary", NOW).unwrap();
    ring.lock(&root, &slots).unwrap()
}

fn key_file(seed: u8) -> KeyFile {
    let bytes: Vec<u8> = (0..32).map(|i| i ^ seed).collect();
    KeyFile::new(&bytes).unwrap()
}

fn account(n: u16) -> AccountId {
    let mut bytes = [0xac; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    AccountId::from_bytes(bytes)
}

/// `len` bytes that depend on `seed` and on their place.
fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 131 % 251) as u8 ^ seed).collect()
}

fn facemap(bytes: &[u8]) -> Facemap {
    Facemap::new(Zeroizing::new(bytes.to_vec())).unwrap()
}

fn draft(generation: u64) -> Draft {
    Draft {
        legal_hold: false,
        generation,
        sequence: 41,
        created: NOW,
        completed: Some(Timestamp::from_millis(1_772_442_000_000)),
        due: None,
    }
}
