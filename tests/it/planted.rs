//! The bugs of `tests/planted` still fit the sources, so that `make planted` can plant them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fewer would mean that some were lost.
const BUGS_MIN: usize = 15;

fn patches() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planted");
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "patch")).collect()
}

#[test]
fn every_planted_bug_still_applies() {
    let patches = patches();
    assert!(patches.len() >= BUGS_MIN, "only {} bugs are left", patches.len());
    for patch in patches {
        // Outside of any repository, so that a copy of the sources without one can be tested too.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut apply = Command::new("git");
        apply.args(["apply", "--check"]).arg(&patch).current_dir(root);
        apply.env("GIT_CEILING_DIRECTORIES", root.parent().unwrap());
        let ran = apply.output().unwrap();
        assert!(
            ran.status.success(),
            "{}: {}Make the patch anew",
            patch.display(),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

#[test]
fn every_planted_bug_says_what_it_breaks_and_names_a_suite() {
    for patch in patches() {
        let text = fs::read_to_string(&patch).unwrap();
        let mut lines = text.lines();
        let bug = lines.next().and_then(|line| line.strip_prefix("Bug: "));
        let suite = lines.next().and_then(|line| line.strip_prefix("Suite: "));
        let (bug, suite) = bug.zip(suite).unwrap_or_else(|| panic!("{}", patch.display()));
        assert!(bug.len() > 20 && !bug.contains('"'), "{}: {bug:?}", patch.display());
        let words: Vec<_> = suite.split(' ').collect();
        assert!(matches!(words.as_slice(), ["it" | "lib", _]), "{}: {suite:?}", patch.display());
    }
}
