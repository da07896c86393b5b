//! A keyring's home in a directory of its own, and what a rotation did to store and keyring.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use facemap_vault::crypto::{KekState, KeyFile, Keyring, NewSlot, Provider, SlotSecret, select};
use facemap_vault::model::Timestamp;
use facemap_vault::store::Store;
use facemap_vault::store::keyring_file::KeyringFiles;
use facemap_vault::vault::KeyringHome;
use tempfile::TempDir;

/// Both files of `ring` in a directory, and their home. The directory lives as long as the first.
pub(crate) fn home(ring: &Keyring) -> (TempDir, Arc<KeyringHome>) {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let files = KeyringFiles::open(dir.path()).unwrap();
    let bytes: Vec<u8> = (0..32).collect();
    let key_file = || KeyFile::new(&bytes).unwrap();
    let (root, slots) =
        ring.first_slot(&NewSlot::key_file(&key_file()), "primary", ring_made(ring)).unwrap();
    KeyringHome::create(&files, ring, &root, &slots).unwrap();
    let [zero, one] = files.read().unwrap();
    let keyring = select(zero.as_deref(), one.as_deref()).unwrap().keyring;
    let opened = keyring.open_slot(&SlotSecret::KeyFile(key_file()), Provider::AwsLc).unwrap();
    let home = Arc::new(KeyringHome::new(files, opened, Provider::AwsLc));
    (dir, home)
}

fn ring_made(ring: &Keyring) -> Timestamp {
    ring.keks().next().unwrap().created
}

/// Every record opens, names a primary KEK of `ring`, and its facemap is under its data key; and `ring` has
/// no other KEKs.
pub(crate) async fn assert_rotated(store: &impl Store, ring: &Keyring) {
    assert!(ring.keks().all(|info| info.state == KekState::Primary), "old keys are left");
    assert_opens(store, ring).await;
}

/// Every record opens, with its facemap.
pub(crate) async fn assert_opens(store: &impl Store, ring: &Keyring) {
    for scanned in store.records(None, usize::MAX).await.unwrap() {
        let row = scanned.row;
        let (record, body) = store.record_with_body(row).await.unwrap().unwrap();
        ring.open_attributes(row, &record).unwrap();
        if let Some(body) = body {
            ring.open_facemap(row, &record, body).unwrap();
        }
    }
}
