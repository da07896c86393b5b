//! Key slots: each opens with its own and with nothing else, and all of them open the same keyring.

use facemap_vault::crypto::{
    Bytes32, KdfCost, KeySlots, KeyringError, RecoveryKey, RootKey, SlotError, SlotKind,
    SlotsChange,
};
use facemap_vault::model::Passphrase;

use super::keyring::{SLOT_LEN, SLOTS_AT, checksums_made_right};
use super::*;

const PASSPHRASE: &str = "five words open this one";
const SALT: [u8; 32] = [0x5a; 32];

fn bytes32(seed: u8) -> Bytes32 {
    let bytes: Vec<u8> = (0..32).map(|i| i ^ seed).collect();
    Bytes32::brought(&bytes).unwrap()
}

/// What opens slots 1 to 5 of [`with_all_kinds`].
fn secrets(recovery: RecoveryKey) -> [SlotSecret; 5] {
    [
        SlotSecret::Passphrase(Passphrase::new(PASSPHRASE.to_owned())),
        SlotSecret::KeyFile(key_file(2)),
        SlotSecret::Recovery(recovery),
        SlotSecret::Program(bytes32(4)),
        SlotSecret::Token(vec![(5, bytes32(5))]),
    ]
}

/// A keyring with a slot of each kind, in the order of [`SlotKind::ALL`].
fn with_all_kinds(ring: &Keyring, recovery: &RecoveryKey) -> (RootKey, KeySlots) {
    let passphrase = Passphrase::new(PASSPHRASE.to_owned());
    let first = NewSlot::passphrase(&passphrase, KdfCost::FLOOR).unwrap();
    let (root, slots) = ring.first_slot(&first, "primary", NOW).unwrap();
    let mut change = SlotsChange::new(ring, &root, slots);
    let others = [
        NewSlot::key_file(&key_file(2)),
        NewSlot::recovery(recovery),
        NewSlot::program(&bytes32(4)),
        NewSlot::token(SALT, &bytes32(5)),
    ];
    for (n, new) in others.iter().enumerate() {
        assert_eq!(change.add(new, &format!("way {n}"), NOW), Ok(n as u16 + 2));
    }
    let slots = change.done();
    (root, slots)
}

#[test]
fn every_kind_of_slot_opens_the_keyring_with_its_own_secret_only() {
    let ring = ring();
    let recovery = RecoveryKey::fresh().unwrap();
    let (root, slots) = with_all_kinds(&ring, &recovery);
    let locked = ring.lock(&root, &slots).unwrap();
    let locked = LockedKeyring::parse(locked.as_bytes()).unwrap();
    let kinds: Vec<_> = locked.slots().iter().map(|slot| slot.lock().kind()).collect();
    assert_eq!(kinds, SlotKind::ALL);

    for provider in Provider::ALL {
        let again = RecoveryKey::parse(&recovery.text()).unwrap();
        for (secret, id) in secrets(again).iter().zip(1..) {
            let opened = locked.open_slot(secret, provider).unwrap();
            assert_eq!(opened.slot, id);
            let unlocked = locked.unlock(&opened.root, provider).unwrap();
            assert!(unlocked.holds_the_same(&ring));
        }
    }
    let wrong = [
        SlotSecret::KeyFile(key_file(3)),
        SlotSecret::Recovery(RecoveryKey::fresh().unwrap()),
        SlotSecret::Program(bytes32(2)),
        SlotSecret::Token(vec![(5, bytes32(4))]),
        // The right bytes, brought for another slot.
        SlotSecret::Token(vec![(4, bytes32(5))]),
    ];
    for secret in wrong {
        let kind = secret.kind();
        let error = locked.open_slot(&secret, Provider::AwsLc).unwrap_err();
        assert!(matches!(error, SlotError::WrongKey { kind: k, .. } if k == kind), "{error}");
    }
    // The bytes of one kind open no slot of another kind.
    let secret =
        SlotSecret::KeyFile(KeyFile::new(&(0..32).map(|i| i ^ 4).collect::<Vec<u8>>()).unwrap());
    assert!(locked.open_slot(&secret, Provider::AwsLc).is_err());
}

#[test]
fn slots_are_removed_but_never_the_last_and_numbers_go_up() {
    let ring = ring();
    let recovery = RecoveryKey::fresh().unwrap();
    let (root, slots) = with_all_kinds(&ring, &recovery);
    let mut change = SlotsChange::new(&ring, &root, slots);
    assert_eq!(change.remove(9), Err(SlotError::NoSuchSlot(9)));
    for id in [1, 3, 4] {
        change.remove(id).unwrap();
    }
    assert_eq!(change.add(&NewSlot::key_file(&key_file(7)), "", NOW), Ok(6));
    for id in [2, 5] {
        change.remove(id).unwrap();
    }
    assert_eq!(change.remove(6), Err(SlotError::LastSlot(6)));
    let locked = ring.lock(&root, &change.done()).unwrap();
    assert!(locked.open_slot(&SlotSecret::KeyFile(key_file(7)), Provider::AwsLc).is_ok());
    let [gone, ..] = secrets(recovery);
    let error = locked.open_slot(&gone, Provider::AwsLc).unwrap_err();
    assert!(matches!(error, SlotError::NoneOfKind { .. }), "{error}");
}

#[test]
fn a_passphrase_is_changed_in_its_slot_alone() {
    let ring = ring();
    let recovery = RecoveryKey::fresh().unwrap();
    let (root, slots) = with_all_kinds(&ring, &recovery);
    let new = Passphrase::new("another five words open it".to_owned());
    let new = NewSlot::passphrase(&new, KdfCost::FLOOR).unwrap();
    let mut change = SlotsChange::new(&ring, &root, slots.clone());
    let kind = SlotKind::KeyFile;
    let refused = SlotError::NotAPassphraseSlot { slot: 2, kind };
    assert_eq!(change.replace_passphrase(2, &new, NOW), Err(refused));
    assert_eq!(change.replace_passphrase(9, &new, NOW), Err(SlotError::NoSuchSlot(9)));
    change.replace_passphrase(1, &new, NOW).unwrap();
    let changed = change.done();
    for (old, new) in slots.iter().zip(changed.iter()) {
        assert_eq!(old == new, old.id() != 1, "slot {}", old.id());
        assert_eq!((old.id(), old.label()), (new.id(), new.label()));
    }
    let locked = ring.lock(&root, &changed).unwrap();
    let [old, ..] = secrets(recovery);
    let error = locked.open_slot(&old, Provider::AwsLc).unwrap_err();
    assert_eq!(error, SlotError::WrongPassphrase { slots: 1 });
}

#[test]
fn there_are_sixteen_slots_at_most_and_labels_play_no_tricks() {
    let ring = ring();
    let (root, slots) = ring.first_slot(&NewSlot::key_file(&key_file(1)), "", NOW).unwrap();
    let mut change = SlotsChange::new(&ring, &root, slots);
    let new = NewSlot::key_file(&key_file(2));
    for label in ["\u{1b}[31m", "two\nlines", &"x".repeat(65)] {
        assert_eq!(change.add(&new, label, NOW), Err(SlotError::Label), "{label:?}");
    }
    for id in 2..=16 {
        assert_eq!(change.add(&new, &"x".repeat(64), NOW), Ok(id));
    }
    assert_eq!(change.add(&new, "", NOW), Err(SlotError::TooManySlots));
    assert!(ring.lock(&root, &change.done()).is_ok());
}

/// A slot of one keyring, put into another one of the same vault or of another vault.
#[test]
fn a_slot_opens_only_the_keyring_it_was_made_for() {
    let (mine, other) = (ring(), ring());
    let bytes_of = |ring: &Keyring| locked(ring).as_bytes().to_vec();
    let same_vault = bytes_of(&mine);
    for (donor, opens) in [(bytes_of(&other), false), (same_vault.clone(), true)] {
        let mut mixed = bytes_of(&mine);
        let slots = SLOTS_AT..SLOTS_AT + SLOT_LEN + 8;
        let digest_at = slots.end + 4;
        mixed[slots.clone()].copy_from_slice(&donor[slots]);
        let mixed = LockedKeyring::parse(&checksums_made_right(mixed, digest_at)).unwrap();
        let opened = mixed.open_slot(&SlotSecret::KeyFile(key_file(1)), Provider::AwsLc);
        assert_eq!(opened.is_ok(), opens);
        if let Ok(opened) = opened {
            // The slot opens, and holds the root key of the keyring it came from.
            let unlocked = mixed.unlock(&opened.root, Provider::AwsLc).map(|_| ());
            assert_eq!(unlocked, Err(KeyringError::Altered));
        }
    }
}
