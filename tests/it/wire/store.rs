//! What callers are told when the store, the disk or the vault itself is at fault.

use std::sync::Arc;

use facemap_vault::crypto::{Draft, Keyring, Provider};
use facemap_vault::grpc::{Listeners, Public, ServerSettings, serve};
use facemap_vault::model::{AccountId, Mode, RowKey, SealedBody, Timestamp, WorkflowExecutionId};
use facemap_vault::proto::v1::GetEnrollmentRequest;
use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::store::{BodyChange, Change, Expect, Store as _, StoreError};
use facemap_vault::vault::Vault;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tonic::Code;

use super::faulty::{Fault, Faulty, Generous};
use crate::support::caller::{Caller, Told, connect, connect_socket, enroll, start};
use crate::support::ledger::fresh_ledger;
use crate::support::site::Person;
use crate::support::world::settings;

/// A served vault over [`Faulty`], with one enrolled person.
struct Scene {
    store: Faulty,
    keyring: Arc<Keyring>,
    caller: Caller,
    person: Person,
    dir: tempfile::TempDir,
    _ledger_dir: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Scene {
    async fn start() -> Self {
        let store = Faulty::default();
        let now = Timestamp::now();
        let keyring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 4, now).unwrap();
        let keyring = Arc::new(keyring);
        let (_ledger_dir, ledger) = fresh_ledger(&keyring);
        let ring = Arc::clone(&keyring);
        let vault = Vault::open(store.clone(), Generous, ring, ledger, settings(), |_| {});
        let vault = Arc::new(vault.await.unwrap());
        let dir = tempfile::tempdir().unwrap();
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = public.local_addr().unwrap().to_string();
        let public = Public::Plain(public);
        let admin = UnixListener::bind(dir.path().join("admin.sock")).unwrap();
        let settings = ServerSettings {
            policy: Arc::default(),
            connection_age: std::time::Duration::from_secs(900),
            public_reflection: false,
            capture_at_once: true,
            horizon: std::time::Duration::from_secs(86_400),
            simulator: true,
            memory: || unreachable!("nobody asks the doctor here"),
        };
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve(vault, Listeners { public, admin }, settings, stopped));

        let mut caller = Caller::new(connect(&address).await);
        let person = Person {
            account: AccountId::generate().hyphenated(),
            execution: WorkflowExecutionId::generate().hyphenated(),
            sha256: String::new(),
        };
        let answer = caller.create_enrollment(enroll(&person, 10)).await.unwrap();
        assert_eq!(answer.into_inner().enrollment.unwrap().state(), State::Active);
        Self { store, keyring, caller, person, dir, _stop: stop, _ledger_dir }
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
    let table: [(&str, Fault, Code, &str); 6] = [
        ("always another's", || StoreError::Conflict, Code::Aborted, "CONFLICT"),
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
        record: scene.keyring.rewrap(row, &record).unwrap(),
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

/// A vault that was given no place for its keyring cannot change it.
#[tokio::test]
async fn a_keyring_that_cannot_be_written_is_not_changed() {
    use facemap_vault::proto::admin::v1::RotateKekRequest;
    use facemap_vault::proto::admin::v1::key_service_client::KeyServiceClient;
    let scene = Scene::start().await;
    let channel = connect_socket(&scene.dir.path().join("admin.sock")).await;
    let mut keys = KeyServiceClient::new(channel);
    let told = Told::by(&keys.rotate_kek(RotateKekRequest::default()).await.unwrap_err());
    assert_eq!(told.what(), (Code::Internal, "KEYRING_FAILED"));
}

#[tokio::test]
async fn a_key_that_has_wrapped_as_many_as_one_may_wraps_no_more() {
    let scene = Scene::start().await;
    scene.keyring.count_on_at(|_| Keyring::WRAPS_MAX);
    let told = Told::by(&scene.erase().await);
    assert_eq!(told.what(), (Code::FailedPrecondition, "KEY_VERSION_WORN_OUT"));
    assert_eq!(told.keys(), ["keyVersion"]);
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
