//! The names under which the counters are read.

use prometheus_client::encoding::text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{BudgetLabels, Jumio, Metrics, Readings, Sweep};

impl Default for Metrics {
    fn default() -> Self {
        let jumio = Jumio {
            calls: Family::default(),
            durations: Family::new_with_constructor(calls),
            throttled: Family::default(),
            token_until: Default::default(),
            clock_ahead: Default::default(),
        };
        // Shown from the start, so that the first second of waiting is seen as a rise.
        for budget in ["token", "account", "retrieval", "upload"] {
            let _ = jumio.throttled.get_or_create(&BudgetLabels { budget });
        }
        // What nobody has looked at yet is no alarm.
        let writable = Gauge::default();
        writable.set(1);
        Self {
            captures: Family::default(),
            capture_lag: Histogram::new(LAGS),
            lost: Default::default(),
            sweep: Sweep::default(),
            starts: Family::default(),
            ends: Family::default(),
            prepare: Family::new_with_constructor(calls),
            jumio,
            rpcs: Family::new_with_constructor(rpcs),
            rpcs_without_deadline: Family::default(),
            clock_jumped: Default::default(),
            access: Default::default(),
            store_writable: writable,
        }
    }
}

/// From a capture at once to one in the last days of a month's retention.
const LAGS: [f64; 12] = [
    1.0,
    3.0,
    10.0,
    30.0,
    120.0,
    600.0,
    1_800.0,
    7_200.0,
    43_200.0,
    172_800.0,
    864_000.0,
    2_592_000.0,
];

/// From a good answer of Jumio's to our longest time limit.
fn calls() -> Histogram {
    Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0])
}

/// From a look-up in the store to a start of an authentication or a wait.
fn rpcs() -> Histogram {
    Histogram::new([0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

impl Metrics {
    /// Everything in the OpenMetrics text format, version 1.0.0: what was counted, and `readings` of
    /// this moment.
    pub fn render(&self, readings: &Readings) -> String {
        let mut registry = Registry::default();
        self.register(&mut registry);
        readings.register(&mut registry);
        let mut out = String::new();
        text::encode(&mut out, &registry).expect("writing to a string cannot fail");
        out
    }

    fn register(&self, to: &mut Registry) {
        let captures = "Attempts to capture a facemap, by how they ended and why";
        to.register("fmvault_captures", captures, self.captures.clone());
        let lag = "From the enrollment of an account to its first facemap stored, in seconds";
        to.register("fmvault_capture_lag_seconds", lag, self.capture_lag.clone());
        let lost = "Facemaps that Jumio deleted before they were captured";
        to.register("fmvault_enrollments_lost", lost, self.lost.clone());
        let starts = "Starts of authentications, by how they ended and why";
        to.register("fmvault_authentications_started", starts, self.starts.clone());
        let ends = "Authentications started by this process that were seen to have ended";
        to.register("fmvault_authentications_finished", ends, self.ends.clone());
        let prepare = "Time to prepare an authentication, by step, in seconds";
        let name = "fmvault_authentication_prepare_duration_seconds";
        to.register(name, prepare, self.prepare.clone());
        let rpcs = "gRPC calls, in seconds";
        to.register("rpc_server_call_duration_seconds", rpcs, self.rpcs.clone());
        let hasty = "gRPC calls that came without a deadline";
        to.register("fmvault_rpc_without_deadline", hasty, self.rpcs_without_deadline.clone());
        let jumped = "1 while the wall clock is not where it should be; nothing is erased then";
        to.register("fmvault_clock_jumped", jumped, self.clock_jumped.clone());
        self.access.register(to);
        let writable = "1 while the store takes changes; authentications need none";
        to.register("fmvault_store_writable", writable, self.store_writable.clone());
        self.sweep.register(to);
        self.jumio.register(to);
    }
}

impl Sweep {
    fn register(&self, to: &mut Registry) {
        let success = "When a sweep last went through all that was due; at first, the start";
        let name = "fmvault_sweep_last_success_timestamp_seconds";
        to.register(name, success, self.last_success.clone());
        let run = "When a sweep last ended, whether or not it went well; 0 before the first";
        to.register("fmvault_sweep_last_run_timestamp_seconds", run, self.last_run.clone());
        let took = "How long the last sweep took";
        to.register("fmvault_sweep_duration_seconds", took, self.duration.clone());
        let interval = "Time between two sweeps, from the settings";
        to.register("fmvault_sweep_interval_seconds", interval, self.interval.clone());
    }
}

impl Jumio {
    fn register(&self, to: &mut Registry) {
        let calls_made = "Calls to Jumio, by how they ended";
        to.register("fmvault_jumio_requests", calls_made, self.calls.clone());
        let durations = "Calls to Jumio, the wait for our own budget included, in seconds";
        to.register("fmvault_jumio_request_duration_seconds", durations, self.durations.clone());
        let waited = "Time that calls waited for their turn in one of our budgets";
        to.register("fmvault_jumio_throttled_seconds", waited, self.throttled.clone());
        let token = "When the access token we hold ends; 0 if we never had one";
        let name = "fmvault_jumio_token_expiry_timestamp_seconds";
        to.register(name, token, self.token_until.clone());
        let ahead =
            "How far Jumio's clock is ahead of ours, by its last answer; behind if negative";
        to.register("fmvault_jumio_clock_ahead_seconds", ahead, self.clock_ahead.clone());
    }
}
