//! The settings as they are written, one by one, each checked for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::keys::{self, Key};
use super::source::Source;
use super::{Place, Problem, TokenUriError};

/// Longest file, in bytes. Ours has a few KiB.
const FILE_LEN_MAX: u64 = 1024 * 1024;

/// How the names of environment variables begin that are settings.
const PREFIX: &str = "FMVAULT__";

/// A value, and where it stands.
#[derive(Clone)]
pub(super) struct Setting {
    /// The value.
    pub(super) value: toml::Value,
    /// Where it stands.
    pub(super) place: Place,
}

/// What has been read so far. What is read later wins.
#[derive(Default)]
pub(super) struct Layers {
    /// The settings that can be used.
    pub(super) settings: BTreeMap<&'static str, Setting>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// The settings that a problem is about already.
    pub(super) wrong: BTreeSet<&'static str>,
    file: Option<String>,
    sections: BTreeMap<String, Place>,
    has_nonsense: bool,
}

impl Layers {
    /// Adds the settings of a file.
    pub(super) fn read_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        self.file = Some(name.clone());
        let text = match text_of(path) {
            Ok(text) => text,
            Err(message) => {
                let fix = "print a commented file with `fmvault config init`".to_owned();
                self.problems.push(Problem { message, fix, place: Place::File(name) });
                // What is missing in it cannot be known.
                self.has_nonsense = true;
                return;
            }
        };
        self.read_text(name, text);
    }

    /// Adds the settings in the `text` of a file.
    pub(super) fn read_text(&mut self, name: String, text: String) {
        let source = Source::new(name, text);
        let (table, errors) = DeTable::parse_recoverable(source.text());
        self.has_nonsense = !errors.is_empty();
        for error in errors {
            let end = source.text().len();
            let place = source.place_of_nonsense(error.span().unwrap_or(end..end));
            let message = format!("not TOML: {}", error.message());
            let fix = "write KEY = VALUE, texts in double quotes".to_owned();
            self.problems.push(Problem { message, fix, place });
        }
        let nonsense: Vec<usize> = self.problems.iter().filter_map(line_of).collect();
        self.add_table(&source, "", table.into_inner());
        // What could not be read as TOML has been complained about once.
        let mut count = 0;
        self.problems.retain(|problem| {
            count += 1;
            let is_nonsense = line_of(problem).is_some_and(|line| nonsense.contains(&line));
            count <= nonsense.len() || !is_nonsense
        });
    }

    fn add_table(&mut self, source: &Source, section: &str, table: DeTable<'_>) {
        for (key, value) in table {
            let name = match section {
                "" => key.get_ref().to_string(),
                section => format!("{section}.{}", key.get_ref()),
            };
            if let Some(known) = keys::find(&name) {
                self.add_value(source, known, key.span(), value);
                continue;
            }
            let place = source.place(key.span(), false);
            if !keys::is_section(&name) {
                let message = format!("unknown key `{}`", key.get_ref().escape_debug());
                self.problems.push(Problem { message, fix: keys::advice(&name), place });
                continue;
            }
            match value.into_inner() {
                DeValue::Table(inner) => {
                    self.sections.insert(name.clone(), place);
                    self.add_table(source, &name, inner);
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => {
                    let message = format!("`{name}` is a section, not a value");
                    let fix = format!("write [{name}] on a line of its own");
                    self.problems.push(Problem { message, fix, place });
                }
            }
        }
    }

    fn add_value(
        &mut self,
        source: &Source,
        key: &'static Key,
        name: Range<usize>,
        value: Spanned<DeValue<'_>>,
    ) {
        // The span of a table can be that of its header or of its first key.
        let span = match value.get_ref().is_table() {
            true => name,
            false => value.span(),
        };
        let place = source.place(span, key.secret);
        match toml::Value::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => match (key.check)(value.clone()) {
                Ok(()) => {
                    self.settings.insert(key.name, Setting { value, place });
                }
                Err(error) => self.complain(key, &error, place),
            },
            Err(error) => self.complain(key, &error, place),
        }
    }

    /// Adds the settings among environment variables.
    pub(super) fn read_environment(&mut self, env: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<_> =
            env.filter(|(variable, _)| variable.starts_with(PREFIX)).collect();
        variables.sort();
        for (variable, text) in variables {
            let name = variable.get(PREFIX.len()..).unwrap_or_default();
            let name = name.to_lowercase().replace("__", ".");
            self.add_text(&name, &text, Place::Environment(variable));
        }
    }

    /// Adds the settings of the command line.
    pub(super) fn read_flags(&mut self, flags: &[(&str, String)]) {
        for (name, text) in flags {
            self.add_text(name, text, Place::Flag((*name).to_owned()));
        }
    }

    /// Adds a value that is a text outside, but may be something else inside.
    fn add_text(&mut self, name: &str, text: &str, place: Place) {
        let Some(key) = keys::find(name) else {
            let message = format!("unknown key `{}`", name.escape_debug());
            self.problems.push(Problem { message, fix: keys::advice(name), place });
            return;
        };
        let as_text = toml::Value::String(text.to_owned());
        let as_toml = || {
            let parsed = ValueDeserializer::parse(text).ok()?;
            toml::Value::deserialize(parsed).ok()
        };
        let (value, checked) = match ((key.check)(as_text.clone()), as_toml()) {
            (Err(_), Some(value)) => (value.clone(), (key.check)(value)),
            (checked, _) => (as_text, checked),
        };
        match checked {
            Ok(()) => {
                self.settings.insert(key.name, Setting { value, place });
                self.wrong.remove(key.name);
            }
            Err(error) => self.complain(key, &error, place),
        }
    }

    /// Adds a complaint about a value. What was said below it does not count any more.
    fn complain(&mut self, key: &'static Key, error: &toml::de::Error, place: Place) {
        let message = match key.secret {
            // Complaints about a type repeat the value.
            true => secret_message(error.message()),
            false => error.message().replace('\n', " "),
        };
        let message = format!("`{}`: {message}", key.name);
        self.problems.push(Problem { message, fix: format!("write {}", key.written), place });
        self.settings.remove(key.name);
        self.wrong.insert(key.name);
    }

    /// Adds a complaint about a setting that nobody made, unless it may be there and not understood.
    pub(super) fn missing(&mut self, key: &'static Key, message: String) {
        if !self.has_nonsense && !self.wrong.contains(key.name) {
            let section = key.name.rsplit_once('.').map_or("", |(section, _)| section);
            let place = self.sections.get(section).cloned().unwrap_or_else(|| self.whole());
            self.problems.push(Problem { message, fix: format!("write {}", key.written), place });
        }
    }

    /// Puts something in the place of a setting that is missing or wrong.
    pub(super) fn stand_in(&mut self, name: &'static str, text: &str) {
        self.wrong.insert(name);
        let setting = Setting { value: text.into(), place: Place::Default };
        self.settings.insert(name, setting);
    }

    /// The file as a place.
    pub(super) fn whole(&self) -> Place {
        Place::File(self.file.clone().unwrap_or_else(|| "no file of settings".to_owned()))
    }
}

/// The complaint of a reference, which never repeats its text, or one that does not either.
fn secret_message(message: &str) -> String {
    use super::SecretRefError::{Inline, Name, RelativePath};

    let of_references = [Inline, Name, RelativePath].into_iter().map(|error| error.to_string());
    let of_uris = TokenUriError::ALL.into_iter().map(|error| error.to_string());
    let said = of_references.chain(of_uris).find(|known| known == message);
    said.unwrap_or_else(|| Inline.to_string())
}

fn line_of(problem: &Problem) -> Option<usize> {
    match problem.place {
        Place::Line { line, .. } => Some(line),
        Place::File(_) | Place::Environment(_) | Place::Flag(_) | Place::Default => None,
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_LEN_MAX + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(format!("cannot be read: {error}")),
        Ok(_) if text.len() as u64 > FILE_LEN_MAX => Err("is longer than 1 MiB".to_owned()),
        Ok(_) => Ok(text),
    }
}
