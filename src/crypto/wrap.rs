//! The inner layer of a record: its data key and attributes, sealed under a KEK; and the contexts that
//! tie both layers to their place.

use zeroize::Zeroizing;

use super::chunked;
use super::envelope::{ATTRIBUTES_LEN_MAX, OpenError, SealError};
use super::key::{Dek, KEY_LEN};
use super::keyring::{KekSlot, Keyring};
use crate::model::{RecordHeader, RecordKind, RowKey, SealedRecord};

impl Keyring {
    /// Seals data key, true length and attributes under the primary KEK of the row's bucket, which
    /// `header` then names.
    pub(super) fn wrap(
        &self,
        row: RowKey,
        mut header: RecordHeader,
        dek: &Dek,
        true_len: u32,
        attributes: &[u8],
    ) -> Result<SealedRecord, SealError> {
        if attributes.len() > ATTRIBUTES_LEN_MAX {
            let (len, len_max) = (attributes.len(), ATTRIBUTES_LEN_MAX);
            return Err(SealError::TooLong { len, len_max });
        }
        let KekSlot { info, key, used, .. } = self.primary_slot(row);
        if !used.wraps_once_more() {
            return Err(SealError::WornOut(info.kek));
        }
        header.kek = info.kek;
        let mut inside = Zeroizing::new(Vec::with_capacity(DEK_AND_LEN + attributes.len()));
        inside.extend_from_slice(dek.expose());
        inside.extend_from_slice(&true_len.to_be_bytes());
        inside.extend_from_slice(attributes);

        let sealed_len = u16::try_from(chunked::sealed_len(inside.len()))
            .expect("at most 32 KiB of attributes and a little more");
        let (salt, context) = (self.salts.fresh()?, self.wrap_context(row, &header, sealed_len));
        let sealed = chunked::seal(self.provider, key.expose(), &salt, &context, &inside, 0);
        Ok(SealedRecord { header, sealed })
    }

    pub(super) fn unwrap_record(
        &self,
        row: RowKey,
        record: &SealedRecord,
    ) -> Result<Opened, OpenError> {
        let SealedRecord { header, sealed } = record;
        let slot = self.slot(&header.kek).ok_or(OpenError::UnknownKek(header.kek))?;
        let sealed_len = u16::try_from(sealed.len()).map_err(|_| OpenError::Tampered)?;
        let context = self.wrap_context(row, header, sealed_len);
        let mut inside = chunked::open(self.provider, slot.key.expose(), &context, sealed)
            .map_err(|_| OpenError::Tampered)?;
        let (dek, rest) = inside.split_first_chunk::<KEY_LEN>().ok_or(OpenError::Tampered)?;
        let dek = Dek::copied(dek);
        let true_len = *rest.first_chunk().ok_or(OpenError::Tampered)?;
        // The rest moves to the front, over the data key.
        inside.drain(..DEK_AND_LEN);
        Ok(Opened { dek, true_len: u32::from_be_bytes(true_len), attributes: inside })
    }

    fn wrap_context(&self, row: RowKey, header: &RecordHeader, sealed_len: u16) -> Vec<u8> {
        [&b"fmv1/wrap\0"[..], &self.vault.0, &row.0, &header.to_bytes(sealed_len)].concat()
    }

    pub(super) fn body_context(&self, row: RowKey, header: &RecordHeader) -> Vec<u8> {
        let kind = match header.kind {
            RecordKind::Facemap => 1,
        };
        [
            &b"fmv1/body\0"[..],
            &self.vault.0,
            &row.0,
            &header.record_id.0,
            &header.generation.to_be_bytes(),
            &[kind],
            &header.padded_len.to_be_bytes(),
        ]
        .concat()
    }
}

/// What stands before the attributes inside the sealed part: data key and true length.
const DEK_AND_LEN: usize = KEY_LEN + 4;

/// An opened sealed part.
pub(super) struct Opened {
    pub(super) dek: Dek,
    /// Length of the facemap in bytes; 0 without a body.
    pub(super) true_len: u32,
    pub(super) attributes: Zeroizing<Vec<u8>>,
}
