//! Bodies in two pieces: the first bytes, which tell whether a data key is theirs, in a family that is
//! quick to walk; the rest in files of its own.

use bytes::Bytes;
use rocksdb::WriteBatch;

use crate::model::{BodyPrefix, Buffer, RowKey, SealedBody, SealedRecord};

use super::engine::{Engine, parse};
use super::settings::{self, BODY, META, PREFIX};
use super::{BodyChange, StoreError, fault};

impl Engine {
    /// Record and body of one moment. The body is copied once, out of the engine's cache or file.
    pub(super) fn record_with_body(
        &self,
        row: RowKey,
    ) -> Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError> {
        let moment = self.db.snapshot();
        let read = |name| {
            moment
                .get_pinned_cf_opt(self.family(name), row.0, settings::read())
                .map_err(|error| fault::of_read(row, error.as_ref()))
        };
        let Some(bytes) = read(META)? else { return Ok(None) };
        let record = parse(row, &bytes)?;
        if record.header.body_len == 0 {
            return Ok(Some((record, None)));
        }
        let (Some(prefix), Some(rest)) = (read(PREFIX)?, read(BODY)?) else {
            return Err(StoreError::Corrupt { row, what: "its body is missing" });
        };
        if u32::try_from(prefix.len() + rest.len()) != Ok(record.header.body_len) {
            return Err(StoreError::Corrupt { row, what: "its body has another length" });
        }
        // Into memory that was used before: finding new pages costs more than the copy.
        let mut body = Buffer::zeros(prefix.len() + rest.len());
        let (to_prefix, to_rest) = body.split_at_mut(prefix.len());
        to_prefix.copy_from_slice(&prefix);
        to_rest.copy_from_slice(&rest);
        Ok(Some((record, Some(SealedBody(Bytes::from_owner(body))))))
    }

    /// Reads along the family, since the rows of a page lie close together.
    pub(super) fn body_prefixes(
        &self,
        rows: &[RowKey],
    ) -> Result<Vec<Option<BodyPrefix>>, StoreError> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let mut read = settings::read();
        read.set_iterate_lower_bound(first.0);
        let mut entries = self.db.raw_iterator_cf_opt(self.family(PREFIX), read);
        entries.seek_to_first();
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            while entries.key().is_some_and(|key| key < row.0.as_slice()) {
                entries.next();
            }
            entries.status().map_err(|error| fault::of_read(*row, error.as_ref()))?;
            let prefix = entries.item().filter(|(key, _)| *key == row.0).map(|(_, value)| value);
            found.push(prefix.and_then(|prefix| BodyPrefix::try_from(prefix).ok()));
        }
        Ok(found)
    }

    /// Puts what becomes of the body of `row` into `batch`.
    pub(super) fn stage_body(&self, row: RowKey, change: &BodyChange, batch: &mut WriteBatch) {
        match change {
            BodyChange::Keep => {}
            BodyChange::Set(SealedBody(body)) => {
                let (prefix, rest) = body.split_at(body.len().min(SealedBody::PREFIX_LEN));
                batch.put_cf(self.family(PREFIX), row.0, prefix);
                batch.put_cf(self.family(BODY), row.0, rest);
            }
            BodyChange::Remove => {
                batch.delete_cf(self.family(PREFIX), row.0);
                batch.delete_cf(self.family(BODY), row.0);
            }
        }
    }
}
