//! The rules in force, as the configuration sets them.

use std::time::Duration;

use super::AdmissionPolicy;

/// The rules in force. Built from the configuration by the wiring; the units are in the types.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which onboardings may be captured.
    pub admission: AdmissionPolicy,
    /// How long Jumio keeps an account's data after its last activity, as agreed with Jumio.
    pub retention: Duration,
    /// An uncaptured facemap is at risk this long before its deadline.
    pub warning: Duration,
    /// An uncaptured facemap is at critical risk this long before its deadline.
    pub critical: Duration,
    /// Longest facemap accepted, in bytes.
    pub facemap_len_max: usize,
    /// Most captures running in the background right after their enrollment. Further ones are left
    /// to the sweep.
    pub background_captures_max: usize,
    /// Captures that the tenant's call budget allows in a second: what is left of the retrieval rate
    /// after the reserve for authentications, by two calls a capture.
    pub captures_per_second: f64,
    /// Jumio's key of the authentication workflow: 10071, or a custom variant.
    pub workflow_key: String,
    /// How long Jumio's tokens live if neither caller nor answer says so: Jumio's default is 30
    /// minutes.
    pub token_lifetime: Duration,
    /// A new start replaces a running one, unless the caller says otherwise.
    pub supersede: bool,
    /// A consent older than this is refused. Jumio allows three years at most.
    pub consent_max_age: Duration,
    /// A key older than this is to be rotated. Only told, never forced.
    pub key_max_age: Duration,
    /// Jumio's name of the region, such as `amer-1`; the SDK needs it beside its token.
    pub datacenter: String,
}
