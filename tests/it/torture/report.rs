//! What a run found: a table for people, JSON for the documentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// One kind of fault, and how all runs with it ended.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) fault: String,
    pub(crate) runs: u64,
    /// How many runs ended in which permitted way.
    pub(crate) ended: BTreeMap<&'static str, u64>,
    pub(crate) violations: Vec<String>,
}

impl Row {
    pub(crate) fn new(fault: &str) -> Self {
        let (ended, violations) = (BTreeMap::new(), Vec::new());
        Self { fault: fault.to_owned(), runs: 0, ended, violations }
    }

    /// Counts a run. With violations it has not ended in a permitted way.
    pub(crate) fn add(&mut self, ended: &'static str, violations: Vec<String>) {
        self.runs += 1;
        if violations.is_empty() {
            *self.ended.entry(ended).or_default() += 1;
        }
        self.violations.extend(violations);
    }
}

/// All of a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) profile: &'static str,
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) rows: Vec<Row>,
}

impl Report {
    pub(crate) fn violations(&self) -> usize {
        self.rows.iter().map(|row| row.violations.len()).sum()
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({ "fault": row.fault, "runs": row.runs, "ended": row.ended,
                "violations": row.violations })
        });
        json!({ "profile": self.profile, "seed": self.seed, "seconds": self.seconds,
            "rows": rows.collect::<Vec<_>>() })
    }

    /// Writes the JSON, and gives the table.
    pub(crate) fn publish(&self) -> String {
        let file = root().join("target/torture/last.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("{:#}\n", self.to_json())).unwrap();

        let mut table = format!("{:<34} {:>6} {:>10}  ended\n", "fault", "runs", "violations");
        for row in &self.rows {
            let ended: Vec<_> =
                row.ended.iter().map(|(how, count)| format!("{count} {how}")).collect();
            let (fault, ended) = (&row.fault, ended.join(", "));
            let line =
                format!("{fault:<34} {:>6} {:>10}  {ended}\n", row.runs, row.violations.len());
            table.push_str(&line);
        }
        for violation in self.rows.iter().flat_map(|row| &row.violations).take(20) {
            table.push_str(&format!("VIOLATION {violation}\n"));
        }
        let Self { profile, seed, seconds, .. } = self;
        let violations = self.violations();
        table.push_str(&format!(
            "profile {profile}, seed {seed}, {seconds} s, {violations} violations; {}\n",
            file.display()
        ));
        table
    }
}

/// Keeps what a violation was found in, for whoever looks for its cause.
pub(crate) fn keep(dir: &Path, seed: u64, what: &str) -> PathBuf {
    let kept = root().join(format!("target/torture/kept/{seed}-{what}"));
    let _ = fs::remove_dir_all(&kept);
    copy(dir, &kept);
    kept
}

/// Copies a directory with everything in it that is a file.
pub(crate) fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
