//! `fmvault status`: one screen about the running vault.

mod audit;

use serde_json::{Value, json};

use crate::proto::admin::v1::get_status_response::{Mode, State};
use crate::proto::admin::v1::rewrap::State as RewrapState;
use crate::proto::admin::v1::{GetStatusRequest, GetStatusResponse, KeySummary};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{text, time};
use super::keys_watch;

/// Prints the screen; the exit code tells whether somebody should look.
pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let request = client.request(GetStatusRequest {});
    let status = client.status().get_status(request).await?.into_inner();
    let attention = attention(&status);
    let json = json(&status, &attention);
    session.output.value(&json, || screen(&status, &json, &attention));
    Ok(if attention.is_empty() { Exit::Done } else { Exit::Attention })
}

/// What somebody should look at, each with what to do next.
fn attention(status: &GetStatusResponse) -> Vec<(String, &'static str)> {
    let counts = status.enrollments.unwrap_or_default();
    let risks = status.risks.unwrap_or_default();
    let rows = [
        (
            risks.overdue,
            "facemaps are past their deadline and not captured",
            "fmvault enrollment list --risk overdue",
        ),
        (
            risks.critical,
            "facemaps may be deleted by Jumio soon",
            "fmvault enrollment list --risk critical",
        ),
        (
            counts.blocked,
            "are blocked: Jumio does not let them be downloaded",
            "fmvault enrollment list --state blocked",
        ),
        (
            counts.lost,
            "are lost: Jumio deleted them first",
            "fmvault enrollment list --state lost, then close each with its reason",
        ),
        (
            counts.damaged,
            "records do not open: damaged, or sealed under a key that is not there",
            "look at the disk, then restore the store from its backup, or erase them",
        ),
        (
            i64::from(status.keys.as_ref().map_or(0, |keys| keys.rotation_due_count)),
            "key versions are too old or have wrapped too much",
            "fmvault keys rotate",
        ),
    ];
    let found = rows.into_iter().filter(|(n, _, _)| *n > 0);
    let found = found.map(|(n, what, next)| (format!("{n} {what}."), next));
    let store = status.store_state.as_str();
    let refusing = !["", "writable"].contains(&store);
    let refusing = refusing.then(|| {
        let store = store.replace('_', "-");
        (format!("The store takes no changes: it is {store}."), "fmvault doctor says what to do")
    });
    let audit = status.audit.as_ref().map(audit::attention).unwrap_or_default();
    refusing.into_iter().chain(audit).chain(found).collect()
}

fn json(status: &GetStatusResponse, attention: &[(String, &'static str)]) -> Value {
    let counts = status.enrollments.unwrap_or_default();
    let risks = status.risks.unwrap_or_default();
    let keys = status.keys.clone().unwrap_or_default();
    let attention: Vec<_> =
        attention.iter().map(|(what, next)| json!({ "what": what, "next": next })).collect();
    json!({
        "version": status.version,
        "mode": Mode::try_from(status.mode).unwrap_or_default().as_str_name().trim_start_matches("MODE_"),
        "state": State::try_from(status.state).unwrap_or_default().as_str_name().trim_start_matches("STATE_"),
        "uptime_seconds": status.uptime.map_or(0, |uptime| uptime.seconds),
        "store_size_bytes": status.store_size_bytes,
        "store_format": status.store_format,
        "store_state": status.store_state,
        "jumio_region": status.jumio_region,
        "enrollments": {
            "pending": counts.pending, "active": counts.active, "blocked": counts.blocked,
            "lost": counts.lost, "erased": counts.erased, "closed": counts.closed,
            "damaged": counts.damaged,
        },
        "risks": { "warning": risks.warning, "critical": risks.critical, "overdue": risks.overdue },
        "next_capture_by_time": time(status.next_capture_by_time.as_ref()),
        "orphaned_executions": status.orphaned_executions,
        "keys": {
            "primary_version": keys.primary_version,
            "primary_create_time": time(keys.primary_create_time.as_ref()),
            "version_count": keys.version_count,
            "rotation_due_count": keys.rotation_due_count,
            "rewrap_remaining": keys.rewrap_remaining,
            "rewrap": keys.rewrap.as_ref().map(keys_watch::json),
        },
        "audit": status.audit.as_ref().map(audit::json),
        "attention": attention,
    })
}

fn screen(
    status: &GetStatusResponse,
    json: &Value,
    attention: &[(String, &'static str)],
) -> String {
    let counts = status.enrollments.unwrap_or_default();
    let risks = status.risks.unwrap_or_default();
    let keys = status.keys.clone().unwrap_or_default();
    let bold = anstyle::Style::new().bold();
    let yellow = anstyle::AnsiColor::Yellow.on_default();
    let total = counts.pending
        + counts.active
        + counts.blocked
        + counts.lost
        + counts.erased
        + counts.closed;
    let uptime = std::time::Duration::from_secs(
        status.uptime.and_then(|uptime| u64::try_from(uptime.seconds).ok()).unwrap_or(0),
    );
    let mut lines = vec![
        format!(
            "{bold}facemap vault {}{bold:#}   {}   {}   up {}   store {}",
            status.version,
            text(json, "state").to_lowercase(),
            text(json, "mode").to_lowercase(),
            humantime::format_duration(uptime),
            size(status.store_size_bytes),
        ),
        String::new(),
        format!(
            " ENROLLMENTS  {total}   active {}   pending {}   blocked {}   lost {}   erased {}   closed {}",
            counts.active,
            counts.pending,
            counts.blocked,
            counts.lost,
            counts.erased,
            counts.closed
        ),
        format!(
            " AT RISK      {}   overdue {}   critical {}   warning {}   next deadline {}",
            risks.overdue + risks.critical + risks.warning,
            risks.overdue,
            risks.critical,
            risks.warning,
            text(json, "next_capture_by_time"),
        ),
        format!(
            " JUMIO        {}   orphaned executions {}",
            status.jumio_region, status.orphaned_executions
        ),
        format!(" KEYS         {}", keys_line(&keys)),
        format!(" AUDIT        {}", audit::line(&status.audit.clone().unwrap_or_default())),
    ];
    for (what, next) in attention {
        lines.push(format!("\n{yellow}! {what}{yellow:#}   Next: {next}"));
    }
    lines.join("\n")
}

fn keys_line(keys: &KeySummary) -> String {
    let versions = format!("{} versions, newest {}", keys.version_count, keys.primary_version);
    let open =
        keys.rewrap.as_ref().filter(|rewrap| rewrap.state == i32::from(RewrapState::Running));
    match (open, keys.rewrap_remaining) {
        (None, 0) => versions,
        (None, left) => format!("{versions}   {left} records under old versions"),
        (Some(rewrap), left) => {
            let done = (rewrap.total - left).max(0) * 100 / rewrap.total.max(1);
            format!("{versions}   rotating: {done}% re-wrapped")
        }
    }
}

/// A size as people read it.
pub(super) fn size(bytes: i64) -> String {
    let kib = bytes / 1024;
    match kib {
        0..1024 => format!("{kib} KiB"),
        1024..1_048_576 => format!("{} MiB", kib / 1024),
        _ => format!("{}.{} GiB", kib / 1_048_576, kib % 1_048_576 * 10 / 1_048_576),
    }
}
