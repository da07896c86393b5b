//! What is counted about certificates, and about reading the settings again.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::{Refusal, Timestamp};

use super::{Metrics, seconds};

/// Certificates, the last reading of the files, and who was turned away.
#[derive(Debug, Default)]
pub(super) struct Access {
    refusals: Family<RefusalLabels, Counter>,
    certificate_expires: Family<ListenerLabels, Gauge<f64, AtomicU64>>,
    reload_success: Gauge,
    reload_time: Gauge<f64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

impl Metrics {
    /// Somebody was turned away before there was a call.
    pub fn refused(&self, refusal: Refusal) {
        let labels = RefusalLabels { reason: refusal.name() };
        self.access.refusals.get_or_create(&labels).inc();
    }

    /// How often that has happened.
    pub fn refusals(&self, refusal: Refusal) -> u64 {
        let labels = RefusalLabels { reason: refusal.name() };
        self.access.refusals.get(&labels).map_or(0, |count| count.get())
    }

    /// The certificate of `listener` is valid until `expires`; it may have none.
    pub fn certificate_expires(&self, listener: &'static str, expires: Option<Timestamp>) {
        let expires = expires.map_or(0.0, seconds);
        let labels = ListenerLabels { listener };
        self.access.certificate_expires.get_or_create(&labels).set(expires);
    }

    /// Certificates and callers were read at `now`, or could not be used and stay as they were.
    pub fn config_reloaded(&self, success: bool, now: Timestamp) {
        self.access.reload_success.set(i64::from(success));
        if success {
            self.access.reload_time.set(seconds(now));
        }
    }
}

impl Access {
    pub(super) fn register(&self, to: &mut Registry) {
        // Shown from the start, so that the first one is seen as a rise.
        for (_, reason) in Refusal::ALL {
            let _ = self.refusals.get_or_create(&RefusalLabels { reason });
        }
        let refusals = "Turned away before there was a call";
        to.register("fmvault_access_refused", refusals, self.refusals.clone());
        let expires = "When the certificate of a listener ends";
        let name = "fmvault_tls_certificate_expiry_timestamp_seconds";
        to.register(name, expires, self.certificate_expires.clone());
        let success = "1 if certificates and callers were last read well; 0: the older ones serve";
        to.register("fmvault_config_reload_success", success, self.reload_success.clone());
        let time = "When certificates and callers were last read well";
        to.register("fmvault_config_reload_timestamp_seconds", time, self.reload_time.clone());
    }
}
