//! The audit ledger on its own: its bytes, what is found in a trail that was touched, and what happens
//! while it cannot be written.

mod format;
mod ledger;
mod tamper;
mod trouble;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use facemap_vault::audit::{Entry, Event, Hmac, Ledger, LedgerSettings, Step, Trail};
use facemap_vault::model::{RowKey, Timestamp};
use hmac::{Hmac as MacOf, KeyInit as _, Mac as _};
use sha2::Sha256;
use tempfile::TempDir;

use crate::support::rng::Rng;

const VAULT: [u8; 16] = [0x56; 16];
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The audit key of these tests.
fn key() -> Arc<Hmac> {
    Arc::new(|parts: &[&[u8]]| {
        let mut mac = MacOf::<Sha256>::new_from_slice(&[0x4b; 32]).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    })
}

/// As usual, but patient: other work may keep this machine busy.
fn settings(dir: &Path) -> LedgerSettings {
    LedgerSettings {
        reserve: 64 << 10,
        write_timeout: std::time::Duration::from_secs(60),
        ..LedgerSettings::new(dir.to_owned())
    }
}

fn trail(dir: &Path) -> Trail {
    Trail::new(dir.to_owned(), VAULT, key())
}

/// A ledger with one record.
fn fresh() -> (TempDir, LedgerSettings) {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir.path().join("audit"));
    Ledger::create(&settings, VAULT, key(), NOW).unwrap();
    (dir, settings)
}

fn open(settings: &LedgerSettings) -> Ledger {
    Ledger::open(settings.clone(), VAULT, key(), NOW).unwrap()
}

fn call(n: u64) -> Entry {
    Entry { value: n, caller: [7; 16], detail: 4, ..Entry::new(Event::Rpc, NOW) }
}

/// Change `sequence` of row `n`, which had `previous` before.
fn change(n: u8, sequence: u64, previous: u64) -> Entry {
    Entry {
        row: Some(RowKey([n; 32])),
        store_sequence: sequence,
        previous,
        generation: 1,
        recovery: Some(Box::new([n; 104])),
        ..Entry::new(Event::Captured, NOW)
    }
}

/// A closed ledger of `n` records in segments of some dozens.
async fn filled(n: u64, rng: &mut Rng) -> (TempDir, LedgerSettings) {
    let (dir, mut settings) = fresh();
    settings.segment_len = 8_000;
    let ledger = open(&settings);
    for sequence in 0..n {
        let entry = match rng.one_in(3) {
            true => change(rng.next() as u8, sequence + 1, 0),
            false => call(sequence),
        };
        ledger.append(vec![entry]).await.unwrap();
    }
    drop(ledger);
    (dir, settings)
}

/// All events in a trail that must be whole.
fn events(dir: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    let walked = trail(dir).walk(0, |step| {
        match step {
            Step::Record(_, record) => events.push(record.entry.event),
            Step::Wrong(finding) => panic!("{finding}"),
            Step::Abandoned(..) => {}
        }
        true
    });
    walked.unwrap();
    events
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
