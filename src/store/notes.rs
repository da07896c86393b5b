//! Notes: small named rows beside the identity, in the default column family.

use rocksdb::WriteBatch;

use super::engine::Engine;
use super::settings;
use super::{Note, NoteName, StoreError};

impl NoteName {
    fn key(self) -> &'static [u8] {
        match self {
            Self::Rotation => b"note/rotation",
            Self::Wraps => b"note/wraps",
        }
    }
}

impl Note {
    /// Adds what is to be remembered, or forgotten, to `batch`.
    pub(super) fn stage(&self, batch: &mut WriteBatch) {
        match &self.content {
            Some(content) => batch.put(self.name.key(), content),
            None => batch.delete(self.name.key()),
        }
    }
}

impl Engine {
    pub(super) fn note(&self, name: NoteName) -> Result<Option<Vec<u8>>, StoreError> {
        self.db
            .get_opt(name.key(), &settings::read())
            .map_err(|error| StoreError::Unavailable(error.into_string()))
    }
}
