//! The sweep: one bounded pass over what is due, nearest deadline first.

use std::time::Duration;

use crate::jumio::Jumio;
use crate::model::{State, Timestamp};
use crate::store::Store;

use super::{Loaded, Vault, VaultError};

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Facemaps captured.
    pub captured: u64,
    /// Still to be captured after an attempt.
    pub remaining: u64,
    /// Found to be blocked.
    pub blocked: u64,
    /// Found to be lost.
    pub lost: u64,
    /// Erased because our own retention ended.
    pub erased: u64,
    /// Rows that could not be read or written.
    pub failed: u64,
}

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Tries to capture what must be captured within `horizon` of `now`, and erases what our own
    /// retention says. Costs what is due, not what is stored.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`] if the due index cannot be read.
    pub async fn sweep(
        &self,
        now: Timestamp,
        horizon: Duration,
    ) -> Result<SweepReport, VaultError> {
        const PAGE: usize = 256;
        let mut report = SweepReport::default();
        let mut after = None;
        loop {
            let page = self.store.due(after, now.plus(horizon), PAGE).await;
            let page = page.map_err(VaultError::Store)?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(*last);
            for due in &page {
                match self.load_row(due.row).await? {
                    Some(loaded) => self.sweep_one(&loaded, now, &mut report).await,
                    None => report.failed += 1,
                }
            }
        }
    }

    async fn sweep_one(&self, loaded: &Loaded, now: Timestamp, report: &mut SweepReport) {
        let account = loaded.enrollment.account;
        let result = match loaded.enrollment.onboarding.state {
            State::Pending { .. } => self.capture(account, now).await,
            State::Blocked { .. } | State::Captured | State::Lost { .. } | State::Erased { .. } => {
                match loaded.enrollment.due() {
                    Some(at) if at <= now && self.watch.may_erase() => {
                        self.erase(account, now).await
                    }
                    Some(_) | None => return,
                }
            }
        };
        let counter = match result.map(|loaded| loaded.enrollment.onboarding.state) {
            Ok(State::Captured) => &mut report.captured,
            Ok(State::Pending { .. }) => &mut report.remaining,
            Ok(State::Blocked { .. }) => &mut report.blocked,
            Ok(State::Lost { .. }) => &mut report.lost,
            Ok(State::Erased { .. }) => &mut report.erased,
            Err(error) => {
                tracing::error!(%account, error = %error, "sweep could not settle an enrollment");
                &mut report.failed
            }
        };
        *counter += 1;
    }
}
