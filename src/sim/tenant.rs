//! The settings of a simulated tenant: what Jumio's portal or support would have configured, and
//! the simulator's own switches where Jumio's documents leave the answer open.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Settings of one world, changed through `PATCH /__sim/tenant`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tenant {
    /// Whether facemaps may be downloaded. If not, the FACEMAP part has no `href` and answers 403.
    pub(super) download_allowed: bool,
    /// Whether the new facemap of a finished 10071 may be downloaded too.
    pub(super) roll_forward: bool,
    /// Liveness type of new executions. With `JUMIO_*` no facemap can be downloaded at all.
    pub(super) liveness_type: String,
    /// Workflow keys with ID, selfie and facemap. 10016 among them means liveness alone.
    pub(super) onboarding_keys: Vec<String>,
    /// Workflow keys that run Authentication On-Premises; 16 always means the first of them.
    pub(super) on_premises_keys: Vec<String>,
    /// How long data is kept after the last activity on its account.
    #[serde(with = "duration")]
    pub(super) retention: Duration,
    /// Lifetime of the execution's token unless the call asks for another.
    #[serde(with = "duration")]
    pub(super) token_lifetime: Duration,
    /// Lifetime of an OAuth access token.
    #[serde(with = "duration")]
    pub(super) access_token_lifetime: Duration,
    /// First label of the web client's host; without one there is no `web` in account answers.
    pub(super) web_domain_prefix: Option<String>,
    /// Refuse calls without `User-Agent` (403).
    pub(super) user_agent_required: bool,
    /// Refuse bodies without `Content-Length` (400).
    pub(super) content_length_required: bool,
    /// Where callbacks go when the account call names no `callbackUrl`.
    pub(super) callback_url: Option<String>,
    /// Which URLs calls may name.
    pub(super) callback_urls: CallbackUrls,
    /// Send callbacks for ACQUISITION_STARTED and ACQUIRED too.
    pub(super) intermediate_callbacks: bool,
    /// `own`, `jumio`, or an absolute URL under which callers reach this simulator.
    pub(super) base_urls: String,
    /// Order of the two FACEMAP credentials of 10071 in account answers.
    pub(super) facemap_order: FacemapOrder,
    /// Accept the OAuth access token for uploads as well.
    pub(super) lenient_upload_token: bool,
    /// Refuse a second POST of the same part with 409 instead of letting the last one win.
    pub(super) second_upload_conflicts: bool,
    /// Largest upload accepted, in bytes.
    pub(super) upload_max_bytes: usize,
    /// What the details of an expired execution look like.
    pub(super) expired_details: ExpiredDetails,
    /// Answer details with 404 after deletion by retention.
    pub(super) details_gone_after_wipe: bool,
    /// Answer POST and PUT of accounts with 201 instead of 200.
    pub(super) created_status: bool,
    /// Accept `customerInternalReference` with any characters, as Jumio's mock tenants do.
    pub(super) mock_tenant: bool,
    /// Request budgets.
    pub(super) rate_limits: RateLimits,
}

impl Default for Tenant {
    fn default() -> Self {
        let keys = |list: &[&str]| list.iter().map(|key| (*key).to_owned()).collect();
        Self {
            download_allowed: true,
            roll_forward: false,
            liveness_type: "IPROOV_STANDARD".to_owned(),
            onboarding_keys: keys(&["10011", "10013", "10016", "10163", "10164", "10167"]),
            on_premises_keys: keys(&["10071"]),
            retention: Duration::from_secs(30 * 86_400),
            token_lifetime: Duration::from_secs(30 * 60),
            access_token_lifetime: Duration::from_secs(3_600),
            web_domain_prefix: Some("simulator".to_owned()),
            user_agent_required: true,
            content_length_required: true,
            callback_url: None,
            callback_urls: CallbackUrls::Loopback,
            intermediate_callbacks: false,
            base_urls: "own".to_owned(),
            facemap_order: FacemapOrder::NewFirst,
            lenient_upload_token: false,
            second_upload_conflicts: false,
            upload_max_bytes: super::facemap::SIZE_MAX,
            expired_details: ExpiredDetails::NotExecuted,
            details_gone_after_wipe: false,
            created_status: false,
            mock_tenant: false,
            rate_limits: RateLimits::default(),
        }
    }
}

impl Tenant {
    /// Whether an execution with `liveness_type` yields a facemap that could be used later.
    pub(super) fn is_jumio_liveness(liveness_type: &str) -> bool {
        liveness_type.starts_with("JUMIO")
    }
}

/// Which callback, success and error URLs an account call may name.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CallbackUrls {
    /// Jumio's rules: https, a host name, no port, no fragment.
    Strict,
    /// Also `http` and ports on 127.0.0.1, ::1 and localhost. The simulator's default.
    Loopback,
    /// Also any `http` host and port, for container networks.
    Any,
}

/// Order of the FACEMAP credentials; both orders are documented.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FacemapOrder {
    /// The one the person's device fills, then the one filled by upload.
    NewFirst,
    /// The other way round, as in older samples.
    StoredFirst,
}

/// What the details of an expired execution look like; sources disagree.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExpiredDetails {
    /// NOT_EXECUTED with score -1.
    NotExecuted,
    /// REJECTED with score 100.
    Rejected,
    /// 404.
    Unavailable,
}

/// Request budgets, off unless switched on.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimits {
    /// Whether they are applied.
    pub(super) enabled: bool,
    /// Token calls.
    pub(super) token: Rate,
    /// Account calls.
    pub(super) account: Rate,
    /// Retrieval calls.
    pub(super) retrieval: Rate,
}

impl Default for RateLimits {
    /// Jumio's published defaults: 10, 1 and 15 a second. The burst of account calls is ours; the
    /// documents only say that short bursts are tolerated.
    fn default() -> Self {
        Self {
            enabled: false,
            token: Rate { per_second: 10.0, burst: 10.0 },
            account: Rate { per_second: 1.0, burst: 3.0 },
            retrieval: Rate { per_second: 15.0, burst: 15.0 },
        }
    }
}

/// One budget.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    /// Calls that become possible each second.
    pub(super) per_second: f64,
    /// Calls that are possible at once.
    pub(super) burst: f64,
}

/// Durations as text such as `30d`.
mod duration {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&humantime::format_duration(*value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(input)?;
        humantime::parse_duration(&text).map_err(D::Error::custom)
    }
}
