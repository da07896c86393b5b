//! How each figure grows with the number of enrollments. What is many are pending enrollments, which have
//! records and no facemaps: a million facemaps would be 250 GB. Beside them there are a few captured ones,
//! and a hundred that are due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, Jumio,
    JumioError, Liveness, OnboardingDetails, PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, CredentialId, Facemap, SdkToken, Timestamp, UploadToken, WorkflowExecutionId,
};
use facemap_vault::vault::{Cursor, Enroll, ListFilter, StartAuthentication, SweepReport};
use zeroize::Zeroizing;

use crate::report::{Point, Report};
use crate::stats::Spread;
use crate::world::{self, DAY, TheVault};
use crate::{Scale, process};

const DUE: u64 = 100;
const CAPTURED: u64 = 64;
const FACEMAP_LEN: usize = 256 << 10;
const PAGE: usize = 100;

/// Measures at all numbers of enrollments.
pub async fn run(report: &mut Report, scale: &Scale) {
    let counts = scale.pick([1_000, 10_000, 100_000], [10_000, 100_000, 1_000_000]);
    for count in counts {
        let (dir, keyring) = (world::folder(), world::keyring());
        let store = world::create(dir.path(), &keyring);
        let vault = world::open(dir.path(), store, Nearby, Arc::clone(&keyring)).await;
        let before = process::written();
        let took = fill(&vault, count).await;
        let point = |figure: &str, unit: &str, value: f64| Point {
            figure: figure.into(),
            unit: unit.into(),
            enrollments: count,
            value,
        };
        report.point(point(
            "enrolling from a backlog",
            "thousand/s",
            count as f64 / took.as_secs_f64() / 1e3,
        ));
        prepare(&vault).await;
        drop(Arc::into_inner(vault));
        let written = (process::written() - before) as f64;

        let began = Instant::now();
        let store = world::reopen(dir.path(), &keyring);
        let vault = world::open(dir.path(), store, Nearby, keyring).await;
        report.point(point("start-up", "ms", began.elapsed().as_secs_f64() * 1e3));
        let facemaps = (CAPTURED as usize * FACEMAP_LEN) as f64;
        let size = vault.store_size().await.unwrap() as f64;
        report.point(point(
            "bytes on disk for each enrollment",
            "",
            (size - facemaps) / count as f64,
        ));
        report.point(point(
            "bytes written for each enrollment",
            "",
            (written - 2.0 * facemaps) / count as f64,
        ));
        report.point(point("a page of 100 enrollments", "ms", pages(&vault).await));
        report.point(point("a sweep with 100 due", "ms", sweeps(&vault).await));
        report.point(point("reading and opening 256 KiB", "ms", opens(&vault).await));
    }
}

/// Enrolls as a backlog does, page by page, each page durable.
pub async fn fill<J: Jumio>(vault: &TheVault<J>, count: u64) -> Duration {
    let now = Timestamp::now();
    let began = Instant::now();
    let all: Vec<_> = (0..count).collect();
    for page in all.chunks(1000) {
        let one = |&n: &u64| Enroll {
            account: account(Kind::Pending, n),
            execution: WorkflowExecutionId::generate(),
            completed: Some(now.minus(Duration::from_secs(n % 86_400))),
        };
        let answers = vault.enroll_many(page.iter().map(one).collect(), now).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
    }
    began.elapsed()
}

async fn prepare(vault: &TheVault<Nearby>) {
    let now = Timestamp::now();
    for (kind, count) in [(Kind::Due, DUE), (Kind::Captured, CAPTURED)] {
        for n in 0..count {
            let account = account(kind, n);
            let completed = Some(now.minus(29 * DAY).plus(Duration::from_secs(n)));
            let execution = WorkflowExecutionId::generate();
            vault.enroll(Enroll { account, execution, completed }, now).await.unwrap();
            if kind == Kind::Captured {
                let captured = vault.capture(account, now).await.unwrap();
                assert!(captured.enrollment.facemap.is_some());
            }
        }
    }
}

/// Milliseconds for a page, as a caller reads them one after the other.
async fn pages(vault: &TheVault<Nearby>) -> f64 {
    let filter = ListFilter { pending: true, settled: true, capture_by_before: None };
    let mut times = Vec::new();
    let mut cursor: Option<Cursor> = None;
    for _ in 0..9 {
        let began = Instant::now();
        let page = vault.list(filter, |_| true, cursor, PAGE).await.unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e3);
        cursor = page.next;
    }
    Spread::of(times).median
}

async fn sweeps(vault: &TheVault<Nearby>) -> f64 {
    let mut times = Vec::new();
    for _ in 0..15 {
        let began = Instant::now();
        let swept = vault.sweep(Timestamp::now(), 2 * DAY).await.unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(swept, SweepReport { remaining: DUE, ..SweepReport::default() });
    }
    Spread::of(times).median
}

/// Milliseconds for everything that a start does before it speaks to Jumio.
async fn opens(vault: &TheVault<Nearby>) -> f64 {
    let mut times = Vec::new();
    for n in 0..4 * CAPTURED {
        let request = StartAuthentication {
            account: account(Kind::Captured, n % CAPTURED),
            update: AccountUpdate::default(),
            supersede: true,
        };
        let began = Instant::now();
        vault.check_authentication(&request, Timestamp::now()).await.unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Spread::of(times).median
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pending = 1,
    Due = 2,
    Captured = 3,
}

/// Account `n` of its kind, which the first byte tells.
fn account(kind: Kind, n: u64) -> AccountId {
    let mut bytes = u128::from(n).to_be_bytes();
    bytes[0] = kind as u8;
    AccountId::from_bytes(bytes)
}

const CREDENTIAL: CredentialId = CredentialId::from_bytes([9; 16]);

/// A Jumio without a network: what is measured is ours. It has facemaps of the captured accounts only.
struct Nearby;

impl Jumio for Nearby {
    async fn onboarding(
        &self,
        account: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        if account.as_bytes()[0] != Kind::Captured as u8 {
            return Err(JumioError::NotFound { what: "workflow execution" });
        }
        Ok(OnboardingDetails {
            status: ExecutionStatus::Processed,
            workflow_key: "10011".to_owned(),
            completed: Some(Timestamp::now().minus(DAY)),
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
        Ok(Facemap::new(Zeroizing::new(vec![7; FACEMAP_LEN])).unwrap())
    }

    async fn update_account(
        &self,
        account: AccountId,
        _: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        let execution = WorkflowExecutionId::generate();
        let token = UploadToken::new("upload".to_owned());
        Ok(PendingAuthentication {
            execution,
            sdk_token: SdkToken::new("device".to_owned()),
            web_link: None,
            expires: None,
            slot: UploadSlot { account, execution, credential: CREDENTIAL, token },
        })
    }

    async fn upload_facemap(&self, _: &UploadSlot, _: Facemap) -> Result<(), JumioError> {
        Ok(())
    }

    async fn authentication(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        Err(JumioError::CredentialsRejected)
    }
}
