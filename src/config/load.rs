//! From flags, environment, file and defaults to one value, and where each setting came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize as _;

use super::key_source::ROOT_SOURCES;
use super::keys::{self, KEYS, Key};
use super::layers::{Layers, Setting};
use super::{Config, Place, Problem, Problems};

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// For each key, where its value came from. A key without a value is not in it.
    pub origins: BTreeMap<&'static str, Origin>,
    /// What is allowed and yet deserves a look.
    pub warnings: Vec<Problem>,
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file.
    File {
        /// The file, as it was named.
        file: String,
        /// From 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

impl From<&Place> for Origin {
    fn from(place: &Place) -> Self {
        match place {
            Place::Line { file, line, .. } => Self::File { file: file.clone(), line: *line },
            Place::Environment(variable) => Self::Environment(variable.clone()),
            Place::Flag(_) => Self::Flag,
            Place::File(_) | Place::Default => Self::Default,
        }
    }
}

impl Config {
    /// Reads the settings: a flag wins over the environment, that over the file, that over the default.
    ///
    /// `env` gives all environment variables; those whose names begin with `FMVAULT__` are settings:
    /// `FMVAULT__JUMIO__REGION` is `jumio.region`. `flags` are keys with dots, and their values. Both
    /// are written as in the file, texts without quotes. Secrets are not read, only their places.
    ///
    /// # Errors
    ///
    /// [`Problems`], all at once, if the file cannot be read, or a setting is unknown, missing, wrong
    /// or against a rule of [`Config::validate`].
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<Loaded, Problems> {
        let mut layers = Layers::default();
        if let Some(path) = file {
            layers.read_file(path);
        }
        layers.read_environment(env);
        layers.read_flags(flags);
        Self::from_layers(layers)
    }

    /// As [`Config::load`], of a file with this `text`.
    pub(crate) fn load_text(
        text: String,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, Problems> {
        let mut layers = Layers::default();
        layers.read_text("fmvault.toml".to_owned(), text);
        layers.read_environment(env);
        Self::from_layers(layers)
    }

    fn from_layers(mut layers: Layers) -> Result<Loaded, Problems> {
        let given = layers.settings.clone();
        require(&mut layers);
        require_tls(&mut layers);
        let config = match build(&layers.settings) {
            Ok(config) => config,
            Err(message) => {
                let fix = "compare with `fmvault config init`".to_owned();
                layers.problems.push(Problem { message, fix, place: layers.whole() });
                return Err(Problems(layers.problems));
            }
        };
        for invalid in config.validate() {
            if !invalid.keys.iter().any(|key| layers.wrong.contains(key)) {
                let place = place_of(&given, invalid.keys);
                let (message, fix) = (invalid.message, invalid.fix);
                layers.problems.push(Problem { message, fix, place });
            }
        }
        if !layers.problems.is_empty() {
            layers.problems.sort_by_key(in_order);
            return Err(Problems(layers.problems));
        }

        let origin = |key: &Key| match given.get(key.name) {
            Some(setting) => Origin::from(&setting.place),
            None => Origin::Default,
        };
        let shown = config.values();
        let origins = KEYS.iter().filter(|key| shown.contains_key(key.name));
        let origins: BTreeMap<_, _> = origins.map(|key| (key.name, origin(key))).collect();
        let is_default = |key: &str| !given.contains_key(key);
        let warnings = config.advise(is_default).into_iter().map(|invalid| Problem {
            place: place_of(&given, invalid.keys),
            message: invalid.message,
            fix: invalid.fix,
        });
        let warnings = warnings.collect();
        Ok(Loaded { config, origins, warnings })
    }
}

/// The problems of the file first, by line; those of the environment and of flags after them.
fn in_order(problem: &Problem) -> (u8, usize, usize) {
    match problem.place {
        Place::Line { line, column, .. } => (0, line, column),
        Place::File(_) => (1, 0, 0),
        Place::Environment(_) => (2, 0, 0),
        Place::Flag(_) => (3, 0, 0),
        Place::Default => (4, 0, 0),
    }
}

/// The place of the first of `keys` that somebody set.
fn place_of(given: &BTreeMap<&'static str, Setting>, keys: &[&str]) -> Place {
    let mut places = keys.iter().filter_map(|key| given.get(key)).map(|setting| &setting.place);
    places.next().cloned().unwrap_or(Place::Default)
}

/// Complains about what is missing, and puts something in its place so that the rest can be checked.
fn require(layers: &mut Layers) {
    for key in KEYS {
        let Some(stand_in) = key.stand_in else { continue };
        if !layers.settings.contains_key(key.name) {
            layers.missing(key, format!("`{}` is missing", key.name));
            layers.stand_in(key.name, stand_in);
        }
    }

    require_one_source(layers);
}

/// Exactly one setting says what unlocks the keyring.
fn require_one_source(layers: &mut Layers) {
    let given: Vec<&str> =
        ROOT_SOURCES.into_iter().filter(|name| layers.settings.contains_key(*name)).collect();
    let [passphrase, ..] = ROOT_SOURCES;
    match given.as_slice() {
        [_] => {}
        [] => {
            let wrong = ROOT_SOURCES.iter().any(|name| layers.wrong.contains(*name));
            if let Some(key) = keys::find(passphrase).filter(|_| !wrong) {
                let message = "`keys.passphrase`, `keys.key_file`, `keys.program` or `keys.pkcs11` is \
                               missing";
                layers.missing(key, message.to_owned());
            }
            layers.stand_in(passphrase, "cred:passphrase");
        }
        [first, others @ ..] => {
            for other in others {
                let message = format!("`{first}` and `{other}` exclude each other");
                let fix = "remove the one that does not unlock the keyring".to_owned();
                let place = place_of(&layers.settings, &[other]);
                layers.problems.push(Problem { message, fix, place });
                layers.settings.remove(*other);
            }
        }
    }
}

/// In production callers prove who they are.
fn require_tls(layers: &mut Layers) {
    let tls = ["listen.public.tls_cert", "listen.public.tls_key", "listen.public.client_ca"];
    let mode = layers.settings.get("mode").and_then(|mode| mode.value.as_str());
    let seen = |key| layers.settings.contains_key(key) || layers.wrong.contains(key);
    if mode.is_some_and(|mode| mode != "production") || tls.into_iter().any(seen) {
        return;
    }
    for key in tls {
        // Said once, or not at all if the file was not understood.
        layers.wrong.insert(key);
    }
    let [key, ..] = tls;
    if let Some(key) = keys::find(key) {
        let message = "`listen.public.tls_cert`, `tls_key` and `client_ca` are missing: in production \
                       callers are told apart by their certificates, so there is no listener without TLS";
        layers.wrong.remove(key.name);
        layers.missing(key, message.to_owned());
        layers.wrong.insert(key.name);
    }
}

/// Puts the settings into their sections and those into a [`Config`].
fn build(settings: &BTreeMap<&'static str, Setting>) -> Result<Config, String> {
    let mut root = toml::Table::new();
    for section in ["jumio", "keys"] {
        root.insert(section.to_owned(), toml::Table::new().into());
    }
    for (name, setting) in settings {
        let (sections, last) = name.rsplit_once('.').unwrap_or(("", name));
        let mut table = &mut root;
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            let inner =
                table.entry(section).or_insert_with(|| toml::Table::new().into()).as_table_mut();
            table = inner.ok_or_else(|| format!("`{section}` is a section"))?;
        }
        table.insert(last.to_owned(), setting.value.clone());
    }
    Config::deserialize(root).map_err(|error| error.message().to_owned())
}
