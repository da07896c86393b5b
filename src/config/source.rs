//! The text of the file: where a setting stands in it, and what of that line may be shown.

use std::ops::Range;

use super::Place;

/// Longest part of a line that is shown, in characters.
const SHOWN_MAX: usize = 160;

/// What a secret may be called, also by mistake. A line that says it is shown without its value.
const SECRET_WORDS: [&str; 6] =
    ["secret", "passphrase", "password", "key_file", "tls_key", "token"];

/// Settings with one of the words in their name that are no secret.
const NO_SECRETS: [&str; 2] = ["token_per_second", "token_lifetime"];

/// What stands for a secret.
const MASK: &str = "***";

/// A file of settings.
pub(super) struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The file `name` with `text` in it.
    pub(super) fn new(name: String, text: String) -> Self {
        Self { name, text }
    }

    /// What is in it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where `span` stands, in bytes of the text. With `secret`, nothing from there on is shown.
    pub(super) fn place(&self, span: Range<usize>, secret: bool) -> Place {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let at = (before.len() - begin).min(line.len());
        let (prefix, rest) = line.split_at_checked(at).unwrap_or((line, ""));
        let marked = self.text.get(span).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default();
        let (text, width) = match secret {
            true => (masked(&format!("{prefix}{MASK}")), MASK.len()),
            false => (masked(&format!("{prefix}{rest}")), marked.chars().count()),
        };
        Place::Line {
            file: self.name.clone(),
            line: before.matches('\n').count() + 1,
            column: prefix.chars().count() + 1,
            width: width.clamp(1, SHOWN_MAX),
            text: printable(&text),
        }
    }

    /// Like [`Self::place`], for text that is not understood: a secret may go over several lines.
    pub(super) fn place_of_nonsense(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let opens = |line: &str| {
            let several = ["\"\"\"", "'''", "[", "{"].iter().any(|open| line.contains(open));
            several && !line.trim_start().starts_with('[') && secret_at(line).is_some()
        };
        let mut place = self.place(span, false);
        if let (true, Place::Line { text, .. }) = (before.lines().any(opens), &mut place) {
            MASK.clone_into(text);
        }
        place
    }
}

/// The line without what may be secret in it: values beside a secret word, names within URLs.
fn masked(line: &str) -> String {
    let mut line = match secret_at(line) {
        Some(at) => {
            let (name, rest) = line.split_at_checked(at).unwrap_or((line, ""));
            let (between, value) = rest.split_once('=').unwrap_or(("", rest));
            let equals = if between.len() + value.len() < rest.len() { "=" } else { "" };
            let space = value.len() - value.trim_start().len();
            format!("{name}{between}{equals}{}{MASK}", " ".repeat(space))
        }
        None => line.to_owned(),
    };
    if let (Some(begin), Some(end)) = (line.find("://"), line.rfind('@'))
        && begin + 3 < end
    {
        line.replace_range(begin + 3..end, MASK);
    }
    line
}

/// The byte after the first secret word in the line.
fn secret_at(line: &str) -> Option<usize> {
    // Hidden letter by letter, so that positions stay.
    let hide = |line: String, name: &&str| line.replace(name, &".".repeat(name.len()));
    let line = NO_SECRETS.iter().fold(line.to_ascii_lowercase(), hide);
    let ends = |word: &&str| line.find(word).map(|at| at + word.len());
    SECRET_WORDS.iter().filter_map(ends).min()
}

/// Without control characters, which could play tricks on a terminal, and not endless.
fn printable(line: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    line.chars().take(SHOWN_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        let table = [
            ("client_secret = \"marker\"", "client_secret = ***"),
            (
                "jumio = { client_id = \"a\", client_secret = \"marker\" }",
                "jumio = { client_id = \"a\", client_secret = ***",
            ),
            ("passphrase marker", "passphrase ***"),
            ("Passphrases=marker", "Passphrases=***"),
            ("proxy = \"http://marker:marker@proxy:3128\"", "proxy = \"http://***@proxy:3128\""),
            ("retention = \"90d\"", "retention = \"90d\""),
            ("token_lifetime = \"1s\"", "token_lifetime = \"1s\""),
            ("x = \"\u{1b}[2J\"", "x = \"\u{fffd}[2J\""),
        ];
        for (line, want) in table {
            let source = Source::new("f".into(), format!("# one\n{line}\n"));
            let Place::Line { line, column, text, .. } = source.place(6..7, false) else {
                panic!("no line");
            };
            assert_eq!((line, column, text.as_str()), (2, 1, want));
        }
    }

    #[test]
    fn columns_count_characters() {
        let source = Source::new("f".into(), "a = \"é\" # \u{1f600} b".into());
        let at = source.text().find('b').unwrap();
        let Place::Line { column, width, .. } = source.place(at..at + 1, false) else {
            panic!("no line");
        };
        assert_eq!((column, width), (13, 1));
    }

    #[test]
    fn any_range_has_a_place() {
        let source = Source::new("f".into(), "é\nx".into());
        for start in 0..6 {
            for end in start..8 {
                assert!(matches!(source.place(start..end, false), Place::Line { .. }));
                assert!(matches!(source.place_of_nonsense(start..end), Place::Line { .. }));
            }
        }
    }
}
