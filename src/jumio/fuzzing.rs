//! Doors to this module's readers for [`crate::fuzzing`], which gives them any bytes. Each says whether
//! the bytes were accepted, and panics if what was accepted breaks a promise.

use std::sync::LazyLock;
use std::time::Duration;

use super::json::{self, Json};
use super::links::Links;
use super::{AccountUpdate, Callback, Region, Settings, retry_after, wire};
use crate::model::{AccountId, ClientSecret, Timestamp, WorkflowExecutionId};

const ACCOUNT: AccountId = AccountId::from_bytes([0xac; 16]);
const EXECUTION: WorkflowExecutionId = WorkflowExecutionId::from_bytes([0xe8; 16]);

static LINKS: LazyLock<Links> = LazyLock::new(|| {
    let secret = ClientSecret::new(String::new());
    Links::new(&Settings::for_region(Region::Amer1, String::new(), secret, String::new()))
});

/// The token service's answer.
pub(crate) fn token(bytes: &[u8]) -> bool {
    let lifetime = answer(bytes).and_then(|json| Some(wire::access_token(&json).ok()?.1));
    assert!(lifetime.is_none_or(|time| time <= Duration::from_secs(24 * 3600)), "{lifetime:?}");
    lifetime.is_some()
}

/// The answer to an update of the account.
pub(crate) fn started(bytes: &[u8]) -> bool {
    let update = AccountUpdate { token_lifetime: Some(Duration::MAX), ..AccountUpdate::default() };
    let read = |json| wire::started(&json, &LINKS, ACCOUNT, &update).ok();
    let started = answer(bytes).and_then(read);
    assert!(started.as_ref().is_none_or(|started| started.slot.account == ACCOUNT));
    started.is_some()
}

/// The details of an onboarding.
pub(crate) fn onboarding(bytes: &[u8]) -> bool {
    let read = |json| wire::onboarding(&json, &LINKS, ACCOUNT, EXECUTION).ok();
    let details = answer(bytes).and_then(read);
    assert!(details.as_ref().is_none_or(|details| details.workflow_key.len() <= 64));
    details.is_some()
}

/// The status of an authentication.
pub(crate) fn status(bytes: &[u8]) -> bool {
    let details = answer(bytes).and_then(|json| wire::status(&json, ACCOUNT, EXECUTION).ok());
    assert!(details.as_ref().is_none_or(|details| details.decision.is_none()), "{details:?}");
    details.is_some()
}

/// The details of an authentication.
pub(crate) fn authentication(bytes: &[u8]) -> bool {
    answer(bytes).is_some_and(|json| wire::processed(&json, ACCOUNT, EXECUTION).is_ok())
}

/// The document that comes with a 400.
pub(crate) fn problem(bytes: &[u8]) -> bool {
    answer(bytes).is_some_and(|json| wire::is_about_workflow(&json))
}

/// The body of a callback.
pub(crate) fn callback(bytes: &[u8]) -> bool {
    let callback = Callback::parse(bytes);
    assert!(bytes.len() <= Callback::LEN_MAX || callback.is_err());
    callback.is_ok()
}

/// A link in an answer: one for the person's browser, or that of a FACEMAP part.
pub(crate) fn url(bytes: &[u8]) -> bool {
    let Ok(link) = str::from_utf8(bytes) else { return false };
    let for_browser = LINKS.check_web(link, "/web/href").is_ok();
    assert!(!for_browser || link.starts_with("https://"), "{link:?}");
    let credential = LINKS.facemap_credential(ACCOUNT, link, "/href").ok();
    if let Some(credential) = credential {
        assert_eq!(link, LINKS.facemap(ACCOUNT, credential).as_str());
    }
    for_browser || credential.is_some()
}

/// The value of a `Retry-After`.
pub(crate) fn retry_after(bytes: &[u8]) -> bool {
    let Ok(value) = str::from_utf8(bytes) else { return false };
    let now = Timestamp::from_millis(1_792_409_400_000); // 2026-10-19T11:30:00Z
    let pause = retry_after::pause(Some(value), now);
    let sensible = Duration::from_secs(1)..=retry_after::PAUSE_MAX;
    assert!(sensible.contains(&pause), "{value:?}: {pause:?}");
    retry_after::asked(value, now).is_some()
}

fn answer(bytes: &[u8]) -> Option<Json> {
    let fits = bytes.len() <= json::LEN_MAX;
    fits.then(|| Json::parse(bytes).ok()).flatten()
}
