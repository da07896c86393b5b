//! `fmvault audit`: who did what, and is the trail whole.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::audit::GivenHead;
use crate::model::Timestamp;
use crate::proto::admin::v1;

use super::Session;
use super::audit_export::{self, ExportFormat};
use super::audit_verify;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{text, time};
use super::server::StopSignals;

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Audit {
    /// Events of the trail, oldest first
    Query(Query),
    /// New events as they come, until Ctrl-C
    Tail(Query),
    /// Read the whole trail and tell what is wrong with it; exit 3 if anything is
    Verify {
        /// A copy of the trail, to be read without a vault; needs the keyring of the settings
        dir: Option<PathBuf>,
        /// A head that was given out earlier, such as 8412907:1f9c0a5b7d3e2f11
        #[arg(long, value_name = "HEAD")]
        head: Option<GivenHead>,
    },
    /// Events for other programs
    Export {
        #[command(flatten)]
        query: Query,
        /// In which form
        #[arg(long = "as", value_enum, default_value = "ocsf")]
        form: ExportFormat,
        /// Into this new file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The keyed hash under which logs and trail know an account
    Hash {
        /// The account id; with --caller the name of a caller
        subject: String,
        /// It is the name of a caller
        #[arg(long)]
        caller: bool,
    },
}

/// Which events.
#[derive(Debug, clap::Args)]
pub(super) struct Query {
    /// Of this time up to now, such as 24h; everything if not given
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// The action, or what it begins with: facemap., rpc.StartAuthentication
    #[arg(long, value_name = "ACTION", default_value = "")]
    action: String,
    /// About this account
    #[arg(long, value_name = "ACCOUNT", default_value = "")]
    account: String,
    /// By this caller, by its name
    #[arg(long, value_name = "NAME", default_value = "")]
    caller: String,
    /// Only what was refused or failed
    #[arg(long)]
    failed: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Events asked for at once.
const PAGE: i32 = 1000;
/// Between two looks of `tail`.
const LOOK: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn run(session: &Session, command: Audit) -> Result<Exit, Failure> {
    match command {
        Audit::Query(query) => list(session, &query).await,
        Audit::Tail(query) => tail(session, &query).await,
        Audit::Verify { dir: None, head } => verify(session, head).await,
        Audit::Verify { dir: Some(dir), head } => audit_verify::offline(session, dir, head).await,
        Audit::Export { query, form, out } => audit_export::run(session, &query, form, out).await,
        Audit::Hash { subject, caller } => hash(session, subject, caller).await,
    }
}

async fn list(session: &Session, query: &Query) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let mut items = Vec::new();
    each_page(&client, query, |events| items.extend(events.iter().map(item))).await?;
    let columns = ["TIME", "ACTION", "RESULT", "ACCOUNT", "CALLER", "DETAIL"];
    session.output.rows(&items, &columns, row);
    Ok(Exit::Done)
}

fn row(item: &Value) -> Vec<String> {
    let short = |key: &str| {
        let hash = text(item, key);
        hash.get(..12).map_or_else(|| hash.clone(), str::to_owned)
    };
    let result = match text(item, "reason").as_str() {
        "-" => "ok".to_owned(),
        reason => reason.to_owned(),
    };
    vec![
        text(item, "time"),
        text(item, "action"),
        result,
        short("account_hash"),
        short("caller_hash"),
        text(item, "detail"),
    ]
}

async fn tail(session: &Session, query: &Query) -> Result<Exit, Failure> {
    let mut stop = StopSignals::listen()?;
    let client = Client::connect(session).await?;
    let mut request = request(query);
    if query.since.is_none() {
        request.start_time = Some(moment(Timestamp::now()));
    }
    loop {
        let page = client.audit().list_audit_events(client.request(request.clone())).await?;
        let page = page.into_inner();
        request.after_sequence = page.last_sequence;
        // Our own looks would keep us awake.
        let news = page.events.iter().filter(|event| event.action != "rpc.ListAuditEvents");
        for event in news.map(item) {
            session.output.ready(&event, || row(&event).join("\t"));
        }
        if !page.more {
            tokio::select! {
                () = stop.wait() => return Ok(Exit::Done),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

/// Shows all that is asked for to `show`, page by page.
pub(super) async fn each_page(
    client: &Client,
    query: &Query,
    mut show: impl FnMut(&[v1::AuditEvent]),
) -> Result<(), Failure> {
    let mut request = request(query);
    let mut left = query.limit.unwrap_or(usize::MAX);
    while left > 0 {
        request.page_size = i32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let page = client.audit().list_audit_events(client.request(request.clone())).await?;
        let page = page.into_inner();
        request.after_sequence = page.last_sequence;
        left -= page.events.len().min(left);
        show(&page.events);
        if !page.more {
            break;
        }
    }
    Ok(())
}

fn request(query: &Query) -> v1::ListAuditEventsRequest {
    v1::ListAuditEventsRequest {
        start_time: query.since.map(|since| moment(Timestamp::now().minus(since))),
        action: query.action.clone(),
        account_id: query.account.clone(),
        caller: query.caller.clone(),
        refused: query.failed,
        page_size: PAGE,
        ..v1::ListAuditEventsRequest::default()
    }
}

fn moment(at: Timestamp) -> prost_types::Timestamp {
    let millis = at.as_millis();
    let nanos = i32::try_from(millis % 1000 * 1_000_000).unwrap_or(0);
    prost_types::Timestamp { seconds: i64::try_from(millis / 1000).unwrap_or(i64::MAX), nanos }
}

/// An event as JSON: the names of the proto.
pub(super) fn item(event: &v1::AuditEvent) -> Value {
    json!({
        "sequence": event.sequence,
        "time": time(event.time.as_ref()),
        "action": event.action,
        "reason": event.reason,
        "detail": event.detail,
        "value": event.value,
        "account_hash": event.account_hash,
        "caller_hash": event.caller_hash,
        "request_id": event.request_id,
        "store_sequence": event.store_sequence,
        "generation": event.generation,
        "key_epoch": event.key_epoch,
        "previous_mac": event.previous_mac,
        "mac": event.mac,
    })
}

async fn verify(session: &Session, head: Option<GivenHead>) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let head = head.map(|head| head.to_string()).unwrap_or_default();
    let request = client.request(v1::VerifyAuditChainRequest { head });
    let answer = client.audit().verify_audit_chain(request).await?.into_inner();
    let findings: Vec<_> = answer.findings.iter().map(|found| found.text.clone()).collect();
    let gaps = answer.gaps.iter().map(|gap| {
        format!("{}: segment {}: {}", text_of(gap.time.as_ref()), gap.segment, gap.cause)
    });
    let report = audit_verify::Report {
        records: u64::try_from(answer.record_count).unwrap_or(0),
        segments: u64::try_from(answer.segment_count).unwrap_or(0),
        head: answer.head,
        tail_known: answer.tail_known,
        findings,
        gaps: gaps.collect(),
    };
    Ok(report.show(session))
}

fn text_of(at: Option<&prost_types::Timestamp>) -> String {
    time(at).as_str().unwrap_or("-").to_owned()
}

async fn hash(session: &Session, subject: String, caller: bool) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let (account_id, caller) =
        if caller { (String::new(), subject) } else { (subject, String::new()) };
    let request = client.request(v1::HashSubjectRequest { account_id, caller });
    let hash = client.audit().hash_subject(request).await?.into_inner().hash;
    session.output.value(&json!({ "hash": hash }), || hash.clone());
    Ok(Exit::Done)
}
