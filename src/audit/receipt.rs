//! What those who hand in entries wait for.

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
    pub(super) settled: oneshot::Receiver<Result<Head, AuditError>>,
    pub(super) given_up: Arc<AtomicBool>,
    pub(super) timeout: Duration,
}

impl Receipt {
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
