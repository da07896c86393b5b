//! A rotation as it is watched from the command line. Ctrl-C only stops watching.

use std::time::Duration;

use serde_json::{Value, json};

use crate::proto::admin::v1::rewrap::{State, Step, Trouble};
use crate::proto::admin::v1::{GetRewrapRequest, Rewrap};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::interrupt::GoesOn;
use super::json::{text, time};
use super::keys_bar::Bar;

/// How long one request for news waits.
const NEWS: Duration = Duration::from_millis(500);

/// What Ctrl-C says.
const GOES_ON: GoesOn = GoesOn {
    what: "the rotation",
    next: "fmvault keys rewrap --resume watches it again; fmvault keys rewrap get shows how it stands",
};

/// Watches a rotation to its end, and tells how it ended.
pub(super) async fn watch(
    session: &Session,
    client: &Client,
    mut rewrap: Rewrap,
) -> Result<Exit, Failure> {
    let _ = session.goes_on.set(GOES_ON);
    let mut bar = Bar::new(&session.output);
    while rewrap.state == i32::from(State::Running) {
        bar.show(&rewrap);
        rewrap = get(client, rewrap.name.clone(), NEWS).await?;
    }
    bar.end();
    print(session, &rewrap);
    let (exit, what) = ending(&rewrap);
    if let Some(what) = what {
        session.output.note(&what);
    }
    Ok(exit)
}

/// The exit code for how it ended, and what to do about it.
fn ending(rewrap: &Rewrap) -> (Exit, Option<String>) {
    let trouble = Trouble::try_from(rewrap.trouble).unwrap_or_default();
    match State::try_from(rewrap.state).unwrap_or_default() {
        State::Succeeded => (Exit::Done, None),
        State::Incomplete if trouble == Trouble::Damaged => {
            let count = rewrap.damaged;
            let what = format!(
                "{count} records do not open, so the old keys are kept. Next: bring them back from a \
                 backup of the store, or give them up (fmvault enrollment erase; the vault's log names \
                 them by their hash, as fmvault audit hash makes it), then fmvault keys rewrap --resume"
            );
            (Exit::Attention, Some(what))
        }
        State::Failed => {
            let what = "Next: look at the vault's log, then fmvault keys rewrap --resume";
            (Exit::Attention, Some(what.to_owned()))
        }
        State::Unspecified | State::Running | State::Incomplete | State::Cancelled => {
            let what = "The old keys are kept. Next: fmvault keys rewrap --resume";
            (Exit::PartlyDone, Some(what.to_owned()))
        }
    }
}

pub(super) async fn get(client: &Client, name: String, wait: Duration) -> Result<Rewrap, Failure> {
    let wait = prost_types::Duration::try_from(wait).ok();
    let request = client.request(GetRewrapRequest { name, wait });
    Ok(client.keys().get_rewrap(request).await?.into_inner().rewrap.unwrap_or_default())
}

pub(super) fn print(session: &Session, rewrap: &Rewrap) {
    let json = json(rewrap);
    session.output.value(&json, || {
        let keys = json.as_object().into_iter().flatten().map(|(key, _)| key);
        let lines = keys.map(|key| format!("{key:<24}{}", text(&json, key)));
        lines.collect::<Vec<_>>().join("\n")
    });
}

/// A rotation as JSON.
pub(super) fn json(rewrap: &Rewrap) -> Value {
    let state = State::try_from(rewrap.state).unwrap_or_default();
    let step = Step::try_from(rewrap.step).unwrap_or_default();
    let trouble = match Trouble::try_from(rewrap.trouble).unwrap_or_default() {
        Trouble::Unspecified => "",
        trouble @ (Trouble::Damaged | Trouble::Stale | Trouble::Busy) => {
            trouble.as_str_name().trim_start_matches("TROUBLE_")
        }
    };
    json!({
        "name": rewrap.name,
        "state": state.as_str_name().trim_start_matches("STATE_"),
        "step": step.as_str_name().trim_start_matches("STEP_"),
        "trouble": trouble,
        "bucket": rewrap.bucket,
        "seal_anew": rewrap.seal_anew,
        "total": rewrap.total,
        "rewrapped": rewrap.rewrapped,
        "verified": rewrap.verified,
        "damaged": rewrap.damaged,
        "retired": rewrap.retired,
        "start_time": time(rewrap.start_time.as_ref()),
        "end_time": time(rewrap.end_time.as_ref()),
        "estimated_end_time": time(rewrap.estimated_end_time.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_how_a_rotation_ended() {
        let rewrap = |state: State, trouble: Trouble| Rewrap {
            state: state.into(),
            trouble: trouble.into(),
            damaged: 2,
            ..Rewrap::default()
        };
        let table = [
            (State::Succeeded, Trouble::Unspecified, Exit::Done),
            (State::Incomplete, Trouble::Damaged, Exit::Attention),
            (State::Incomplete, Trouble::Busy, Exit::PartlyDone),
            (State::Incomplete, Trouble::Stale, Exit::PartlyDone),
            (State::Cancelled, Trouble::Unspecified, Exit::PartlyDone),
            (State::Failed, Trouble::Unspecified, Exit::Attention),
        ];
        for (state, trouble, want) in table {
            let (exit, what) = ending(&rewrap(state, trouble));
            assert_eq!(exit, want, "{state:?} {trouble:?}");
            assert_eq!(what.is_some(), want != Exit::Done, "a next step: {state:?}");
        }
    }
}
