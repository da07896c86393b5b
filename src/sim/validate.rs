//! Strict reading of the body of an account call.

use std::{net::IpAddr, time::Duration};

use serde_json::{Map, Value};

use super::{
    execution::Flow,
    tenant::{CallbackUrls, Tenant},
    urls,
};

/// Characters that references may not contain.
const FORBIDDEN: &[char] = &['<', '>', '"', '/', ';', '`', '%', '{', '}', '|'];

/// Query parameters that Jumio appends to success and error URLs.
const APPENDED: [&str; 5] = [
    "accountId",
    "workflowExecutionId",
    "acquisitionStatus",
    "customerInternalReference",
    "errorCode",
];

/// A valid account call.
pub(super) struct AccountCall {
    pub(super) flow: Flow,
    pub(super) key: String,
    pub(super) reference: String,
    pub(super) user_reference: Option<String>,
    pub(super) callback_url: Option<String>,
    pub(super) token_lifetime: Option<Duration>,
    pub(super) success_url: Option<String>,
    pub(super) error_url: Option<String>,
    pub(super) locale: Option<String>,
}

/// Reads `body` by the rules of `tenant`.
///
/// # Errors
///
/// The first thing that is wrong, as `field: reason`.
pub(super) fn account_call(body: &[u8], tenant: &Tenant) -> Result<AccountCall, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "body: is not valid JSON")?;
    let body = body.as_object().ok_or("body: must be an object")?;
    let reference = reference(body, tenant)?;
    let workflow = object(body, "workflowDefinition")?.ok_or("workflowDefinition: is missing")?;
    let (flow, key) = workflow_key(workflow, tenant)?;
    credentials(workflow)?;
    object(workflow, "capabilities")?;
    overrides(body)?;
    consent(body)?;
    text(body, "reportingCriteria", 1, 255)?;
    let callback_url = url(body, "callbackUrl", tenant.callback_urls)?;
    let token_lifetime = token_lifetime(body)?;
    let nothing = Map::new();
    let web = object(body, "web")?.unwrap_or(&nothing);
    Ok(AccountCall {
        flow,
        key,
        reference,
        user_reference: text(body, "userReference", 1, 100)?,
        callback_url,
        token_lifetime,
        success_url: return_url(web, "successUrl", tenant.callback_urls)?,
        error_url: return_url(web, "errorUrl", tenant.callback_urls)?,
        locale: locale(web)?,
    })
}

fn reference(body: &Map<String, Value>, tenant: &Tenant) -> Result<String, String> {
    const FIELD: &str = "customerInternalReference";
    let reference = match present(body, FIELD) {
        None => return Err(format!("{FIELD}: must not be blank")),
        // At least one client in production sends a number.
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(format!("{FIELD}: must be a string")),
    };
    if reference.trim().is_empty() {
        return Err(format!("{FIELD}: must not be blank"));
    }
    if tenant.mock_tenant {
        return Ok(reference);
    }
    length(FIELD, &reference, 1, 100)?;
    if reference.contains(FORBIDDEN) {
        return Err(format!("{FIELD}: contains a character that is not allowed"));
    }
    Ok(reference)
}

fn workflow_key(workflow: &Map<String, Value>, tenant: &Tenant) -> Result<(Flow, String), String> {
    let key = match present(workflow, "key") {
        None => return Err("workflowDefinition.key: is missing".to_owned()),
        Some(Value::String(key)) => key.clone(),
        Some(Value::Number(key)) if key.is_u64() => key.to_string(),
        Some(_) => return Err("workflowDefinition.key: must be a number or a string".to_owned()),
    };
    Flow::of(&key, tenant).ok_or_else(|| "workflowDefinition.key: is not known".to_owned())
}

fn credentials(workflow: &Map<String, Value>) -> Result<(), String> {
    const FIELD: &str = "workflowDefinition.credentials";
    let Some(list) = present(workflow, "credentials") else { return Ok(()) };
    let list = list.as_array().ok_or_else(|| format!("{FIELD}: must be an array"))?;
    for item in list {
        let item = item.as_object().ok_or_else(|| format!("{FIELD}: must hold objects"))?;
        let category = text(item, "category", 1, 100)?;
        let known = ["ID", "SELFIE", "FACEMAP", "DOCUMENT", "DATA"];
        if !category.is_some_and(|category| known.contains(&category.as_str())) {
            return Err(format!("{FIELD}.category: is missing or not known"));
        }
        text(item, "label", 1, 255)?;
        choice(item, "country")?;
        choice(item, "type")?;
    }
    Ok(())
}

/// A `country` or `type` of a credential.
fn choice(item: &Map<String, Value>, name: &str) -> Result<(), String> {
    let Some(choice) = object(item, name)? else { return Ok(()) };
    if let Some(kind) = text(choice, "predefinedType", 1, 100)?
        && !matches!(kind.as_str(), "DEFINED" | "RECOMMENDED")
    {
        return Err(format!("{name}.predefinedType: is not known"));
    }
    match present(choice, "values") {
        None => Ok(()),
        Some(Value::Array(values)) if values.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(format!("{name}.values: must be an array of strings")),
    }
}

fn overrides(body: &Map<String, Value>) -> Result<(), String> {
    match object(body, "overrideSettings")? {
        Some(settings) if !settings.values().all(Value::is_string) => {
            Err("overrideSettings: must map strings to strings".to_owned())
        }
        Some(_) | None => Ok(()),
    }
}

/// Sign, digits and one unit; between five minutes and sixty days.
fn token_lifetime(body: &Map<String, Value>) -> Result<Option<Duration>, String> {
    const FIELD: &str = "tokenLifetime";
    let Some(lifetime) = text(body, FIELD, 1, 255)? else { return Ok(None) };
    let malformed = || format!("{FIELD}: does not match the pattern");
    let (number, unit) = lifetime
        .char_indices()
        .next_back()
        .and_then(|(at, unit)| Some((lifetime.get(..at)?, unit)))
        .ok_or_else(malformed)?;
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(malformed()),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    let allowed = 5 * 60..=60 * 86_400;
    match seconds.filter(|seconds| allowed.contains(seconds) && !number.starts_with('-')) {
        Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
        None => Err(format!("{FIELD}: must be between 5m and 60d")),
    }
}

fn locale(web: &Map<String, Value>) -> Result<Option<String>, String> {
    let Some(locale) = text(web, "locale", 1, 5)? else { return Ok(None) };
    let (language, region) = match locale.split_once('-') {
        Some((language, region)) => (language, Some(region)),
        None => (locale.as_str(), None),
    };
    let letters =
        |text: &str, test: fn(&u8) -> bool| text.len() == 2 && text.bytes().all(|b| test(&b));
    let region_is_valid = region.is_none_or(|region| letters(region, u8::is_ascii_uppercase));
    if letters(language, u8::is_ascii_lowercase) && region_is_valid {
        return Ok(Some(locale));
    }
    Err("web.locale: is not valid".to_owned())
}

fn consent(body: &Map<String, Value>) -> Result<(), String> {
    let Some(outer) = object(body, "userConsent")? else { return Ok(()) };
    let ip = text(outer, "userIp", 1, 100)?.ok_or("userConsent.userIp: is missing")?;
    ip.parse::<IpAddr>().map_err(|_| "userConsent.userIp: is not an IP address")?;
    let location = object(outer, "userLocation")?.ok_or("userConsent.userLocation: is missing")?;
    let country = text(location, "country", 3, 3)?.ok_or("userLocation.country: is missing")?;
    if !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("userLocation.country: is not an alpha-3 code".to_owned());
    }
    let state = text(location, "state", 1, 100)?;
    let coded = matches!(country.as_str(), "USA" | "CAN" | "AUS");
    let is_code = |state: &String| {
        (2..=3).contains(&state.len()) && state.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    if coded && !state.as_ref().is_none_or(is_code) {
        return Err("userLocation.state: is not a subdivision code".to_owned());
    }
    let Some(consent) = object(outer, "consent")? else {
        let needed = country == "USA";
        return if needed { Err("userConsent.consent: is missing".to_owned()) } else { Ok(()) };
    };
    let obtained = text(consent, "obtained", 1, 100)?.ok_or("consent.obtained: is missing")?;
    let at = text(consent, "obtainedAt", 1, 100)?;
    match (obtained.as_str(), at) {
        ("yes", None) => Err("consent.obtainedAt: is missing".to_owned()),
        ("no" | "na", None) => Ok(()),
        ("yes" | "no" | "na", Some(at)) if is_instant(&at) => Ok(()),
        ("yes" | "no" | "na", Some(_)) => Err("consent.obtainedAt: is not valid".to_owned()),
        _ => Err("consent.obtained: must be yes, no or na".to_owned()),
    }
}

/// Whether `text` is a time in UTC with exactly three digits of milliseconds.
fn is_instant(text: &str) -> bool {
    super::clock::Moment::parse(text).is_some_and(|moment| moment.to_string() == text)
}

fn url(
    body: &Map<String, Value>,
    name: &str,
    allowed: CallbackUrls,
) -> Result<Option<String>, String> {
    let Some(url) = text(body, name, 1, 255)? else { return Ok(None) };
    urls::check(&url, allowed).map_err(|reason| format!("{name}: {reason}"))?;
    Ok(Some(url))
}

/// A URL the person returns to, which may not use the parameters Jumio appends.
fn return_url(
    web: &Map<String, Value>,
    name: &str,
    allowed: CallbackUrls,
) -> Result<Option<String>, String> {
    let found = url(web, name, allowed)?;
    if found.as_ref().is_some_and(|url| urls::names_parameter(url, &APPENDED)) {
        return Err(format!("{name}: uses a reserved parameter"));
    }
    Ok(found)
}

/// The value of `name`; JSON's null is as good as nothing.
fn present<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn object<'a>(
    parent: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, String> {
    match present(parent, name) {
        None => Ok(None),
        Some(value) => match value.as_object() {
            Some(object) => Ok(Some(object)),
            None => Err(format!("{name}: must be an object")),
        },
    }
}

fn text(
    object: &Map<String, Value>,
    name: &str,
    min: usize,
    max: usize,
) -> Result<Option<String>, String> {
    let Some(value) = present(object, name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| format!("{name}: must be a string"))?;
    length(name, text, min, max)?;
    Ok(Some(text.to_owned()))
}

fn length(name: &str, text: &str, min: usize, max: usize) -> Result<(), String> {
    if (min..=max).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(format!("{name}: size must be between {min} and {max}"))
}
