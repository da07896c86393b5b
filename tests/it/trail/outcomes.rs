//! Every call has one record, whoever refused it; and while nothing can be recorded, nothing is done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use facemap_vault::audit::{Event, FileStep, Ledger, LedgerSettings, Record, Step, method_name};
use facemap_vault::crypto::{Keyring, Provider};
use facemap_vault::grpc::{HEAD_METADATA, Listeners, Public, ServerSettings, serve};
use facemap_vault::model::{AccountId, Mode, RequestId, Timestamp};
use facemap_vault::proto::v1::{ErrorReason, GetEnrollmentRequest, ListEnrollmentsRequest};
use facemap_vault::vault::Vault;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tonic::Code;

use crate::support::caller::{Caller, Told, connect, start};
use crate::support::fake_jumio::FakeJumio;
use crate::support::ledger::ledger_settings;
use crate::support::mem_store::MemStore;
use crate::support::world::settings;

/// What is promised: so soon a caller knows that nothing can be recorded.
const TOLD_WITHIN: Duration = Duration::from_millis(200);

/// A vault on the wire whose trail does as the test wants.
struct Scene {
    caller: Caller,
    ledger: Arc<Ledger>,
    stalls: Arc<AtomicBool>,
    let_go: std::sync::mpsc::Sender<()>,
    _stop: watch::Sender<bool>,
    _dir: TempDir,
}

impl Scene {
    async fn start(tune: impl FnOnce(&mut LedgerSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut trail = ledger_settings(dir.path());
        let stalls = Arc::new(AtomicBool::new(false));
        let (let_go, gate) = std::sync::mpsc::channel::<()>();
        let (gate, stalling) = (Mutex::new(gate), Arc::clone(&stalls));
        trail.probe = Some(Arc::new(move |step| {
            if step == FileStep::Sync && stalling.load(Ordering::SeqCst) {
                let _ = gate.lock().unwrap().recv();
            }
            Ok(())
        }));
        tune(&mut trail);
        let now = Timestamp::now();
        let keyring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, now).unwrap();
        let keyring = Arc::new(keyring);
        let vault_id = keyring.vault().0;
        Ledger::create(&trail, vault_id, keyring.auditor(), now).unwrap();
        let ledger = Arc::new(Ledger::open(trail, vault_id, keyring.auditor(), now).unwrap());
        let (jumio, kept) = (FakeJumio::default(), Arc::clone(&ledger));
        let vault = Vault::open(MemStore::default(), jumio, keyring, kept, settings(), |_| ());
        let vault = Arc::new(vault.await.unwrap());
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = public.local_addr().unwrap().to_string();
        let admin = UnixListener::bind(dir.path().join("admin.sock")).unwrap();
        let (stop, stopped) = watch::channel(false);
        let listeners = Listeners { public: Public::Plain(public), admin };
        let settings = ServerSettings {
            policy: Arc::default(),
            connection_age: Duration::from_secs(900),
            public_reflection: false,
            capture_at_once: false,
            horizon: Duration::from_secs(86_400),
            simulator: true,
            memory: || unreachable!("nobody asks the doctor here"),
        };
        tokio::spawn(serve(vault, listeners, settings, stopped));
        let caller = Caller::new(connect(&address).await);
        Self { caller, ledger, stalls, let_go, _stop: stop, _dir: dir }
    }

    /// The records of calls, as method and outcome.
    fn calls(&self) -> Vec<(&'static str, u16)> {
        let told = |record: &Record| (method_name(record.entry.detail), record.entry.outcome.0);
        let mut calls = Vec::new();
        let walk = self.ledger.trail().walk(0, |step| {
            if let Step::Record(_, record) = step
                && record.entry.event == Event::Rpc
            {
                calls.push(told(&record));
            }
            true
        });
        walk.unwrap();
        calls
    }
}

fn get(account: AccountId) -> GetEnrollmentRequest {
    GetEnrollmentRequest { name: format!("enrollments/{}", account.hyphenated()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_has_one_record_and_carries_the_head() {
    let scene = Scene::start(|_| ()).await;
    let mut caller = scene.caller.clone();
    let listed = caller.list_enrollments(ListEnrollmentsRequest::default()).await.unwrap();
    let head = listed.metadata().get(HEAD_METADATA).unwrap().to_str().unwrap().to_owned();
    let parsed = head.parse().unwrap();
    assert!(scene.ledger.trail().verify(Some(&parsed)).unwrap().is_whole(), "{head}");

    let unknown = caller.get_enrollment(get(AccountId::generate())).await.unwrap_err();
    assert!(unknown.metadata().get(HEAD_METADATA).is_some(), "refusals carry it too");
    let invalid = GetEnrollmentRequest { name: "nobody".to_owned() };
    caller.get_enrollment(invalid).await.unwrap_err();
    caller.start_authentication(start(&RequestId::generate().hyphenated())).await.unwrap_err();
    let want = [
        ("ListEnrollments", 0),
        ("GetEnrollment", ErrorReason::EnrollmentNotFound as u16),
        ("GetEnrollment", ErrorReason::FieldInvalid as u16),
        ("StartAuthentication", ErrorReason::EnrollmentNotFound as u16),
    ];
    assert_eq!(scene.calls(), want);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_trail_refuses_soon_and_recovers_by_itself() {
    let quick = |trail: &mut LedgerSettings| trail.write_timeout = Duration::from_millis(100);
    let scene = Scene::start(quick).await;
    let mut caller = scene.caller.clone();
    // Of each stall the one that notices it, and one that does not wait any more. The best counts: this
    // machine has other work, and a limit that is too long would make all of them too late.
    let mut best = [Duration::MAX; 2];
    for round in 1..=5 {
        scene.stalls.store(true, Ordering::SeqCst);
        for best in &mut best {
            let begun = Instant::now();
            let refused = caller.get_enrollment(get(AccountId::generate())).await.unwrap_err();
            *best = begun.elapsed().min(*best);
            let told = Told::by(&refused);
            assert_eq!(told.what(), (Code::Unavailable, "AUDIT_UNAVAILABLE"), "round {round}");
        }
        scene.stalls.store(false, Ordering::SeqCst);
        scene.let_go.send(()).unwrap();
        let again = async {
            loop {
                let refused = caller.get_enrollment(get(AccountId::generate())).await.unwrap_err();
                if refused.code() == Code::NotFound {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), again).await.expect("without a restart");
        let counts = scene.ledger.counts();
        let late = counts.iter().find(|(action, _)| *action == "audit.late").unwrap();
        assert_eq!(late.1, round, "what came too late is noted: {counts:?}");
    }
    assert!(best.iter().all(|best| *best <= TOLD_WITHIN), "{best:?}");
}
