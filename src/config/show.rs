//! The settings in force, for people.

use std::collections::BTreeMap;

use super::keys::KEYS;
use super::{Config, Invalid, Loaded, Mode, Origin, SecretRef};

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its sections and its name, with dots between them.
    pub key: &'static str,
    /// Its value as written in a file. Of a secret, the place where it is found.
    pub value: String,
    /// Where the value came from, if that was asked for.
    pub origin: Option<Origin>,
}

impl Config {
    /// The settings in force, in the order of the manual. A setting without a value is left out.
    pub fn show(loaded: &Loaded, origin: bool) -> Vec<Shown> {
        let values = loaded.config.values();
        KEYS.iter()
            .filter_map(|key| {
                let value = values.get(key.name)?.to_string();
                let origin = origin.then(|| loaded.origins.get(key.name).cloned()).flatten();
                Some(Shown { key: key.name, value, origin })
            })
            .collect()
    }

    /// The values by the names of their settings.
    pub(super) fn values(&self) -> BTreeMap<String, toml::Value> {
        let mut values = BTreeMap::new();
        if let Ok(table) = toml::Table::try_from(self) {
            collect("", table, &mut values);
        }
        values
    }

    /// What is allowed and yet deserves a look. `is_default` tells whether nobody set a key.
    pub(super) fn advise(&self, is_default: impl Fn(&str) -> bool) -> Vec<Invalid> {
        let mut found = Vec::new();
        let mut warn = |keys: &'static [&'static str], message: &str, fix: &str| {
            let message = format!("`{}`: {message}", keys.first().copied().unwrap_or_default());
            found.push(Invalid { keys, message, fix: fix.to_owned() });
        };
        for (keys, reference) in self.secrets() {
            if matches!(reference, SecretRef::Environment(_)) {
                let message = "other processes of the user can see the environment";
                warn(keys, message, "write file: or cred:; production refuses env:");
            }
        }
        if self.mode == Mode::Production {
            if is_default("jumio.region") {
                let message = "nobody set it, so amer-1 is asked";
                warn(&["jumio.region"], message, "write the region of your tenant");
            }
            if is_default("jumio.retention") {
                let message = "nobody set it. If Jumio deletes sooner, facemaps are lost";
                warn(&["jumio.retention"], message, "write what you agreed with Jumio");
            }
        }
        if self.capture.warning >= self.jumio.retention {
            let message = "is not shorter than `jumio.retention`, so all is at risk from the start";
            warn(&["capture.warning", "jumio.retention"], message, "write less");
        }
        if self.sweep.horizon < self.capture.critical {
            let message = "is shorter than `capture.critical`: a sweep comes after the alarm";
            warn(&["sweep.horizon", "capture.critical"], message, "write \"14d\"");
        }
        if self.capture.accept_warning {
            let message = "onboardings that Jumio doubts become the reference";
            warn(&["capture.accept_warning"], message, "leave it false unless you decided so");
        }
        found
    }
}

fn collect(section: &str, table: toml::Table, values: &mut BTreeMap<String, toml::Value>) {
    for (name, value) in table {
        let name = match section {
            "" => name,
            section => format!("{section}.{name}"),
        };
        match value {
            toml::Value::Table(inner) => collect(&name, inner, values),
            toml::Value::String(_)
            | toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => {
                values.insert(name, value);
            }
        }
    }
}
