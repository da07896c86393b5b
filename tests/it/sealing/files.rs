//! The keyring's two files on a real file system.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use facemap_vault::model::KeyringSlot::{One, Zero};
use facemap_vault::store::keyring_file::{KeyringFileError, KeyringFiles};
use tempfile::TempDir;

fn directory() -> (TempDir, KeyringFiles) {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o700);
    let files = KeyringFiles::open(dir.path()).unwrap();
    (dir, files)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_files_hold_what_was_written_and_nothing_else_stays() {
    let (dir, files) = directory();
    assert_eq!(files.read().unwrap(), [None, None]);
    files.create_new(b"first").unwrap();
    assert_eq!(files.read().unwrap(), [Some(b"first".to_vec()), None]);
    files.replace(One, b"second").unwrap();
    files.replace(Zero, b"third").unwrap();
    assert_eq!(files.read().unwrap(), [Some(b"third".to_vec()), Some(b"second".to_vec())]);

    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["keyring.0", "keyring.1"]);
    for slot in [Zero, One] {
        let mode = fs::metadata(files.path(slot)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
}

#[test]
fn a_new_keyring_overwrites_no_other() {
    for slot in [Zero, One] {
        let (_dir, files) = directory();
        files.replace(slot, b"precious").unwrap();
        let error = files.create_new(b"new").unwrap_err();
        assert!(matches!(error, KeyringFileError::Exists { path } if path == files.path(slot)));
        assert!(files.read().unwrap().contains(&Some(b"precious".to_vec())));
    }
}

/// Whoever still has the old file open, or reads its blocks from the disk, finds zeros.
#[test]
fn the_old_content_is_overwritten() {
    let (_dir, files) = directory();
    files.create_new(b"old keys").unwrap();
    let mut old = File::open(files.path(Zero)).unwrap();
    files.replace(Zero, b"new").unwrap();
    let mut content = Vec::new();
    old.read_to_end(&mut content).unwrap();
    assert_eq!(content, [0; 8]);
    assert_eq!(files.read().unwrap()[0].as_deref(), Some(&b"new"[..]));
}

#[test]
fn what_others_may_use_is_refused_with_the_remedy() {
    let (dir, files) = directory();
    files.create_new(b"keys").unwrap();
    let path = files.path(Zero);
    for mode in [0o640, 0o604, 0o610, 0o666, 0o602] {
        set_mode(&path, mode);
        let error = files.read().unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        assert!(error.contains(&format!("{mode:04o}")), "{error}");
    }
    for mode in [0o600, 0o400] {
        set_mode(&path, mode);
        assert!(files.read().is_ok(), "{mode:o}");
    }
    for mode in [0o750, 0o701, 0o777] {
        set_mode(dir.path(), mode);
        let error = KeyringFiles::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 700 {}", dir.path().display())), "{error}");
    }
}

/// Only root can give a file away, so this shows something only where tests run as root.
#[test]
fn a_file_of_another_user_is_refused() {
    let (dir, files) = directory();
    files.create_new(b"keys").unwrap();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    std::os::unix::fs::chown(files.path(Zero), Some(1), None).unwrap();
    assert!(matches!(files.read(), Err(KeyringFileError::Foreign { owner: 1, .. })));
    std::os::unix::fs::chown(dir.path(), Some(1), None).unwrap();
    let opened = KeyringFiles::open(dir.path());
    assert!(matches!(opened, Err(KeyringFileError::Foreign { owner: 1, .. })));
}

#[test]
fn only_plain_files_of_a_keyrings_length_are_read() {
    let (dir, files) = directory();
    let path = files.path(Zero);

    fs::write(dir.path().join("elsewhere"), b"keys").unwrap();
    symlink(dir.path().join("elsewhere"), &path).unwrap();
    let io = |error: &KeyringFileError| matches!(error, KeyringFileError::Io { .. });
    assert!(io(&files.read().unwrap_err()), "a symbolic link");
    assert!(io(&files.replace(Zero, b"new").unwrap_err()), "replacing a symbolic link");
    assert!(matches!(files.create_new(b"new"), Err(KeyringFileError::Exists { .. })));
    fs::remove_file(&path).unwrap();

    let pipe = rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR);
    pipe.unwrap();
    assert!(matches!(files.read(), Err(KeyringFileError::NotAFile { .. })), "a pipe");
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    set_mode(&path, 0o700);
    assert!(files.read().is_err(), "a directory");
    fs::remove_dir(&path).unwrap();

    for (len, good) in [(1024 * 1024, true), (1024 * 1024 + 1, false)] {
        fs::write(&path, vec![1; len]).unwrap();
        set_mode(&path, 0o600);
        match files.read() {
            Ok(_) => assert!(good, "{len} bytes"),
            Err(error) => assert!(!good && matches!(error, KeyringFileError::TooLong { .. })),
        }
    }
}

#[test]
fn a_missing_directory_and_a_file_in_its_place_are_refused() {
    let (dir, files) = directory();
    files.create_new(b"keys").unwrap();
    for path in [dir.path().join("nowhere"), files.path(Zero)] {
        let error = KeyringFiles::open(&path).unwrap_err();
        assert!(matches!(error, KeyringFileError::Io { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
}
