//! What callers are told when the store, the disk or the vault itself is at fault.

use std::future::Future;
use std::sync::{Arc, Mutex};

use facemap_vault::crypto::{Draft, Keyring, Provider};
use facemap_vault::grpc::{Listeners, ServerSettings, serve};
use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, Jumio,
    JumioError, Liveness, OnboardingDetails, PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, CredentialId, Facemap, Mode, RowKey, SealedBody, SealedRecord, Timestamp,
    WorkflowExecutionId,
};
use facemap_vault::proto::v1::GetEnrollmentRequest;
use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::store::{Applied, BodyChange, Change, Due, Expect, Scanned, Store, StoreError};
use facemap_vault::vault::{AdmissionPolicy, Settings, Vault};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tonic::Code;
use zeroize::Zeroizing;

use crate::support::caller::{Caller, Told, connect, connect_socket, enroll, start};
use crate::support::mem_store::MemStore;
use crate::support::site::Person;

type Fault = fn() -> StoreError;

/// A store that fails as told.
#[derive(Clone, Default)]
struct Faulty {
    store: MemStore,
    reads: Arc<Mutex<Option<Fault>>>,
    writes: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    fn check(fault: &Mutex<Option<Fault>>) -> Result<(), StoreError> {
        let fault = *fault.lock().unwrap();
        fault.map_or(Ok(()), |fault| Err(fault()))
    }
}

impl Store for Faulty {
    async fn record(&self, row: RowKey) -> Result<Option<SealedRecord>, StoreError> {
        Self::check(&self.reads)?;
        self.store.record(row).await
    }

    async fn record_with_body(
        &self,
        row: RowKey,
    ) -> Result<Option<(SealedRecord, Option<SealedBody>)>, StoreError> {
        Self::check(&self.reads)?;
        self.store.record_with_body(row).await
    }

    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        Self::check(&self.writes)?;
        self.store.commit(change).await
    }

    async fn commit_batch(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        Self::check(&self.writes)?;
        self.store.commit_batch(changes).await
    }

    async fn due(
        &self,
        after: Option<Due>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.store.due(after, before, limit).await
    }

    async fn records(
        &self,
        after: Option<RowKey>,
        limit: usize,
    ) -> Result<Vec<Scanned>, StoreError> {
        self.store.records(after, limit).await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.store.size().await
    }
}

const CREDENTIAL: CredentialId = CredentialId::from_bytes([5; 16]);

/// A Jumio that has everybody's facemap and starts nothing.
struct Generous;

impl Jumio for Generous {
    async fn onboarding(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        Ok(OnboardingDetails {
            status: ExecutionStatus::Processed,
            workflow_key: "10011".to_owned(),
            completed: Some(Timestamp::from_millis(1_700_000_000_000)),
            deleted: None,
            decision: Some(DecisionType::Passed),
            liveness: vec![Liveness {
                decision: DecisionType::Passed,
                liveness_type: "IPROOV_STANDARD".to_owned(),
                credentials: vec![CREDENTIAL],
                valid_facemap: Some(CREDENTIAL),
            }],
            facemaps: vec![FacemapPart { credential: CREDENTIAL, downloadable: true }],
        })
    }

    async fn download_facemap(
        &self,
        _: AccountId,
        _: CredentialId,
        _: usize,
    ) -> Result<Facemap, JumioError> {
        Ok(Facemap::new(Zeroizing::new(b"a facemap, as far as anyone here knows".to_vec()))
            .unwrap())
    }

    async fn update_account(
        &self,
        _: AccountId,
        _: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        Err(JumioError::Unavailable { what: "it starts nothing" })
    }

    async fn upload_facemap(&self, _: &UploadSlot, _: Facemap) -> Result<(), JumioError> {
        Err(JumioError::UploadInterrupted { what: "nothing was started" })
    }

    fn authentication(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> impl Future<Output = Result<AuthenticationDetails, JumioError>> + Send {
        async { panic!("a defect, for once on purpose") }
    }
}

fn settings() -> Settings {
    let day = std::time::Duration::from_secs(86_400);
    Settings {
        admission: AdmissionPolicy {
            workflow_keys: vec!["10011".to_owned()],
            accept_warning: false,
            try_liveness_link: false,
        },
        retention: 30 * day,
        warning: 14 * day,
        critical: 2 * day,
        captures_per_second: 5.0,
        facemap_len_max: 1 << 20,
        background_captures_max: 16,
        workflow_key: "10071".to_owned(),
        token_lifetime: day / 48,
        supersede: false,
        consent_max_age: 1095 * day,
        datacenter: "amer-1".to_owned(),
    }
}

/// A served vault over [`Faulty`], with one enrolled person.
struct Scene {
    store: Faulty,
    keyring: Arc<Keyring>,
    caller: Caller,
    person: Person,
    dir: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Scene {
    async fn start() -> Self {
        let store = Faulty::default();
        let now = Timestamp::now();
        let keyring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 4, now).unwrap();
        let keyring = Arc::new(keyring);
        let vault = Vault::open(store.clone(), Generous, Arc::clone(&keyring), settings(), |_| {});
        let vault = Arc::new(vault.await.unwrap());
        let dir = tempfile::tempdir().unwrap();
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = public.local_addr().unwrap().to_string();
        let admin = UnixListener::bind(dir.path().join("admin.sock")).unwrap();
        let settings = ServerSettings {
            public_reflection: false,
            capture_at_once: true,
            simulator: true,
            horizon: std::time::Duration::from_secs(86_400),
        };
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve(vault, Listeners { public, admin }, settings, stopped));

        let mut caller = Caller::new(connect(&address).await);
        let person = Person {
            account: AccountId::generate().hyphenated(),
            execution: WorkflowExecutionId::generate().hyphenated(),
            sha256: String::new(),
            size: 0,
        };
        let answer = caller.create_enrollment(enroll(&person, 10)).await.unwrap();
        assert_eq!(answer.into_inner().enrollment.unwrap().state(), State::Active);
        Self { store, keyring, caller, person, dir, _stop: stop }
    }

    fn row(&self) -> RowKey {
        self.keyring.row_key(self.person.account.parse().unwrap())
    }

    async fn erase(&self) -> tonic::Status {
        use facemap_vault::proto::admin::v1::EraseEnrollmentRequest;
        use facemap_vault::proto::admin::v1::enrollment_admin_service_client as admin;
        let channel = connect_socket(&self.dir.path().join("admin.sock")).await;
        let name = format!("enrollments/{}", self.person.account);
        let mut client = admin::EnrollmentAdminServiceClient::new(channel);
        client.erase_enrollment(EraseEnrollmentRequest { name }).await.unwrap_err()
    }
}

/// One row per way a disk can fail: enrolling somebody new, then reading somebody known.
#[tokio::test]
async fn faults_of_the_store_are_told_by_what_can_be_done() {
    let lost: Fault = || StoreError::Unavailable("/dev/sda1 is on fire".to_owned());
    let table: [(&str, Fault, Code, &str); 5] = [
        ("full", || StoreError::Full, Code::ResourceExhausted, "STORE_FULL"),
        ("read-only", || StoreError::ReadOnly, Code::Unavailable, "STORE_READ_ONLY"),
        ("not synced", || StoreError::Poisoned, Code::Unavailable, "STORE_READ_ONLY"),
        ("unreachable", lost, Code::Internal, "STORE_FAILED"),
        ("unclear", || StoreError::Ambiguous, Code::Internal, "STORE_FAILED"),
    ];
    let scene = Scene::start().await;
    let mut other = scene.person.clone();
    other.account = AccountId::generate().hyphenated();
    for (what, fault, code, reason) in table {
        *scene.store.writes.lock().unwrap() = Some(fault);
        let refused = scene.caller.clone().create_enrollment(enroll(&other, 0)).await.unwrap_err();
        let told = Told::by(&refused);
        assert_eq!(told.what(), (code, reason), "{what}");
        assert!(told.retry.is_none() && !told.message.contains("fire"), "{what}: {told:?}");
        assert_eq!(Told::by(&scene.erase().await).what(), (code, reason), "{what}");

        *scene.store.writes.lock().unwrap() = None;
        *scene.store.reads.lock().unwrap() = Some(fault);
        let name = format!("enrollments/{}", scene.person.account);
        let request = GetEnrollmentRequest { name };
        let told = Told::by(&scene.caller.clone().get_enrollment(request).await.unwrap_err());
        assert_eq!(told.what(), (code, reason), "{what}");
        *scene.store.reads.lock().unwrap() = None;
    }
    scene.caller.clone().create_enrollment(enroll(&other, 0)).await.unwrap();
}

/// A facemap that does not open never opens anything at Jumio.
#[tokio::test]
async fn a_damaged_facemap_is_data_loss() {
    let scene = Scene::start().await;
    let row = scene.row();
    let (record, body) = scene.store.store.record_with_body(row).await.unwrap().unwrap();
    let mut bytes = body.unwrap().0.to_vec();
    bytes[100] ^= 1;
    let change = Change {
        row,
        expect: Expect::Revision(record.revision()),
        // The same record would count as the same change; another row's bytes are not ours to seal.
        record: scene.keyring.rewrap(row, &record, 999).unwrap(),
        body: BodyChange::Set(SealedBody(bytes.into())),
    };
    scene.store.store.commit(change).await.unwrap();

    let refused = scene.caller.clone().start_authentication(start(&scene.person.account)).await;
    let told = Told::by(&refused.unwrap_err());
    assert_eq!(told.what(), (Code::DataLoss, "FACEMAP_CORRUPT"));
    assert!(told.retry.is_none());

    // A record that its engine cannot read is the same to a caller.
    let fault: Fault = || StoreError::Corrupt { row: RowKey([1; 32]), what: "a checksum" };
    *scene.store.reads.lock().unwrap() = Some(fault);
    let refused = scene.caller.clone().start_authentication(start(&scene.person.account)).await;
    assert_eq!(Told::by(&refused.unwrap_err()).what(), (Code::DataLoss, "FACEMAP_CORRUPT"));
}

#[tokio::test]
async fn a_legal_hold_forbids_the_erasure() {
    let scene = Scene::start().await;
    let row = scene.row();
    let record = scene.store.store.record(row).await.unwrap().unwrap();
    let attributes = scene.keyring.open_attributes(row, &record).unwrap();
    let header = &record.header;
    let draft = Draft {
        legal_hold: true,
        generation: header.generation,
        sequence: header.sequence + 1,
        created: header.created,
        completed: header.completed,
        due: header.due,
    };
    let held = scene.keyring.reseal(row, &record, &draft, &attributes).unwrap();
    let expect = Expect::Revision(record.revision());
    let change = Change { row, expect, record: held, body: BodyChange::Keep };
    scene.store.store.commit(change).await.unwrap();

    let told = Told::by(&scene.erase().await);
    assert_eq!(told.what(), (Code::FailedPrecondition, "LEGAL_HOLD"));
    assert!(told.retry.is_none());
}

/// A panic under one request is that request's misfortune.
#[tokio::test]
async fn a_defect_says_so_and_leaves_the_connection_usable() {
    let scene = Scene::start().await;
    let execution = WorkflowExecutionId::generate().hyphenated();
    let request = facemap_vault::proto::v1::GetAuthenticationRequest {
        name: format!("enrollments/{}/authentications/{execution}", scene.person.account),
        wait: None,
    };
    let told = Told::by(&scene.caller.clone().get_authentication(request).await.unwrap_err());
    assert_eq!(told.what(), (Code::Internal, "INTERNAL"));
    let name = format!("enrollments/{}", scene.person.account);
    scene.caller.clone().get_enrollment(GetEnrollmentRequest { name }).await.unwrap();
}
