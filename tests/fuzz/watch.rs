//! Ends the program if an input never does, and says which.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// An input that takes so long never ends. One that takes over a second fails anyway.
const PATIENCE: Duration = Duration::from_secs(30);

/// A thread that looks whether the inputs go on.
pub(crate) struct Watch {
    input: Arc<AtomicU64>,
    /// Dropped to end the thread.
    alive: Sender<()>,
}

impl Watch {
    /// Watches a target from now on.
    pub(crate) fn start(target: &'static str, seed: u64) -> Self {
        let input = Arc::new(AtomicU64::new(0));
        let (alive, ended) = channel::<()>();
        let watched = Arc::clone(&input);
        thread::spawn(move || {
            let mut last = u64::MAX;
            while ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let now = watched.load(Ordering::Relaxed);
                if now == last {
                    println!("{target:<22} FAILED: an input does not end");
                    println!("    again with: -- {target} --seed {seed} --only {now}");
                    std::process::exit(1);
                }
                last = now;
            }
        });
        Self { input, alive }
    }

    /// Input `n` begins.
    pub(crate) fn begins(&self, n: u64) {
        self.input.store(n, Ordering::Relaxed);
    }

    /// The target is done.
    pub(crate) fn ends(self) {
        drop(self.alive);
    }
}
