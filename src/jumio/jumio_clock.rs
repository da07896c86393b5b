//! What Jumio's answers say about the time: the `Date` header (RFC 9110, 6.6.1).

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{DATE, HeaderMap};

use crate::metrics::Metrics;
use crate::model::Timestamp;

/// How far Jumio's clock was ahead of ours at its last answer. Off by as much as the answer was on
/// its way, and by up to a second since the header has no fractions.
pub(super) struct JumioClock {
    ahead: Mutex<Option<i64>>,
    metrics: Arc<Metrics>,
}

impl JumioClock {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { ahead: Mutex::default(), metrics }
    }

    /// Takes note of an answer that came at `now`. Without a date that can be read, of nothing.
    pub(super) fn told(&self, headers: &HeaderMap, now: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(parse);
        let (Some(theirs), Ok(ours)) = (date, i64::try_from(now.as_seconds())) else {
            return;
        };
        let ahead = theirs.saturating_sub(ours);
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        self.metrics.jumio_clock_ahead(ahead);
    }

    pub(super) fn ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970 of the one form that senders may use, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(|at| at.as_second())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_date_of_an_answer_tells_how_far_the_clocks_are_apart() {
        let now = Timestamp::from_millis(784_111_777_000);
        let table = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:59:37 GMT", Some(600)),
            ("Sun, 06 Nov 1994 07:49:37 GMT", Some(-3_600)),
            ("Sun, 06 Nov 9994 08:49:37 GMT 1", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, want) in table {
            let clock = JumioClock::new(Arc::default());
            let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(text))]);
            clock.told(&headers, now);
            assert_eq!(clock.ahead(), want, "{text}");
        }
    }
}
