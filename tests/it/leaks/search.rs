//! Looks for bytes in files and texts, and proves that it would find them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What must not be found.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) what: String,
    bytes: Vec<u8>,
}

impl Pattern {
    pub(super) fn text(what: &str, text: &str) -> Self {
        assert!(text.len() >= 12, "{what}: too short to be told from chance");
        Self { what: what.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    /// The Base64 of `bytes`, as far as it does not depend on what follows.
    pub(super) fn base64(what: &str, bytes: &[u8]) -> Self {
        let whole = &bytes[..bytes.len() / 3 * 3];
        Self::text(&format!("{what}, Base64"), &BASE64_STANDARD.encode(whole))
    }

    /// `bytes` as they are.
    pub(super) fn bytes(what: &str, bytes: &[u8]) -> Self {
        Self { what: what.to_owned(), bytes: bytes.to_vec() }
    }

    /// `bytes` in hexadecimal.
    pub(super) fn hex(what: &str, bytes: &[u8]) -> Self {
        Self::text(&format!("{what}, hexadecimal"), &hex::encode(bytes))
    }

    /// A facemap of `mark` over and over: as bytes, as Base64, as hexadecimal, as a list of numbers.
    /// Somewhere in it the mark begins at a multiple of three, whatever stands before.
    pub(super) fn facemap(mark: &[u8]) -> Vec<Self> {
        let numbers: Vec<_> = mark[..16].iter().map(u8::to_string).collect();
        vec![
            Self { what: "facemap".to_owned(), bytes: mark[..24].to_vec() },
            Self::base64("facemap", &mark[..48]),
            Self::text("facemap, hexadecimal", &hex::encode(&mark[..24])),
            Self::text("facemap, numbers", &numbers.join(", ")),
            Self::text("facemap, numbers", &numbers.join(",")),
        ]
    }

    /// An account's id in every form it could take.
    pub(super) fn id(account: &str) -> Vec<Self> {
        let plain = account.replace('-', "");
        let bytes = hex::decode(&plain).unwrap();
        vec![
            Self::text("account id", account),
            Self::text("account id, upper case", &account.to_uppercase()),
            Self::text("account id, without hyphens", &plain),
            Self { what: "account id, bytes".to_owned(), bytes: bytes.clone() },
            Self::text("account id, Base64", &BASE64_STANDARD_NO_PAD.encode(&bytes)),
            Self::text("account id, Base64 for URLs", &BASE64_URL_SAFE_NO_PAD.encode(&bytes)),
            Self::base64("account id as text", account.as_bytes()),
        ]
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let first = self.bytes[0];
        let mut from = 0;
        while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
            if bytes[from + at..].starts_with(&self.bytes) {
                return true;
            }
            from += at + 1;
        }
        false
    }
}

/// Where to look.
pub(super) struct Search(Vec<(String, Vec<u8>)>);

impl Search {
    /// Every file below `dir` but the operator's own of these names.
    pub(super) fn in_files(dir: &Path, but: &[&str]) -> Self {
        let (mut files, mut open) = (Vec::new(), vec![dir.to_owned()]);
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    open.push(path);
                } else if path.is_file() && !but.contains(&name.as_str()) {
                    files.push((path.display().to_string(), fs::read(&path).unwrap()));
                }
            }
        }
        let has =
            |part: &str| files.iter().any(|(name, bytes)| name.contains(part) && !bytes.is_empty());
        assert!(
            has("/store/") && has("/keyring/") && has("server.log"),
            "too few files to look in"
        );
        Self(files)
    }

    pub(super) fn in_texts(what: &str, texts: Vec<String>) -> Self {
        Self(texts.into_iter().map(|text| (what.to_owned(), text.into_bytes())).collect())
    }

    pub(super) fn add(&mut self, what: &str, bytes: Vec<u8>) {
        self.0.push((what.to_owned(), bytes));
    }

    /// Each pattern is found once it is there: planted into the middle of the largest place.
    pub(super) fn assert_finds(&self, patterns: &[Pattern]) {
        let (_, largest) = self.0.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
        let (before, after) = largest.split_at(largest.len() / 2);
        for pattern in patterns {
            let planted = [before, &pattern.bytes, after].concat();
            assert!(pattern.is_in(&planted), "{} would not be found", pattern.what);
        }
    }

    pub(super) fn assert_clean(&self, patterns: &[Pattern]) {
        let mut found = Vec::new();
        for (place, bytes) in &self.0 {
            for pattern in patterns.iter().filter(|pattern| pattern.is_in(bytes)) {
                found.push(format!("{} in {place}", pattern.what));
            }
        }
        assert!(found.is_empty(), "{found:#?}");
    }
}
