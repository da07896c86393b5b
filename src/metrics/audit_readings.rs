//! What is read of the audit trail when somebody reads the metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::readings::whole;

/// The state of the audit trail at one moment.
#[derive(Debug, Clone, Default)]
pub struct AuditReading {
    /// Records since the start, by action.
    pub events: Vec<(&'static str, u64)>,
    /// Writes since the start that failed or came too late.
    pub failures: u64,
    /// Nothing wrong was found when it was last read as a whole.
    pub chain_ok: bool,
    /// The last record.
    pub sequence: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

impl AuditReading {
    pub(super) fn register(&self, to: &mut Registry) {
        let events = Family::<ActionLabels, Counter>::default();
        for (action, count) in &self.events {
            events.get_or_create(&ActionLabels { action }).inc_by(*count);
        }
        to.register("fmvault_audit_events", "Records in the audit trail, by action", events);
        let failures = Counter::<u64>::default();
        failures.inc_by(self.failures);
        let help = "Writes of the audit trail that failed or came too late";
        to.register("fmvault_audit_write_failures", help, failures);
        let help = "1 if nothing wrong was found when the audit trail was last read as a whole";
        to.register("fmvault_audit_chain_ok", help, whole(u64::from(self.chain_ok)));
        let help = "Sequence of the last record of the audit trail";
        to.register("fmvault_audit_last_sequence", help, whole(self.sequence));
    }
}
