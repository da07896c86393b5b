//! Where secrets are found. A setting names the place; the secret itself is never in the settings.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Longest secret read, in bytes. Ours is a passphrase or 32 bytes; a wrong path must not fill memory.
const LEN_MAX: usize = 64 * 1024;

/// Where a secret is found: `file:/path`, `cred:NAME` (a systemd credential) or `env:NAME`.
///
/// It holds no secret, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// A file that only its owner can read.
    File(PathBuf),
    /// The file of that name in `$CREDENTIALS_DIRECTORY`, which systemd fills.
    Credential(String),
    /// An environment variable. Other processes of the user can see it, so never in production.
    Environment(String),
}

impl SecretRef {
    /// The secret as text, without the line feed at its end. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// If it is not there, is empty, longer than 64 KiB or not UTF-8, or if others can read the file.
    pub fn read(&self) -> Result<Zeroizing<String>, SecretError> {
        let mut bytes = self.read_bytes()?;
        while bytes.last().is_some_and(|byte| [b'\n', b'\r'].contains(byte)) {
            bytes.pop();
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| self.fails(Cause::NotText))?;
        match text {
            "" => Err(self.fails(Cause::Empty)),
            text => Ok(Zeroizing::new(text.to_owned())),
        }
    }

    /// The secret as it is, byte for byte: for key files. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// If it is not there, is empty or longer than 64 KiB, or if others can read the file.
    pub fn read_bytes(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        self.read_from(process_variable)
    }

    /// The file it is in, if it is in one.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Credential(name) => {
                let directory = process_variable("CREDENTIALS_DIRECTORY")?;
                Some(Path::new(&directory).join(name))
            }
            Self::Environment(_) => None,
        }
    }

    fn read_from(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let bytes = match self {
            Self::File(path) => read_file(path, 0o077),
            Self::Credential(name) => match variable("CREDENTIALS_DIRECTORY") {
                // systemd admits the service by an access list, which shows as rights of the group.
                Some(directory) => read_file(&Path::new(&directory).join(name), 0o007),
                None => Err(Cause::NoCredentials),
            },
            Self::Environment(name) => variable(name)
                .map(|text| Zeroizing::new(text.into_bytes()))
                .ok_or(Cause::NoVariable),
        };
        match bytes.map_err(|cause| self.fails(cause))? {
            bytes if bytes.is_empty() => Err(self.fails(Cause::Empty)),
            bytes => Ok(bytes),
        }
    }

    fn fails(&self, cause: Cause) -> SecretError {
        SecretError { reference: self.clone(), cause }
    }
}

/// The mode is asked of the open file, so that nobody can exchange the file in between.
fn read_file(path: &Path, forbidden: u32) -> Result<Zeroizing<Vec<u8>>, Cause> {
    let file = File::open(path).map_err(|error| Cause::Io(error.kind()))?;
    let mode = file.metadata().map_err(|error| Cause::Io(error.kind()))?.permissions().mode();
    if mode & forbidden != 0 {
        let chmod = format!("chmod {:o} {}", (mode & 0o600).max(0o400), quoted(path));
        return Err(Cause::Readable { mode: mode & 0o777, chmod });
    }
    // Grows once at most, so that no copy of a secret is left behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LEN_MAX + 1));
    let limit = u64::try_from(LEN_MAX + 1).expect("64 KiB fit into any integer");
    file.take(limit).read_to_end(&mut bytes).map_err(|error| Cause::Io(error.kind()))?;
    if bytes.len() > LEN_MAX {
        return Err(Cause::TooLong);
    }
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "this is the module that settings come from")]
fn process_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let letters = |name: &str, more: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        match text.split_once(':') {
            Some(("file", path)) if Path::new(path).is_absolute() => Ok(Self::File(path.into())),
            Some(("file", _)) => Err(SecretRefError::RelativePath),
            Some(("cred", name)) if letters(name, "._-") && !name.starts_with('.') => {
                Ok(Self::Credential(name.to_owned()))
            }
            Some(("env", name)) if letters(name, "_") => Ok(Self::Environment(name.to_owned())),
            Some(("cred" | "env", _)) => Err(SecretRefError::Name),
            Some(_) | None => Err(SecretRefError::Inline),
        }
    }
}

impl TryFrom<String> for SecretRef {
    type Error = SecretRefError;

    fn try_from(text: String) -> Result<Self, SecretRefError> {
        Zeroizing::new(text).parse()
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "cred:{name}"),
            Self::Environment(name) => write!(f, "env:{name}"),
        }
    }
}

/// Why a text does not name the place of a secret. The text is not repeated: it may be the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefError {
    /// No scheme that we know, so probably the secret itself.
    #[error("must be a reference (file:, cred: or env:), not the secret itself")]
    Inline,
    /// A relative path would mean another file after a change of directory.
    #[error("the path after `file:` must be absolute")]
    RelativePath,
    /// The name has characters that no credential or variable has.
    #[error(
        "the name after `cred:` or `env:` must be letters, digits, `_`, and for `cred:` also `.` and `-`"
    )]
    Name,
}

/// A secret that could not be read. Says which, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reference}: {cause}")]
pub struct SecretError {
    reference: SecretRef,
    cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Cause {
    #[error("cannot be read: {0}")]
    Io(io::ErrorKind),
    #[error("its mode is {mode:03o}, so others can read it. Run: {chmod}")]
    Readable { mode: u32, chmod: String },
    #[error("is longer than 64 KiB, so it is probably the wrong file")]
    TooLong,
    #[error("is empty")]
    Empty,
    #[error("is not UTF-8 text")]
    NotText,
    #[error(
        "CREDENTIALS_DIRECTORY is not set. Start it by systemd, with LoadCredential= for this name, or \
         use file:"
    )]
    NoCredentials,
    #[error("the environment has no such variable")]
    NoVariable,
}

#[cfg(test)]
mod tests;
