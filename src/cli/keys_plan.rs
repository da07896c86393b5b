//! What a rotation would do, in words: `--dry-run` of `keys rotate` and `keys rewrap`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::model::Timestamp;
use crate::proto::admin::v1::key_version::State;
use crate::proto::admin::v1::{KeyVersion, ListKeyVersionsRequest, Rewrap};

use super::Session;
use super::client::Client;
use super::exit::Failure;
use super::sweep_plan::grouped;

/// See the module.
pub(super) struct Plan {
    keys: Vec<KeyVersion>,
    preview: Rewrap,
    /// Records are brought under the new keys, and the old ones destroyed.
    rewrap: bool,
    /// Versions that would be made.
    made: Vec<String>,
    /// Versions that would be destroyed.
    destroyed: Vec<String>,
}

impl Plan {
    /// What the vault says it would do, and the keys there are.
    ///
    /// # Errors
    ///
    /// If the vault does not answer.
    pub(super) async fn of(
        client: &Client,
        preview: Rewrap,
        rewrap: bool,
    ) -> Result<Self, Failure> {
        let request = client.request(ListKeyVersionsRequest {});
        let keys = client.keys().list_key_versions(request).await?.into_inner().key_versions;
        let plan = Self { keys, preview, rewrap, made: Vec::new(), destroyed: Vec::new() };
        Ok(plan.destroying(&[State::Retiring]))
    }

    /// The same with new keys, in one bucket or in all, for the ones that wrap now.
    pub(super) fn with_new_keys(mut self, bucket: Option<u16>) -> Self {
        let mut newest = BTreeMap::<u16, u32>::new();
        for key in &self.keys {
            let Some((of, epoch)) = numbers(&key.version) else { continue };
            if bucket.is_none_or(|bucket| of == bucket) {
                let known = newest.entry(of).or_default();
                *known = epoch.max(*known);
            }
        }
        let next = newest.into_iter().map(|(bucket, epoch)| format!("{bucket}.{}", epoch + 1));
        self.made = next.collect();
        self.destroying(&[State::Primary, State::Retiring])
    }

    fn destroying(mut self, states: &[State]) -> Self {
        let bucket = &self.preview.bucket;
        let is_meant = |key: &&KeyVersion| {
            states.contains(&key.state()) && (bucket.is_empty() || key.bucket == *bucket)
        };
        let versions = self.keys.iter().filter(|_| self.rewrap).filter(is_meant);
        self.destroyed = versions.map(|key| key.version.clone()).collect();
        self
    }

    /// Prints it.
    pub(super) fn print(&self, session: &Session) {
        let Self { preview, made, destroyed, .. } = self;
        let takes = self.takes(Timestamp::now());
        let json = json!({
            "dry_run": true,
            "name": preview.name,
            "new_versions": made,
            "records": preview.total,
            "seal_anew": preview.seal_anew,
            "old_versions": destroyed,
            "estimated_seconds": takes.as_secs(),
        });
        session.output.value(&json, || self.words(takes));
    }

    fn takes(&self, now: Timestamp) -> Duration {
        let end = self.preview.estimated_end_time.as_ref();
        let seconds = end.and_then(|end| u64::try_from(end.seconds).ok()).unwrap_or(0);
        Timestamp::from_millis(seconds.saturating_mul(1000)).since(now)
    }

    fn words(&self, takes: Duration) -> String {
        let Self { preview, made, destroyed, .. } = self;
        let records = grouped(preview.total);
        let line = |label: &str, what: String| format!("{label:<12}{what}");
        let mut lines = vec!["Nothing is changed by this. What would be done:".to_owned()];
        if !preview.name.is_empty() {
            lines.push(line("Goes on", format!("with {}, which ended early", preview.name)));
        }
        if !made.is_empty() {
            lines.push(line("New keys", format!("{}; they wrap new facemaps at once", many(made))));
        }
        lines.push(line(
            "Records",
            match (self.rewrap, preview.seal_anew) {
                (false, _) => "all stay under the keys they have".to_owned(),
                (true, true) => format!("{records} are sealed anew with their facemaps"),
                (true, false) => {
                    format!("{records} are wrapped under the new keys; facemaps are not touched")
                }
            },
        ));
        lines.push(line(
            "Old keys",
            match destroyed.as_slice() {
                [] => "all are kept".to_owned(),
                old => format!(
                    "{}; destroyed once a look at all records finds none that names one",
                    many(old)
                ),
            },
        ));
        lines.push(line(
            "Takes",
            match takes.as_secs() {
                0..=1 => "a second or two; the vault goes on serving".to_owned(),
                seconds => format!(
                    "about {}; the vault goes on serving",
                    humantime::format_duration(Duration::from_secs(seconds))
                ),
            },
        ));
        lines.join("\n")
    }
}

/// `16 (0.2, 1.2, 2.2 ... 15.2)`.
fn many(versions: &[String]) -> String {
    let shown = match versions {
        [a, b, c, .., last] if versions.len() > 4 => format!("{a}, {b}, {c} ... {last}"),
        few => few.join(", "),
    };
    format!("{} ({shown})", versions.len())
}

fn numbers(version: &str) -> Option<(u16, u32)> {
    let (bucket, epoch) = version.split_once('.')?;
    Some((bucket.parse().ok()?, epoch.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(preview: Rewrap, rewrap: bool) -> Plan {
        let key = |version: &str, state: State| KeyVersion {
            version: version.to_owned(),
            bucket: version.split('.').next().unwrap_or_default().to_owned(),
            state: state.into(),
            ..KeyVersion::default()
        };
        let keys = vec![
            key("0.2", State::Retiring),
            key("0.3", State::Primary),
            key("1.7", State::Primary),
            key("1.9", State::Retired),
        ];
        let plan = Plan { keys, preview, rewrap, made: Vec::new(), destroyed: Vec::new() };
        plan.destroying(&[State::Retiring])
    }

    #[test]
    fn a_rotation_names_the_keys_it_would_make_and_destroy() {
        let all = plan(Rewrap { total: 1_234, ..Rewrap::default() }, true).with_new_keys(None);
        assert_eq!(all.made, ["0.4", "1.10"]);
        assert_eq!(all.destroyed, ["0.2", "0.3", "1.7"]);
        let words = all.words(Duration::from_secs(90));
        for said in ["Nothing is changed", "2 (0.4, 1.10)", "1,234 are wrapped", "about 1m 30s"] {
            assert!(words.contains(said), "{said} is not in {words}");
        }

        let one = Rewrap { bucket: "1".to_owned(), seal_anew: true, ..Rewrap::default() };
        let one = plan(one, true).with_new_keys(Some(1));
        assert_eq!((one.made.len(), one.destroyed.len()), (1, 1));
        assert!(one.words(Duration::ZERO).contains("sealed anew with their facemaps"));

        let keeps = plan(Rewrap::default(), false).with_new_keys(None);
        assert!(keeps.destroyed.is_empty() && keeps.words(Duration::ZERO).contains("all are kept"));
    }

    #[test]
    fn what_is_left_of_a_rotation_makes_no_keys() {
        let open = Rewrap { name: "rewraps/7b1f".to_owned(), total: 5, ..Rewrap::default() };
        let rest = plan(open, true);
        assert_eq!((rest.made.len(), &rest.destroyed[..]), (0, &["0.2".to_owned()][..]));
        assert!(rest.words(Duration::ZERO).contains("with rewraps/7b1f, which ended early"));
    }

    #[test]
    fn many_versions_are_shortened() {
        let versions: Vec<_> = (0..16).map(|bucket| format!("{bucket}.2")).collect();
        assert_eq!(many(&versions), "16 (0.2, 1.2, 2.2 ... 15.2)");
        assert_eq!(many(&versions[..2]), "2 (0.2, 1.2)");
    }
}
