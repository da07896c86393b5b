//! The update of an account: our request, and what Jumio hands back.

use serde::Serialize;

use super::same_id;
use crate::jumio::json::{At, Json};
use crate::jumio::links::{Links, same};
use crate::jumio::{
    AccountUpdate, Consent, JumioError, Obtained, PendingAuthentication, UploadSlot,
};
use crate::model::{AccountId, SdkToken, Timestamp, UploadToken, WebLink, WorkflowExecutionId};

/// The request body for `update` with the workflow `key`.
pub(in crate::jumio) fn request(update: &AccountUpdate, key: &str) -> Vec<u8> {
    let web = update.web.as_ref().map(|web| Web {
        success_url: web.success_url.as_deref(),
        error_url: web.error_url.as_deref(),
        locale: web.locale.as_deref(),
    });
    let body = Body {
        customer_internal_reference: &update.customer_internal_reference,
        user_reference: update.user_reference.as_deref(),
        workflow_definition: Definition { key: key.parse().map_or(Key::Word(key), Key::Number) },
        callback_url: update.callback_url.as_deref(),
        token_lifetime: update.token_lifetime.map(|lifetime| lifetime_text(lifetime.as_secs())),
        web,
        user_consent: update.consent.as_ref().map(UserConsent::new),
    };
    serde_json::to_vec(&body).expect("texts and numbers in plain structs always serialise")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    customer_internal_reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_reference: Option<&'a str>,
    workflow_definition: Definition<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_lifetime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web: Option<Web<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_consent: Option<UserConsent<'a>>,
}

#[derive(Serialize)]
struct Definition<'a> {
    key: Key<'a>,
}

/// Jumio's own keys are numbers; a variant made for a tenant need not be.
#[derive(Serialize)]
#[serde(untagged)]
enum Key<'a> {
    Number(u64),
    Word(&'a str),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Web<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserConsent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_ip: Option<&'a str>,
    user_location: Location<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<Given>,
}

#[derive(Serialize)]
struct Location<'a> {
    country: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    obtained: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    obtained_at: Option<String>,
}

impl<'a> UserConsent<'a> {
    fn new(consent: &'a Consent) -> Self {
        let given = consent.obtained.map(|obtained| match obtained {
            Obtained::Yes(at) => Given { obtained: "yes", obtained_at: Some(millis_text(at)) },
            Obtained::No => Given { obtained: "no", obtained_at: None },
            Obtained::NotApplicable => Given { obtained: "na", obtained_at: None },
        });
        Self {
            user_ip: consent.user_ip.as_deref(),
            user_location: Location { country: &consent.country, state: consent.state.as_deref() },
            consent: given,
        }
    }
}

/// Jumio's form of a lifetime: digits and a unit, minutes where they are whole.
fn lifetime_text(seconds: u64) -> String {
    if seconds.is_multiple_of(60) { format!("{}m", seconds / 60) } else { format!("{seconds}s") }
}

/// Jumio's form of a time: always three digits of a second.
fn millis_text(time: Timestamp) -> String {
    let text = time.to_string();
    let whole = text.trim_end_matches('Z');
    let whole = whole.split_once('.').map_or(whole, |(whole, _)| whole);
    format!("{whole}.{:03}Z", time.as_millis() % 1000)
}

/// Reads the answer to an update of `account`.
pub(in crate::jumio) fn started(
    json: &Json,
    links: &Links,
    account: AccountId,
    update: &AccountUpdate,
) -> Result<PendingAuthentication, JumioError> {
    let top = json.top();
    same_id(&top.need("account")?, account)?;
    let workflow = top.need("workflowExecution")?;
    let execution: WorkflowExecutionId = workflow.need("id")?.id()?;
    let slot = upload_slot(&workflow, links, account, execution)?;
    let sdk_token = SdkToken::new(top.need("sdk")?.need("token")?.token()?);
    let web_href = top.field("web")?.map(|web| web.field("href")).transpose()?.flatten();
    let web_link = match web_href {
        Some(href) => {
            links.check_web(href.text()?, href.pointer())?;
            Some(WebLink::new(href.text()?.to_owned()))
        }
        None => None,
    };
    let started = super::time(&top, "timestamp")?;
    let expires = started.zip(update.token_lifetime).map(|(at, lifetime)| at.plus(lifetime));
    Ok(PendingAuthentication { execution, sdk_token, web_link, expires, slot })
}

/// The one FACEMAP credential that takes uploads. There is a second FACEMAP credential, for the
/// person's device, and their order differs from document to document.
fn upload_slot(
    workflow: &At<'_>,
    links: &Links,
    account: AccountId,
    execution: WorkflowExecutionId,
) -> Result<UploadSlot, JumioError> {
    let mut slot = None;
    for at in workflow.items("credentials")? {
        let Some((api, link)) = upload_link(&at)? else {
            continue;
        };
        if slot.is_some() {
            return Err(at.unexpected());
        }
        let credential = at.need("id")?.id()?;
        let ours = links.upload(account, execution, credential);
        same(link.text()?, &ours, link.pointer())?;
        let token = UploadToken::new(api.need("token")?.token()?);
        slot = Some(UploadSlot { account, execution, credential, token });
    }
    let pointer = format!("{}/credentials", workflow.pointer());
    slot.ok_or(JumioError::ResponseUnexpected { pointer })
}

/// The `api` object and the upload link of a credential, if it is a FACEMAP that has them.
fn upload_link<'a>(at: &At<'a>) -> Result<Option<(At<'a>, At<'a>)>, JumioError> {
    if at.need("category")?.text()? != "FACEMAP" {
        return Ok(None);
    }
    let mut by_api = false;
    for channel in at.items("allowedChannels")? {
        by_api |= channel.text()? == "API";
    }
    let Some(api) = at.field("api")?.filter(|_| by_api) else {
        return Ok(None);
    };
    let link = api.field("parts")?.map(|parts| parts.field("facemap")).transpose()?.flatten();
    Ok(link.map(|link| (api, link)))
}

/// Whether a 400 is about the workflow's key, by the problem document's `detail`.
pub(in crate::jumio) fn is_about_workflow(json: &Json) -> bool {
    let detail = json.top().field("detail").ok().flatten();
    let text = detail.and_then(|at| at.text().ok()).unwrap_or("");
    text.to_ascii_lowercase().contains("workflowdefinition")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_and_times_are_spelled_as_jumio_documents_them() {
        assert_eq!(lifetime_text(1800), "30m");
        assert_eq!(lifetime_text(301), "301s");
        for (text, want) in [
            ("2026-03-02T09:14:55Z", "2026-03-02T09:14:55.000Z"),
            ("2026-03-02T09:14:55.5Z", "2026-03-02T09:14:55.500Z"),
            ("2026-03-02T09:14:55.042Z", "2026-03-02T09:14:55.042Z"),
        ] {
            assert_eq!(millis_text(Timestamp::parse(text).unwrap()), want);
        }
    }
}
