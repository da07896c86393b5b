//! What is counted while the vault works, and how Prometheus reads it.
//!
//! A leaf that the layers above may all import, as they do `model`. There is no global: the wiring
//! makes one [`Metrics`] and hands it out. No account can get into a label: every label value is
//! `&'static str`, so it is text of this program, or a key version's two numbers.

mod access;
mod audit_readings;
mod readings;
mod registry;

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::model::Timestamp;

pub use audit_readings::AuditReading;
pub use readings::{KeyReading, Readings};

/// The counters of one vault. Cheap to count in: no lock is held longer than a map look-up takes.
#[derive(Debug)]
pub struct Metrics {
    captures: Family<CaptureLabels, Counter>,
    capture_lag: Histogram,
    lost: Counter,
    sweep: Sweep,
    starts: Family<StartLabels, Counter>,
    ends: Family<EndLabels, Counter>,
    prepare: Family<StepLabels, Histogram, fn() -> Histogram>,
    jumio: Jumio,
    rpcs: Family<RpcLabels, Histogram, fn() -> Histogram>,
    rpcs_without_deadline: Family<MethodLabels, Counter>,
    clock_jumped: Gauge,
    access: access::Access,
    store_writable: Gauge,
}

#[derive(Debug, Default)]
struct Sweep {
    last_run: Gauge<f64, std::sync::atomic::AtomicU64>,
    last_success: Gauge<f64, std::sync::atomic::AtomicU64>,
    duration: Gauge<f64, std::sync::atomic::AtomicU64>,
    interval: Gauge<f64, std::sync::atomic::AtomicU64>,
}

#[derive(Debug)]
struct Jumio {
    calls: Family<CallLabels, Counter>,
    durations: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    throttled: Family<BudgetLabels, Counter<f64, std::sync::atomic::AtomicU64>>,
    token_until: Gauge<f64, std::sync::atomic::AtomicU64>,
    clock_ahead: Gauge<f64, std::sync::atomic::AtomicU64>,
}

/// How one attempt to capture ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaptureOutcome {
    /// The facemap is stored.
    Captured,
    /// It will be tried again.
    Retrying,
    /// Jumio does not give it until somebody acts.
    Blocked,
    /// Jumio deleted it first.
    Lost,
    /// Our own store failed.
    Failed,
}

/// How the start of an authentication ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartOutcome {
    /// Tokens were handed out.
    Started,
    /// The request or the account's state does not allow it: nothing is wrong with the vault.
    Refused,
    /// The vault or Jumio failed.
    Error,
}

/// One step of preparing an authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reading and opening the stored facemap.
    Open,
    /// Updating the account at Jumio, the wait for our own budget included.
    Update,
    /// Uploading the facemap.
    Upload,
    /// Everything together.
    Total,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CaptureLabels {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StartLabels {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    state: &'static str,
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    endpoint: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabels {
    budget: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RpcLabels {
    rpc_system_name: &'static str,
    rpc_method: &'static str,
    rpc_status_code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    rpc_method: &'static str,
}

impl Metrics {
    /// An attempt to capture ended. `reason` is why, or empty.
    pub fn capture(&self, outcome: CaptureOutcome, reason: &'static str) {
        let outcome = match outcome {
            CaptureOutcome::Captured => "captured",
            CaptureOutcome::Retrying => "retrying",
            CaptureOutcome::Blocked => "blocked",
            CaptureOutcome::Lost => {
                self.lost.inc();
                "lost"
            }
            CaptureOutcome::Failed => "failed",
        };
        self.captures.get_or_create(&CaptureLabels { outcome, reason }).inc();
    }

    /// An account's first facemap was stored `lag` after the account was enrolled.
    pub fn capture_lag(&self, lag: Duration) {
        self.capture_lag.observe(lag.as_secs_f64());
    }

    /// A sweep ended at `ended` after `took`. It succeeded if it went through all that was due.
    pub fn swept(&self, ended: Timestamp, took: Duration, succeeded: bool) {
        let ended = seconds(ended);
        self.sweep.last_run.set(ended);
        self.sweep.duration.set(took.as_secs_f64());
        if succeeded {
            self.sweep.last_success.set(ended);
        }
    }

    /// The sweep runs once in `interval`. It counts as successful at `now`, so that a vault that was
    /// just started is not taken for one whose sweep is stale.
    pub fn sweep_begins(&self, now: Timestamp, interval: Duration) {
        self.sweep.interval.set(interval.as_secs_f64());
        self.sweep.last_success.set(seconds(now));
    }

    /// The start of an authentication ended. `reason` is why it was not started, or empty.
    pub fn authentication_started(&self, outcome: StartOutcome, reason: &'static str) {
        let outcome = match outcome {
            StartOutcome::Started => "started",
            StartOutcome::Refused => "refused",
            StartOutcome::Error => "error",
        };
        self.starts.get_or_create(&StartLabels { outcome, reason }).inc();
    }

    /// One step of preparing an authentication took this long.
    pub fn authentication_step(&self, step: Step, took: Duration) {
        let step = match step {
            Step::Open => "open",
            Step::Update => "update",
            Step::Upload => "upload",
            Step::Total => "total",
        };
        self.prepare.get_or_create(&StepLabels { step }).observe(took.as_secs_f64());
    }

    /// An authentication that this process started was seen to have ended. `decision` may be empty.
    pub fn authentication_finished(&self, state: &'static str, decision: &'static str) {
        self.ends.get_or_create(&EndLabels { state, decision }).inc();
    }

    /// A call to Jumio ended, the wait for our own budget included.
    pub fn jumio_call(&self, endpoint: &'static str, outcome: &'static str, took: Duration) {
        self.jumio.calls.get_or_create(&CallLabels { endpoint, outcome }).inc();
        let durations = self.jumio.durations.get_or_create(&EndpointLabels { endpoint });
        durations.observe(took.as_secs_f64());
    }

    /// A call waited this long for its turn in one of our budgets.
    pub fn jumio_throttled(&self, budget: &'static str, waited: Duration) {
        self.jumio.throttled.get_or_create(&BudgetLabels { budget }).inc_by(waited.as_secs_f64());
    }

    /// We hold an access token that ends at `ends`.
    pub fn jumio_token_until(&self, ends: Timestamp) {
        self.jumio.token_until.set(seconds(ends));
    }

    /// Jumio's clock is `ahead` seconds ahead of ours, or behind if negative.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for any clock up to 285 million years off"
    )]
    pub fn jumio_clock_ahead(&self, ahead: i64) {
        self.jumio.clock_ahead.set(ahead as f64);
    }

    /// A gRPC call of `method` ended with `code`.
    pub fn rpc(&self, method: &'static str, code: &'static str, took: Duration) {
        let labels =
            RpcLabels { rpc_system_name: "grpc", rpc_method: method, rpc_status_code: code };
        self.rpcs.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A gRPC call of `method` came without a deadline.
    pub fn rpc_without_deadline(&self, method: &'static str) {
        self.rpcs_without_deadline.get_or_create(&MethodLabels { rpc_method: method }).inc();
    }

    /// Whether the store takes changes.
    pub fn store_writable(&self, writable: bool) {
        self.store_writable.set(i64::from(writable));
    }

    /// Whether the wall clock is not where it should be.
    pub fn clock_jumped(&self, jumped: bool) {
        self.clock_jumped.set(i64::from(jumped));
    }
}

/// Seconds since 1970, as Prometheus wants times.
#[expect(clippy::cast_precision_loss, reason = "exact to the millisecond for any real time")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}
