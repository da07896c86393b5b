//! At the start: does the store still have all that the ledger says was acknowledged?

use std::fmt;

use crate::audit::{Entry, Event, LastChange, LastChanges, Ledger, Place, RowSet};
use crate::crypto::Keyring;
use crate::model::{RowKey, Timestamp};
use crate::store::Store;

use super::census::{self, Counted};
use super::{Loaded, VaultError, evidence};

/// A row whose last acknowledged change the store does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which row. Its account is known by the first half of this.
    pub row: RowKey,
    /// The last change that was acknowledged.
    pub acknowledged: u64,
    /// The change that the store has instead; `None`: it has no such row.
    pub stored: Option<u64>,
    /// What the change was.
    pub event: Event,
    /// The row's generation after it.
    pub(super) generation: u64,
    /// Where the ledger has it.
    pub(super) place: Place,
}

/// What the store does not have any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolledBack {
    /// Row by row.
    pub missing: Vec<Missing>,
    /// Rows that are missing too, and whose records are in segments of the trail that are not here.
    pub unnamed: u64,
}

impl RolledBack {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unnamed == 0
    }
}

/// How many rows an error names.
const NAMED: usize = 20;

impl fmt::Display for RolledBack {
    /// One line for each row, by the hash under which logs and audit trail know its account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.missing.len() as u64 + self.unnamed;
        write!(f, "acknowledged changes of {count} enrollments are missing from the store")?;
        for Missing { row, acknowledged, stored, event, .. } in self.missing.iter().take(NAMED) {
            let hash = hex::encode(row.0.get(..16).unwrap_or_default());
            write!(f, "\n  account {hash}: {} was change {acknowledged}, ", event.name())?;
            match stored {
                Some(stored) => write!(f, "the store has change {stored}")?,
                None => write!(f, "the store has no record")?,
            }
        }
        if count > NAMED as u64 {
            write!(f, "\n  and {} more", count - (self.missing.len().min(NAMED) as u64))?;
        }
        Ok(())
    }
}

/// Compares a counted store with the ledger. If they agree in sum, that is all. If not, row by row: what
/// the store has and the ledger does not is noted there, as after a crash between the two; what the
/// store does not have any more is given back.
///
/// # Errors
///
/// [`VaultError::Store`], [`VaultError::Audit`], [`VaultError::AuditUnavailable`].
pub(super) async fn compare<S: Store>(
    store: &S,
    ring: &Keyring,
    ledger: &Ledger,
    counted: &Counted,
) -> Result<RolledBack, VaultError> {
    if ledger.rows() == counted.rows {
        return Ok(RolledBack::default());
    }
    tracing::info!("store and audit trail differ in sum: comparing them row by row");
    let mut comparison = row_by_row(store, ring, ledger).await?;
    let mut ahead = 0_u64;
    let noted = std::mem::take(&mut comparison.noted);
    for entries in noted.chunks(NOTED_AT_ONCE) {
        ahead += entries.len() as u64;
        ledger.append(entries.to_vec()).await.map_err(VaultError::AuditUnavailable)?;
    }
    if ahead > 0 {
        tracing::warn!(changes = ahead, "changes that the audit trail did not have were noted");
    }
    let rolled_back = comparison.ended(ledger.rows().rows());
    if rolled_back.is_empty() {
        agree(ledger, counted.rows, counted.sequence).await?;
    }
    Ok(rolled_back)
}

/// What `store` does not have of what was acknowledged. Nothing is noted.
///
/// # Errors
///
/// [`VaultError::Store`], [`VaultError::Audit`].
pub async fn missing_from<S: Store>(
    store: &S,
    ring: &Keyring,
    ledger: &Ledger,
) -> Result<RolledBack, VaultError> {
    let comparison = row_by_row(store, ring, ledger).await?;
    let new = comparison.noted.iter().filter(|entry| entry.previous == 0).count() as u64;
    let promised = ledger.rows();
    Ok(comparison.ended(promised.rows() + new))
}

async fn row_by_row<S: Store>(
    store: &S,
    ring: &Keyring,
    ledger: &Ledger,
) -> Result<Comparison, VaultError> {
    let trail = ledger.trail().clone();
    let changes = tokio::task::spawn_blocking(move || trail.last_changes()).await;
    let changes = changes.map_err(|_| VaultError::ShuttingDown)?.map_err(VaultError::Audit)?;
    let mut comparison = Comparison { changes, ..Comparison::default() };
    census::each(store, ring, |row, seen| comparison.look(ring, row, seen)).await?;
    Ok(comparison)
}

/// Notes that both agree from here on.
pub(super) async fn agree(ledger: &Ledger, rows: RowSet, sequence: u64) -> Result<(), VaultError> {
    let agreed = ledger.agree(rows, sequence, Timestamp::now()).await;
    agreed.map(drop).map_err(VaultError::AuditUnavailable)
}

/// Records in one append: bounds memory.
const NOTED_AT_ONCE: usize = 1000;

#[derive(Default)]
struct Comparison {
    /// Those of rows that were not met yet.
    changes: LastChanges,
    noted: Vec<Entry>,
    missing: Vec<Missing>,
    rows: u64,
}

impl Comparison {
    /// A row of the store; `None`: it does not open. Then it is there at least, and is told elsewhere.
    fn look(
        &mut self,
        ring: &Keyring,
        row: RowKey,
        seen: Option<&Loaded>,
    ) -> Result<(), VaultError> {
        self.rows += 1;
        let known = self.changes.rows.remove(&row);
        let Some(seen) = seen else { return Ok(()) };
        let stored = seen.record.header.sequence;
        match known {
            Some(known) if known.sequence > stored => {
                self.missing.push(missing(row, known, Some(stored)));
            }
            Some(known) if known.sequence == stored => {}
            None if self.changes.beyond > 0 && stored <= self.changes.before => {}
            Some(_) | None => {
                let mut entry = evidence::change(ring, row, None, seen, Some(Event::Noted))?;
                entry.previous = known.map_or(0, |known| known.sequence);
                self.noted.push(entry);
            }
        }
        Ok(())
    }

    fn ended(mut self, promised: u64) -> RolledBack {
        let gone = self.changes.rows.len() as u64;
        self.missing
            .extend(self.changes.rows.drain().map(|(row, known)| missing(row, known, None)));
        self.missing.sort_by_key(|missing| missing.acknowledged);
        // The ledger counts a row that it first heard of just now.
        let unnamed = match self.changes.beyond {
            0 => 0,
            _ => promised.saturating_sub(self.rows + gone),
        };
        RolledBack { missing: self.missing, unnamed }
    }
}

fn missing(row: RowKey, known: LastChange, stored: Option<u64>) -> Missing {
    let LastChange { sequence, generation, event, place } = known;
    Missing { row, acknowledged: sequence, stored, event, generation, place }
}
