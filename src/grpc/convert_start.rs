//! `StartAuthentication`: protobuf in, the vault's words out, by Jumio's rules for each field.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{RequestId, Timestamp};
use crate::proto::v1::start_authentication_request::OnInProgress;
use crate::proto::v1::user_consent::Obtained as ObtainedValue;
use crate::proto::v1::{StartAuthenticationRequest, UserConsent, WebOptions};
use crate::vault::{AccountUpdate, Consent, Obtained, StartAuthentication, Web};

use super::convert::parse_enrollment_name;
use super::fields::{Fields, Violation, is_unprintable};

/// A validated `StartAuthentication`.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) id: RequestId,
    pub(super) start: StartAuthentication,
    pub(super) validate_only: bool,
}

/// Why a `StartAuthentication` is not valid.
#[derive(Debug)]
pub(super) enum StartError {
    /// Fields are wrong.
    Fields(Vec<Violation>),
    /// `customer_internal_reference` is wrong, at this character (from 0).
    Reference {
        /// Where.
        position: usize,
    },
}

/// Jumio's documents: 1 to 100 characters, none of these. One of its pages has a shorter list; the
/// union is safe with both.
const REFERENCE_LEN_MAX: usize = 100;
const REFERENCE_FORBIDDEN: &str = "<>\"/;`%{}|";
/// Jumio's documents: 5 minutes to 60 days.
const LIFETIME: (Duration, Duration) =
    (Duration::from_secs(5 * 60), Duration::from_secs(60 * 86_400));
/// How far a caller's clock may be ahead of ours before a consent counts as given in the future.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

impl Start {
    /// Reads and checks a request at `now`. `supersede` is what an unset `on_in_progress` means.
    ///
    /// # Errors
    ///
    /// [`StartError`], all fields at once; the reference has a reason of its own.
    pub(super) fn parse(
        request: StartAuthenticationRequest,
        supersede: bool,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let mut fields = Fields::default();
        let account = parse_enrollment_name("enrollment", &request.enrollment, &mut fields);
        let id = match request.request_id.as_str() {
            "" => Some(RequestId::generate()),
            text => fields.id("request_id", text),
        };
        let user_reference = fields.text(
            "user_reference",
            request.user_reference,
            REFERENCE_LEN_MAX,
            "must be printable, up to 100 characters",
        );
        let token_lifetime = fields.duration(
            "token_lifetime",
            request.token_lifetime,
            LIFETIME.0,
            LIFETIME.1,
            "must be between 5 minutes and 60 days",
        );
        let callback_url = fields.url("callback_url", request.callback_url);
        let web = request.web.map(|web| web_options(&mut fields, web));
        let consent = request.user_consent.and_then(|c| user_consent(&mut fields, c, now));
        let supersede = match OnInProgress::try_from(request.on_in_progress) {
            Ok(OnInProgress::Unspecified) => supersede,
            Ok(OnInProgress::Reject) => false,
            Ok(OnInProgress::Supersede) => true,
            Err(_) => {
                fields.refuse("on_in_progress", "must be REJECT or SUPERSEDE");
                false
            }
        };
        let (account, id) = fields.finish(account.zip(id)).map_err(StartError::Fields)?;
        let customer_internal_reference = reference(request.customer_internal_reference)?;
        let update = AccountUpdate {
            // The service knows who asks.
            on_behalf_of: Arc::default(),
            customer_internal_reference,
            user_reference,
            token_lifetime: token_lifetime.map(|life| Duration::from_secs(life.as_secs())),
            callback_url,
            web,
            consent,
        };
        let start = StartAuthentication { account, update, supersede };
        Ok(Self { id, start, validate_only: request.validate_only })
    }
}

fn reference(text: String) -> Result<String, StartError> {
    let wrong = |c: char| REFERENCE_FORBIDDEN.contains(c) || is_unprintable(c);
    let position = match text.chars().count() {
        0 => Some(0),
        len if len > REFERENCE_LEN_MAX => Some(REFERENCE_LEN_MAX),
        _ => text.chars().position(wrong),
    };
    position.map_or(Ok(text), |position| Err(StartError::Reference { position }))
}

fn web_options(fields: &mut Fields, web: WebOptions) -> Web {
    let locale = fields.text("web.locale", web.locale, 5, "must be like en or en-GB");
    let is_locale = |text: &String| {
        let mut parts = text.split('-');
        let alphabetic = |part: Option<&str>| {
            part.is_some_and(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_alphabetic()))
        };
        alphabetic(parts.next()) && (parts.clone().next().is_none() || alphabetic(parts.next()))
    };
    if locale.as_ref().is_some_and(|locale| !is_locale(locale)) {
        fields.refuse("web.locale", "must be like en or en-GB");
    }
    Web {
        success_url: fields.url("web.success_url", web.success_url),
        error_url: fields.url("web.error_url", web.error_url),
        locale,
    }
}

fn user_consent(fields: &mut Fields, consent: UserConsent, now: Timestamp) -> Option<Consent> {
    let user_ip = fields.ip("user_consent.user_ip", consent.user_ip.clone());
    if consent.user_ip.is_empty() {
        fields.refuse("user_consent.user_ip", "must be the person's IP address");
    }
    let country = consent.country;
    if country.len() != 3 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let what = "must be three capital letters (ISO 3166-1 alpha-3), such as USA";
        fields.refuse("user_consent.country", what);
    }
    let state = fields.text(
        "user_consent.state",
        consent.state,
        100,
        "must be printable, up to 100 characters",
    );
    let at = fields.time("user_consent.obtained_at", consent.obtained_at);
    if at.is_some_and(|at| at > now.plus(CLOCK_TOLERANCE)) {
        fields.refuse("user_consent.obtained_at", "must not be in the future");
    }
    let obtained = match (ObtainedValue::try_from(consent.obtained), at) {
        (Ok(ObtainedValue::Yes), Some(at)) => Some(Obtained::Yes(at)),
        (Ok(ObtainedValue::Yes), None) => {
            fields.refuse("user_consent.obtained_at", "must say when, if obtained is YES");
            None
        }
        (Ok(ObtainedValue::No), _) => Some(Obtained::No),
        (Ok(ObtainedValue::NotApplicable), _) => Some(Obtained::NotApplicable),
        (Ok(ObtainedValue::Unspecified), _) if country == "USA" => {
            fields.refuse("user_consent.obtained", "must be given for the USA");
            None
        }
        (Ok(ObtainedValue::Unspecified), _) => None,
        (Err(_), _) => {
            fields.refuse("user_consent.obtained", "must be YES, NO or NOT_APPLICABLE");
            None
        }
    };
    Some(Consent { user_ip, country, state, obtained })
}
