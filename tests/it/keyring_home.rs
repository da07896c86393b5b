//! The keyring's home: a change is in both files or comes to be there, and none is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use facemap_vault::crypto::{
    KeyFile, Keyring, KeyringChangeError, LockedKeyring, Provider, RootKey, RootProvider,
    RootSecret,
};
use facemap_vault::model::{KeyringSlot, Mode, Timestamp};
use facemap_vault::store::keyring_file::KeyringFiles;
use facemap_vault::vault::{KeyringHome, KeyringHomeError};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn root() -> (RootProvider, RootKey) {
    RootProvider::new_key_file(&key_file())
}

fn key_file() -> KeyFile {
    let bytes: Vec<u8> = (0..32).collect();
    KeyFile::new(&bytes).unwrap()
}

/// A directory with a keyring of sequence 2 in both files, as `fmvault keys init` makes it.
fn keyring() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let files = KeyringFiles::open(dir.path()).unwrap();
    let ring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, NOW).unwrap();
    files.create_new(&locked(&ring)).unwrap();
    files.replace(KeyringSlot::One, &locked(&ring.resaved().unwrap())).unwrap();
    dir
}

fn locked(ring: &Keyring) -> Vec<u8> {
    let (provider, root) = root();
    ring.lock(&root, &provider).unwrap().as_bytes().to_vec()
}

fn home(dir: &Path) -> KeyringHome {
    KeyringHome::new(KeyringFiles::open(dir).unwrap(), root().1, Provider::AwsLc)
}

/// Both files, opened.
fn both(dir: &Path) -> [Keyring; 2] {
    let files = KeyringFiles::open(dir).unwrap().read().unwrap();
    files.map(|bytes| {
        let locked = LockedKeyring::parse(&bytes.unwrap()).unwrap();
        let root = locked.root_provider().root_key(RootSecret::KeyFile(&key_file())).unwrap();
        locked.unlock(&root, Provider::AwsLc).unwrap()
    })
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
        let [_, newer] = both(dir.path());
        let rotated = newer.prepared(&[0], NOW).unwrap();
        let files = KeyringFiles::open(dir.path()).unwrap();
        files.replace(KeyringSlot::Zero, &locked(&rotated)).unwrap();

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
