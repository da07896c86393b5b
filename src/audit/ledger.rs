//! The ledger of a running vault: many append at once, and one sync serves them all.

use std::fs::{File, TryLockError};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::model::Timestamp;

use super::chain::Chain;
use super::error::{AuditError, LedgerError};
use super::event::{EVENTS, Event};
use super::receipt::Receipt;
use super::record::{Entry, Hmac};
use super::row_set::RowSet;
use super::segment;
use super::settings::{LedgerSettings, Room};
use super::shared::{Shared, Waiting};
use super::trail::Trail;
use super::verify::{GivenHead, Head, Verified};
use super::writer::Writer;

/// See the module. Dropping it ends the writing; what was submitted is written before.
pub struct Ledger {
    shared: Arc<Shared>,
    trail: Trail,
    write_timeout: Duration,
    whole: AtomicBool,
    /// When it was last verified: milliseconds since 1970; 0: not yet.
    verified: AtomicU64,
    reserve: u64,
    writer: Option<JoinHandle<()>>,
}

/// How much something may wait for better times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It is refused once the disk is nearly full.
    Normal,
    /// It also uses what is reserved: erasures, and what operators need to see.
    Reserved,
}

impl Ledger {
    /// Makes a ledger where none is, with one record that says so.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Exists`], [`LedgerError::Io`].
    pub fn create(
        settings: &LedgerSettings,
        vault: [u8; 16],
        hmac: Arc<Hmac>,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let dir = settings.dir.clone();
        let io = |source| LedgerError::Io { dir: dir.clone(), source };
        segment::make_dir(&dir).map_err(io)?;
        if !segment::list(&dir).map_err(io)?.is_empty() {
            return Err(LedgerError::Exists { dir });
        }
        let mut chain = Chain::begin(settings.clone(), vault, hmac, None, now).map_err(io)?;
        chain.append(&[&Entry::new(Event::VaultMade, now)]).map_err(io)
    }

    /// Opens a ledger for writing. Reads its last segment.
    ///
    /// # Errors
    ///
    /// [`LedgerError`]. An end that was not finished is none: it was never acknowledged.
    pub fn open(
        settings: LedgerSettings,
        vault: [u8; 16],
        hmac: Arc<Hmac>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        Self::start(settings, vault, hmac, |settings, trail| Chain::carry_on(settings, trail, now))
    }

    /// As [`Ledger::open`], but a trail that is damaged or gone is accepted: a new segment notes that,
    /// and [`Trail::verify`] goes on telling where the damage is.
    ///
    /// # Errors
    ///
    /// As [`Ledger::open`], without the damage.
    pub fn open_accepting_damage(
        settings: LedgerSettings,
        vault: [u8; 16],
        hmac: Arc<Hmac>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let source = |source| LedgerError::Io { dir: settings.dir.clone(), source };
        segment::make_dir(&settings.dir).map_err(source)?;
        Self::start(settings, vault, hmac, |settings, trail| {
            match Chain::carry_on(settings.clone(), trail, now) {
                Err(LedgerError::Damaged { .. } | LedgerError::Missing { .. }) => {
                    Chain::carry_on_damaged(settings, trail, now)
                }
                result => result,
            }
        })
    }

    fn start(
        settings: LedgerSettings,
        vault: [u8; 16],
        hmac: Arc<Hmac>,
        chain: impl FnOnce(LedgerSettings, &Trail) -> Result<Chain, LedgerError>,
    ) -> Result<Self, LedgerError> {
        let dir = settings.dir.clone();
        let io = |source| LedgerError::Io { dir: dir.clone(), source };
        let held = match File::open(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LedgerError::Missing { dir });
            }
            result => result.map_err(io)?,
        };
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerError::InUse { dir }),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let trail = Trail::new(dir.clone(), vault, hmac);
        let (write_timeout, reserve) = (settings.write_timeout, settings.reserve);
        let chain = chain(settings, &trail)?;
        let shared = Arc::new(Shared::new(&chain, write_timeout));
        let writer = Writer::new(Arc::clone(&shared), chain, held);
        let writer = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run())
            .map_err(io)?;
        let whole = AtomicBool::new(true);
        let (verified, writer) = (AtomicU64::new(0), Some(writer));
        Ok(Self { shared, trail, write_timeout, whole, verified, reserve, writer })
    }

    /// Whether something could be recorded now. Ask before anything is done that must be recorded.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn admit(&self, urgency: Urgency) -> Result<(), AuditError> {
        self.shared.admit(urgency)
    }

    /// Hands in `entries`, which stay together and in this order, after all that was handed in before.
    ///
    /// A change of store or keys is kept until it can be written, since it has happened; anything else is
    /// forgotten if nobody waits for it any more.
    pub fn submit(&self, entries: Vec<Entry>) -> Receipt {
        let (waiting, settled, given_up) = Waiting::new(entries);
        self.shared.hand_in(waiting);
        Receipt { settled, given_up, timeout: self.write_timeout }
    }

    /// Hands in what nobody waits for. It is written with the next that somebody waits for, so an answer
    /// never overtakes it; if there is none, within a second. So it costs no sync of its own, and holds up
    /// nobody's.
    pub fn note(&self, entries: Vec<Entry>) {
        self.shared.hand_in_later(Waiting::new(entries).0);
    }

    /// [`Ledger::submit`], and waits until they are durable.
    ///
    /// # Errors
    ///
    /// [`AuditError`]: nothing is certain then.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Head, AuditError> {
        self.submit(entries).durable().await
    }

    /// Notes that store and ledger agree: from here on the store must hold `rows`, and has come to
    /// `store_sequence`.
    ///
    /// # Errors
    ///
    /// As [`Ledger::append`].
    pub async fn agree(
        &self,
        rows: RowSet,
        store_sequence: u64,
        now: Timestamp,
    ) -> Result<Head, AuditError> {
        let entry = Entry {
            store_sequence,
            generation: rows.rows,
            row: Some(crate::model::RowKey(rows.sum)),
            request: self.trail.vault,
            ..Entry::new(Event::Agreed, now)
        };
        self.append(vec![entry]).await
    }

    /// The last durable record.
    pub fn head(&self) -> Head {
        self.shared.end().head
    }

    /// What the store must hold.
    pub fn rows(&self) -> RowSet {
        self.shared.end().rows
    }

    /// The highest sequence of the store that was recorded.
    pub fn store_sequence(&self) -> u64 {
        self.shared.end().store_sequence
    }

    /// For reading.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The keyed hash that makes sums of rows.
    pub fn hmac(&self) -> &Hmac {
        &*self.trail.hmac
    }

    /// Reads everything, as [`Trail::verify`]. A record that is just being written is no finding.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn verify(&self, head: Option<&GivenHead>) -> io::Result<Verified> {
        const LOOKS: usize = 5;
        let mut verified = self.trail.verify(head)?;
        for _ in 1..LOOKS {
            if !verified.may_be_under_way() {
                break;
            }
            verified = self.trail.verify(head)?;
        }
        self.whole.store(verified.is_whole(), Ordering::Release);
        self.verified.store(Timestamp::now().as_millis(), Ordering::Release);
        Ok(verified)
    }

    /// Whether nothing wrong was found when it was last verified. So it is assumed at first.
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Acquire)
    }

    /// When it was last verified, since it was opened.
    pub fn verified(&self) -> Option<Timestamp> {
        let at = self.verified.load(Ordering::Acquire);
        (at > 0).then(|| Timestamp::from_millis(at))
    }

    /// What it has room for, as of the last write or the last second.
    pub fn room(&self) -> Room {
        Room { reserve: self.reserve, ..self.shared.room() }
    }

    /// How many writes failed or came too late since the start.
    pub fn failures(&self) -> u64 {
        self.shared.failures()
    }

    /// How many records of each event were written since the start.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        EVENTS.iter().map(|(event, name)| (*name, self.shared.count_of(*event))).collect()
    }

    /// Writes what was handed in, and ends. Nothing is recorded afterwards.
    pub async fn close(&self) {
        let (waiting, settled, _) = Waiting::new(Vec::new());
        self.shared.hand_in(waiting);
        let _ = tokio::time::timeout(self.write_timeout, settled).await;
        self.shared.close();
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.shared.close();
        // A writer that hangs in the system would keep us here; the process's end takes care of it.
        if let Some(writer) = self.writer.take().filter(|_| !self.shared.is_slow()) {
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ledger({:?}, {})", self.trail.dir, self.head())
    }
}
