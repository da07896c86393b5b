//! A record's two layers: the facemap sealed under its own data key, and that key with the record's
//! attributes sealed under a KEK.
//!
//! The contexts tie each layer to its place, so that a body or a record moved to another account,
//! generation or vault does not open. The body's context has nothing that rotation changes.

use bytes::Bytes;
use zeroize::Zeroizing;

use super::chunked::{self, CHUNK_LEN, PREFIX_LEN};
use super::key::Dek;
use super::keyring::Keyring;
use super::random::{self, RandomError};
use super::wrap::Opened;
use crate::model::{
    AccountHash, AccountId, BodyPrefix, Facemap, KekRef, RecordHeader, RecordId, RecordKind,
    RowKey, SealedBody, SealedRecord, Timestamp,
};

/// What the vault decides about a record's header. The rest follows from sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draft {
    /// A named reason not to erase is set.
    pub legal_hold: bool,
    /// See [`RecordHeader::generation`].
    pub generation: u64,
    /// See [`RecordHeader::sequence`].
    pub sequence: u64,
    /// When the account was first enrolled.
    pub created: Timestamp,
    /// When the onboarding was completed at Jumio, if known.
    pub completed: Option<Timestamp>,
    /// See [`RecordHeader::due`].
    pub due: Option<Timestamp>,
}

/// Longest attributes of a record, in bytes: far above what an enrollment needs, and within the
/// 65,535 bytes of a sealed part.
pub const ATTRIBUTES_LEN_MAX: usize = 32 * 1024;

impl Keyring {
    /// Where the record of `account` lives.
    pub fn row_key(&self, account: AccountId) -> RowKey {
        self.row_key_of_tenant("", account)
    }

    /// What stands for `account` where its id must not be.
    pub fn account_hash(&self, account: AccountId) -> AccountHash {
        self.row_key(account).into()
    }

    /// A vault serves one tenant, whose name is empty. Rows of several would differ from the start.
    fn row_key_of_tenant(&self, tenant: &str, account: AccountId) -> RowKey {
        let parts = [b"fmv1/row\0", tenant.as_bytes(), b"\0", account.as_bytes()];
        RowKey(self.provider.hmac_sha256(self.fixed.index.expose(), &parts))
    }

    /// Seals a facemap under a fresh data key, and that key with `attributes` under the primary KEK
    /// of the row's bucket. The body is padded so that its length says little about the person.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn seal_facemap(
        &self,
        row: RowKey,
        draft: &Draft,
        facemap: &Facemap,
        attributes: &[u8],
    ) -> Result<(SealedRecord, SealedBody), SealError> {
        let facemap = facemap.expose();
        let padded_len = (facemap.len() / CHUNK_LEN + 1) * CHUNK_LEN - 1;
        let mut header = self.header(row, draft, RecordId(random::array()?));
        header.padded_len = body_u32(padded_len);
        header.body_len = body_u32(chunked::sealed_len(padded_len));

        let dek = Dek::random()?;
        let (salt, context) = (self.salts.fresh()?, self.body_context(row, &header));
        let (provider, key) = (self.provider, dek.expose());
        let body = chunked::seal_large(provider, key, &salt, &context, facemap, padded_len);
        header.body_sha256 = provider.sha256(&body);

        let record = self.wrap(row, header, &dek, body_u32(facemap.len()), attributes)?;
        Ok((record, SealedBody(Bytes::from_owner(body))))
    }

    /// Seals a record without a body: a capture still pending, or a tombstone.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn seal_empty(
        &self,
        row: RowKey,
        draft: &Draft,
        attributes: &[u8],
    ) -> Result<SealedRecord, SealError> {
        let header = self.header(row, draft, RecordId(random::array()?));
        self.wrap(row, header, &Dek::zeros(), 0, attributes)
    }

    /// Seals `old` anew with other attributes and another draft, under the primary KEK. The body
    /// stays as it is and goes on opening; so the generation stays too if there is one.
    ///
    /// # Errors
    ///
    /// [`SealError`]; [`SealError::Unreadable`] if `old` does not open.
    pub fn reseal(
        &self,
        row: RowKey,
        old: &SealedRecord,
        draft: &Draft,
        attributes: &[u8],
    ) -> Result<SealedRecord, SealError> {
        if old.header.body_len != 0 && draft.generation != old.header.generation {
            return Err(SealError::GenerationOfBody);
        }
        let Opened { dek, true_len, .. } = self.unwrap_record(row, old)?;
        let header = RecordHeader {
            padded_len: old.header.padded_len,
            body_len: old.header.body_len,
            body_sha256: old.header.body_sha256,
            ..self.header(row, draft, old.header.record_id)
        };
        self.wrap(row, header, &dek, true_len, attributes)
    }

    /// Seals `old`'s data key and attributes under the primary KEK. Nothing else changes, neither
    /// generation nor sequence: it stays the same version of the record.
    ///
    /// # Errors
    ///
    /// [`SealError`]; [`SealError::Unreadable`] if `old` does not open.
    pub fn rewrap(&self, row: RowKey, old: &SealedRecord) -> Result<SealedRecord, SealError> {
        let Opened { dek, true_len, attributes } = self.unwrap_record(row, old)?;
        self.wrap(row, old.header.clone(), &dek, true_len, &attributes)
    }

    /// Seals `old`'s facemap anew, under a new data key, with the next generation and the same
    /// sequence. The clear facemap does not leave this function.
    ///
    /// # Errors
    ///
    /// [`SealError`]; [`SealError::Unreadable`] if `old` does not open.
    pub fn seal_anew(
        &self,
        row: RowKey,
        old: &SealedRecord,
        body: SealedBody,
    ) -> Result<(SealedRecord, SealedBody), SealError> {
        let attributes = self.open_attributes(row, old)?;
        let facemap = self.open_facemap(row, old, body)?;
        let header = &old.header;
        let draft = Draft {
            legal_hold: header.legal_hold,
            generation: header.generation + 1,
            sequence: header.sequence,
            created: header.created,
            completed: header.completed,
            due: header.due,
        };
        self.seal_facemap(row, &draft, &facemap, &attributes)
    }

    /// The attributes of a record.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_attributes(
        &self,
        row: RowKey,
        record: &SealedRecord,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.unwrap_record(row, record).map(|opened| opened.attributes)
    }

    /// The facemap of a record. All of it is verified before any of it is given out.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_facemap(
        &self,
        row: RowKey,
        record: &SealedRecord,
        body: SealedBody,
    ) -> Result<Facemap, OpenError> {
        let header = &record.header;
        let Opened { dek, true_len, .. } = self.unwrap_record(row, record)?;
        if header.body_len == 0 || usize::try_from(header.body_len) != Ok(body.0.len()) {
            return Err(OpenError::Tampered);
        }
        let context = self.body_context(row, header);
        let mut opened = chunked::open_large(self.provider, dek.expose(), &context, &body.0)
            .map_err(|_| OpenError::Tampered)?;
        let true_len = usize::try_from(true_len).map_err(|_| OpenError::Tampered)?;
        let (_, padding) = opened.split_at_checked(true_len).ok_or(OpenError::Tampered)?;
        if usize::try_from(header.padded_len) != Ok(opened.len())
            || padding.iter().fold(0, |all, byte| all | byte) != 0
        {
            return Err(OpenError::Tampered);
        }
        opened.truncate(true_len);
        Facemap::new(opened).map_err(|_| OpenError::Tampered)
    }

    /// Whether a body that starts with `prefix` was sealed under this record's data key for its
    /// place. Cheap: nothing of the body is opened.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the record does not open.
    pub fn commitment_matches(
        &self,
        row: RowKey,
        record: &SealedRecord,
        prefix: &BodyPrefix,
    ) -> Result<bool, OpenError> {
        let Opened { dek, .. } = self.unwrap_record(row, record)?;
        let context = self.body_context(row, &record.header);
        Ok(record.header.body_len != 0
            && chunked::commits(self.provider, dek.expose(), &context, prefix))
    }

    fn header(&self, row: RowKey, draft: &Draft, record_id: RecordId) -> RecordHeader {
        RecordHeader {
            kind: RecordKind::Facemap,
            legal_hold: draft.legal_hold,
            record_id,
            generation: draft.generation,
            sequence: draft.sequence,
            kek: self.primary_slot(row).info.kek,
            created: draft.created,
            completed: draft.completed,
            due: draft.due,
            padded_len: 0,
            body_len: 0,
            body_sha256: [0; 32],
        }
    }
}

const _: () = assert!(SealedBody::PREFIX_LEN == PREFIX_LEN, "the store splits bodies there");

fn body_u32(len: usize) -> u32 {
    u32::try_from(len).expect("a facemap has at most 16 MiB")
}

/// Why something was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than may be sealed at once.
    #[error("{len} bytes are too long to seal here: the most is {len_max}")]
    TooLong {
        /// How many there are.
        len: usize,
        /// How many there may be.
        len_max: usize,
    },
    /// A record with a body was to get another generation, under which the body would not open.
    #[error("the generation of a stored body cannot change")]
    GenerationOfBody,
    /// The KEK has wrapped [`Keyring::WRAPS_MAX`] data keys: rotate.
    #[error("the KEK of bucket {}, epoch {} has wrapped as much as one may", .0.bucket, .0.epoch)]
    WornOut(KekRef),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// What was to be sealed anew does not open.
    #[error("what was to be sealed anew does not open")]
    Unreadable(#[from] OpenError),
}

/// Why something does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It names a KEK that this keyring does not have: another vault's, or a destroyed one.
    #[error("unknown KEK of bucket {}, epoch {}", .0.bucket, .0.epoch)]
    UnknownKek(KekRef),
    /// It is not what was sealed, or not where it was sealed. Says no more on purpose.
    #[error("sealed bytes were altered or moved")]
    Tampered,
}

#[cfg(test)]
mod tests;
