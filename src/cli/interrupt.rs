//! Ctrl-C: a command ends with 130, and says what goes on without it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use super::exit::{Exit, Failure};
use super::{Session, block_on};

/// What goes on without the command that began it.
#[derive(Debug, Clone, Copy)]
pub(super) struct GoesOn {
    pub(super) what: &'static str,
    pub(super) next: &'static str,
}

/// Runs `work` to its end, or to Ctrl-C. Ends the process there, since `work` may be waiting for input.
pub(super) fn interruptible<T>(
    session: &Session,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let (output, goes_on) = (session.output.clone(), Arc::clone(&session.goes_on));
    // A prompt for a secret switches the echo off, and does not always get to switch it on again.
    let terminal = tcgetattr(std::io::stdin()).ok();
    block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())
            .map_err(|error| Failure::unexpected(format!("no signals: {error}")))?;
        // A prompt notices as well: who is first says so.
        let said = Arc::new(AtomicBool::new(false));
        let prompt_said = Arc::clone(&said);
        tokio::spawn(async move {
            interrupt.recv().await;
            if prompt_said.swap(true, Ordering::SeqCst) {
                return;
            }
            if let Some(terminal) = terminal {
                let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &terminal);
            }
            let failure = goes_on.get().map_or_else(Failure::interrupted, |goes_on| {
                let message = format!("interrupted; {} goes on in the vault", goes_on.what);
                Failure::new(Exit::Interrupted, message, goes_on.next)
            });
            output.interrupted(&failure);
            std::process::exit(Exit::Interrupted as i32);
        });
        let result = work.await;
        let interrupted = result.as_ref().is_err_and(|failure| failure.exit == Exit::Interrupted);
        if interrupted && said.swap(true, Ordering::SeqCst) {
            // The other is about to end the process.
            pending::<()>().await;
        }
        result
    })
}
