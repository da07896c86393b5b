//! The keyring: changes, its bytes, and which of its two files is the one.

use std::collections::BTreeSet;

use facemap_vault::crypto::{
    KekInfo, KekState, KeyringChangeError, KeyringError, Tombstone, select,
};
use facemap_vault::model::{KekRef, KeyringSlot};
use proptest::prelude::*;

use super::*;

/// One change of a keyring.
#[derive(Debug, Clone)]
enum Act {
    Rotate(Vec<u16>),
    Prepare(u16),
    Promote,
    DestroyOldest,
    CountWraps(u64),
    Fence(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        prop::sample::subsequence(vec![0, 1, 2, 3], 0..=4).prop_map(Act::Rotate),
        (0..4u16).prop_map(Act::Prepare),
        Just(Act::Promote),
        Just(Act::DestroyOldest),
        any::<u64>().prop_map(Act::CountWraps),
        any::<u64>().prop_map(Act::Fence),
    ]
}

fn apply(ring: &Keyring, act: &Act) -> Result<Keyring, KeyringChangeError> {
    match act {
        Act::Rotate(buckets) => ring.rotated(buckets, NOW),
        Act::Prepare(bucket) => ring.prepared(&[*bucket], NOW),
        Act::Promote => ring.promoted(),
        Act::DestroyOldest => ring.without(&ring.keks().next().unwrap().kek, NOW, 7, 8),
        Act::CountWraps(wraps) => ring.with_wraps(|_| *wraps),
        Act::Fence(sequence) => ring.with_min_store_sequence(*sequence),
    }
}

type Seen = (u64, u16, u64, Vec<KekInfo>, Vec<Tombstone>);

fn seen(ring: &Keyring) -> Seen {
    let keks = ring.keks().copied().collect();
    let tombstones = ring.tombstones().to_vec();
    (ring.sequence(), ring.bucket_count(), ring.min_store_sequence(), keks, tombstones)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever was done to a ring, it comes back from its bytes as it was; each change counts one;
    /// each bucket keeps exactly one primary; and what any of its KEKs sealed goes on opening.
    #[test]
    fn a_locked_ring_unlocks_to_itself(acts in prop::collection::vec(act(), 0..12)) {
        let mut ring = ring();
        let row = ring.row_key(account(1));
        let (record, body) = ring.seal_facemap(row, &draft(1), &facemap(b"face"), b"").unwrap();
        for act in acts {
            let before = ring.sequence();
            match apply(&ring, &act) {
                Ok(changed) => ring = changed,
                Err(error) => {
                    let refused = matches!(
                        error,
                        KeyringChangeError::AlreadyPending(_) | KeyringChangeError::StillPrimary(_)
                    );
                    prop_assert!(refused, "{error}");
                    continue;
                }
            }
            prop_assert_eq!(ring.sequence(), before + 1);
            for provider in Provider::ALL {
                let unlocked = computed_by(provider, &ring);
                prop_assert_eq!(seen(&unlocked), seen(&ring));
                prop_assert_eq!(unlocked.vault(), ring.vault());
                prop_assert_eq!(unlocked.row_key(account(1)), row);
                prop_assert_eq!(unlocked.audit_mac(&[b"a", b"b"]), ring.audit_mac(&[b"ab"]));
                prop_assert_eq!(unlocked.backup_mac(&[b"a"]), ring.backup_mac(&[b"a"]));
                if ring.kek(&record.header.kek).is_some() {
                    prop_assert!(unlocked.open_facemap(row, &record, body.clone()).is_ok());
                }
            }
            for bucket in 0..4 {
                let of_bucket = ring.keks().filter(|info| info.kek.bucket == bucket);
                let primary = of_bucket.filter(|info| info.state == KekState::Primary);
                prop_assert_eq!(primary.count(), 1);
            }
        }
    }
}

#[test]
fn a_rotation_in_steps_never_wraps_under_a_pending_kek() {
    let ring = ring();
    let row = ring.row_key(account(1));
    let bucket = ring.bucket_of(row);
    let old = ring.primary(bucket).unwrap().kek;

    let prepared = ring.prepared(&[bucket], NOW).unwrap();
    let new = *prepared.keks().find(|info| info.state == KekState::Pending).unwrap();
    assert_eq!((new.kek.bucket, new.kek.epoch), (bucket, 2));
    assert_eq!(prepared.seal_empty(row, &draft(0), b"").unwrap().header.kek, old);
    assert_eq!(
        prepared.prepared(&[bucket], NOW).unwrap_err(),
        KeyringChangeError::AlreadyPending(bucket)
    );

    let promoted = prepared.promoted().unwrap();
    assert_eq!(promoted.primary(bucket).unwrap().kek, new.kek);
    assert_eq!(promoted.kek(&old).unwrap().state, KekState::Retiring);
    assert_eq!(promoted.seal_empty(row, &draft(0), b"").unwrap().header.kek, new.kek);
    let still = KeyringChangeError::StillPrimary(new.kek);
    assert_eq!(promoted.without(&new.kek, NOW, 1, 0).unwrap_err(), still);

    let without = promoted.without(&old, NOW, 90, 12).unwrap();
    assert_eq!(without.kek(&old), None);
    let tombstone = Tombstone { kek: old, destroyed: NOW, sequence: 90, records: 12 };
    assert_eq!(without.tombstones(), [tombstone]);
    assert_eq!(without.rotated(&[bucket], NOW).unwrap().primary(bucket).unwrap().kek.epoch, 3);

    let unknown = KekRef { id: [0; 16], ..old };
    let error = without.without(&unknown, NOW, 1, 0).unwrap_err();
    assert_eq!(error, KeyringChangeError::UnknownKek(unknown));
    assert_eq!(ring.rotated(&[4], NOW).unwrap_err(), KeyringChangeError::NoSuchBucket(4));
    for count in [0, 257] {
        let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, count, NOW);
        assert_eq!(ring.unwrap_err(), KeyringChangeError::BucketCount(count));
    }
}

/// Length of a slot named "primary" but for its parameters, and where the slots begin.
pub(super) const SLOT_LEN: usize = 2 + 1 + 8 + 1 + 7 + 2 + 104;
pub(super) const SLOTS_AT: usize = 5 + 1 + 16 + 8 + 1;
/// Length of the header of a keyring that a key file opens, and where its own digest starts.
const HEADER_LEN: usize = SLOTS_AT + SLOT_LEN + 8 + 4 + 32;
const HEADER_DIGEST_AT: usize = HEADER_LEN - 32;

/// What an attacker would do after altering a file: make its checksums right again.
pub(super) fn checksums_made_right(mut bytes: Vec<u8>, header_digest_at: usize) -> Vec<u8> {
    let digest = Provider::RustCrypto.sha256(&bytes[..header_digest_at]);
    bytes[header_digest_at..][..32].copy_from_slice(&digest);
    let end = bytes.len() - 32;
    let digest = Provider::RustCrypto.sha256(&bytes[..end]);
    bytes[end..].copy_from_slice(&digest);
    bytes
}

/// Reads, makes the root key and unlocks, as a start does.
fn start(bytes: &[u8]) -> Result<Keyring, String> {
    let locked = LockedKeyring::parse(bytes).map_err(|error| error.to_string())?;
    let opened = locked.open_slot(&SlotSecret::KeyFile(key_file(1)), Provider::AwsLc);
    let root = opened.map_err(|error| error.to_string())?.root;
    locked.unlock(&root, Provider::AwsLc).map_err(|error| error.to_string())
}

#[test]
fn every_flipped_bit_of_a_keyring_is_refused() {
    let bytes = locked(&ring_of(Provider::AwsLc, 1)).as_bytes().to_vec();
    assert!(start(&bytes).is_ok());
    let flipped = |bit: usize| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    for bit in 0..bytes.len() * 8 {
        assert!(LockedKeyring::parse(&flipped(bit)) == Err(KeyringError::Damaged), "bit {bit}");
    }
    // The same with right checksums: the reason is now what the bit meant.
    let mut reasons = BTreeSet::new();
    for bit in 0..HEADER_DIGEST_AT * 8 {
        let error = start(&checksums_made_right(flipped(bit), HEADER_DIGEST_AT)).unwrap_err();
        let reason = error.split(|c: char| c.is_ascii_digit()).next().unwrap().to_owned();
        reasons.insert((bit / 8, reason));
    }
    let said = |byte: usize| reasons.iter().find(|(at, _)| *at == byte).unwrap().1.as_str();
    assert_eq!(said(0), "the keyring is damaged");
    assert_eq!(said(4), "the keyring has format version ");
    assert_eq!(said(6), "slot ", "the vault's id is context of every slot");
    let altered = KeyringError::Altered.to_string();
    assert_eq!(said(22), altered, "a sequence number set back or forward");
    assert_eq!(said(30), "the keyring is damaged", "more or fewer slots");
    assert_eq!(said(SLOTS_AT), "slot ", "its number");
    assert_eq!(said(SLOTS_AT + 2), "the keyring has key slot kind ");
    assert_eq!(said(SLOTS_AT + 3), "slot ", "its time");
    assert_eq!(said(SLOTS_AT + 12), "slot ", "its label");
    assert_eq!(said(SLOTS_AT + 21), "the keyring is locked with a key file of fingerprint ");
    assert_eq!(said(SLOTS_AT + 29), "slot ", "the sealed root key");
    for bit in HEADER_LEN * 8..(bytes.len() - 32) * 8 {
        let error = start(&checksums_made_right(flipped(bit), HEADER_DIGEST_AT)).unwrap_err();
        assert_eq!(error, altered, "bit {bit}");
    }
}

#[test]
fn every_shorter_keyring_is_refused_and_so_is_a_longer_one() {
    let bytes = locked(&ring_of(Provider::AwsLc, 1)).as_bytes().to_vec();
    for len in 0..bytes.len() {
        let cut = &bytes[..len];
        assert!(LockedKeyring::parse(cut) == Err(KeyringError::Damaged), "{len} bytes");
    }
    let longer = [&bytes[..], &[0; 32]].concat();
    assert!(LockedKeyring::parse(&longer) == Err(KeyringError::Damaged));
    let longer = checksums_made_right(longer, HEADER_DIGEST_AT);
    assert!(LockedKeyring::parse(&longer) == Err(KeyringError::Damaged));
}

#[test]
fn the_world_and_the_vault_are_told_before_and_after_unlocking() {
    let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 1, NOW).unwrap();
    let locked = locked(&ring);
    assert_eq!((locked.mode(), locked.vault()), (Mode::Simulator, ring.vault()));
    assert_eq!(computed_by(Provider::AwsLc, &ring).mode(), Mode::Simulator);

    assert_eq!(locked.expect_vault(ring.vault()), Ok(()));
    let (found, want) = (ring.vault(), super::ring().vault());
    assert_eq!(locked.expect_vault(want), Err(KeyringError::OtherVault { want, found }));
}

#[test]
fn the_newer_whole_file_is_the_one() {
    let first = ring_of(Provider::AwsLc, 1);
    let second = first.resaved().unwrap();
    let third = second.resaved().unwrap();
    let twin = first.rotated(&[0], NOW).unwrap();
    let [one, two, three, twin] =
        [first, second, third, twin].map(|ring| locked(&ring).as_bytes().to_vec());
    let other = locked(&ring_of(Provider::AwsLc, 1)).as_bytes().to_vec();
    let torn = &two[..two.len() / 2];
    let mut newer = one.clone();
    newer[4] = 3;
    let newer = checksums_made_right(newer, HEADER_DIGEST_AT);

    use KeyringSlot::{One, Zero};
    let chosen = [
        (Some(&one[..]), None, (Zero, 1, false), "new, not changed yet"),
        (Some(&one[..]), Some(&two[..]), (One, 2, false), "the second is newer"),
        (Some(&three[..]), Some(&two[..]), (Zero, 3, false), "the first is newer"),
        (Some(&two[..]), Some(&two[..]), (Zero, 2, false), "the same twice"),
        (Some(&one[..]), Some(torn), (Zero, 1, true), "the second is torn"),
        (Some(torn), Some(&three[..]), (One, 3, true), "the first is torn"),
        (Some(&[][..]), Some(&one[..]), (One, 1, true), "the first is empty"),
        (None, Some(&two[..]), (One, 2, true), "the first is gone"),
    ];
    for (zero, one, want, what) in chosen {
        let selected = select(zero, one).map_err(|error| format!("{what}: {error}")).unwrap();
        let got = (selected.slot, selected.keyring.sequence(), selected.other_damaged);
        assert_eq!(got, want, "{what}");
    }

    let vault = |bytes: &[u8]| LockedKeyring::parse(bytes).unwrap().vault();
    let version_3 = KeyringError::Newer { what: "format version", number: 3 };
    let refused = [
        (None, None, KeyringError::Missing),
        (Some(torn), None, KeyringError::Damaged),
        (None, Some(torn), KeyringError::Damaged),
        (Some(torn), Some(torn), KeyringError::Damaged),
        (Some(&two[..]), Some(&twin[..]), KeyringError::Diverged { sequence: 2 }),
        (Some(&three[..]), Some(&one[..]), KeyringError::Gap { older: 1, newer: 3 }),
        (Some(&one[..]), Some(&newer[..]), version_3),
        (
            Some(&other[..]),
            Some(&two[..]),
            KeyringError::OtherVault { want: vault(&two), found: vault(&other) },
        ),
    ];
    for (zero, one, want) in refused {
        assert_eq!(select(zero, one).map(|selected| selected.slot).unwrap_err(), want);
    }
}
