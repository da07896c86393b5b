//! What to do, one rule a line:
//!
//! ```text
//! watch PREFIX                  paths that concern us; nothing else is touched, counted or recorded
//! trace FILE                    record into this file
//! fail  KIND GLOB NTH ERRNO     the NTH such operation fails
//! short KIND GLOB NTH BYTES     the NTH write ends after so many bytes
//! delay KIND GLOB NTH MILLIS    the NTH waits first
//! kill  KIND GLOB NTH           the process dies just before the NTH
//! ```
//!
//! KIND is `write`, `sync`, `resize`, `create`, `rename`, `link`, `unlink` or `any`. GLOB is compared with
//! the whole path; `*` stands for anything. NTH counts from 1 since the rules were read; `3+` is the
//! third and every later one. ERRNO is a name such as `ENOSPC`.

use std::path::{Path, PathBuf};

/// What is done to a file, as rules see it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Write,
    Sync,
    Resize,
    Create,
    Rename,
    Link,
    Unlink,
}

/// What happens to an operation.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    Fail(i32),
    Short(usize),
    Delay(u64),
    Kill,
}

#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) watched: Vec<PathBuf>,
    pub(crate) trace: Option<PathBuf>,
    rules: Vec<Rule>,
}

struct Rule {
    fate: Fate,
    /// `None` for any.
    kind: Option<Kind>,
    glob: String,
    nth: u64,
    onwards: bool,
    seen: u64,
}

impl Rules {
    /// The rules in `text`; `Err` with a line that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["watch", prefix] => all.watched.push(prefix.into()),
                ["trace", file] => all.trace = Some(file.into()),
                words => all.rules.push(Rule::parse(words).ok_or(line)?),
            }
        }
        Ok(all)
    }

    pub(crate) fn watches(&self, path: &Path) -> bool {
        self.watched.iter().any(|prefix| path.starts_with(prefix))
    }

    /// Counts one operation, and tells what becomes of it.
    pub(crate) fn fate(&mut self, kind: Kind, path: &Path) -> Option<Fate> {
        let path = path.to_string_lossy();
        let mut fate = None;
        for rule in &mut self.rules {
            let meant = rule.kind.is_none_or(|its| its == kind);
            if meant && matches(rule.glob.as_bytes(), path.as_bytes()) {
                rule.seen += 1;
                let now = rule.seen == rule.nth || (rule.onwards && rule.seen > rule.nth);
                fate = fate.or(now.then_some(rule.fate));
            }
        }
        fate
    }
}

impl Rule {
    fn parse(words: &[&str]) -> Option<Self> {
        let (&[verb, kind, glob, nth], how) = words.split_first_chunk()?;
        let fate = match (verb, how) {
            ("fail", [errno]) => Fate::Fail(errno_named(errno)?),
            ("short", [len]) => Fate::Short(len.parse().ok()?),
            ("delay", [millis]) => Fate::Delay(millis.parse().ok()?),
            ("kill", []) => Fate::Kill,
            _ => return None,
        };
        let kind = match kind {
            "any" => None,
            "write" => Some(Kind::Write),
            "sync" => Some(Kind::Sync),
            "resize" => Some(Kind::Resize),
            "create" => Some(Kind::Create),
            "rename" => Some(Kind::Rename),
            "link" => Some(Kind::Link),
            "unlink" => Some(Kind::Unlink),
            _ => return None,
        };
        let onwards = nth.ends_with('+');
        let nth = nth.trim_end_matches('+').parse().ok()?;
        Some(Self { fate, kind, glob: glob.to_owned(), nth, onwards, seen: 0 })
    }
}

fn errno_named(name: &str) -> Option<i32> {
    Some(match name {
        "ENOSPC" => libc::ENOSPC,
        "EIO" => libc::EIO,
        "EROFS" => libc::EROFS,
        "EDQUOT" => libc::EDQUOT,
        _ => return None,
    })
}

/// Whether `text` is what `glob` says.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(glob, text))
        }
        (Some((a, glob)), Some((b, text))) => a == b && matches(glob, text),
        (Some(_), None) | (None, Some(_)) => false,
    }
}
