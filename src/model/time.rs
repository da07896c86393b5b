//! Moments, as UTC milliseconds.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: UTC milliseconds since 1970, never before.
///
/// Passed as `now` to everything that needs it; only the edges (a request, a pass of the sweep) call
/// [`Timestamp::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Reads the wall clock. The only place that does.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment this many milliseconds after 1970 began.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This moment and `duration` more; the last representable moment if that is too late.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// `duration` before this moment; 1970 if that is too early.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Parses an RFC 3339 time such as `2026-03-02T09:15:52.903Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(time.as_millisecond()).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(millis) {
            Ok(time) => time.fmt(f),
            Err(_) => f.write_str("the end of time"),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_both_ends_of_time() {
        let day = Duration::from_secs(86_400);
        let start = Timestamp::from_millis(0);
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(start.minus(day), start);
        assert_eq!(end.plus(day), end);
        assert_eq!(start.since(end), Duration::ZERO);
        assert_eq!(start.plus(day).since(start), day);
        assert_eq!(end.to_string(), "the end of time");
    }

    #[test]
    fn text_and_moment_agree() {
        let text = "2026-03-02T09:15:52.903Z";
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        for wrong in ["", "yesterday", "2026-03-02", "1969-12-31T23:59:59Z", "2026-13-02T00:00:00Z"]
        {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }
}
