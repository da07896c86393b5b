//! Where the root key comes from, and what is refused on the way.

use std::time::{Duration, Instant};

use facemap_vault::crypto::{
    KdfCost, KdfError, KeyringError, RootKeyError, RootSecret, check_policy, select,
};
use facemap_vault::model::Passphrase;

use super::keyring::checksums_made_right;
use super::*;

const RIGHT: &str = "correct horse battery staple";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

/// Length of the header of a keyring locked with a passphrase, up to its own digest; and where the
/// costs of Argon2id are in it.
const HEADER_DIGEST_AT: usize = 5 + 1 + 16 + 8 + 3 + 28 + 4;
const COST_AT: usize = 5 + 1 + 16 + 8 + 3 + 16;

#[test]
fn only_the_right_passphrase_unlocks() {
    let (provider, root) =
        RootProvider::new_passphrase(&passphrase(RIGHT), KdfCost::FLOOR).unwrap();
    let locked = ring().lock(&root, &provider).unwrap();
    let unlock = |text: &str| {
        let passphrase = passphrase(text);
        let root = locked.root_provider().root_key(RootSecret::Passphrase(&passphrase)).unwrap();
        locked.unlock(&root, Provider::RustCrypto).map(|_| ())
    };
    assert_eq!(unlock(RIGHT), Ok(()));
    for wrong in ["", "correct horse battery stable", "correct horse battery staple "] {
        assert_eq!(unlock(wrong), Err(KeyringError::WrongSecretOrAltered), "{wrong:?}");
    }

    let file = key_file(1);
    let error = locked.root_provider().root_key(RootSecret::KeyFile(&file)).unwrap_err();
    assert_eq!(error, RootKeyError::WrongKind { want: "a passphrase" });
    let (again, _) = RootProvider::new_passphrase(&passphrase(RIGHT), KdfCost::FLOOR).unwrap();
    assert_ne!(again, provider, "every locking has its own salt");
}

#[test]
fn only_the_right_key_file_unlocks() {
    let locked = locked(&ring());
    let (right, wrong) = (key_file(1), key_file(2));
    let root = locked.root_provider().root_key(RootSecret::KeyFile(&right)).unwrap();
    assert!(locked.unlock(&root, Provider::AwsLc).is_ok());

    let error = locked.root_provider().root_key(RootSecret::KeyFile(&wrong)).unwrap_err();
    assert!(matches!(error, RootKeyError::WrongKeyFile { want, found } if want != found));
    let (_, root) = RootProvider::new_key_file(&wrong);
    let error = locked.unlock(&root, Provider::AwsLc).unwrap_err();
    assert_eq!(error, KeyringError::WrongSecretOrAltered);
    let secret = passphrase(RIGHT);
    let error = locked.root_provider().root_key(RootSecret::Passphrase(&secret)).unwrap_err();
    assert_eq!(error, RootKeyError::WrongKind { want: "a key file" });

    for (bytes, what) in [(vec![1; 31], "short"), (vec![1; 33], "long"), (vec![0; 32], "zeros")] {
        let error = KeyFile::new(&bytes).unwrap_err();
        assert_eq!(error, RootKeyError::NotAKeyFile { len: bytes.len() }, "{what}");
    }
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
    let (provider, root) =
        RootProvider::new_passphrase(&passphrase(RIGHT), KdfCost::FLOOR).unwrap();
    let bytes = ring().lock(&root, &provider).unwrap().as_bytes().to_vec();
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
                let made = RootProvider::new_passphrase(&passphrase(RIGHT), cost).map(|_| ());
                assert_eq!(made, Err(RootKeyError::Kdf(error)));
                let hostile = RootProvider::Passphrase { salt: [1; 16], cost };
                let secret = passphrase(RIGHT);
                let made = hostile.root_key(RootSecret::Passphrase(&secret)).map(|_| ());
                assert_eq!(made, Err(RootKeyError::Kdf(error)));
                let locked = ring().lock(&root, &hostile).map(|_| ());
                assert_eq!(locked, Err(KeyringError::Kdf(error)));
            }
            Ok(()) => assert!(!matches!(selected, Err(KeyringError::Kdf(_)))),
        }
    }
}

/// Costs lowered within what we accept, and another salt, give another root key.
#[test]
fn altered_costs_and_an_altered_salt_do_not_unlock() {
    let cost = KdfCost { passes: 3, ..KdfCost::FLOOR };
    let (provider, root) = RootProvider::new_passphrase(&passphrase(RIGHT), cost).unwrap();
    let bytes = ring().lock(&root, &provider).unwrap().as_bytes().to_vec();
    for byte in [COST_AT - 1, COST_AT + 3, COST_AT + 7, COST_AT + 11] {
        let mut altered = bytes.clone();
        altered[byte] ^= if byte == COST_AT + 11 { 3 } else { 1 };
        let altered = checksums_made_right(altered, HEADER_DIGEST_AT);
        let locked = LockedKeyring::parse(&altered).unwrap();
        let secret = passphrase(RIGHT);
        let root = locked.root_provider().root_key(RootSecret::Passphrase(&secret)).unwrap();
        let error = locked.unlock(&root, Provider::AwsLc).unwrap_err();
        assert_eq!(error, KeyringError::WrongSecretOrAltered, "byte {byte}");
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
        let want = if good { Ok(()) } else { Err(RootKeyError::PassphraseTooShort) };
        assert_eq!(checked, want, "{text:?}");
    }
    let made = RootProvider::new_passphrase(&passphrase("short"), KdfCost::FLOOR).map(|_| ());
    assert_eq!(made, Err(RootKeyError::PassphraseTooShort));
}

#[test]
fn new_keyrings_get_the_second_recommended_choice_of_rfc_9106() {
    let KdfCost { memory_kib, passes, lanes } = KdfCost::DEFAULT;
    assert_eq!((memory_kib, passes, lanes), (64 * 1024, 3, 4));
}
