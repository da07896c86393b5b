//! Records as bytes: exact in both directions. The drawing is in `sealed.rs`.

use super::sealed::{KekRef, RecordHeader, RecordId, RecordKind, Revision, SealedRecord};
use super::time::Timestamp;

const MAGIC: [u8; 4] = *b"FMR1";
const VERSION: u8 = 1;
const SUITE_COBBLESTONE_256: u8 = 1;
const KIND_FACEMAP: u8 = 1;
const FLAG_LEGAL_HOLD: u8 = 1;
/// Salt, commitment and the tag of an empty chunk: the shortest sealed message (C2SP
/// chunked-encryption).
const SEALED_LEN_MIN: usize = 24 + 32 + 16;

impl RecordHeader {
    /// Length of the clear part in bytes, with the two bytes that hold the sealed part's length.
    pub const LEN: usize = 128;

    /// The clear part as stored, for a sealed part of `sealed_len` bytes. These are also the bytes
    /// that the sealed part's context covers.
    pub fn to_bytes(&self, sealed_len: u16) -> [u8; Self::LEN] {
        let mut out = Vec::with_capacity(Self::LEN);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.push(SUITE_COBBLESTONE_256);
        out.push(match self.kind {
            RecordKind::Facemap => KIND_FACEMAP,
        });
        out.push(if self.legal_hold { FLAG_LEGAL_HOLD } else { 0 });
        out.extend_from_slice(&self.record_id.0);
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.kek.bucket.to_be_bytes());
        out.extend_from_slice(&self.kek.epoch.to_be_bytes());
        out.extend_from_slice(&self.kek.id);
        for time in [Some(self.created), self.completed, self.due] {
            out.extend_from_slice(&time.map_or(0, Timestamp::as_millis).to_be_bytes());
        }
        out.extend_from_slice(&self.padded_len.to_be_bytes());
        out.extend_from_slice(&self.body_len.to_be_bytes());
        out.extend_from_slice(&self.body_sha256);
        out.extend_from_slice(&sealed_len.to_be_bytes());
        out.try_into().expect("the fields above add up to 128 bytes")
    }
}

impl SealedRecord {
    /// The record as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let sealed_len = u16::try_from(self.sealed.len()).unwrap_or(u16::MAX);
        let mut out = self.header.to_bytes(sealed_len).to_vec();
        out.extend_from_slice(&self.sealed);
        out
    }

    /// Reads a stored record. Exact: no trailing bytes, no unknown version, suite, kind or flag.
    ///
    /// # Errors
    ///
    /// [`HeaderError`], by what was wrong first.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut rest = Reader(bytes);
        if rest.take::<4>()? != MAGIC {
            return Err(HeaderError::NotARecord);
        }
        let [version, suite, kind, flags] = rest.take::<4>()?;
        if version != VERSION || suite != SUITE_COBBLESTONE_256 {
            return Err(HeaderError::Newer { version, suite });
        }
        if kind != KIND_FACEMAP || flags & !FLAG_LEGAL_HOLD != 0 {
            return Err(HeaderError::OutOfRange);
        }
        let header = RecordHeader {
            kind: RecordKind::Facemap,
            legal_hold: flags & FLAG_LEGAL_HOLD != 0,
            record_id: RecordId(rest.take()?),
            generation: rest.u64()?,
            sequence: rest.u64()?,
            kek: KekRef { bucket: rest.u16()?, epoch: rest.u32()?, id: rest.take()? },
            created: Timestamp::from_millis(rest.u64()?),
            completed: rest.time()?,
            due: rest.time()?,
            padded_len: rest.u32()?,
            body_len: rest.u32()?,
            body_sha256: rest.take()?,
        };
        let sealed_len = usize::from(rest.u16()?);
        if sealed_len != rest.0.len() || sealed_len < SEALED_LEN_MIN {
            return Err(HeaderError::WrongLength);
        }
        if (header.body_len == 0) != (header.padded_len == 0) {
            return Err(HeaderError::OutOfRange);
        }
        Ok(Self { header, sealed: rest.0.to_vec() })
    }

    /// The record's revision.
    pub fn revision(&self) -> Revision {
        let mut salt = [0; 24];
        for (to, from) in salt.iter_mut().zip(&self.sealed) {
            *to = *from;
        }
        Revision(salt)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(HeaderError::WrongLength)?;
        self.0 = tail;
        Ok(*head)
    }
    fn u16(&mut self) -> Result<u16, HeaderError> {
        self.take().map(u16::from_be_bytes)
    }
    fn u32(&mut self) -> Result<u32, HeaderError> {
        self.take().map(u32::from_be_bytes)
    }
    fn u64(&mut self) -> Result<u64, HeaderError> {
        self.take().map(u64::from_be_bytes)
    }
    fn time(&mut self) -> Result<Option<Timestamp>, HeaderError> {
        Ok(Some(self.u64()?).filter(|&millis| millis != 0).map(Timestamp::from_millis))
    }
}

/// Why bytes are not a record this program can read. Says nothing about the sealed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The magic number is missing.
    #[error("not a facemap vault record")]
    NotARecord,
    /// Written by a later version. A newer program is needed.
    #[error("record has format version {version}, suite {suite}: a newer program is needed")]
    Newer {
        /// The format version it names.
        version: u8,
        /// The suite it names.
        suite: u8,
    },
    /// Too short, too long, or its lengths disagree.
    #[error("record has the wrong length")]
    WrongLength,
    /// A field has a value that no version 1 record has.
    #[error("record has a field out of range")]
    OutOfRange,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SealedRecord {
        SealedRecord {
            header: RecordHeader {
                kind: RecordKind::Facemap,
                legal_hold: true,
                record_id: RecordId([1; 16]),
                generation: 2,
                sequence: 3,
                kek: KekRef { bucket: 4, epoch: 5, id: [6; 16] },
                created: Timestamp::from_millis(7),
                completed: None,
                due: Some(Timestamp::from_millis(9)),
                padded_len: 16_383,
                body_len: 16_455,
                body_sha256: [10; 32],
            },
            sealed: (0..80).collect(),
        }
    }

    #[test]
    fn parsing_gives_back_what_was_written() {
        let bytes = record().to_bytes();
        assert_eq!(bytes.len(), 128 + 80);
        assert_eq!(SealedRecord::parse(&bytes).unwrap(), record());
    }

    #[test]
    fn only_exact_records_are_read() {
        type Damage = fn(&mut Vec<u8>);
        let table: [(&str, Damage, HeaderError); 8] = [
            ("empty", Vec::clear, HeaderError::WrongLength),
            ("other magic", |b| b[0] = b'X', HeaderError::NotARecord),
            ("version 2", |b| b[4] = 2, HeaderError::Newer { version: 2, suite: 1 }),
            ("suite 2", |b| b[5] = 2, HeaderError::Newer { version: 1, suite: 2 }),
            ("unknown kind", |b| b[6] = 9, HeaderError::OutOfRange),
            ("unknown flag", |b| b[7] = 0x80, HeaderError::OutOfRange),
            ("one byte short", |b| b.truncate(207), HeaderError::WrongLength),
            ("one byte long", |b| b.push(0), HeaderError::WrongLength),
        ];
        for (what, damage, want) in table {
            let mut bytes = record().to_bytes();
            damage(&mut bytes);
            assert_eq!(SealedRecord::parse(&bytes), Err(want), "{what}");
        }
    }

    #[test]
    fn every_shorter_prefix_is_refused() {
        let bytes = record().to_bytes();
        for len in 0..bytes.len() {
            assert!(SealedRecord::parse(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
