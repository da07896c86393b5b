//! Captures right after an enrollment, in the background, until the facemap is here or it is clear
//! that it will not come.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::jumio::Jumio;
use crate::model::{AccountId, Enrollment, Timestamp};
use crate::store::Store;

use super::{Loaded, Vault, VaultError};

/// Attempts right after an enrollment, in seconds after the first one. Jumio may answer 404 for a
/// moment after it reports the end, and some tenants' data is gone a quarter of an hour later, so the
/// first tries are close together (after 1, 3, 8 and 10 s); the others follow the plan that Jumio's
/// documents suggest, 40 to 940 s after the first.
const ATTEMPTS_AT: [u64; 15] = [0, 1, 4, 12, 22, 40, 60, 100, 160, 240, 340, 460, 600, 760, 940];

/// When the attempt that follows `made` others is due, counted from the first one. `None`: all were
/// made, and the sweep goes on.
fn attempt_at(made: usize) -> Option<Duration> {
    ATTEMPTS_AT.get(made).copied().map(Duration::from_secs)
}

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
            let first = Instant::now();
            for made in 0.. {
                let Some(at) = attempt_at(made) else { return };
                sleep_until(first + at).await;
                vault.recent.note(account);
                match vault.capture(account, Timestamp::now()).await {
                    Ok(loaded) if is_settled(&loaded.enrollment) => return,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(account = %vault.hash(account), error = %error, "capture failed in the store");
                    }
                }
                vault.recent.note(account);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_are_close_and_the_others_follow_jumios_plan() {
        let at: Vec<u64> = (0..).map_while(attempt_at).map(|at| at.as_secs()).collect();
        let waits: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();

        assert_eq!(at[0], 0, "at once");
        assert_eq!(waits[..4], [1, 3, 8, 10]);
        assert_eq!(at[5..], [40, 60, 100, 160, 240, 340, 460, 600, 760, 940]);
        assert_eq!(attempt_at(at.len()), None, "then the sweep");
    }
}
