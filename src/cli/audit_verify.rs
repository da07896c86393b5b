//! `fmvault audit verify`: on a copy, without a vault; and how the result is told.

use std::path::PathBuf;

use serde_json::json;

use crate::audit::{Gap, GivenHead};
use crate::serve::open_trail;

use super::Session;
use super::exit::{Exit, Failure};
use super::server::failure;

/// What was found, from wherever.
pub(super) struct Report {
    pub(super) records: u64,
    pub(super) segments: u64,
    pub(super) head: String,
    pub(super) tail_known: bool,
    pub(super) findings: Vec<String>,
    pub(super) gaps: Vec<String>,
}

/// Verifies the trail in `dir` with the keyring of the settings.
pub(super) async fn offline(
    session: &Session,
    dir: PathBuf,
    head: Option<GivenHead>,
) -> Result<Exit, Failure> {
    let loaded = super::config::load(session)?;
    let trail = open_trail(&loaded.config, dir.clone()).await.map_err(|error| failure(&error))?;
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::NotFound, format!("{}: {error}", dir.display()), "check the path")
    };
    if trail.segments().map_err(unreadable)?.is_empty() {
        let message = format!("there is no audit trail in {}", dir.display());
        return Err(Failure::new(Exit::NotFound, message, "name the directory of its files"));
    }
    let verified = trail.verify(head.as_ref()).map_err(unreadable)?;
    let gaps = verified.gaps.iter().map(|(place, gap, at)| {
        let cause = Gap::name_of(*gap as u16).unwrap_or("");
        format!("{at}: segment {}: {cause}", place.segment)
    });
    let report = Report {
        records: verified.records,
        segments: verified.segments,
        head: verified.last.map(|(head, _)| head.to_string()).unwrap_or_default(),
        tail_known: verified.tail_known,
        findings: verified.findings.iter().map(ToString::to_string).collect(),
        gaps: gaps.collect(),
    };
    Ok(report.show(session))
}

impl Report {
    /// Prints it, and gives the exit code.
    pub(super) fn show(&self, session: &Session) -> Exit {
        let Self { records, segments, head, tail_known, findings, gaps } = self;
        let whole = findings.is_empty();
        let json = json!({
            "ok": whole,
            "record_count": records,
            "segment_count": segments,
            "head": head,
            "tail_known": tail_known,
            "findings": findings,
            "gaps": gaps,
        });
        session.output.value(&json, || {
            let mut lines = vec![format!("{records} records in {segments} files, head {head}")];
            lines.extend(gaps.iter().map(|gap| format!("gap noted by the vault: {gap}")));
            lines.extend(findings.iter().map(|found| format!("WRONG: {found}")));
            lines.push(match (whole, tail_known) {
                (true, true) => "whole, and it still has the head that was given out".to_owned(),
                (true, false) => "whole as far as it goes. Whether its tail was cut cannot be \
                                  known without a head: --head SEQUENCE:MAC"
                    .to_owned(),
                (false, _) => {
                    "Next: keep a copy of the files, and find out who could write there".to_owned()
                }
            });
            lines.join("\n")
        });
        if whole { Exit::Done } else { Exit::Attention }
    }
}
