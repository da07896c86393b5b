//! Does everything in the store fit together? Needs no key: lengths and cross-references only.

use rocksdb::{DB, IteratorMode, ReadOptions, SnapshotWithThreadMode};

use crate::model::{RowKey, SealedRecord};

use super::engine::{Engine, due_at, due_key, parse_due};
use super::settings::{self, BODY, DUE, META, PREFIX};
use super::{Due, StoreError, fault};

/// What a walk through the store found. Counts are of entries looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records, readable or not.
    pub records: u64,
    /// Bodies.
    pub bodies: u64,
    /// Entries of the due index.
    pub due: u64,
    /// How many things are wrong.
    pub wrong: u64,
    /// What is wrong, and where; at most [`Report::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Where; for [`Wrong::Unreadable`] the last row before it.
    pub row: RowKey,
    /// What.
    pub wrong: Wrong,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A record that does not parse.
    RecordDamaged,
    /// A record whose body is missing.
    BodyMissing,
    /// A record whose body has another length than it says.
    BodyLength,
    /// A record whose body fails its checksum.
    BodyDamaged,
    /// A body that no record promises.
    BodyOrphaned,
    /// A record that is due, but not in the index.
    DueMissing,
    /// An entry of the index whose record is not due then.
    DueOrphaned,
    /// A key that no version of this program writes.
    KeyUnknown,
    /// A stretch that fails its checksum; the walk through it ended there.
    Unreadable,
}

impl Report {
    /// Most findings kept, to bound memory: a thousand tell what there is to know.
    pub const FINDINGS_MAX: usize = 1000;

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.wrong == 0
    }

    fn add(&mut self, row: RowKey, wrong: Wrong) {
        self.wrong += 1;
        if self.findings.len() < Self::FINDINGS_MAX {
            self.findings.push(Finding { row, wrong });
        }
    }
}

impl Engine {
    /// Walks the three families as they are at one moment.
    pub(super) fn verify(&self) -> Result<Report, StoreError> {
        let walk = Walk { engine: self, moment: self.db.snapshot() };
        let mut report = Report::default();
        walk.records(&mut report)?;
        walk.due(&mut report)?;
        walk.bodies(&mut report)?;
        walk.prefixes(&mut report)?;
        Ok(report)
    }
}

const FIRST: RowKey = RowKey([0; 32]);

struct Walk<'a> {
    engine: &'a Engine,
    moment: SnapshotWithThreadMode<'a, DB>,
}

impl Walk<'_> {
    fn records(&self, report: &mut Report) -> Result<(), StoreError> {
        self.each(META, report, |report, key, value| {
            report.records += 1;
            let Ok(row) = key.try_into().map(RowKey) else {
                report.add(FIRST, Wrong::KeyUnknown);
                return Ok(FIRST);
            };
            let Ok(record) = SealedRecord::parse(value) else {
                report.add(row, Wrong::RecordDamaged);
                return Ok(row);
            };
            if let Some(wrong) = self.body_of(row, &record)? {
                report.add(row, wrong);
            }
            if let Some(at) = due_at(&record)
                && self.find(DUE, row, &due_key(Due { at, row }))?.is_none()
            {
                report.add(row, Wrong::DueMissing);
            }
            Ok(row)
        })
    }

    fn due(&self, report: &mut Report) -> Result<(), StoreError> {
        self.each(DUE, report, |report, key, _| {
            report.due += 1;
            let Some(Due { at, row }) = parse_due(key) else {
                report.add(FIRST, Wrong::KeyUnknown);
                return Ok(FIRST);
            };
            // A damaged record was reported; what it would say is unknown.
            match self.find(META, row, &row.0)?.map(|bytes| SealedRecord::parse(&bytes)) {
                Some(Ok(record)) if due_at(&record) == Some(at) => {}
                Some(Err(_)) => {}
                Some(Ok(_)) | None => report.add(row, Wrong::DueOrphaned),
            }
            Ok(row)
        })
    }

    fn bodies(&self, report: &mut Report) -> Result<(), StoreError> {
        self.each(BODY, report, |report, key, _| {
            report.bodies += 1;
            self.promised(report, key)
        })
    }

    fn prefixes(&self, report: &mut Report) -> Result<(), StoreError> {
        self.each(PREFIX, report, |report, key, _| {
            // One without the rest of its body was reported with its record, or is an orphan of its own.
            match key.try_into().map(RowKey) {
                Ok(row) if self.find(BODY, row, &row.0).is_ok_and(|body| body.is_some()) => Ok(row),
                Ok(_) | Err(_) => self.promised(report, key),
            }
        })
    }

    /// Whether a record promises the body at `key`.
    fn promised(&self, report: &mut Report, key: &[u8]) -> Result<RowKey, StoreError> {
        let Ok(row) = key.try_into().map(RowKey) else {
            report.add(FIRST, Wrong::KeyUnknown);
            return Ok(FIRST);
        };
        match self.find(META, row, &row.0)?.map(|bytes| SealedRecord::parse(&bytes)) {
            Some(Ok(record)) if record.header.body_len != 0 => {}
            Some(Err(_)) => {}
            Some(Ok(_)) | None => report.add(row, Wrong::BodyOrphaned),
        }
        Ok(row)
    }

    /// Shows every entry of a family to `look`, which tells the row it stands for.
    fn each(
        &self,
        name: &str,
        report: &mut Report,
        look: impl Fn(&mut Report, &[u8], &[u8]) -> Result<RowKey, StoreError>,
    ) -> Result<(), StoreError> {
        let entries = self.moment.iterator_cf_opt(
            self.engine.family(name),
            passing_through(),
            IteratorMode::Start,
        );
        let mut last = FIRST;
        for entry in entries {
            match entry {
                Ok((key, value)) => last = look(report, &key, &value)?,
                Err(error) if fault::is_damage(error.as_ref()) => {
                    report.add(last, Wrong::Unreadable);
                    return Ok(());
                }
                Err(error) => return Err(fault::of_read(last, error.as_ref())),
            }
        }
        Ok(())
    }

    fn body_of(&self, row: RowKey, record: &SealedRecord) -> Result<Option<Wrong>, StoreError> {
        if record.header.body_len == 0 {
            return Ok(None);
        }
        let len = |name| Ok(self.find(name, row, &row.0)?.map(|bytes| bytes.len()));
        let both = len(PREFIX).and_then(|prefix| Ok((prefix, len(BODY)?)));
        let body_len = usize::try_from(record.header.body_len);
        match both {
            Ok((Some(prefix), Some(rest))) if Ok(prefix + rest) == body_len => Ok(None),
            Ok((Some(_), Some(_))) => Ok(Some(Wrong::BodyLength)),
            Ok((None, _) | (_, None)) => Ok(Some(Wrong::BodyMissing)),
            Err(StoreError::Corrupt { .. }) => Ok(Some(Wrong::BodyDamaged)),
            Err(error) => Err(error),
        }
    }

    fn find(
        &self,
        name: &str,
        row: RowKey,
        key: &[u8],
    ) -> Result<Option<impl std::ops::Deref<Target = [u8]>>, StoreError> {
        self.moment
            .get_pinned_cf_opt(self.engine.family(name), key, passing_through())
            .map_err(|error| fault::of_read(row, error.as_ref()))
    }
}

/// Reads that leave the cache to those who need it.
fn passing_through() -> ReadOptions {
    let mut read = settings::read();
    read.fill_cache(false);
    read
}
