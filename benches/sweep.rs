//! A sweep costs what is due, not what is stored: 100 due enrollments among a million others, against
//! the same 100 alone, in one run. Goal: at most 1.5 times the time.
//!
//! `make bench-sweep`; another number of enrollments: `cargo bench --bench sweep -- 100000`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use facemap_vault::audit::{Ledger, LedgerSettings};
use facemap_vault::crypto::{Draft, Keyring, Provider};
use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, Jumio, JumioError, OnboardingDetails,
    PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, CredentialId, Facemap, Mode, Timestamp, WorkflowExecutionId,
};
use facemap_vault::store::{
    BATCH_MAX, BodyChange, Change, Expect, Identity, Options, RocksStore, Store,
};
use facemap_vault::vault::{AdmissionPolicy, Enroll, Settings, SweepReport, Vault};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const DUE: u64 = 100;
const ROUNDS: usize = 31;

/// A Jumio that has nothing yet, at once: what is measured is ours.
struct NothingYet;

impl Jumio for NothingYet {
    async fn onboarding(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        Err(JumioError::NotFound { what: "workflow execution" })
    }

    async fn download_facemap(
        &self,
        _: AccountId,
        _: CredentialId,
        _: usize,
    ) -> Result<Facemap, JumioError> {
        Err(JumioError::NotFound { what: "part" })
    }

    async fn update_account(
        &self,
        _: AccountId,
        _: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        Err(JumioError::CredentialsRejected)
    }

    async fn upload_facemap(&self, _: &UploadSlot, _: Facemap) -> Result<(), JumioError> {
        Err(JumioError::CredentialsRejected)
    }

    async fn authentication(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        Err(JumioError::CredentialsRejected)
    }
}

type TheVault = Vault<RocksStore, NothingYet>;

fn main() {
    let others = std::env::args().filter_map(|word| word.parse().ok()).next();
    let others: u64 = others.unwrap_or(1_000_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(compare(others));
}

async fn compare(others: u64) {
    let (few, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let alone = build(few.path(), 0).await;
    let began = Instant::now();
    let among = build(many.path(), others).await;
    println!("{others} enrollments written and counted in {:.1?}", began.elapsed());
    // In turn, so that whatever else the machine does meets both.
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(sweep(&alone).await);
        b.push(sweep(&among).await);
    }
    let (a, b) = (median(a), median(b));
    println!("{DUE} due alone:              {a:.2?}");
    println!("{DUE} due among {others:>9}:  {b:.2?}");
    println!(
        "ratio:                      {:.2}   (goal: at most 1.5)",
        b.as_secs_f64() / a.as_secs_f64()
    );
}

/// A vault in `dir` with the due ones and `others` whose deadline is far away.
async fn build(dir: &Path, others: u64) -> TheVault {
    let keyring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 16, NOW).unwrap();
    let identity = Identity { vault_id: keyring.vault(), mode: keyring.mode() };
    let options = Options { free_min: 0, ..Options::default() };
    let store = RocksStore::create(&dir.join("store"), identity, &options).unwrap();
    let mut changes = Vec::with_capacity(BATCH_MAX);
    for n in 0..others {
        changes.push(far_away(&keyring, n));
        if changes.len() == BATCH_MAX || n + 1 == others {
            store.commit_batch(std::mem::take(&mut changes)).await.unwrap();
        }
    }
    let (ledger, vault_id) = (LedgerSettings::new(dir.join("audit")), keyring.vault().0);
    Ledger::create(&ledger, vault_id, keyring.auditor(), NOW).unwrap();
    let ledger = Ledger::open(ledger, vault_id, keyring.auditor(), NOW).unwrap();
    let (ring, ledger) = (Arc::new(keyring), Arc::new(ledger));
    let vault = Vault::open(store, NothingYet, ring, ledger, settings(), |_| ());
    let vault = vault.await.unwrap();
    for n in 0..DUE {
        let account = AccountId::from_bytes((u128::MAX - u128::from(n)).to_be_bytes());
        let execution = WorkflowExecutionId::generate();
        let completed = Some(NOW.minus(29 * DAY).plus(Duration::from_secs(n)));
        vault.enroll(Enroll { account, execution, completed }, NOW).await.unwrap();
    }
    vault
}

/// A sealed record with a deadline in twenty days. Its attributes are of the usual size; nobody opens
/// them, since a sweep does not come near.
fn far_away(keyring: &Keyring, n: u64) -> Change {
    let row = keyring.row_key(AccountId::from_bytes(u128::from(n).to_be_bytes()));
    let draft = Draft {
        legal_hold: false,
        generation: 0,
        sequence: n + 1,
        created: NOW,
        completed: None,
        due: Some(NOW.plus(20 * DAY + Duration::from_secs(n % 86_400))),
    };
    let record = keyring.seal_empty(row, &draft, &[0; 96]).unwrap();
    Change { row, expect: Expect::Absent, record, body: BodyChange::Keep }
}

async fn sweep(vault: &TheVault) -> Duration {
    let began = Instant::now();
    let report = vault.sweep(NOW, 2 * DAY).await.unwrap();
    let spent = began.elapsed();
    assert_eq!(report, SweepReport { remaining: DUE, ..SweepReport::default() });
    spent
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn settings() -> Settings {
    Settings {
        admission: AdmissionPolicy {
            workflow_keys: vec!["10011".to_owned()],
            accept_warning: false,
            try_liveness_link: false,
        },
        retention: 30 * DAY,
        warning: 14 * DAY,
        critical: 2 * DAY,
        facemap_len_max: 1 << 20,
        captures_per_second: 5.0,
        background_captures_max: 8,
        workflow_key: "10071".to_owned(),
        token_lifetime: Duration::from_secs(1800),
        supersede: false,
        consent_max_age: 365 * DAY,
        key_max_age: 90 * DAY,
        datacenter: "amer-1".to_owned(),
    }
}
