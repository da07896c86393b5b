//! Many callers at once: how many calls a second, how long one takes, what it costs.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::process;
use crate::stats::Spread;

/// How one round went.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Calls a second, all callers together.
    pub rate: f64,
    /// Milliseconds of one call.
    pub latency: Spread,
    /// Processor milliseconds of this process for one call.
    pub cpu: f64,
}

/// Until when a round goes on.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// So long.
    Elapsed(Duration),
    /// So many calls.
    Calls(usize),
}

/// Has `callers` call one after the other. A call is given its number.
pub async fn round<F, T>(callers: usize, until: Until, call: F) -> Round
where
    F: Fn(usize) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send,
{
    let (call, next) = (Arc::new(call), Arc::new(AtomicUsize::new(0)));
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let (began, cpu) = (Instant::now(), process::cpu());
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (call, next, latencies) =
                (Arc::clone(&call), Arc::clone(&next), Arc::clone(&latencies));
            tokio::spawn(async move {
                let mut own = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let over = match until {
                        Until::Elapsed(time) => began.elapsed() >= time,
                        Until::Calls(calls) => number >= calls,
                    };
                    if over {
                        break;
                    }
                    let started = Instant::now();
                    call(number).await;
                    own.push(started.elapsed().as_secs_f64() * 1e3);
                }
                latencies.lock().unwrap().append(&mut own);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = (process::cpu() - cpu).as_secs_f64();
    let latencies = std::mem::take(&mut *latencies.lock().unwrap());
    let calls = latencies.len() as f64;
    Round { rate: calls / elapsed, latency: Spread::of(latencies), cpu: cpu * 1e3 / calls }
}
