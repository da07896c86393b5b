//! Does a copy of store and keyring recover everything? Reads all of it and changes nothing.

use crate::crypto::{Keyring, OpenError};
use crate::model::{RowKey, SealedBody, SealedRecord};
use crate::store::Store;

use super::VaultError;
use super::missing::MissingKeks;

/// What a drill found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drilled {
    /// Records read.
    pub records: u64,
    /// Records that open.
    pub opened: u64,
    /// Records that are not readable or do not open, although their key is there.
    pub damaged: u64,
    /// Records that have a facemap.
    pub facemaps: u64,
    /// Facemaps whose bytes are those that were sealed and whose data key is theirs: they open.
    pub facemaps_whole: u64,
    /// Keys that records name and the keyring does not have, and how many records name each.
    pub missing: MissingKeks,
    /// The keyring knows of changes that this store does not have.
    pub sequence_behind: bool,
}

impl Drilled {
    /// Whether everything can be recovered.
    pub fn passed(&self) -> bool {
        self.opened == self.records && self.facemaps_whole == self.facemaps && !self.sequence_behind
    }
}

/// Opens every record of `store` and compares every facemap with what its record promises: the SHA-256
/// of its sealed bytes, and the commitment of its data key. Together they say that it opens, and no
/// facemap is ever in the clear. `progress` is told the number of records read, now and then.
///
/// # Errors
///
/// [`VaultError::Store`] if the store cannot be read. Damage is counted, not an error.
pub async fn drill<S: Store>(
    store: &S,
    keyring: &Keyring,
    progress: impl Fn(u64),
) -> Result<Drilled, VaultError> {
    const PAGE: usize = 1024;
    let mut drilled = Drilled::default();
    let (mut after, mut sequence) = (None, 0);
    loop {
        let page = store.records(after, PAGE).await.map_err(VaultError::Store)?;
        let Some(last) = page.last() else { break };
        after = Some(last.row);
        for scanned in &page {
            drilled.records += 1;
            let Ok(record) = &scanned.record else {
                drilled.damaged += 1;
                continue;
            };
            sequence = sequence.max(record.header.sequence);
            match keyring.open_attributes(scanned.row, record) {
                Ok(_) => drilled.opened += 1,
                Err(OpenError::UnknownKek(kek)) => *drilled.missing.0.entry(kek).or_default() += 1,
                Err(_) => drilled.damaged += 1,
            }
            if record.header.body_len == 0 {
                continue;
            }
            drilled.facemaps += 1;
            let read = store.record_with_body(scanned.row).await;
            if let Ok(Some((record, Some(body)))) = read
                && is_whole(keyring, scanned.row, &record, &body)
            {
                drilled.facemaps_whole += 1;
            }
        }
        progress(drilled.records);
    }
    drilled.sequence_behind = sequence < keyring.min_store_sequence();
    Ok(drilled)
}

fn is_whole(keyring: &Keyring, row: RowKey, record: &SealedRecord, body: &SealedBody) -> bool {
    let as_sealed = keyring.provider().sha256(&body.0) == record.header.body_sha256;
    let matches = |prefix| keyring.commitment_matches(row, record, prefix).unwrap_or(false);
    as_sealed && body.0.first_chunk().is_some_and(matches)
}
