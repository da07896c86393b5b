//! What is wrong with the settings, where, and what to do: all of it at once.

use std::fmt;

/// Everything that is wrong. Its `Display` shows each problem with its line, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// The problems, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "without a problem there are no `Problems`")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            f.write_str(&problem.render("error"))?;
        }
        match self.len() {
            1 => f.write_str("1 problem."),
            count => write!(f, "{count} problems."),
        }
    }
}

impl std::error::Error for Problems {}

/// One thing that is wrong, or that deserves a warning. Never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Where.
    pub place: Place,
}

/// Where a setting stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a line of the file.
    Line {
        /// The file, as it was named.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// How many characters it is about; at least 1.
        width: usize,
        /// The line, with secrets masked.
        text: String,
    },
    /// The file as a whole.
    File(String),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line, by the key it sets.
    Flag(String),
    /// Nowhere: the default.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line, column, .. } => write!(f, "{file}:{line}:{column}"),
            Self::File(file) => f.write_str(file),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(key) => write!(f, "flag for {key}"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Problem {
    /// The problem as several lines of text. `severity` is `error` or `warning`.
    pub fn render(&self, severity: &str) -> String {
        let (message, fix) = (visible(&self.message), visible(&self.fix));
        let place = visible(&self.place.to_string());
        let Place::Line { line, column, width, text, .. } = &self.place else {
            return format!("{severity}: {message}\n  --> {place}\n   = {fix}\n");
        };
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        // Tabs stay tabs, so that the mark stands below what it marks.
        let before: String = text
            .chars()
            .chain(std::iter::repeat(' '))
            .take(column.saturating_sub(1))
            .map(|c| if c == '\t' { c } else { ' ' })
            .collect();
        let mark = "^".repeat(*width);
        format!(
            "{severity}: {message}\n{gutter}--> {place}\n{gutter} |\n{number} | {text}\n{gutter} | \
             {before}{mark} {fix}\n"
        )
    }
}

/// Without control characters: names and values come from a file or the environment, and could play
/// tricks on a terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_below_its_line() {
        let problem = Problem {
            message: "unknown key `retension`".into(),
            fix: "did you mean `retention`?".into(),
            place: Place::Line {
                file: "fmvault.toml".into(),
                line: 14,
                column: 2,
                width: 9,
                text: "\tretension = \"90d\"".into(),
            },
        };
        let want = "error: unknown key `retension`\n  --> fmvault.toml:14:2\n   |\n\
                    14 | \tretension = \"90d\"\n   | \t^^^^^^^^^ did you mean `retention`?\n1 problem.";
        assert_eq!(Problems(vec![problem]).to_string(), want);
    }

    #[test]
    fn nothing_in_a_problem_moves_the_cursor() {
        let problem = Problem {
            message: "unknown variant `\u{1b}[2J\r`".into(),
            fix: "write\u{7}".into(),
            place: Place::Environment("FMVAULT__A\u{8}".into()),
        };
        let want = "error: unknown variant `\u{fffd}[2J\u{fffd}`\n  --> environment FMVAULT__A\u{fffd}\n   \
                    = write\u{fffd}\n";
        assert_eq!(problem.render("error"), want);
    }
}
