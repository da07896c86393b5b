//! A ledger whose file is slow, full, gone or cannot be written: nothing is acknowledged, it is said
//! soon, and it goes on by itself.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use facemap_vault::audit::{AuditError, FileStep, Gap, Urgency};

use super::*;

/// What the disk does wrong at present.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Option<(FileStep, io::ErrorKind)>>>);

impl Disk {
    fn fails(&self, step: FileStep, kind: io::ErrorKind) {
        *self.0.lock().unwrap() = Some((step, kind));
    }

    fn works(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn probe(&self) -> facemap_vault::audit::Probe {
        let disk = self.clone();
        Arc::new(move |step| match *disk.0.lock().unwrap() {
            Some((wrong, kind)) if wrong == step || step == FileStep::Create => Err(kind.into()),
            _ => Ok(()),
        })
    }
}

/// Until it can be written again.
async fn recovered(ledger: &Ledger) {
    let patience = Duration::from_secs(60);
    let again = async {
        while ledger.admit(Urgency::Normal).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(patience, again).await.expect("it recovers by itself");
}

#[tokio::test]
async fn after_a_failed_write_or_sync_the_chain_goes_on_in_a_new_segment_with_what_happened() {
    let table = [
        (FileStep::Write, io::ErrorKind::StorageFull, AuditError::Full),
        (FileStep::Write, io::ErrorKind::ReadOnlyFilesystem, AuditError::Failed),
        (FileStep::Sync, io::ErrorKind::Other, AuditError::Failed),
    ];
    for (step, kind, want) in table {
        let (_dir, mut settings) = fresh();
        let disk = Disk::default();
        settings.probe = Some(disk.probe());
        let ledger = open(&settings);
        ledger.append(vec![call(1)]).await.unwrap();
        disk.fails(step, kind);
        let refused = ledger.append(vec![call(2)]).await;
        assert_eq!(refused, Err(want), "{step:?} {kind}");
        assert_eq!(ledger.admit(Urgency::Reserved), Err(want));
        // The store has changed already: this must not be forgotten.
        assert!(ledger.append(vec![change(1, 1, 0)]).await.is_err());
        assert!(ledger.failures() > 0);

        disk.works();
        recovered(&ledger).await;
        ledger.append(vec![call(3)]).await.unwrap();
        drop(ledger);
        let events = events(&settings.dir);
        let after = &events[events.iter().position(|event| *event == Event::Gap).unwrap()..];
        assert_eq!(after, [Event::Gap, Event::Captured, Event::Rpc], "{step:?} {kind}");
        let verified = trail(&settings.dir).verify(None).unwrap();
        assert!(verified.is_whole(), "{verified:?}");
        assert_eq!(verified.gaps.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_sync_is_refused_in_time_and_noted_when_it_ends() {
    let (_dir, mut settings) = fresh();
    settings.write_timeout = Duration::from_millis(100);
    let (let_go, gate) = std::sync::mpsc::channel::<()>();
    let (gate, slow) = (Mutex::new(gate), Arc::new(Mutex::new(false)));
    let is_slow = Arc::clone(&slow);
    settings.probe = Some(Arc::new(move |step| {
        if step == FileStep::Sync && *is_slow.lock().unwrap() {
            let _ = gate.lock().unwrap().recv();
        }
        Ok(())
    }));
    let ledger = open(&settings);
    *slow.lock().unwrap() = true;
    let begun = Instant::now();
    assert_eq!(ledger.append(vec![call(1)]).await, Err(AuditError::Slow));
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    while ledger.admit(Urgency::Reserved).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() < Duration::from_millis(250), "from now on without waiting");
    assert_eq!(ledger.admit(Urgency::Reserved), Err(AuditError::Slow));
    // One that nobody waits for any more, and one that has happened.
    assert_eq!(ledger.append(vec![call(2)]).await, Err(AuditError::Slow));
    assert_eq!(ledger.append(vec![change(1, 1, 0)]).await, Err(AuditError::Slow));

    *slow.lock().unwrap() = false;
    let_go.send(()).unwrap();
    recovered(&ledger).await;
    drop(ledger);
    let events = events(&settings.dir);
    let want = [Event::SegmentBegins, Event::VaultMade, Event::Rpc];
    assert_eq!(events[..3], want, "what was slow is there");
    assert!(events.contains(&Event::Captured) && events.contains(&Event::Late), "{events:?}");
    let calls = events.iter().filter(|event| **event == Event::Rpc).count();
    assert_eq!(calls, 1, "a call that was refused before its record was written leaves none");
}

#[tokio::test]
async fn a_file_that_is_removed_renamed_or_cut_is_noticed_and_noted() {
    let edits: [fn(&Path); 4] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::rename(path, path.with_extension("old")).unwrap(),
        |path| {
            let bytes = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            fs::write(path, bytes).unwrap();
        },
        |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap(),
    ];
    for (n, edit) in edits.iter().enumerate() {
        let (_dir, settings) = fresh();
        let ledger = open(&settings);
        ledger.append(vec![call(1)]).await.unwrap();
        edit(&settings.dir.join("ledger.00000001"));
        ledger.append(vec![call(2)]).await.unwrap();
        assert_eq!(ledger.failures(), 1, "edit {n}");
        drop(ledger);
        let verified = trail(&settings.dir).verify(None).unwrap();
        assert_eq!(verified.gaps.iter().map(|gap| gap.1).collect::<Vec<_>>(), [Gap::FileGone]);
        let again = open(&settings);
        again.append(vec![call(3)]).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_leaves_the_last_of_the_reserve_to_what_is_urgent() {
    let (_dir, mut settings) = fresh();
    let disk = Disk::default();
    settings.probe = Some(disk.probe());
    settings.reserve = 100 * 160;
    let ledger = open(&settings);
    ledger.append(vec![call(0)]).await.unwrap();
    disk.fails(FileStep::Reserve, io::ErrorKind::StorageFull);
    let mut normal = 0;
    while ledger.admit(Urgency::Normal).is_ok() {
        ledger.append(vec![call(1); 20]).await.unwrap();
        normal += 1;
        assert!(normal < 10_000, "a full disk is noticed");
    }
    assert_eq!(ledger.admit(Urgency::Normal), Err(AuditError::Full));
    assert_eq!(ledger.admit(Urgency::Reserved), Ok(()));
    ledger.append(vec![change(1, 1, 0)]).await.unwrap();
    disk.works();
    recovered(&ledger).await;
    drop(ledger);
    assert!(trail(&settings.dir).verify(None).unwrap().is_whole());
}
