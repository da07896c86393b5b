//! How long a 429 asks us to wait.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::model::Timestamp;

/// Longest pause honoured. Jumio documents no `Retry-After` at all, so a longer one is a mistake.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// The pause when the answer names none that makes sense. Jumio counts calls per second.
const PAUSE_DEFAULT: Duration = Duration::from_secs(1);

/// How long to pause, by the `Retry-After` header: seconds or an HTTP date (RFC 9110, 10.2.3).
/// Anything else, zero or a date in the past counts as none: then a little over a second, never twice
/// the same, so that many callers do not come back in step.
pub(super) fn pause(header: Option<&str>, now: Timestamp) -> Duration {
    match header.and_then(|value| asked(value, now)) {
        Some(pause) if !pause.is_zero() => pause.min(PAUSE_MAX),
        Some(_) | None => PAUSE_DEFAULT + jitter(),
    }
}

/// The wait that a value names, in either of its two forms.
pub(super) fn asked(value: &str, now: Timestamp) -> Option<Duration> {
    let text = value.trim();
    seconds(text).or_else(|| date(text, now))
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit: longer than any pause we honour.
    digits.then(|| text.parse().map_or(PAUSE_MAX, Duration::from_secs))
}

fn date(text: &str, now: Timestamp) -> Option<Duration> {
    let then = DateTimeParser::new().parse_timestamp(text).ok()?;
    let then = u64::try_from(then.as_millisecond()).ok()?;
    Some(Timestamp::from_millis(then).since(now))
}

/// Up to half a second. Not a secret, so the hash seeds of the standard library are random enough.
fn jitter() -> Duration {
    Duration::from_millis(RandomState::new().hash_one(0_u8) % 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_retry_after_gives_a_sensible_pause() {
        let now = Timestamp::parse("2026-10-19T11:30:00Z").unwrap();
        let secs = Duration::from_secs;
        let exact = [
            ("1", secs(1)),
            ("7", secs(7)),
            (" 30 ", secs(30)),
            ("300", PAUSE_MAX),
            ("301", PAUSE_MAX),
            ("1000000000", PAUSE_MAX),
            ("99999999999999999999999999", PAUSE_MAX),
            ("Mon, 19 Oct 2026 11:30:20 GMT", secs(20)),
            ("Mon, 19 Oct 2026 12:30:00 GMT", PAUSE_MAX),
        ];
        for (header, want) in exact {
            assert_eq!(pause(Some(header), now), want, "{header}");
        }
        let odd =
            ["", "-1", "0", "1e9", "1.5", "+3", "soon", "NaN", "Mon, 19 Oct 2026 11:29:59 GMT"];
        for header in odd.map(Some).into_iter().chain([None]) {
            let got = pause(header, now);
            assert!(got >= secs(1) && got < Duration::from_millis(1500), "{header:?}: {got:?}");
        }
    }
}
