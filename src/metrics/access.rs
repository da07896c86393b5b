//! What is counted about certificates, and about reading the settings again.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::Timestamp;

use super::{Metrics, seconds};

/// Certificates and the last reading of the files.
#[derive(Debug, Default)]
pub(super) struct Access {
    certificate_expires: Family<ListenerLabels, Gauge<f64, AtomicU64>>,
    reload_success: Gauge,
    reload_time: Gauge<f64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    listener: &'static str,
}

impl Metrics {
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
        let expires = "When the certificate of a listener ends";
        let name = "fmvault_tls_certificate_expiry_timestamp_seconds";
        to.register(name, expires, self.certificate_expires.clone());
        let success = "1 if certificates and callers were last read well; 0: the older ones serve";
        to.register("fmvault_config_reload_success", success, self.reload_success.clone());
        let time = "When certificates and callers were last read well";
        to.register("fmvault_config_reload_timestamp_seconds", time, self.reload_time.clone());
    }
}
