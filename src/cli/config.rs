//! `fmvault config`: print, check and show the settings.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::config::{Config as Settings, Loaded, Profile};

use super::Session;
use super::exit::{Exit, Failure};
use super::json::text;

/// See the module.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Config {
    /// Print a commented settings file to start from
    Init {
        /// For what
        #[arg(long, value_enum, default_value = "production")]
        profile: For,
    },
    /// Check a settings file; needs no vault. Exit 3 if anything is wrong
    Check {
        /// The file; else the one of --config
        file: Option<PathBuf>,
    },
    /// Show the settings in force, secrets masked
    Show {
        /// Also where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Explain one setting
    Explain {
        /// Its name, such as jumio.retention
        key: String,
    },
}

/// For what a settings file is.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum For {
    /// For a simulator on this machine
    Dev,
    /// For Jumio
    Production,
}

/// Runs the command.
pub(super) fn run(session: &Session, command: Config) -> Result<Exit, Failure> {
    match command {
        Config::Init { profile } => {
            let profile = match profile {
                For::Dev => Profile::Dev,
                For::Production => Profile::Production,
            };
            let example = Settings::example(profile);
            session.output.value(&json!({ "toml": example }), || example.trim_end().to_owned());
            Ok(Exit::Done)
        }
        Config::Check { file } => check(session, file),
        Config::Show { origin } => {
            show(session, origin)?;
            Ok(Exit::Done)
        }
        Config::Explain { key } => explain(session, &key),
    }
}

/// The settings in force, by flags, environment and file.
///
/// # Errors
///
/// All problems at once.
pub(super) fn load(session: &Session) -> Result<Loaded, Failure> {
    load_file(session, session.global.config.as_ref())
}

fn load_file(session: &Session, file: Option<&PathBuf>) -> Result<Loaded, Failure> {
    let flags: Vec<_> =
        session.global.set.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let environment = session.environment.iter().cloned();
    Settings::load(file.map(PathBuf::as_path), environment, &flags).map_err(|problems| {
        Failure::new(
            Exit::Attention,
            format!("the settings are not usable\n{problems}"),
            "fix what is named above; `fmvault config init` prints a file to start from",
        )
    })
}

fn check(session: &Session, file: Option<PathBuf>) -> Result<Exit, Failure> {
    let file = file.or_else(|| session.global.config.clone());
    let loaded = load_file(session, file.as_ref())?;
    let warnings: Vec<_> = loaded.warnings.iter().map(|w| w.render("warning")).collect();
    warnings.iter().for_each(|warning| session.output.note(warning));
    let json = json!({ "problems": 0, "warnings": warnings.len() });
    session.output.value(&json, || format!("no problems, {} warnings", warnings.len()));
    Ok(Exit::Done)
}

fn show(session: &Session, origin: bool) -> Result<(), Failure> {
    let loaded = load(session)?;
    let items: Vec<Value> = Settings::show(&loaded, origin)
        .into_iter()
        .map(|shown| {
            let from = shown.origin.as_ref().map(ToString::to_string);
            json!({ "key": shown.key, "value": shown.value, "origin": from })
        })
        .collect();
    let columns = ["KEY", "VALUE", "ORIGIN"];
    let shown = if origin { &columns[..] } else { columns.get(..2).unwrap_or_default() };
    session.output.rows(&items, shown, |item| {
        let mut row = vec![text(item, "key"), text(item, "value")];
        if origin {
            row.push(text(item, "origin"));
        }
        row
    });
    Ok(())
}

fn explain(session: &Session, key: &str) -> Result<Exit, Failure> {
    let Some(explained) = Settings::explain(key) else {
        return Err(Failure::new(
            Exit::NotFound,
            format!("there is no setting `{key}`"),
            "fmvault config init prints them all",
        ));
    };
    let json = json!({
        "key": explained.key,
        "text": explained.text,
        "written": explained.written,
        "required": explained.required,
        "default": explained.value,
    });
    session.output.value(&json, || {
        let need = if explained.required { "required" } else { "optional" };
        format!(
            "{} ({need}, {}, as it stands: {})\n{}",
            explained.key, explained.written, explained.value, explained.text
        )
    });
    Ok(Exit::Done)
}
