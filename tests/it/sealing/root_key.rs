//! Passphrases and key files, and what is refused on the way to the root key.

use std::time::{Duration, Instant};

use facemap_vault::crypto::{
    KdfCost, KdfError, KeyringError, SlotError, SlotKind, SlotLock, check_policy, select,
};
use facemap_vault::model::Passphrase;

use super::keyring::{SLOT_LEN, SLOTS_AT, checksums_made_right};
use super::*;

const RIGHT: &str = "correct horse battery staple";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

fn new_passphrase(cost: KdfCost) -> NewSlot {
    NewSlot::passphrase(&passphrase(RIGHT), cost).unwrap()
}

/// Opens `locked` all the way with a passphrase.
fn open(locked: &LockedKeyring, text: &str) -> Result<(), SlotError> {
    let secret = SlotSecret::Passphrase(passphrase(text));
    let opened = locked.open_slot(&secret, Provider::RustCrypto)?;
    locked.unlock(&opened.root, Provider::RustCrypto).unwrap();
    Ok(())
}

/// Where the header's own digest is in a keyring that a passphrase opens; and the costs of Argon2id.
const HEADER_DIGEST_AT: usize = SLOTS_AT + SLOT_LEN + 28 + 4;
const COST_AT: usize = SLOTS_AT + SLOT_LEN - 104 + 16;

#[test]
fn only_the_right_passphrase_unlocks() {
    let locked = locked_with(&ring(), &new_passphrase(KdfCost::FLOOR));
    assert_eq!(open(&locked, RIGHT), Ok(()));
    for wrong in ["", "correct horse battery stable", "correct horse battery staple "] {
        assert_eq!(open(&locked, wrong), Err(SlotError::WrongPassphrase { slots: 1 }), "{wrong:?}");
    }
    let error = locked.open_slot(&SlotSecret::KeyFile(key_file(1)), Provider::AwsLc).unwrap_err();
    let have = vec![SlotKind::Passphrase];
    assert_eq!(error, SlotError::NoneOfKind { wanted: SlotKind::KeyFile, have });

    let again = locked_with(&ring(), &new_passphrase(KdfCost::FLOOR));
    let salt = |locked: &LockedKeyring| {
        let slot = locked.slots().get(1).unwrap().lock();
        let SlotLock::Passphrase { salt, .. } = *slot else { panic!("{slot:?}") };
        salt
    };
    assert_ne!(salt(&again), salt(&locked), "every slot has its own salt");
}

#[test]
fn only_the_right_key_file_unlocks() {
    let locked = locked(&ring());
    let open = |seed| locked.open_slot(&SlotSecret::KeyFile(key_file(seed)), Provider::AwsLc);
    assert!(locked.unlock(&open(1).unwrap().root, Provider::AwsLc).is_ok());
    let error = open(2).unwrap_err();
    assert!(
        matches!(&error, SlotError::WrongKey { kind: SlotKind::KeyFile, want, found }
            if want.len() == 1 && found.len() == 1 && want != found),
        "{error}"
    );
    let secret = SlotSecret::Passphrase(passphrase(RIGHT));
    let error = locked.open_slot(&secret, Provider::AwsLc).unwrap_err();
    let have = vec![SlotKind::KeyFile];
    assert_eq!(error, SlotError::NoneOfKind { wanted: SlotKind::Passphrase, have });
}

#[test]
fn costs_outside_floor_and_ceiling_are_refused_before_any_memory_is_asked_for() {
    let weak = |what, value, min| Err(KdfError::TooWeak { what, value, min });
    let costly = |what, value, max| Err(KdfError::TooCostly { what, value, max });
    const MEMORY: &str = "memory in KiB";
    let table = [
        (19_456, 2, 1, Ok(())),
        (65_536, 3, 4, Ok(())),
        (4_194_304, 16, 16, Ok(())),
        (19_455, 2, 1, weak(MEMORY, 19_455, 19_456)),
        (0, 2, 1, weak(MEMORY, 0, 19_456)),
        (19_456, 1, 1, weak("passes", 1, 2)),
        (19_456, 2, 0, weak("lanes", 0, 1)),
        (4_194_305, 2, 1, costly(MEMORY, 4_194_305, 4_194_304)),
        (u32::MAX, u32::MAX, u32::MAX, costly(MEMORY, u32::MAX, 4_194_304)),
        (65_536, 17, 4, costly("passes", 17, 16)),
        (65_536, 3, 17, costly("lanes", 17, 16)),
    ];
    let bytes = locked_with(&ring(), &new_passphrase(KdfCost::FLOOR)).as_bytes().to_vec();
    for (memory_kib, passes, lanes, want) in table {
        let cost = KdfCost { memory_kib, passes, lanes };
        assert_eq!(cost.check(), want, "{cost:?}");

        // The same in a hostile file, whose checksums are right.
        let mut hostile = bytes.clone();
        for (n, number) in [memory_kib, passes, lanes].iter().enumerate() {
            hostile[COST_AT + 4 * n..][..4].copy_from_slice(&number.to_be_bytes());
        }
        let hostile = checksums_made_right(hostile, HEADER_DIGEST_AT);
        let selected = select(Some(&hostile), Some(&bytes)).map(|_| ());
        let took = (0..5).map(|_| {
            let before = Instant::now();
            let _ = select(Some(&hostile), Some(&bytes));
            before.elapsed()
        });
        let took = took.min().unwrap();
        assert!(took < Duration::from_millis(10), "{cost:?} took {took:?}");
        match want {
            Err(error) => {
                assert_eq!(selected, Err(KeyringError::Kdf(error)));
                let made = NewSlot::passphrase(&passphrase(RIGHT), cost).map(|_| ());
                assert_eq!(made, Err(SlotError::Kdf(error)));
            }
            Ok(()) => assert!(!matches!(selected, Err(KeyringError::Kdf(_)))),
        }
    }
}

/// Costs lowered within what we accept, and another salt, give another key.
#[test]
fn altered_costs_and_an_altered_salt_do_not_unlock() {
    let cost = KdfCost { passes: 3, ..KdfCost::FLOOR };
    let bytes = locked_with(&ring(), &new_passphrase(cost)).as_bytes().to_vec();
    for byte in [COST_AT - 1, COST_AT + 3, COST_AT + 7, COST_AT + 11] {
        let mut altered = bytes.clone();
        altered[byte] ^= if byte == COST_AT + 11 { 3 } else { 1 };
        let altered = checksums_made_right(altered, HEADER_DIGEST_AT);
        let locked = LockedKeyring::parse(&altered).unwrap();
        let error = open(&locked, RIGHT).unwrap_err();
        assert_eq!(error, SlotError::WrongPassphrase { slots: 1 }, "byte {byte}");
    }
}

#[test]
fn a_new_passphrase_has_16_characters_or_5_words() {
    let table = [
        ("", false),
        ("fifteen chars..", false),
        ("sixteen chars...", true),
        ("four words no more"[..15].as_ref(), false),
        ("a b c d", false),
        ("a b c d e", true),
        ("  a  b  c  d  ", false),
        ("ääääääääääääääää", true),
        ("äääääääääääääää", false),
    ];
    for (text, good) in table {
        let checked = check_policy(&passphrase(text));
        let want = if good { Ok(()) } else { Err(SlotError::PassphraseTooShort) };
        assert_eq!(checked, want, "{text:?}");
    }
    let made = NewSlot::passphrase(&passphrase("short"), KdfCost::FLOOR).map(|_| ());
    assert_eq!(made, Err(SlotError::PassphraseTooShort));
}

#[test]
fn new_keyrings_get_the_second_recommended_choice_of_rfc_9106() {
    let KdfCost { memory_kib, passes, lanes } = KdfCost::DEFAULT;
    assert_eq!((memory_kib, passes, lanes), (64 * 1024, 3, 4));
}
