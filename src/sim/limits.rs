//! Rate limits: one token bucket for each of Jumio's services, on tokio's clock.

use tokio::time::Instant;

use super::{
    hosts::Service,
    tenant::{Rate, RateLimits},
};

/// The buckets of one world.
#[derive(Default)]
pub(super) struct Buckets {
    token: Bucket,
    account: Bucket,
    retrieval: Bucket,
}

impl Buckets {
    /// Whether a call of `service` may pass at `now`. Uploads and health have no published limit.
    pub(super) fn admit(&mut self, limits: &RateLimits, service: Service, now: Instant) -> bool {
        if !limits.enabled {
            return true;
        }
        match service {
            Service::Auth => self.token.take(limits.token, now),
            Service::Account => self.account.take(limits.account, now),
            Service::Retrieval => self.retrieval.take(limits.retrieval, now),
            Service::Api | Service::Status | Service::Web => true,
        }
    }
}

/// Calls left, and when that was counted. Empty means never used: full.
#[derive(Default)]
struct Bucket {
    last: Option<(f64, Instant)>,
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let left = match self.last {
            None => rate.burst,
            Some((left, then)) => {
                let gained = now.duration_since(then).as_secs_f64() * rate.per_second;
                (left + gained).min(rate.burst)
            }
        };
        let admitted = left >= 1.0;
        self.last = Some((if admitted { left - 1.0 } else { left }, now));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_call_for_each_interval() {
        let rate = Rate { per_second: 2.0, burst: 3.0 };
        let start = Instant::now();
        let mut bucket = Bucket::default();
        let table = [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (400, false),
            (500, true),
            (600, false),
            (60_000, true),
            (60_000, true),
            (60_000, true),
            (60_000, false),
        ];
        for (ms, want) in table {
            let now = start + Duration::from_millis(ms);
            assert_eq!(bucket.take(rate, now), want, "at {ms} ms");
        }
    }
}
