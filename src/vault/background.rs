//! Captures right after an enrollment, in the background, until the facemap is here or it is clear
//! that it will not come.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Timestamp};
use crate::store::Store;

use super::{Loaded, Vault, VaultError};

/// Waits between the attempts right after an enrollment. Jumio may answer 404 for a moment after it
/// reports the end, and some tenants' data is gone a quarter of an hour later, so the first tries are
/// close together; the later ones follow the plan Jumio suggests (40 to 940 s after the first).
const RETRY_AFTER: [Duration; 14] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
    Duration::from_secs(10),
    Duration::from_secs(18),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_secs(60),
    Duration::from_secs(80),
    Duration::from_secs(100),
    Duration::from_secs(120),
    Duration::from_secs(140),
    Duration::from_secs(160),
    Duration::from_secs(180),
];

impl<S: Store, J: Jumio> Vault<S, J> {
    /// Captures in the background, trying again on Jumio's schedule until the facemap is here or it
    /// is clear that it will not come. With too many such tasks already, leaves it to the sweep.
    pub fn capture_soon(self: &Arc<Self>, account: AccountId) {
        let Ok(place) = Arc::clone(&self.background).try_acquire_owned() else {
            return;
        };
        let vault = Arc::clone(self);
        tokio::spawn(async move {
            let _place = place;
            let mut waits = RETRY_AFTER.into_iter();
            loop {
                match vault.capture(account, Timestamp::now()).await {
                    Ok(loaded) if is_settled(&loaded.enrollment) => return,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(%account, error = %error, "capture failed in the store");
                    }
                }
                let Some(wait) = waits.next() else { return };
                sleep(wait).await;
            }
        });
    }

    /// Waits until the newest onboarding of `account` is settled, or `wait` is over, looking at the
    /// enrollment as captures change it.
    ///
    /// # Errors
    ///
    /// As [`Vault::enrollment`].
    pub async fn settled(&self, account: AccountId, wait: Duration) -> Result<Loaded, VaultError> {
        const LOOK: Duration = Duration::from_millis(100);
        let end = Instant::now() + wait;
        loop {
            let loaded = self.enrollment(account).await?;
            if is_settled(&loaded.enrollment) || Instant::now() + LOOK > end {
                return Ok(loaded);
            }
            sleep(LOOK).await;
        }
    }

    /// Whether somebody is capturing `account` right now.
    pub fn is_capturing(&self, account: AccountId) -> bool {
        self.capturing.is_taken(account)
    }
}

/// Whether nothing is left to wait for.
fn is_settled(enrollment: &Enrollment) -> bool {
    !enrollment.is_awaited()
}
