//! A keyring's home in a directory of its own, and what a rotation did to store and keyring.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use facemap_vault::crypto::{KekState, KeyFile, Keyring, Provider, RootProvider};
use facemap_vault::model::KeyringSlot;
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
    let (provider, root) = RootProvider::new_key_file(&KeyFile::new(&bytes).unwrap());
    let locked = |ring: &Keyring| ring.lock(&root, &provider).unwrap().as_bytes().to_vec();
    files.create_new(&locked(ring)).unwrap();
    files.replace(KeyringSlot::One, &locked(&ring.resaved().unwrap())).unwrap();
    let home = Arc::new(KeyringHome::new(files, root, Provider::AwsLc));
    (dir, home)
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
