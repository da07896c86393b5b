//! The keyring's home: a change is in both files or comes to be there, and none is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use facemap_vault::crypto::{
    KeyFile, Keyring, KeyringChangeError, LockedKeyring, NewSlot, Provider, SlotError, SlotSecret,
    select,
};
use facemap_vault::model::{KeyringSlot, Mode, Timestamp};
use facemap_vault::store::keyring_file::KeyringFiles;
use facemap_vault::vault::{KeyringHome, KeyringHomeError};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn key_file(seed: u8) -> KeyFile {
    let bytes: Vec<u8> = (0..32).map(|i| i ^ seed).collect();
    KeyFile::new(&bytes).unwrap()
}

fn directory() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    dir
}

/// A directory with a keyring of sequence 2 in both files, as `fmvault keys init` makes it.
fn keyring() -> TempDir {
    let dir = directory();
    let files = KeyringFiles::open(dir.path()).unwrap();
    let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, NOW).unwrap();
    let new = NewSlot::key_file(&key_file(1));
    let (root, slots) = ring.first_slot(&new, "primary", NOW).unwrap();
    KeyringHome::create(&files, &ring, &root, &slots).unwrap();
    dir
}

fn home(dir: &Path) -> KeyringHome {
    home_by(dir, 1)
}

/// The home of the keyring in `dir`, opened by key file `seed`.
fn home_by(dir: &Path, seed: u8) -> KeyringHome {
    let files = KeyringFiles::open(dir).unwrap();
    let [zero, one] = files.read().unwrap();
    let keyring = select(zero.as_deref(), one.as_deref()).unwrap().keyring;
    let opened = keyring.open_slot(&SlotSecret::KeyFile(key_file(seed)), Provider::AwsLc).unwrap();
    KeyringHome::new(files, opened, Provider::AwsLc)
}

/// Both files, opened by key file `seed`.
fn both_by(dir: &Path, seed: u8) -> [Keyring; 2] {
    raw(dir).map(|bytes| {
        let locked = LockedKeyring::parse(&bytes.unwrap()).unwrap();
        let secret = SlotSecret::KeyFile(key_file(seed));
        let opened = locked.open_slot(&secret, Provider::AwsLc).unwrap();
        locked.unlock(&opened.root, Provider::AwsLc).unwrap()
    })
}

fn both(dir: &Path) -> [Keyring; 2] {
    both_by(dir, 1)
}

fn raw(dir: &Path) -> [Option<Vec<u8>>; 2] {
    KeyringFiles::open(dir).unwrap().read().unwrap()
}

#[test]
fn a_change_is_in_both_files_however_many_steps_it_has() {
    let dir = keyring();
    let changed = home(dir.path()).change(|ring| ring.prepared(&[1], NOW)?.promoted()).unwrap();
    assert_eq!(changed.sequence(), 4);
    assert_eq!(changed.primary(1).unwrap().kek.epoch, 2);
    let [zero, one] = both(dir.path());
    assert!(zero.holds_the_same(&changed) && one.holds_the_same(&changed));
    assert_eq!([zero.sequence(), one.sequence()], [3, 4], "the older file was written first");
}

#[test]
fn a_change_that_fails_writes_nothing() {
    let dir = keyring();
    let before = raw(dir.path());
    let error = home(dir.path()).change(|ring| ring.prepared(&[9], NOW)).unwrap_err();
    let no_bucket = KeyringChangeError::NoSuchBucket(9);
    assert!(matches!(error, KeyringHomeError::Change(cause) if cause == no_bucket));
    assert_eq!(raw(dir.path()), before);
}

/// Killed after the first of the two files: the change counts, and comes to be in both.
#[test]
fn a_change_that_was_cut_off_is_completed_at_the_start_or_at_the_next_change() {
    type Go = fn(&KeyringHome);
    let table: [(Go, [u64; 2]); 2] = [
        (|home| drop(home.complete().unwrap()), [3, 4]),
        (|home| drop(home.change(Keyring::resaved).unwrap()), [5, 4]),
    ];
    for (go, sequences) in table {
        let dir = keyring();
        // The change goes through, and the second file is put back as it was.
        let before = fs::read(dir.path().join("keyring.1")).unwrap();
        let rotated = home(dir.path()).change(|ring| ring.prepared(&[0], NOW)).unwrap();
        fs::write(dir.path().join("keyring.1"), before).unwrap();

        go(&home(dir.path()));
        let after = both(dir.path());
        assert_eq!(after.each_ref().map(Keyring::sequence), sequences);
        for ring in after {
            assert!(ring.holds_the_same(&rotated));
        }
    }
}

#[test]
fn completing_what_is_complete_writes_nothing() {
    let dir = keyring();
    let before = raw(dir.path());
    assert_eq!(home(dir.path()).complete().unwrap().sequence(), 2);
    assert_eq!(raw(dir.path()), before);
}

#[test]
fn a_damaged_or_lost_file_is_written_again() {
    for damage in [None, Some(b"torn".as_slice())] {
        let dir = keyring();
        let path = KeyringFiles::open(dir.path()).unwrap().path(KeyringSlot::Zero);
        match damage {
            None => fs::remove_file(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
        home(dir.path()).complete().unwrap();
        assert_eq!(both(dir.path()).map(|ring| ring.sequence()), [3, 2]);
    }
}

/// Two homes of one keyring, as a server and a command have them.
#[test]
fn changes_at_the_same_time_lose_nothing() {
    const EACH: u64 = 10;
    let dir = keyring();
    let once_more = |ring: &Keyring| {
        let wraps = ring.primary(0).unwrap().wraps + 1;
        ring.with_wraps(|_| wraps)
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let home = home(dir.path());
                for _ in 0..EACH {
                    home.change(once_more).unwrap();
                }
            });
        }
    });
    for ring in both(dir.path()) {
        assert_eq!(ring.primary(0).unwrap().wraps, 2 * EACH);
    }
}

/// A command adds a slot while a server runs and rotates: neither undoes what the other did.
#[test]
fn slots_and_keys_change_side_by_side() {
    let dir = keyring();
    let (server, command) = (home(dir.path()), home(dir.path()));
    server.change(|ring| ring.rotated(&[0], NOW)).unwrap();
    for seed in [2, 3] {
        let new = NewSlot::key_file(&key_file(seed));
        let added = command.change_slots(|slots| slots.add(&new, "another", NOW));
        assert_eq!(added.unwrap(), u16::from(seed));
    }
    // The slot that the server was started with goes; the server has the root key.
    let by_second = home_by(dir.path(), 2);
    by_second.change_slots(|slots| slots.remove(1)).unwrap();
    server.change(|ring| ring.rotated(&[1], NOW)).unwrap();
    for ring in both_by(dir.path(), 2) {
        let epochs = ring.keks().map(|info| info.kek.epoch);
        assert!(epochs.eq([1, 2, 1, 2]), "{ring:?}");
    }

    // With the last other slot the root key changes, and the server is out until it starts anew.
    by_second.change_slots(|slots| slots.remove(3)).unwrap();
    let before = raw(dir.path());
    let error = server.change(Keyring::resaved).unwrap_err();
    assert!(matches!(error, KeyringHomeError::Slot(SlotError::NoSuchSlot(1))), "{error}");
    let error = by_second.change_slots(|slots| slots.remove(2)).unwrap_err();
    assert!(matches!(error, KeyringHomeError::Slot(SlotError::LastSlot(2))), "{error}");
    assert_eq!(raw(dir.path()), before, "a change that fails writes nothing");
}

/// When only the slot is left that opened it, the root key is made anew: who knew the old one by a slot
/// that is gone opens no newer copy.
#[test]
fn the_root_key_changes_when_one_slot_is_left() {
    let dir = keyring();
    let add = |seed| {
        let new = NewSlot::key_file(&key_file(seed));
        home(dir.path()).change_slots(|slots| slots.add(&new, "", NOW)).unwrap()
    };
    assert_eq!((add(2), add(3)), (2, 3));
    let root_of = |seed| {
        let locked = LockedKeyring::parse(&raw(dir.path())[1].clone().unwrap()).unwrap();
        let secret = SlotSecret::KeyFile(key_file(seed));
        locked.open_slot(&secret, Provider::AwsLc).unwrap().root
    };
    let opens_now = |root| {
        let locked = LockedKeyring::parse(&raw(dir.path())[0].clone().unwrap()).unwrap();
        locked.unlock(&root, Provider::AwsLc).is_ok()
    };
    let [known, also_known] = [root_of(2), root_of(2)];
    home(dir.path()).change_slots(|slots| slots.remove(3)).unwrap();
    assert!(opens_now(known), "two are left");
    home(dir.path()).change_slots(|slots| slots.remove(2)).unwrap();
    assert!(!opens_now(also_known));
    assert!(opens_now(root_of(1)));
}

/// A keyring of format 1 opens, and its first change writes format 2, which the same secret opens.
#[test]
fn a_keyring_of_the_first_format_is_brought_up_to_date_at_its_first_change() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/vectors");
    let dir = directory();
    let files = KeyringFiles::open(dir.path()).unwrap();
    files.create_new(&fs::read(golden.join("keyring-1-key-file.bin")).unwrap()).unwrap();
    let versions = || raw(dir.path()).map(|bytes| bytes.map(|bytes| bytes[4]));
    let keys = home_by(dir.path(), 0x60);
    assert_eq!(versions(), [Some(1), None], "opening changes nothing");

    let changed = keys.change(|ring| ring.rotated(&[1], NOW)).unwrap();
    assert_eq!(versions(), [Some(2), Some(2)]);
    for ring in both_by(dir.path(), 0x60) {
        assert!(ring.holds_the_same(&changed));
        assert_eq!((ring.min_store_sequence(), ring.tombstones().len()), (77, 1));
    }
    // Killed between the two files: one is of the old format and says the same, one of the new.
    let dir = directory();
    let old = fs::read(golden.join("keyring-1-key-file.bin")).unwrap();
    KeyringFiles::open(dir.path()).unwrap().create_new(&old).unwrap();
    let keys = home_by(dir.path(), 0x60);
    keys.change(Keyring::resaved).unwrap();
    fs::write(dir.path().join("keyring.0"), &old).unwrap();
    home_by(dir.path(), 0x60).complete().unwrap();
    assert!(raw(dir.path()).iter().all(|bytes| bytes.as_ref().unwrap()[4] == 2));
    // A home from before the change finds the new root key by its slot.
    keys.change(Keyring::resaved).unwrap();
    let [one, two] = both_by(dir.path(), 0x60);
    assert!(one.holds_the_same(&two));
}
