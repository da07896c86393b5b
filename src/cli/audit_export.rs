//! `fmvault audit export`: events for a SIEM or a table.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::proto::admin::v1::AuditEvent;

use super::Session;
use super::audit::{Query, each_page, item};
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::text;

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ExportFormat {
    /// OCSF 1.6.0, one JSON object a line
    Ocsf,
    /// Comma-separated, with a header
    Csv,
}

/// The columns of CSV, as the JSON of `query` names them.
const COLUMNS: [&str; 14] = [
    "sequence",
    "time",
    "action",
    "reason",
    "detail",
    "value",
    "account_hash",
    "caller_hash",
    "request_id",
    "store_sequence",
    "generation",
    "key_epoch",
    "previous_mac",
    "mac",
];

/// Writes what is asked for to `out`, else to standard output.
pub(super) async fn run(
    session: &Session,
    query: &Query,
    form: ExportFormat,
    out: Option<PathBuf>,
) -> Result<Exit, Failure> {
    let failed = |error: io::Error| {
        let what = out.as_ref().map_or("standard output".to_owned(), |p| p.display().to_string());
        Failure::new(Exit::Conflict, format!("{what}: {error}"), "choose another --out")
    };
    let client = Client::connect(session).await?;
    let mut to: Box<dyn Write + Send> = match &out {
        Some(path) => Box::new(BufWriter::new(File::create_new(path).map_err(failed)?)),
        None => Box::new(anstream::stdout()),
    };
    let mut written = Ok(());
    let mut line = |text: String| {
        if written.is_ok() {
            written = writeln!(to, "{text}");
        }
    };
    if form == ExportFormat::Csv {
        line(COLUMNS.join(","));
    }
    each_page(&client, query, |events| {
        for event in events {
            line(match form {
                ExportFormat::Ocsf => ocsf(event).to_string(),
                ExportFormat::Csv => csv(event),
            });
        }
    })
    .await?;
    written.and_then(|()| to.flush()).map_err(failed)?;
    Ok(Exit::Done)
}

/// No field can hold a comma, a quote or a line break: they are numbers, hashes and words of ours.
fn csv(event: &AuditEvent) -> String {
    let item = item(event);
    let field = |key: &&str| match text(&item, key).as_str() {
        "-" => String::new(),
        text => text.to_owned(),
    };
    COLUMNS.iter().map(field).collect::<Vec<_>>().join(",")
}

/// One event as OCSF shapes it; our own fields in `unmapped`.
fn ocsf(event: &AuditEvent) -> Value {
    let (class, activity) = class(event);
    let millis =
        event.time.as_ref().map_or(0, |at| at.seconds * 1000 + i64::from(at.nanos) / 1_000_000);
    let done = event.reason.is_empty();
    let none_if_empty = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let hash =
        |text: &str| if text.is_empty() { Value::Null } else { format!("hmac:{text}").into() };
    let actor = match event.caller_hash.as_str() {
        "" => json!({ "app_name": "fmvault" }),
        caller => json!({ "user": { "uid": format!("hmac:{caller}"), "type_id": 3 } }),
    };
    json!({
        "metadata": {
            "version": "1.6.0",
            "uid": event.mac,
            "sequence": event.sequence,
            "event_code": event.action,
            "correlation_uid": none_if_empty(&event.request_id),
            "product": {
                "name": "facemap vault",
                "vendor_name": "fmvault",
                "version": env!("CARGO_PKG_VERSION"),
            },
        },
        "time": millis,
        "category_uid": class / 1000,
        "class_uid": class,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "severity_id": if event.action == "audit.gap" { 4 } else { 1 },
        "status_id": if done { 1 } else { 2 },
        "status_code": none_if_empty(&event.reason),
        "message": event.action,
        "actor": actor,
        "api": { "operation": event.action },
        "database": { "name": "facemaps", "type_id": 99 },
        "unmapped": { "fmvault": {
            "reason": none_if_empty(&event.reason),
            "account_ref": hash(&event.account_hash),
            "detail": none_if_empty(&event.detail),
            "value": event.value,
            "store_sequence": event.store_sequence,
            "generation": event.generation,
            "key_epoch": event.key_epoch,
            "chain": { "prev": event.previous_mac, "mac": event.mac },
        } },
    })
}

/// Class and activity of an action.
fn class(event: &AuditEvent) -> (i64, i64) {
    const ENTITY: i64 = 3004;
    const LIFECYCLE: i64 = 6002;
    const API: i64 = 6003;
    const DATA: i64 = 6005;
    const OTHER: i64 = 99;
    match event.action.as_str() {
        "facemap.decrypt" => (DATA, 10),
        "facemap.upload" => (DATA, 1),
        "facemap.capture" => (DATA, 6),
        "facemap.lost" | "facemap.blocked" => (DATA, OTHER),
        "enrollment.register" => (ENTITY, 10),
        "enrollment.erase" => (ENTITY, 11),
        "server.start" => (LIFECYCLE, 3),
        "server.stop" => (LIFECYCLE, 4),
        "vault.init" => (API, 1),
        action if action.starts_with("enrollment.") => (ENTITY, 3),
        action => (API, activity(action.strip_prefix("rpc.").unwrap_or(action))),
    }
}

/// What a method does, by its verb.
fn activity(method: &str) -> i64 {
    let is = |verbs: &[&str]| verbs.iter().any(|verb| method.starts_with(verb));
    if is(&["Create", "Start", "Register"]) {
        1
    } else if is(&["Get", "List", "Check", "Watch", "Diagnose", "Inspect", "Verify", "Hash"]) {
        2
    } else if is(&["Erase", "Delete", "Retire"]) {
        4
    } else if is(&["Retry", "Close", "Cancel", "Rotate", "Ingest"]) {
        3
    } else {
        99
    }
}
