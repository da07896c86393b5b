//! How much the callers ask of the machine right now, so that work in the background can give way.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::setpriority_process;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::VaultError;

/// Counts the requests under way that should not wait for work in the background.
#[derive(Debug)]
pub(super) struct Load {
    began: Instant,
    running: AtomicUsize,
    /// Milliseconds after `began`, plus one, when the last one ended; 0 before the first.
    ended: AtomicU64,
}

/// A request under way; over when dropped.
pub(super) struct Underway<'a>(&'a Load);

/// After a request the next one is expected for so long.
const EXPECTED: Duration = Duration::from_millis(500);
/// So long work in the background gives way at a time.
const GIVE_WAY_MAX: Duration = Duration::from_millis(20);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(1);

impl Default for Load {
    fn default() -> Self {
        Self { began: Instant::now(), running: AtomicUsize::new(0), ended: AtomicU64::new(0) }
    }
}

impl Load {
    /// A request begins.
    pub(super) fn begin(&self) -> Underway<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        Underway(self)
    }

    /// Whether requests are under way, or were a moment ago.
    pub(super) fn is_busy(&self) -> bool {
        let ended = self.ended.load(Ordering::Relaxed);
        self.is_running() || (ended > 0 && self.millis().saturating_sub(ended) < millis(EXPECTED))
    }

    fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    /// Waits until no request is under way, but not for long: work in the background must end as well.
    pub(super) async fn give_way(&self) {
        let began = Instant::now();
        while self.is_running() && began.elapsed() < GIVE_WAY_MAX {
            sleep(LOOK).await;
        }
    }

    fn millis(&self) -> u64 {
        millis(self.began.elapsed()) + 1
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.ended.store(self.0.millis(), Ordering::Relaxed);
    }
}

/// Does `work` on a thread of its own that gets the processor only when no other wants it.
///
/// # Errors
///
/// [`VaultError::ShuttingDown`] if there is no such thread.
pub(super) async fn gently<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, VaultError> {
    let (done, result) = oneshot::channel();
    let gentle = move || {
        // Of this thread alone: on Linux every thread has its own. Where that is refused it is only less
        // gentle.
        let _ = setpriority_process(None, PRIORITY_LEAST);
        // Whoever asked may be gone.
        let _ = done.send(work());
    };
    let began = thread::Builder::new().name("in background".to_owned()).spawn(gentle);
    began.map_err(|_| VaultError::ShuttingDown)?;
    result.await.map_err(|_| VaultError::ShuttingDown)
}

/// `nice(1)` goes no further.
const PRIORITY_LEAST: i32 = 19;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gentle_work_gives_way_and_leaves_the_other_threads_as_they_are() {
        use rustix::process::getpriority_process;
        let before = getpriority_process(None).unwrap();
        assert_eq!(gently(|| getpriority_process(None).unwrap()).await.unwrap(), PRIORITY_LEAST);
        assert_eq!(getpriority_process(None).unwrap(), before);
    }

    #[tokio::test]
    async fn background_work_gives_way_for_a_while_and_not_for_ever() {
        let load = Load::default();
        assert!(!load.is_busy());
        let request = load.begin();
        let began = Instant::now();
        load.give_way().await;
        assert!(began.elapsed() >= GIVE_WAY_MAX, "the request is still under way");
        drop(request);
        assert!(load.is_busy(), "the next one is expected");

        let long_ago = Load { ended: AtomicU64::new(1), began: began - 2 * EXPECTED, ..load };
        assert!(!long_ago.is_busy());
    }
}
