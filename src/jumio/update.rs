//! What the vault tells Jumio when it starts an authentication.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Timestamp;

/// What the account is updated with, besides the workflow key of the settings. Already validated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountUpdate {
    /// Whose share of our call budget it takes. Jumio is not told.
    pub on_behalf_of: Arc<str>,
    /// The caller's reference, 1 to 100 characters.
    pub customer_internal_reference: String,
    /// The caller's reference of the person, up to 100 characters.
    pub user_reference: Option<String>,
    /// How long the tokens live: 5 minutes to 60 days, whole seconds.
    pub token_lifetime: Option<Duration>,
    /// Where Jumio reports the end.
    pub callback_url: Option<String>,
    /// Where the browser goes afterwards, and in which language the pages are.
    pub web: Option<Web>,
    /// The person's consent.
    pub consent: Option<Consent>,
}

/// Options of the web client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Web {
    /// Where the browser goes after success.
    pub success_url: Option<String>,
    /// Where the browser goes after an error.
    pub error_url: Option<String>,
    /// Language of the pages, such as `en-GB`.
    pub locale: Option<String>,
}

/// A person's consent, as Jumio wants it told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The person's IP address.
    pub user_ip: Option<String>,
    /// ISO 3166-1 alpha-3, such as `USA`.
    pub country: String,
    /// Subdivision without country, such as `IL`.
    pub state: Option<String>,
    /// `yes`, `no` or `na` and, for yes, when.
    pub obtained: Option<Obtained>,
}

/// Whether a consent was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obtained {
    /// Yes, at this moment.
    Yes(Timestamp),
    /// No.
    No,
    /// Not applicable.
    NotApplicable,
}
