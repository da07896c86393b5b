//! The manual of the settings, and what is made of it: files to begin with, explanations.

use super::Config;
use super::keys::{self, KEYS};

/// The manual: a valid file with every setting, its meaning and its default.
///
/// Text stands after `# `. A setting without a default is commented by `#` and no space.
pub const MANUAL: &str = include_str!("../../config/fmvault.toml");

/// For whom a file to begin with is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A simulator on this machine.
    Dev,
    /// Jumio itself.
    Production,
}

/// The settings of a profile as they are written; all others stay commented.
type Lines = &'static [(&'static str, &'static str)];

const PRODUCTION: Lines = &[
    ("mode", "\"production\""),
    ("jumio.region", "\"emea-1\""),
    ("jumio.client_id", "\"cred:jumio-client-id\""),
    ("jumio.client_secret", "\"cred:jumio-client-secret\""),
    ("jumio.user_agent", "\"ExampleBank fmvault/1.0\""),
    ("jumio.retention", "\"90d\""),
    ("jumio.workflow_key", "10071"),
    ("store.path", "\"/var/lib/fmvault/store\""),
    ("keys.keyring", "\"/var/lib/fmvault/keyring\""),
    ("keys.passphrase", "\"cred:passphrase\""),
    ("listen.public.tls_cert", "\"/etc/fmvault/tls/server.crt\""),
    ("listen.public.tls_key", "\"cred:server-key\""),
    ("listen.public.client_ca", "\"/etc/fmvault/tls/clients-ca.crt\""),
    (
        "listen.public.caller",
        "[{ san = \"spiffe://bank/auth-backend\", permissions = [\"enroll\", \"read\", \"authenticate\"] }]",
    ),
];

const DEV: Lines = &[
    ("mode", "\"simulator\""),
    ("jumio.client_id", "\"simulator\""),
    ("jumio.client_secret", "\"env:FMVAULT_CLIENT_SECRET\""),
    ("jumio.user_agent", "\"ExampleBank fmvault/1.0\""),
    ("jumio.auth_url", "\"http://127.0.0.1:8080\""),
    ("jumio.account_url", "\"http://127.0.0.1:8080\""),
    ("jumio.api_url", "\"http://127.0.0.1:8080\""),
    ("jumio.retrieval_url", "\"http://127.0.0.1:8080\""),
    ("store.path", "\"fmvault-dev/store\""),
    ("keys.keyring", "\"fmvault-dev/keyring\""),
    ("keys.passphrase", "\"env:FMVAULT_PASSPHRASE\""),
    ("audit.dir", "\"fmvault-dev/audit\""),
    ("listen.public.reflection", "true"),
    ("listen.admin.socket", "\"fmvault-dev/admin.sock\""),
];

impl Config {
    /// A commented file to begin with: what the profile needs, and all else behind `#`.
    pub fn example(profile: Profile) -> String {
        let settings = match profile {
            Profile::Dev => DEV,
            Profile::Production => PRODUCTION,
        };
        let mut file = String::with_capacity(MANUAL.len());
        let mut section = "";
        for line in MANUAL.lines() {
            section = section_of(line).unwrap_or(section);
            match setting_of(section, line) {
                Some((key, value)) => {
                    let name = key.rsplit('.').next().unwrap_or_default();
                    match settings.iter().find(|(set, _)| *set == key) {
                        Some((_, value)) => file.push_str(&format!("{name} = {value}\n")),
                        None => file.push_str(&format!("#{name} = {value}\n")),
                    }
                }
                None => {
                    file.push_str(line);
                    file.push('\n');
                }
            }
        }
        file
    }

    /// What the manual says about a setting. `None` if there is none of that name.
    pub fn explain(name: &str) -> Option<Explanation> {
        let known = keys::find(name)?;
        let mut section = "";
        let mut text = Vec::new();
        for line in MANUAL.lines() {
            section = section_of(line).unwrap_or(section);
            if let Some((key, value)) = setting_of(section, line) {
                if key == name {
                    return Some(Explanation {
                        key: known.name,
                        text: text.join("\n"),
                        written: known.written,
                        required: known.stand_in.is_some(),
                        value: value.to_owned(),
                    });
                }
                text.clear();
            } else if let Some(comment) = line.strip_prefix("# ") {
                text.push(comment);
            } else {
                text.clear();
            }
        }
        None
    }
}

/// What the manual says about a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its sections and its name, with dots between them.
    pub key: &'static str,
    /// What it means, in several lines.
    pub text: String,
    /// How a value is written, to be put after "write".
    pub written: &'static str,
    /// Without it the vault does not start.
    pub required: bool,
    /// The default, or an example if there is none.
    pub value: String,
}

/// The section that `line` begins.
fn section_of(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// The setting in `line`, commented or not: its full name and its value.
fn setting_of<'l>(section: &str, line: &'l str) -> Option<(&'static str, &'l str)> {
    let (name, value) = line.strip_prefix('#').unwrap_or(line).split_once(" = ")?;
    let same = |key: &&str| match key.rsplit_once('.') {
        Some((its_section, its_name)) => its_section == section && its_name == name,
        None => section.is_empty() && *key == name,
    };
    KEYS.iter().map(|key| key.name).find(same).map(|key| (key, value))
}
