//! `fmvault sweep`: capture what is due now, or see what it will take.

use std::time::Duration;

use serde_json::{Value, json};

use crate::proto::admin::v1;
use crate::proto::admin::v1::sweep::State;

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{text, time};
use super::sweep_bar::Bar;
use super::sweep_plan;

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Sweep {
    /// What is due, what the budget allows, and whether it will be done in time
    Plan {
        /// Only what Jumio may delete within this time, such as 30d; everything if not given
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        horizon: Option<Duration>,
    },
    /// Capture what is due, nearest deadline first. Safe to run again, and from cron
    Run(Run),
    /// The last sweeps
    List,
    /// One sweep
    Get {
        /// Its name, such as sweeps/7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10, or only the id
        name: String,
    },
    /// Stop a sweep. What it did not capture stays due
    Cancel {
        /// Its name or id
        name: String,
    },
}

/// `fmvault sweep run`.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// Capture what Jumio may delete within this time; by default as in the settings
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    horizon: Option<Duration>,
    /// Try at most this many accounts
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Wait for the end; so it is by default
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,
    /// Return at once
    #[arg(long)]
    no_wait: bool,
    /// Only say how much is due
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// How long one request for news waits: also how soon Ctrl-C of the server is noticed.
const NEWS: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn run(session: &Session, command: Sweep) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    match command {
        Sweep::Plan { horizon } => sweep_plan::run(session, &client, horizon).await,
        Sweep::Run(run) => start(session, &client, &run).await,
        Sweep::List => list(session, &client).await,
        Sweep::Get { name } => {
            let sweep = get(&client, full(&name), Duration::ZERO).await?;
            print(session, &sweep);
            Ok(Exit::Done)
        }
        Sweep::Cancel { name } => {
            let request = client.request(v1::CancelSweepRequest { name: full(&name) });
            let answer = client.sweeps().cancel_sweep(request).await?.into_inner();
            print(session, &answer.sweep.unwrap_or_default());
            Ok(Exit::Done)
        }
    }
}

async fn start(session: &Session, client: &Client, run: &Run) -> Result<Exit, Failure> {
    let request = client.request(v1::StartSweepRequest {
        horizon: run.horizon.and_then(|horizon| prost_types::Duration::try_from(horizon).ok()),
        limit: run.limit.map_or(0, i64::from),
        if_running: v1::start_sweep_request::IfRunning::Return.into(),
        validate_only: run.dry_run,
    });
    let answer = client.sweeps().start_sweep(request).await?.into_inner();
    let mut sweep = answer.sweep.unwrap_or_default();
    if run.dry_run || (run.no_wait && !run.wait) {
        print(session, &sweep);
        return Ok(Exit::Done);
    }
    let mut bar = Bar::new(&session.output, &sweep);
    while sweep.state == i32::from(State::Running) {
        sweep = get(client, sweep.name.clone(), NEWS).await?;
        bar.show(&sweep);
    }
    bar.end();
    print(session, &sweep);
    let status = client.status().get_status(client.request(v1::GetStatusRequest {})).await?;
    Ok(exit(&sweep, status.into_inner().risks.unwrap_or_default()))
}

/// What is in danger of being lost weighs more than what is only left for the next sweep.
fn exit(sweep: &v1::Sweep, risks: v1::RiskCounts) -> Exit {
    let left = sweep.remaining + sweep.failed > 0;
    match State::try_from(sweep.state).unwrap_or_default() {
        State::Failed => Exit::Attention,
        _ if risks.critical + risks.overdue > 0 || sweep.lost > 0 => Exit::Attention,
        State::Succeeded if !left => Exit::Done,
        State::Unspecified
        | State::Running
        | State::Succeeded
        | State::Incomplete
        | State::Cancelled => Exit::PartlyDone,
    }
}

async fn list(session: &Session, client: &Client) -> Result<Exit, Failure> {
    let request = client.request(v1::ListSweepsRequest {});
    let answer = client.sweeps().list_sweeps(request).await?.into_inner();
    let items: Vec<Value> = answer.sweeps.iter().map(json).collect();
    let columns = ["NAME", "STATE", "STARTED", "ENDED", "CAPTURED", "REMAINING", "LOST", "FAILED"];
    session.output.rows(&items, &columns, |item| {
        ["name", "state", "start_time", "end_time", "captured", "remaining", "lost", "failed"]
            .map(|key| text(item, key))
            .to_vec()
    });
    Ok(Exit::Done)
}

async fn get(client: &Client, name: String, wait: Duration) -> Result<v1::Sweep, Failure> {
    let wait = prost_types::Duration::try_from(wait).ok();
    let request = client.request(v1::GetSweepRequest { name, wait });
    let answer = client.sweeps().get_sweep(request).await?.into_inner();
    Ok(answer.sweep.unwrap_or_default())
}

fn full(name: &str) -> String {
    if name.starts_with("sweeps/") { name.to_owned() } else { format!("sweeps/{name}") }
}

fn print(session: &Session, sweep: &v1::Sweep) {
    let json = json(sweep);
    session.output.value(&json, || {
        let keys = json.as_object().into_iter().flatten().map(|(key, _)| key);
        let lines = keys.map(|key| match key.as_str() {
            "errors" => format!("{key:<24}{}", reasons(sweep)),
            key => format!("{key:<24}{}", text(&json, key)),
        });
        lines.collect::<Vec<_>>().join("\n")
    });
}

fn reasons(sweep: &v1::Sweep) -> String {
    if sweep.errors.is_empty() {
        return "-".to_owned();
    }
    let reasons = sweep.errors.iter().map(|error| format!("{} {}", error.reason, error.count));
    reasons.collect::<Vec<_>>().join(", ")
}

fn json(sweep: &v1::Sweep) -> Value {
    let state = State::try_from(sweep.state).unwrap_or_default();
    let error = |error: &v1::sweep::Error| json!({ "reason": error.reason, "count": error.count });
    json!({
        "name": sweep.name,
        "state": state.as_str_name().trim_start_matches("STATE_"),
        "captured": sweep.captured,
        "remaining": sweep.remaining,
        "blocked": sweep.blocked,
        "lost": sweep.lost,
        "erased": sweep.erased,
        "failed": sweep.failed,
        "due_total": sweep.due_total,
        "start_time": time(sweep.start_time.as_ref()),
        "end_time": time(sweep.end_time.as_ref()),
        "estimated_end_time": time(sweep.estimated_end_time.as_ref()),
        "errors": sweep.errors.iter().map(error).collect::<Vec<_>>(),
        "gave_up_reason": sweep.gave_up_reason,
        "horizon_seconds": sweep.horizon.as_ref().map_or(0, |horizon| horizon.seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_what_is_left() {
        let sweep = |state: State, remaining, lost| v1::Sweep {
            state: state.into(),
            remaining,
            lost,
            ..v1::Sweep::default()
        };
        let risks = |critical, overdue| v1::RiskCounts { warning: 5, critical, overdue };
        let table = [
            ("all captured", sweep(State::Succeeded, 0, 0), risks(0, 0), Exit::Done),
            ("some remain", sweep(State::Incomplete, 2, 0), risks(0, 0), Exit::PartlyDone),
            ("stopped half-way", sweep(State::Cancelled, 2, 0), risks(0, 0), Exit::PartlyDone),
            ("some are at risk", sweep(State::Incomplete, 2, 0), risks(1, 0), Exit::Attention),
            ("some are overdue", sweep(State::Incomplete, 2, 0), risks(0, 1), Exit::Attention),
            ("some are lost", sweep(State::Succeeded, 0, 1), risks(0, 0), Exit::Attention),
            ("the store failed", sweep(State::Failed, 0, 0), risks(0, 0), Exit::Attention),
        ];
        for (what, sweep, risks, want) in table {
            assert_eq!(exit(&sweep, risks), want, "{what}");
        }
    }
}
