//! What is not counted but looked up when somebody reads the metrics.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::audit_readings::AuditReading;
use super::seconds;
use crate::model::{Blocked, KekRef, Risk, Timestamp};

/// The state of one vault at one moment.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// Facemaps still to be captured, by risk.
    pub pending: Vec<(Risk, u64)>,
    /// Enrollments whose newest facemap is stored.
    pub active: u64,
    /// Facemaps that Jumio does not let us have, by reason.
    pub blocked: Vec<(Blocked, u64)>,
    /// Facemaps that Jumio deleted first.
    pub lost: u64,
    /// Tombstones.
    pub erased: u64,
    /// Records that do not open.
    pub damaged: u64,
    /// The nearest deadline of a facemap not captured yet.
    pub next_capture_by: Option<Timestamp>,
    /// When everything pending will have been captured, if nothing comes and nothing fails.
    pub backlog_finish: Option<Timestamp>,
    /// Executions opened at Jumio whose upload did not complete.
    pub orphans: u64,
    /// The keys.
    pub keys: Vec<KeyReading>,
    /// The keyring's two files: for each state, in words, whether it is the file's.
    pub keyring_files: [Vec<(&'static str, bool)>; 2],
    /// Records under keys that wrap nothing new.
    pub rewrap_remaining: u64,
    /// Bytes of the store.
    pub store_size: u64,
    /// Bytes free on the store's disk.
    pub disk_free: u64,
    /// Bytes of the store's disk.
    pub disk_size: u64,
    /// The audit trail.
    pub audit: AuditReading,
}

/// One key-encryption key.
#[derive(Debug, Clone, Copy)]
pub struct KeyReading {
    /// Which one.
    pub kek: KekRef,
    /// What it is for.
    pub state: &'static str,
    /// When it was made.
    pub created: Timestamp,
    /// Records it wraps.
    pub records: u64,
    /// Data keys it has wrapped.
    pub wraps: u64,
}

type Float = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EnrollmentLabels {
    state: &'static str,
    risk: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// The version is text made of two numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    version: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabels {
    file: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

impl Readings {
    pub(super) fn register(&self, to: &mut Registry) {
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        to.register("fmvault_build_info", "The running program; always 1", build);
        self.register_enrollments(to);
        self.audit.register(to);
        self.register_keys(to);
        let orphans =
            "Executions opened at Jumio whose upload did not complete, as far as remembered";
        to.register("fmvault_orphaned_executions", orphans, whole(self.orphans));
        let size = "Size of the store on disk";
        to.register("fmvault_store_size_bytes", size, whole(self.store_size));
        let free = "Free space on the store's disk";
        to.register("fmvault_store_disk_free_bytes", free, whole(self.disk_free));
        let disk = "Size of the store's disk";
        to.register("fmvault_store_disk_size_bytes", disk, whole(self.disk_size));
    }

    fn register_enrollments(&self, to: &mut Registry) {
        let enrollments = Family::<EnrollmentLabels, Gauge>::default();
        let set = |state, risk: Risk, n| {
            let labels = EnrollmentLabels { state, risk: risk_name(risk) };
            enrollments.get_or_create(&labels).set(int64(n));
        };
        for (risk, n) in &self.pending {
            set("pending", *risk, *n);
        }
        let blocked_total = self.blocked.iter().map(|(_, n)| n).sum();
        set("active", Risk::None, self.active);
        set("blocked", Risk::None, blocked_total);
        set("lost", Risk::None, self.lost);
        set("erased", Risk::None, self.erased);
        let help = "Enrollments by state, and pending ones by how near their deadline is";
        to.register("fmvault_enrollments", help, enrollments);

        let blocked = Family::<ReasonLabels, Gauge>::default();
        for (why, n) in &self.blocked {
            blocked.get_or_create(&ReasonLabels { reason: why.name() }).set(int64(*n));
        }
        let help = "Enrollments whose facemap Jumio does not let us have, by reason";
        to.register("fmvault_enrollments_blocked", help, blocked);

        let help = "Records that do not open; a person must look";
        to.register("fmvault_records_damaged", help, whole(self.damaged));
        let help = "The nearest deadline of a facemap not captured yet; 0 if there is none";
        let name = "fmvault_next_uncaptured_capture_by_timestamp_seconds";
        to.register(name, help, moment(self.next_capture_by));
        let help =
            "When all that is pending will be captured at our own call budget; 0 if nothing is";
        let name = "fmvault_backlog_finish_timestamp_seconds";
        to.register(name, help, moment(self.backlog_finish));
    }

    fn register_keys(&self, to: &mut Registry) {
        let created = Family::<KeyLabels, Float>::default();
        let records = Family::<KeyLabels, Gauge>::default();
        let wraps = Family::<KeyLabels, Gauge>::default();
        for key in &self.keys {
            let KekRef { bucket, epoch, id: _ } = key.kek;
            let labels = KeyLabels { version: format!("{bucket}.{epoch}"), state: key.state };
            created.get_or_create(&labels).set(seconds(key.created));
            records.get_or_create(&labels).inc_by(int64(key.records));
            wraps.get_or_create(&labels).inc_by(int64(key.wraps));
        }
        let help = "When a key version was made";
        to.register("fmvault_key_created_timestamp_seconds", help, created);
        to.register("fmvault_key_records", "Records that a key version wraps", records);
        to.register("fmvault_key_wraps", "Data keys that a key version has wrapped", wraps);
        let files = Family::<FileLabels, Gauge>::default();
        for (file, states) in ["0", "1"].into_iter().zip(&self.keyring_files) {
            for (state, is_it) in states {
                files.get_or_create(&FileLabels { file, state }).set(i64::from(*is_it));
            }
        }
        let help = "Whether a file of the keyring is in that state";
        to.register("fmvault_keyring_file", help, files);
        let help =
            "Records under key versions that wrap nothing new; 0 once a rotation is complete";
        to.register("fmvault_rewrap_remaining", help, whole(self.rewrap_remaining));
    }
}

fn risk_name(risk: Risk) -> &'static str {
    match risk {
        Risk::None => "none",
        Risk::Warning => "warning",
        Risk::Critical => "critical",
        Risk::Overdue => "overdue",
    }
}

pub(super) fn whole(n: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(int64(n));
    gauge
}

fn moment(at: Option<Timestamp>) -> Float {
    let gauge = Float::default();
    gauge.set(at.map_or(0.0, seconds));
    gauge
}

fn int64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
