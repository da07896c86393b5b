//! The forecast keeps its word: days of sweeping in virtual time, against what was predicted and
//! against the best that any order could do.

use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use facemap_vault::crypto::{Keyring, Provider};
use facemap_vault::jumio::{
    AccountUpdate, AuthenticationDetails, DecisionType, ExecutionStatus, FacemapPart, Jumio,
    JumioError, Liveness, OnboardingDetails, PendingAuthentication, UploadSlot,
};
use facemap_vault::model::{
    AccountId, CredentialId, Facemap, Mode, Timestamp, WorkflowExecutionId,
};
use facemap_vault::vault::{Coverage, Enroll, Settings, SweepPlan, SweepReport, Vault};
use zeroize::Zeroizing;

use crate::support::ledger::fresh_ledger;
use crate::support::mem_store::MemStore;
use crate::support::rng::Rng;
use crate::support::world::{RETENTION, START, settings};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60;

/// A Jumio in which every call takes its share of a second off the common clock, and which deletes
/// every facemap the moment it may.
#[derive(Clone)]
struct StrictJumio {
    clock: Clock,
    call_time: Duration,
    deadlines: Arc<Mutex<HashMap<AccountId, Timestamp>>>,
}

/// Virtual time, in nanoseconds after [`START`].
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn now(&self) -> Timestamp {
        START.plus(Duration::from_nanos(self.0.load(Ordering::Relaxed)))
    }
}

impl StrictJumio {
    /// One call; then whether the facemap of `account` is still there.
    fn call(&self, account: AccountId) -> bool {
        self.clock.0.fetch_add(self.call_time.as_nanos() as u64, Ordering::Relaxed);
        self.clock.now() <= self.deadlines.lock().unwrap()[&account]
    }
}

impl Jumio for StrictJumio {
    async fn onboarding(
        &self,
        account: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<OnboardingDetails, JumioError> {
        let kept = self.call(account);
        let deadline = self.deadlines.lock().unwrap()[&account];
        let credential = CredentialId::from_bytes(*account.as_bytes());
        Ok(OnboardingDetails {
            status: ExecutionStatus::Processed,
            workflow_key: "10011".to_owned(),
            completed: Some(deadline.minus(RETENTION)),
            deleted: (!kept).then_some(deadline),
            decision: Some(DecisionType::Passed),
            liveness: vec![Liveness {
                decision: DecisionType::Passed,
                liveness_type: "IPROOV_STANDARD".to_owned(),
                credentials: vec![credential],
                valid_facemap: Some(credential),
            }],
            facemaps: vec![FacemapPart { credential, downloadable: true }],
        })
    }

    async fn download_facemap(
        &self,
        account: AccountId,
        _: CredentialId,
        _: usize,
    ) -> Result<Facemap, JumioError> {
        match self.call(account) {
            true => Ok(Facemap::new(Zeroizing::new(vec![7; 32])).unwrap()),
            false => Err(JumioError::NotFound { what: "part" }),
        }
    }

    async fn update_account(
        &self,
        _: AccountId,
        _: &AccountUpdate,
    ) -> Result<PendingAuthentication, JumioError> {
        unreachable!("nobody authenticates here")
    }

    async fn upload_facemap(&self, _: &UploadSlot, _: Facemap) -> Result<(), JumioError> {
        unreachable!("nobody authenticates here")
    }

    async fn authentication(
        &self,
        _: AccountId,
        _: WorkflowExecutionId,
    ) -> Result<AuthenticationDetails, JumioError> {
        unreachable!("nobody authenticates here")
    }
}

/// Enrolls one account for each of `deadlines` (in minutes after [`START`]), forecasts, and sweeps
/// until all is settled.
async fn live_through(
    deadlines: &[u64],
    calls_per_second: f64,
    in_flight_max: usize,
) -> (Coverage, SweepReport) {
    let clock = Clock::default();
    let call_time = Duration::from_secs_f64(1.0 / calls_per_second);
    let jumio = StrictJumio { clock: clock.clone(), call_time, deadlines: Arc::default() };
    let keyring = Keyring::generate(Provider::AwsLc, Mode::Simulator, 2, START).unwrap();
    let rules = Settings { captures_per_second: calls_per_second / 2.0, ..settings() };
    let store = MemStore::default();
    let (_dir, ledger) = fresh_ledger(&keyring);
    let vault = Vault::open(store, jumio.clone(), Arc::new(keyring), ledger, rules, |_| ());
    let vault = vault.await.unwrap();
    let midnight = START.as_millis().next_multiple_of(MINUTE);
    for (n, minutes) in deadlines.iter().enumerate() {
        let account = AccountId::from_bytes((n as u128 + 1).to_be_bytes());
        let deadline = Timestamp::from_millis(midnight + minutes * MINUTE);
        jumio.deadlines.lock().unwrap().insert(account, deadline);
        let completed = Some(deadline.minus(RETENTION));
        let execution = WorkflowExecutionId::generate();
        vault.enroll(Enroll { account, execution, completed }, START).await.unwrap();
    }
    let forecast = vault.coverage(START, Duration::MAX);
    let plan = vault.sweep_plan(2 * RETENTION, None);
    let plan = SweepPlan { patience: Duration::ZERO, in_flight_max, ..plan };
    let report = vault.sweep_by_clock(plan, || clock.now()).await.unwrap();
    let ends = [report.captured, report.lost];
    assert_eq!(ends.iter().sum::<u64>(), deadlines.len() as u64, "all are settled: {report:?}");
    assert_eq!(vault.census().lost, report.lost);
    (forecast, report)
}

/// The fewest misses that any order can have (Moore and Hodgson): in order of deadlines, and when one
/// does not fit, drop one. All take the same, so it does not matter which.
fn fewest_misses(deadlines: &[u64], capture_time: Duration) -> u64 {
    let lead = START.as_millis().next_multiple_of(MINUTE) - START.as_millis();
    let mut sorted = deadlines.to_vec();
    sorted.sort_unstable();
    let (mut taken, mut spent, mut misses) = (BinaryHeap::new(), Duration::ZERO, 0);
    for minutes in sorted {
        taken.push(capture_time);
        spent += capture_time;
        if spent > Duration::from_millis(lead + minutes * MINUTE) {
            spent -= taken.pop().unwrap();
            misses += 1;
        }
    }
    misses
}

#[tokio::test]
async fn a_budget_too_small_misses_exactly_what_was_predicted_and_no_order_does_better() {
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        // One capture in two seconds: 30 a minute, 600 in the twenty minutes there are at most.
        let spans: [usize; 3] = [5, 12, 20];
        let span = rng.pick(&spans);
        let deadlines: Vec<u64> = (0..700).map(|_| rng.below(span) as u64 + 1).collect();
        let (forecast, report) = live_through(&deadlines, 1.0, 1).await;
        assert!(forecast.missed > 50, "seed {seed} is no test: {}", forecast.missed);
        assert_eq!(forecast.missed, report.lost, "seed {seed}");
        assert_eq!(
            report.lost,
            fewest_misses(&deadlines, Duration::from_secs(2)),
            "seed {seed}: another order would have lost fewer"
        );
    }
}

#[tokio::test]
async fn a_reachable_schedule_of_ten_thousand_loses_none() {
    // 7.5 captures per second: 450 a minute, and 10,000 in 22.3 minutes. The last minute in which
    // everything still fits is the 23rd; one day of deadlines hides a burst at its very beginning.
    let mut rng = Rng::new(1);
    let mut deadlines: Vec<u64> = (0..10_000 / 450).flat_map(|n| vec![n + 1; 449]).collect();
    while deadlines.len() < 10_000 {
        deadlines.push(23 + rng.below(DAY as usize) as u64);
    }
    let (forecast, report) = live_through(&deadlines, 15.0, 1).await;
    assert_eq!((forecast.missed, report.lost, report.captured), (0, 0, 10_000));
    assert!(forecast.first_missed.is_none());
}

#[tokio::test]
async fn many_captures_at_once_lose_none_that_one_after_the_other_saves() {
    let deadlines: Vec<u64> = (0..20).flat_map(|n| vec![n + 1; 100]).collect();
    let (forecast, report) = live_through(&deadlines, 4.0, 16).await;
    assert_eq!((forecast.missed, report.lost), (0, 0));
}
