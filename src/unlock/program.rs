//! A program of the operator that prints 32 bytes: the way to any key service.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::UnlockError;
use super::owned::check_owned;

/// Most bytes a program may print.
const OUTPUT_LEN_MAX: usize = 4096;
/// Length of what it must print, decoded.
const KEY_LEN: usize = 32;

/// A program and its arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its absolute path, and its arguments.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Program {
    /// Runs it and returns the 32 bytes it printed: as they are, as 64 hexadecimal digits, or in
    /// base64. No shell, no environment, nothing on its standard input; its standard error is not
    /// read. It is killed, with what it started, if it takes too long or prints too much.
    ///
    /// # Errors
    ///
    /// [`UnlockError::Owned`] if others could have changed it, [`UnlockError::Program`].
    pub async fn run(&self) -> Result<Zeroizing<Vec<u8>>, UnlockError> {
        let [path, arguments @ ..] = self.command.as_slice() else {
            return Err(ProgramError::NotAKey { len: 0 }.into());
        };
        check_owned(Path::new(path))?;
        let mut child = Command::new(path)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(ProgramError::Io)?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let ended = tokio::time::timeout(self.timeout, output(&mut child)).await;
        if !matches!(ended, Ok(Ok(_)))
            && let Some(group) = group
        {
            // It may have ended by itself meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let (printed, status) =
            ended.map_err(|_| ProgramError::TimedOut { after: self.timeout })??;
        if !status.success() {
            return Err(ProgramError::Failed { status }.into());
        }
        Ok(decoded(&printed)?)
    }
}

async fn output(child: &mut Child) -> Result<(Zeroizing<Vec<u8>>, ExitStatus), ProgramError> {
    // Grows once at most, so that no copy of a secret is left behind in freed memory.
    let mut printed = Zeroizing::new(Vec::with_capacity(OUTPUT_LEN_MAX + 1));
    if let Some(stdout) = child.stdout.take() {
        let limit = u64::try_from(OUTPUT_LEN_MAX + 1).expect("4 KiB fit into any integer");
        stdout.take(limit).read_to_end(&mut printed).await?;
    }
    if printed.len() > OUTPUT_LEN_MAX {
        return Err(ProgramError::Chatty);
    }
    Ok((printed, child.wait().await?))
}

fn decoded(printed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProgramError> {
    if printed.len() == KEY_LEN {
        return Ok(Zeroizing::new(printed.to_vec()));
    }
    let text = printed.trim_ascii_end();
    let mut key = Zeroizing::new(vec![0; KEY_LEN]);
    let hex = text.len() == 2 * KEY_LEN && hex::decode_to_slice(text, &mut key).is_ok();
    // 44 characters hold up to 33 bytes; the decoder wants room for all of them.
    let mut room = Zeroizing::new([0; KEY_LEN + 1]);
    if !hex {
        match STANDARD.decode_slice(text, &mut *room) {
            Ok(KEY_LEN) => key.iter_mut().zip(room.iter()).for_each(|(to, from)| *to = *from),
            Ok(_) | Err(_) => return Err(ProgramError::NotAKey { len: printed.len() }),
        }
    }
    Ok(key)
}

/// Why a program gave no key. Never shows what it printed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It did not end.
    #[error("the program of keys.program did not end within {}", humantime::format_duration(*after))]
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// It printed more than 4 KiB.
    #[error("the program of keys.program printed more than 4 KiB")]
    Chatty,
    /// It said that it failed.
    #[error("the program of keys.program failed: {status}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
    },
    /// It printed something else than 32 bytes.
    #[error(
        "the program of keys.program printed {len} bytes that are no key: want 32 bytes, 64 \
         hexadecimal digits, or 44 characters of base64"
    )]
    NotAKey {
        /// How many bytes it printed.
        len: usize,
    },
    /// It cannot be run, or its output not read.
    #[error("the program of keys.program cannot be run: {0}")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_in_three_forms_and_in_no_other() {
        let key: Vec<u8> = (0..32).collect();
        let (hex, base64) = (hex::encode(&key), STANDARD.encode(&key));
        let forms = [
            key.clone(),
            hex.clone().into_bytes(),
            format!("{hex}\n").into_bytes(),
            hex.to_uppercase().into_bytes(),
            base64.clone().into_bytes(),
            format!("{base64}\r\n").into_bytes(),
        ];
        for form in forms {
            assert_eq!(*decoded(&form).unwrap(), key, "{form:?}");
        }
        let none = [
            &b""[..],
            b"\n",
            &key[..31],
            &[&key[..], b"\n"].concat(),
            &hex.as_bytes()[1..],
            &[hex.as_bytes(), b"0"].concat(),
            &[b"x", &hex.as_bytes()[1..]].concat(),
            &base64.as_bytes()[1..],
            format!(" {base64}").as_bytes(),
        ]
        .map(<[u8]>::to_vec);
        for form in none {
            let error = decoded(&form).unwrap_err();
            assert!(
                matches!(error, ProgramError::NotAKey { len } if len == form.len()),
                "{form:?}"
            );
        }
    }
}
