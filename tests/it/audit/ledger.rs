//! A ledger that works.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use facemap_vault::audit::{FileStep, Gap, LedgerError};

use super::*;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_and_the_chain_goes_on() {
    let (_dir, settings) = fresh();
    let mut head = None;
    for round in 0..3 {
        let ledger = open(&settings);
        if let Some(head) = head {
            assert_eq!(ledger.head(), head, "round {round}");
        }
        head = Some(ledger.append(vec![call(round), call(round)]).await.unwrap());
    }
    assert_eq!(head.unwrap().sequence, 2 + 6);
    assert!(trail(&settings.dir).verify(None).unwrap().is_whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_appends_share_a_sync() {
    let (_dir, mut settings) = fresh();
    let syncs = Arc::new(AtomicUsize::new(0));
    let (entered, inside) = std::sync::mpsc::channel();
    let (let_go, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let counted = Arc::clone(&syncs);
    settings.probe = Some(Arc::new(move |step| {
        // The first sync waits until all others have handed in.
        if step == FileStep::Sync && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
        }
        Ok(())
    }));
    let ledger = open(&settings);
    let first = ledger.submit(vec![call(0)]);
    inside.recv().unwrap();
    let others: Vec<_> = (1..=100).map(|n| ledger.submit(vec![call(n)])).collect();
    let_go.send(()).unwrap();
    first.durable().await.unwrap();
    for other in others {
        other.durable().await.unwrap();
    }
    assert_eq!(syncs.load(Ordering::SeqCst), 2, "one for the first, one for a hundred");
    assert_eq!(ledger.head().sequence, 2 + 101);
}

#[tokio::test]
async fn what_nobody_waits_for_has_no_sync_of_its_own_and_is_before_the_next_answer() {
    const ROUNDS: u64 = 20;
    let (_dir, mut settings) = fresh();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    settings.probe = Some(Arc::new(move |step| {
        counted.fetch_add(usize::from(step == FileStep::Sync), Ordering::SeqCst);
        Ok(())
    }));
    let ledger = open(&settings);
    let began = Instant::now();
    for round in 0..ROUNDS {
        ledger.note(vec![call(2 * round)]);
        // Time in which a writer that was woken would sync; one that was not, does not.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let head = ledger.append(vec![call(2 * round + 1)]).await.unwrap();
        assert_eq!(head.sequence, 2 + 2 * (round + 1), "both are durable, round {round}");
    }
    // The writer comes by once in a second without being asked.
    let unasked = began.elapsed().as_secs() + 1;
    assert!(syncs.load(Ordering::SeqCst) as u64 <= ROUNDS + unasked, "{syncs:?}");
    drop(ledger);
    let mut values = Vec::new();
    let walked = trail(&settings.dir).walk(0, |step| {
        let Step::Record(_, record) = step else { panic!("the trail is whole") };
        values.extend((record.entry.event == Event::Rpc).then_some(record.entry.value));
        true
    });
    walked.unwrap();
    assert!(values.into_iter().eq(0..2 * ROUNDS), "in the order in which they were handed in");
}

#[tokio::test]
async fn what_nobody_waits_for_is_written_all_the_same() {
    let (_dir, settings) = fresh();
    let ledger = open(&settings);
    ledger.note(vec![call(1)]);
    while ledger.head().sequence < 3 {
        tokio::task::yield_now().await;
    }
    // What is handed in just before the end, too.
    ledger.note(vec![call(2)]);
    drop(ledger);
    assert_eq!(open(&settings).head().sequence, 4);
}

#[tokio::test]
async fn what_the_store_must_hold_is_known_again_after_a_restart_whatever_the_order() {
    let (_dir, mut settings) = fresh();
    settings.segment_len = 700;
    let ledger = open(&settings);
    for entry in [change(1, 1, 0), change(2, 2, 0), change(1, 5, 4), change(1, 4, 1)] {
        ledger.append(vec![entry, call(0)]).await.unwrap();
    }
    let mut rows = facemap_vault::audit::RowSet::default();
    rows.add(RowKey([1; 32]), 5, &*key());
    rows.add(RowKey([2; 32]), 2, &*key());
    assert_eq!(ledger.rows(), rows);
    drop(ledger);
    let ledger = open(&settings);
    assert!(trail(&settings.dir).segments().unwrap().len() > 2);
    assert_eq!((ledger.rows(), ledger.store_sequence()), (rows, 5));
    let last = ledger.trail().last_changes().unwrap();
    let mut sequences: Vec<_> =
        last.rows.iter().map(|(row, last)| (row.0[0], last.sequence)).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, [(1, 5), (2, 2)]);
    let place = last.rows[&RowKey([1; 32])].place;
    let record = ledger.trail().record_at(place).unwrap().unwrap();
    assert_eq!(record.entry, change(1, 5, 4));
}

/// A power cut leaves a part of the last write, at any length. It was not acknowledged, and so it never
/// keeps the vault from starting; and it is not forgotten either.
#[tokio::test]
async fn a_torn_tail_never_stops_a_start() {
    let mut rng = Rng::new(11);
    let (dir, settings) = filled(30, &mut rng).await;
    let segment = trail(&settings.dir).segments().unwrap().pop().unwrap();
    let path = settings.dir.join(format!("ledger.{segment:08}"));
    let whole = fs::read(&path).unwrap();
    let before = trail(&settings.dir).verify(None).unwrap().records;
    for round in 0..200 {
        let torn = dir.path().join(format!("torn-{round}"));
        copy(&settings.dir, &torn);
        let tail = match round % 3 {
            0 => whole[whole.len() - 160..][..rng.below(160)].to_vec(),
            1 => vec![0; 1 + rng.below(2000)],
            _ => {
                let len = 1 + rng.below(600);
                rng.bytes(len)
            }
        };
        let mut bytes = whole.clone();
        bytes.extend_from_slice(&tail);
        fs::write(torn.join(path.file_name().unwrap()), bytes).unwrap();
        let ledger = Ledger::open(super::settings(&torn), VAULT, key(), NOW).unwrap();
        ledger.append(vec![call(1)]).await.unwrap();
        drop(ledger);
        let verified = trail(&torn).verify(None).unwrap();
        assert!(verified.is_whole(), "round {round}: {verified:?}");
        let gaps: Vec<_> = verified.gaps.iter().map(|(_, gap, _)| *gap).collect();
        match tail.is_empty() {
            true => assert_eq!((gaps, verified.records), (vec![], before + 1)),
            false => assert_eq!((gaps, verified.records), (vec![Gap::TornTail], before + 2)),
        }
        fs::remove_dir_all(&torn).unwrap();
    }
}

#[tokio::test]
async fn damage_before_the_end_stops_the_start_until_an_operator_accepts_it() {
    let mut rng = Rng::new(12);
    let (_dir, mut settings) = filled(30, &mut rng).await;
    settings.segment_len = 1 << 20;
    let ledger = open(&settings);
    for n in 0..5 {
        ledger.append(vec![call(n)]).await.unwrap();
    }
    drop(ledger);
    let segment = trail(&settings.dir).segments().unwrap().pop().unwrap();
    let path = settings.dir.join(format!("ledger.{segment:08}"));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 500;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let refused = Ledger::open(settings.clone(), VAULT, key(), NOW).unwrap_err();
    assert!(matches!(refused, LedgerError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains(&format!("segment {segment}, offset")), "{refused}");

    let ledger = Ledger::open_accepting_damage(settings.clone(), VAULT, key(), NOW).unwrap();
    ledger.append(vec![call(9)]).await.unwrap();
    drop(ledger);
    let ledger = open(&settings);
    ledger.append(vec![call(10)]).await.unwrap();
    let verified = trail(&settings.dir).verify(None).unwrap();
    assert_eq!(verified.gaps.last().map(|gap| gap.1), Some(Gap::DamageAccepted));
    assert_eq!(verified.findings.len(), 1, "the damage stays known: {verified:?}");
}

#[tokio::test]
async fn a_ledger_that_is_missing_foreign_or_in_use_is_refused() {
    let (dir, settings) = fresh();
    let none = super::settings(&dir.path().join("none"));
    let missing = Ledger::open(none, VAULT, key(), NOW).unwrap_err();
    assert!(matches!(missing, LedgerError::Missing { .. }), "{missing}");
    let foreign = Ledger::open(settings.clone(), [1; 16], key(), NOW).unwrap_err();
    assert!(matches!(foreign, LedgerError::OtherVault { .. }), "{foreign}");
    let exists = Ledger::create(&settings, VAULT, key(), NOW).unwrap_err();
    assert!(matches!(exists, LedgerError::Exists { .. }), "{exists}");
    let _held = open(&settings);
    let in_use = Ledger::open(settings.clone(), VAULT, key(), NOW).unwrap_err();
    assert!(matches!(in_use, LedgerError::InUse { .. }), "{in_use}");
}

#[tokio::test]
async fn a_closed_ledger_has_everything_and_takes_nothing_more() {
    let (_dir, settings) = fresh();
    let ledger = open(&settings);
    ledger.submit(vec![change(3, 1, 0)]).leave();
    ledger.close().await;
    assert!(ledger.append(vec![call(1)]).await.is_err());
    drop(ledger);
    assert_eq!(events(&settings.dir).last(), Some(&Event::Captured));
}
