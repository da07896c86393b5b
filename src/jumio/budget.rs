//! Our own call budgets, one per Jumio service.
//!
//! Jumio limits a tenant's calls per second. Keeping below that here gives "busy" at once and in our
//! words, instead of after a round trip and in Jumio's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{JumioError, Limit, Rates};
use crate::metrics::Metrics;

/// Who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// A person waits for an authentication.
    Authentication,
    /// The sweep, or a capture that the sweep can repeat.
    Capture,
}

/// The budget of one Jumio service.
pub(super) struct Budget {
    limit: Limit,
    wait_max: Duration,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

struct State {
    /// For every call.
    all: Lane,
    /// For captures, besides [`Self::all`]: what it leaves over is the reserve for authentications.
    captures: Lane,
    /// Jumio said 429: nothing before this moment.
    paused_until: Option<Instant>,
}

impl Budget {
    /// A budget of `rate` calls per second, `reserve` of which (0 to 1) captures never use.
    pub(super) fn new(limit: Limit, rate: Option<f64>, reserve: f64, rates: &Rates) -> Self {
        let state = State {
            all: Lane::new(rate),
            captures: Lane::new(rate.map(|rate| rate * (1.0 - reserve))),
            paused_until: None,
        };
        let metrics = Arc::default();
        Self { limit, wait_max: rates.wait_max, metrics, state: Mutex::new(state) }
    }

    /// Counts its waits in `metrics`.
    pub(super) fn counted(self, metrics: &Arc<Metrics>) -> Self {
        Self { metrics: Arc::clone(metrics), ..self }
    }

    /// Waits until one more call is within the budget.
    ///
    /// # Errors
    ///
    /// [`JumioError::Throttled`] at once if that would take longer than `wait_max`.
    pub(super) async fn take(&self, priority: Priority) -> Result<(), JumioError> {
        let give_up = Instant::now() + self.wait_max;
        if priority == Priority::Capture {
            // First the captures' own lane: whoever waits there holds nothing of the common one.
            let turn = self.book(give_up, |state| &mut state.captures)?;
            self.wait_for(turn).await;
        }
        let turn = self.book(give_up, |state| &mut state.all)?;
        self.wait_for(turn).await;
        // A 429 may have come in meanwhile.
        let now = Instant::now();
        match self.state().paused_until {
            Some(until) if until > now => Err(self.throttled(until - now)),
            Some(_) | None => Ok(()),
        }
    }

    /// Jumio said 429: nobody calls for `pause`.
    pub(super) fn pause(&self, pause: Duration) -> JumioError {
        let until = Instant::now() + pause;
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Some(until));
        self.throttled(pause)
    }

    fn book(
        &self,
        give_up: Instant,
        lane: fn(&mut State) -> &mut Lane,
    ) -> Result<Instant, JumioError> {
        let now = Instant::now();
        let mut state = self.state();
        let paused_until = state.paused_until.unwrap_or(now);
        let lane = lane(&mut state);
        let turn = lane.next(now).max(paused_until);
        // What is free now is given, even if the waiting is over.
        if turn > give_up.max(now) {
            return Err(self.throttled(turn - now));
        }
        lane.book(turn);
        Ok(turn)
    }

    /// Waits for `turn`. What has come already costs nothing, where a timer would cost a millisecond.
    async fn wait_for(&self, turn: Instant) {
        let now = Instant::now();
        if turn > now {
            sleep_until(turn).await;
            self.metrics.jumio_throttled(self.limit.name(), now.elapsed());
        }
    }

    fn throttled(&self, wait: Duration) -> JumioError {
        let retry_after = Some(wait.min(super::retry_after::PAUSE_MAX));
        JumioError::Throttled { retry_after, limit: self.limit }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every state is a valid one, so a panic elsewhere while it was held does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token bucket, kept as the one moment at which it would be full again.
pub(super) struct Lane {
    /// Between two calls; none if there is no limit.
    interval: Option<Duration>,
    /// How far bookings may run ahead of the clock: the burst less one call.
    slack: Duration,
    /// When every call so far has been paid for.
    paid: Option<Instant>,
}

impl Lane {
    /// A fifth of a second's calls may come at once, and at least one. Jumio tolerates short bursts.
    pub(super) fn new(rate: Option<f64>) -> Self {
        let interval = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        let burst = rate.map_or(1.0, |rate| (rate / 5.0).ceil().max(1.0));
        let slack = interval.unwrap_or_default().mul_f64(burst - 1.0);
        Self { interval, slack, paid: None }
    }

    /// The earliest moment for one more call.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let Some(paid) = self.paid else {
            return now;
        };
        paid.checked_sub(self.slack).map_or(now, |turn| turn.max(now))
    }

    /// Between two calls: nothing if there is no limit.
    pub(super) fn interval(&self) -> Duration {
        self.interval.unwrap_or_default()
    }

    /// Books a call for `turn`.
    pub(super) fn book(&mut self, turn: Instant) {
        let Some(interval) = self.interval else {
            return;
        };
        self.paid = Some(self.paid.map_or(turn, |paid| paid.max(turn)) + interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(wait_max: Duration) -> Rates {
        Rates { wait_max, ..Rates::default() }
    }

    /// The moments, in milliseconds from now, at which `n` calls made at once have their turn.
    fn turns(rate: f64, n: usize) -> Vec<u128> {
        let mut lane = Lane::new(Some(rate));
        let now = Instant::now();
        let mut turn = || {
            let turn = lane.next(now);
            lane.book(turn);
            turn.duration_since(now).as_millis()
        };
        (0..n).map(|_| turn()).collect()
    }

    #[test]
    fn calls_keep_their_distance_after_a_small_burst() {
        assert_eq!(turns(1.0, 4), [0, 1000, 2000, 3000]);
        assert_eq!(turns(10.0, 5), [0, 0, 100, 200, 300]);
        assert_eq!(turns(0.5, 3), [0, 2000, 4000]);
    }

    #[test]
    fn an_idle_bucket_saves_no_more_than_its_burst() {
        let mut lane = Lane::new(Some(10.0));
        let start = Instant::now();
        for _ in 0..5 {
            lane.book(lane.next(start));
        }
        let later = start + Duration::from_secs(60);
        let mut waits = Vec::new();
        for _ in 0..4 {
            let turn = lane.next(later);
            lane.book(turn);
            waits.push(turn.duration_since(later).as_millis());
        }
        assert_eq!(waits, [0, 0, 100, 200]);
    }

    #[tokio::test]
    async fn captures_leave_the_reserve_to_authentications() {
        let budget = Budget::new(Limit::Retrieval, Some(0.01), 0.5, &rates(Duration::ZERO));
        assert_eq!(budget.take(Priority::Capture).await, Ok(()));
        let Err(JumioError::Throttled { retry_after: Some(wait), limit }) =
            budget.take(Priority::Capture).await
        else {
            panic!("the captures' lane is empty for 200 s")
        };
        assert_eq!(limit, Limit::Retrieval);
        assert!(wait > Duration::from_secs(190), "{wait:?}");
        let Err(JumioError::Throttled { retry_after: Some(wait), .. }) =
            budget.take(Priority::Authentication).await
        else {
            panic!("the common lane is empty for 100 s")
        };
        assert!(wait < Duration::from_secs(101), "{wait:?}");
    }

    #[tokio::test]
    async fn a_pause_stops_everyone_at_once() {
        let budget = Budget::new(Limit::Account, None, 0.0, &rates(Duration::from_secs(1)));
        assert_eq!(budget.take(Priority::Authentication).await, Ok(()));
        budget.pause(Duration::from_secs(60));
        budget.pause(Duration::from_secs(1));
        let Err(JumioError::Throttled { retry_after: Some(wait), .. }) =
            budget.take(Priority::Authentication).await
        else {
            panic!("paused for a minute")
        };
        assert!(wait > Duration::from_secs(59), "{wait:?}");
    }

    #[tokio::test]
    async fn no_rate_is_no_limit() {
        let budget = Budget::new(Limit::Upload, None, 0.0, &rates(Duration::ZERO));
        for _ in 0..10_000 {
            assert_eq!(budget.take(Priority::Capture).await, Ok(()));
        }
    }
}
