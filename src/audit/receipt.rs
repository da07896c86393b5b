//! Waiting until what was handed in is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::AuditError;
use super::verify::Head;

/// Entries that were handed in.
#[derive(Debug)]
#[must_use = "whoever is told before the record is durable is told too early"]
pub struct Receipt {
    settled: oneshot::Receiver<Result<Head, AuditError>>,
    given_up: Arc<AtomicBool>,
    timeout: Duration,
}

impl Receipt {
    pub(super) fn new(
        settled: oneshot::Receiver<Result<Head, AuditError>>,
        given_up: Arc<AtomicBool>,
        timeout: Duration,
    ) -> Self {
        Self { settled, given_up, timeout }
    }

    /// Waits until the entries are durable, or it takes too long.
    ///
    /// # Errors
    ///
    /// [`AuditError`]: nothing is certain then.
    pub async fn durable(self) -> Result<Head, AuditError> {
        match tokio::time::timeout(self.timeout, self.settled).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(AuditError::Closed),
            Err(_) => {
                self.given_up.store(true, Ordering::Release);
                Err(AuditError::Slow)
            }
        }
    }

    /// Leaves the entries to the writer: nobody is told anything that depends on them.
    pub fn leave(self) {}
}
