//! Whose turn it is in a budget that many callers want: each gets the same share, however much another
//! one asks for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::budget::Lane;

/// The queue in front of a budget. Start-time fair queueing: each call has a number, one more than its
/// caller's last one but never less than the one being served, and the lowest number is next. So who
/// comes seldom is next, and who floods waits behind its own calls.
pub(super) struct FairQueue {
    wait_max: Duration,
    state: Mutex<State>,
}

struct State {
    lane: Lane,
    /// Who waits, in the order of their turns.
    waiting: BTreeMap<Place, Arc<Notify>>,
    /// The next number of each caller that is ahead of `served`.
    next: HashMap<Arc<str>, u64>,
    /// The number that was served last.
    served: u64,
    arrivals: u64,
}

/// A call's number, and who came first among equals.
type Place = (u64, u64);

/// How a look at the queue ended.
enum Look {
    /// It is this call's turn, and it is paid for.
    Turn,
    /// It is next, at that moment.
    Next(Instant),
    /// Others are before it.
    Behind,
}

impl FairQueue {
    /// A queue for `rate` calls per second, without limit if there is none, in which nobody waits longer
    /// than `wait_max`.
    pub(super) fn new(rate: Option<f64>, wait_max: Duration) -> Self {
        let state = State {
            lane: Lane::new(rate),
            waiting: BTreeMap::new(),
            next: HashMap::new(),
            served: 0,
            arrivals: 0,
        };
        Self { wait_max, state: Mutex::new(state) }
    }

    /// Waits for `caller`'s turn.
    ///
    /// # Errors
    ///
    /// How long to wait before asking again, if the turn would not come in time.
    pub(super) async fn turn(&self, caller: &Arc<str>) -> Result<(), Duration> {
        let give_up = Instant::now() + self.wait_max;
        let ticket = self.enter(caller, give_up)?;
        loop {
            let woken = ticket.wake.notified();
            match ticket.look() {
                Look::Turn => return Ok(()),
                Look::Next(at) if at > give_up => return Err(at - Instant::now()),
                Look::Next(at) => tokio::select! {
                    () = woken => {}
                    () = sleep_until(at) => {}
                },
                // Others came in between.
                Look::Behind => timeout_at(give_up, woken).await.map_err(|_| self.wait_max)?,
            }
        }
    }

    /// A place, unless its turn would come too late as things stand.
    fn enter(&self, caller: &Arc<str>, give_up: Instant) -> Result<Ticket<'_>, Duration> {
        let mut state = self.state();
        let number = state.next.get(caller).copied().unwrap_or_default().max(state.served);
        let place = (number, state.arrivals);
        let ahead = u32::try_from(state.waiting.range(..place).count()).unwrap_or(u32::MAX);
        let now = Instant::now();
        let wait = (state.lane.next(now) - now)
            .saturating_add(state.lane.interval().saturating_mul(ahead));
        // What is free now is given, even if the waiting is over.
        if !wait.is_zero() && wait > give_up.saturating_duration_since(now) {
            return Err(wait);
        }
        state.next.insert(Arc::clone(caller), number + 1);
        state.arrivals += 1;
        let wake = Arc::new(Notify::new());
        state.waiting.insert(place, Arc::clone(&wake));
        Ok(Ticket { queue: self, place, wake })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every state is a valid one, so a panic elsewhere while it was held does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue; it is given up when this is dropped.
struct Ticket<'q> {
    queue: &'q FairQueue,
    place: Place,
    wake: Arc<Notify>,
}

impl Ticket<'_> {
    fn look(&self) -> Look {
        let mut state = self.queue.state();
        if state.waiting.keys().next() != Some(&self.place) {
            return Look::Behind;
        }
        let now = Instant::now();
        let turn = state.lane.next(now);
        if turn > now {
            return Look::Next(turn);
        }
        state.lane.book(turn);
        let served = self.place.0;
        state.served = served;
        state.next.retain(|_, next| *next > served);
        Look::Turn
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.waiting.remove(&self.place);
        if let Some(next) = state.waiting.values().next() {
            next.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn caller(name: &str) -> Arc<str> {
        name.into()
    }

    /// The callers in the order in which they were served.
    async fn served(queue: &Arc<FairQueue>, asked: &[&str]) -> Vec<String> {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut calls = tokio::task::JoinSet::new();
        for name in asked {
            let (queue, order, name) = (Arc::clone(queue), Arc::clone(&order), caller(name));
            calls.spawn(async move {
                if queue.turn(&name).await.is_ok() {
                    order.lock().unwrap().push(name.to_string());
                }
            });
            // In this order into the queue.
            tokio::task::yield_now().await;
        }
        calls.join_all().await;
        let order = order.lock().unwrap();
        order.clone()
    }

    /// Nobody waits that long.
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn who_comes_late_and_seldom_does_not_wait_behind_a_flood() {
        let queue = Arc::new(FairQueue::new(Some(5.0), LONG));
        let order = served(&queue, &["a", "a", "a", "a", "a", "b", "b"]).await;
        assert_eq!(order, ["a", "b", "a", "b", "a", "a", "a"]);
    }

    /// One caller asks for all it can get, all the time; the other once in its fair interval.
    #[tokio::test]
    async fn beside_a_flood_the_wait_is_at_most_twice_the_fair_share() {
        let queue = Arc::new(FairQueue::new(Some(5.0), Duration::from_secs(2)));
        let flood = Arc::clone(&queue);
        let flooding = tokio::spawn(async move {
            let name = caller("flood");
            loop {
                let calls = (0..50).map(|_| flood.turn(&name));
                futures_util::future::join_all(calls).await;
            }
        });
        tokio::task::yield_now().await;
        let fair = Duration::from_millis(400);
        for n in 0..5 {
            let began = Instant::now();
            let turn = queue.turn(&caller("seldom")).await;
            assert!(turn.is_ok(), "call {n}: {turn:?}");
            assert!(began.elapsed() <= fair * 2, "call {n} waited {:?}", began.elapsed());
            sleep_until(began + fair).await;
        }
        flooding.abort();
    }

    #[tokio::test]
    async fn a_flood_is_told_at_once_to_come_back_and_leaves_nothing_behind() {
        let queue = FairQueue::new(Some(1.0), Duration::from_secs(3));
        let name = caller("flood");
        let mut context = Context::from_waker(Waker::noop());
        let mut turns: Vec<_> = (0..100).map(|_| Box::pin(queue.turn(&name))).collect();
        let polled: Vec<_> =
            turns.iter_mut().map(|turn| turn.as_mut().poll(&mut context)).collect();
        assert_eq!(polled[0], Poll::Ready(Ok(())), "the first has its turn");
        assert!(polled[1..4].iter().all(Poll::is_pending), "as many as can be served in time wait");
        for told in &polled[4..] {
            let Poll::Ready(Err(wait)) = told else { panic!("{told:?}") };
            assert!((3..=4).contains(&wait.as_secs()), "and the others are told: {wait:?}");
        }
        drop(turns);
        let state = queue.state();
        assert!(state.waiting.is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_makes_way() {
        let queue = Arc::new(FairQueue::new(Some(5.0), LONG));
        queue.turn(&caller("a")).await.unwrap();
        let waiting = Arc::clone(&queue);
        let gone = tokio::spawn(async move { waiting.turn(&caller("a")).await });
        tokio::task::yield_now().await;
        gone.abort();
        queue.turn(&caller("b")).await.unwrap();
        assert!(queue.state().waiting.is_empty());
    }

    #[tokio::test]
    async fn without_a_rate_nobody_waits() {
        let queue = FairQueue::new(None, Duration::ZERO);
        for _ in 0..10_000 {
            assert_eq!(queue.turn(&caller("a")).await, Ok(()));
        }
    }
}
