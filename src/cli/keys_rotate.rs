//! `fmvault keys rotate`, `rewrap` and `retire`: start it, watch it, say how it ended.
//!
//! The vault does the work. Ctrl-C only stops watching.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use crate::proto::admin::v1::{
    CancelRewrapRequest, RetireKekRequest, Rewrap, RotateKekRequest, StartRewrapRequest,
};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::keys_plan::Plan;
use super::keys_watch::{get, print, watch};

/// `fmvault keys rotate`.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// Only this bucket, such as 3; all if not given
    #[arg(long, value_name = "N")]
    bucket: Option<u16>,
    /// Keep all records, and the old keys, as they are
    #[arg(long, conflicts_with = "seal_anew")]
    no_rewrap: bool,
    /// Seal every facemap anew as well: after a key became known to others. Reads and writes all of them
    #[arg(long = "reencrypt")]
    seal_anew: bool,
    #[command(flatten)]
    pace: Pace,
}

/// `fmvault keys rewrap`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RewrapKeys {
    #[command(subcommand)]
    command: Option<RewrapCommand>,
    /// Only this bucket, such as 3; all if not given
    #[arg(long, value_name = "N")]
    bucket: Option<u16>,
    /// Go on with a rotation that ended early; so it is by default
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Debug, clap::Subcommand)]
enum RewrapCommand {
    /// Cancel the open rotation. The new key stays in force, and the old one is kept
    Cancel,
    /// Show the newest rotation
    Get,
}

/// `fmvault keys retire`.
#[derive(Debug, clap::Args)]
pub(super) struct Retire {
    /// The key version to destroy, such as 3.1
    version: String,
    /// The same once more
    #[arg(long, value_name = "VERSION")]
    confirm: String,
}

/// How fast, and whether to watch.
#[derive(Debug, clap::Args)]
struct Pace {
    /// Most records in a second, such as 5000/s
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<u32>,
    /// Wait for the end; so it is by default
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,
    /// Return at once
    #[arg(long)]
    no_wait: bool,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// New keys, and everything under them.
pub(super) async fn rotate(session: &Session, rotate: Rotate) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    let message = |validate_only| RotateKekRequest {
        bucket: bucket(rotate.bucket),
        no_rewrap: rotate.no_rewrap,
        seal_anew: rotate.seal_anew,
        rate_per_second: rotate.pace.rate.unwrap_or_default(),
        validate_only,
    };
    let preview = client.keys().rotate_kek(client.request(message(true))).await?.into_inner();
    let preview = preview.rewrap.unwrap_or_default();
    if rotate.pace.dry_run {
        let plan =
            Plan::of(&client, preview, !rotate.no_rewrap).await?.with_new_keys(rotate.bucket);
        plan.print(session);
        return Ok(Exit::Done);
    }
    agree(session, &rotate, &preview)?;
    let started = client.keys().rotate_kek(client.request(message(false))).await?.into_inner();
    follow(session, &client, started.rewrap.unwrap_or_default(), &rotate.pace).await
}

/// The second half of a rotation.
pub(super) async fn rewrap(session: &Session, rewrap: RewrapKeys) -> Result<Exit, Failure> {
    let client = Client::connect(session).await?;
    match rewrap.command {
        Some(RewrapCommand::Cancel) => {
            let request = client.request(CancelRewrapRequest { name: String::new() });
            let answer = client.keys().cancel_rewrap(request).await?.into_inner();
            print(session, &answer.rewrap.unwrap_or_default());
            return Ok(Exit::Done);
        }
        Some(RewrapCommand::Get) => {
            print(session, &get(&client, String::new(), Duration::ZERO).await?);
            return Ok(Exit::Done);
        }
        None => {}
    }
    let request = client.request(StartRewrapRequest {
        bucket: bucket(rewrap.bucket),
        rate_per_second: rewrap.pace.rate.unwrap_or_default(),
        validate_only: rewrap.pace.dry_run,
    });
    let started = match client.keys().start_rewrap(request).await {
        Ok(started) => started.into_inner().rewrap.unwrap_or_default(),
        Err(status) => match Failure::from(status) {
            // It goes on already: that is what was wanted.
            failure if rewrap.resume && failure.reason.as_deref() == Some("REWRAP_IN_PROGRESS") => {
                get(&client, String::new(), Duration::ZERO).await?
            }
            failure => return Err(failure),
        },
    };
    if rewrap.pace.dry_run {
        Plan::of(&client, started, true).await?.print(session);
        return Ok(Exit::Done);
    }
    follow(session, &client, started, &rewrap.pace).await
}

/// One old key is destroyed.
pub(super) async fn retire(session: &Session, retire: Retire) -> Result<Exit, Failure> {
    let Retire { version, confirm } = retire;
    if version != confirm {
        return Err(Failure::new(
            Exit::Usage,
            "--confirm does not repeat the version",
            format!("fmvault keys retire {version} --confirm {version}"),
        ));
    }
    let client = Client::connect(session).await?;
    let request = client.request(RetireKekRequest { version, confirm });
    let started = client.keys().retire_kek(request).await?.into_inner().rewrap.unwrap_or_default();
    watch(session, &client, started).await
}

async fn follow(
    session: &Session,
    client: &Client,
    rewrap: Rewrap,
    pace: &Pace,
) -> Result<Exit, Failure> {
    if pace.no_wait && !pace.wait {
        print(session, &rewrap);
        return Ok(Exit::Done);
    }
    watch(session, client, rewrap).await
}

/// Asks on a terminal; elsewhere `--yes` must say so.
fn agree(session: &Session, rotate: &Rotate, preview: &Rewrap) -> Result<(), Failure> {
    if session.global.yes {
        return Ok(());
    }
    if session.global.no_input || !std::io::stdin().is_terminal() {
        let next = "fmvault keys rotate --yes";
        return Err(Failure::new(Exit::Usage, "a rotation wants to be agreed to", next));
    }
    let whose = match rotate.bucket {
        Some(bucket) => format!("A new key version of bucket {bucket}"),
        None => "A new key version of each bucket".to_owned(),
    };
    let records = match (rotate.no_rewrap, rotate.seal_anew) {
        (true, _) => "Records stay under the old versions.".to_owned(),
        (_, true) => {
            format!("{} records and their facemaps will be sealed anew.", preview.total)
        }
        (false, false) => format!(
            "{} records will be re-wrapped in the background; facemaps themselves are not \
             re-encrypted.",
            preview.total
        ),
    };
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{whose} will wrap new facemaps at once.\n{records}\n");
    let _ = write!(stderr, "Rotate now? type rotate to go on: ");
    let _ = stderr.flush();
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    match line.trim() {
        "rotate" => Ok(()),
        _ => Err(Failure::new(Exit::Usage, "nothing was done", "fmvault keys rotate")),
    }
}

fn bucket(bucket: Option<u16>) -> String {
    bucket.map(|bucket| bucket.to_string()).unwrap_or_default()
}

fn rate(text: &str) -> Result<u32, &'static str> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number.parse().ok().filter(|&rate| rate > 0).ok_or("want a number of records a second: 5000/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_of_records_a_second() {
        assert_eq!([rate("5000/s"), rate("7")], [Ok(5000), Ok(7)]);
        assert!(["0", "fast", "5/m", "-1", ""].iter().all(|text| rate(text).is_err()));
    }
}
