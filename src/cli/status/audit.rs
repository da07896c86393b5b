//! What `fmvault status` says of the audit trail.

use serde_json::{Value, json};

use crate::proto::admin::v1::AuditSummary;

use super::super::json::time;
use super::size;

/// The line on the screen.
pub(super) fn line(audit: &AuditSummary) -> String {
    let AuditSummary {
        dir,
        record_count,
        head,
        state,
        reserve_bytes,
        reserve_left_bytes,
        disk_free_bytes,
        ..
    } = audit;
    let records = format!("{record_count} records, head {head}");
    let reserve = format!("reserve {} of {}", size(*reserve_left_bytes), size(*reserve_bytes));
    let whole = if audit.whole { "" } else { "   NOT WHOLE" };
    format!("{state}   {records}   {reserve}   free {}   {dir}{whole}", size(*disk_free_bytes))
}

pub(super) fn json(audit: &AuditSummary) -> Value {
    json!({
        "dir": audit.dir,
        "record_count": audit.record_count,
        "head": audit.head,
        "state": audit.state,
        "reserve_bytes": audit.reserve_bytes,
        "reserve_left_bytes": audit.reserve_left_bytes,
        "disk_free_bytes": audit.disk_free_bytes,
        "whole": audit.whole,
        "verify_time": time(audit.verify_time.as_ref()),
    })
}

/// What somebody should look at, each with what to do next.
pub(super) fn attention(audit: &AuditSummary) -> Vec<(String, &'static str)> {
    let room = "make room on the disk of audit.dir; the vault goes on by itself";
    let trouble = match audit.state.as_str() {
        "scarce" => Some(("The audit trail is full: only erasures go on.", room)),
        "full" => Some(("The audit trail is full: nothing is done.", room)),
        "slow" => {
            Some(("The audit trail is slow: nothing is done.", "look at the disk of audit.dir"))
        }
        "failed" => Some((
            "The audit trail cannot be written: nothing is done.",
            "look at the disk of audit.dir; the vault goes on by itself",
        )),
        _ => None,
    };
    let broken =
        (!audit.whole).then_some(("The audit trail is not whole.", "fmvault audit verify"));
    trouble.into_iter().chain(broken).map(|(what, next)| (what.to_owned(), next)).collect()
}
