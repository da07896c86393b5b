//! Logs that RocksDB itself would never get past.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;

use facemap_vault::store::{OpenError, Store};

use crate::support::rocks::{listing, open, rocks_store};
use crate::support::sealed::{create_with_body, record};

/// With one flipped bit a record seems to be of a recycled log, which the engine would read for ever.
#[tokio::test]
async fn a_log_that_the_engine_would_never_get_past_is_refused() {
    for log in ["MANIFEST-", ".log"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let store = rocks_store(dir.path());
        for number in 1..=3 {
            store.commit(create_with_body(number, &record(None, 50_000))).await.unwrap();
        }
        let names = listing(&path).into_iter().filter(|name| name.contains(log));
        let image = tempfile::tempdir().unwrap();
        let copy = image.path().join("store");
        DirBuilder::new().mode(0o700).create(&copy).unwrap();
        for file in listing(&path) {
            fs::copy(path.join(&file), copy.join(&file)).unwrap();
        }
        let name = names.max_by_key(|name| fs::metadata(path.join(name)).unwrap().len()).unwrap();
        let mut bytes = fs::read(copy.join(&name)).unwrap();
        // The second record: its kind stands in the last of seven bytes.
        let second = 7 + usize::from(u16::from_le_bytes([bytes[4], bytes[5]]));
        assert!((1..=2).contains(&bytes[second + 6]), "{}", bytes[second + 6]);
        bytes[second + 6] ^= 4;
        fs::write(copy.join(&name), bytes).unwrap();
        match open(&copy) {
            Err(OpenError::Damaged { what, .. }) => {
                assert_eq!(
                    what,
                    format!("{name} has a record of an impossible kind at byte {second}")
                );
            }
            Err(other) => panic!("{name}: {other:?}"),
            Ok(_) => panic!("{name} opened"),
        }
    }
}
