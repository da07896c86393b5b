//! Collects what is wrong with a request, field by field, so that a caller sees all of it at once.

use std::net::IpAddr;
use std::time::Duration;

use url::{Host, Url};

use crate::model::{Id, IdKind, Timestamp};

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// The field, as in the proto, with dots.
    pub(super) field: &'static str,
    /// What it must be. Fixed text; the value is not repeated.
    pub(super) what: &'static str,
}

/// The violations of one request so far.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Violation>);

impl Fields {
    /// Notes a violation.
    pub(super) fn refuse(&mut self, field: &'static str, what: &'static str) {
        self.0.push(Violation { field, what });
    }

    /// The value, unless anything was refused.
    ///
    /// # Errors
    ///
    /// All violations.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(self.0),
        }
    }

    /// A UUID.
    pub(super) fn id<K: IdKind>(&mut self, field: &'static str, text: &str) -> Option<Id<K>> {
        let id = text.parse().ok();
        if id.is_none() {
            self.refuse(field, "must be a UUID such as 7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10");
        }
        id
    }

    /// A moment, if given.
    pub(super) fn time(
        &mut self,
        field: &'static str,
        time: Option<prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        let time = time?;
        let seconds = u64::try_from(time.seconds).ok().filter(|&s| s <= TIME_MAX_SECONDS);
        let nanos = u64::try_from(time.nanos).ok().filter(|&n| n < 1_000_000_000);
        match (seconds, nanos) {
            (Some(seconds), Some(nanos)) => {
                Some(Timestamp::from_millis(seconds * 1000 + nanos / 1_000_000))
            }
            (None, _) | (_, None) => {
                self.refuse(field, "must be a time between 1970 and 9999");
                None
            }
        }
    }

    /// A length of time within bounds, if given.
    pub(super) fn duration(
        &mut self,
        field: &'static str,
        duration: Option<prost_types::Duration>,
        min: Duration,
        max: Duration,
        what: &'static str,
    ) -> Option<Duration> {
        let duration = duration?;
        let seconds = u64::try_from(duration.seconds).ok();
        let nanos = u32::try_from(duration.nanos).ok().filter(|&n| n < 1_000_000_000);
        let value = seconds.zip(nanos).map(|(seconds, nanos)| Duration::new(seconds, nanos));
        let value = value.filter(|value| (min..=max).contains(value));
        if value.is_none() {
            self.refuse(field, what);
        }
        value
    }

    /// A text of at most `len_max` characters without control or direction marks; `None` if empty.
    pub(super) fn text(
        &mut self,
        field: &'static str,
        text: String,
        len_max: usize,
        what: &'static str,
    ) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        if text.chars().count() > len_max || text.chars().any(is_unprintable) {
            self.refuse(field, what);
            return None;
        }
        Some(text)
    }

    /// A URL that Jumio accepts: https, a host name, no port, no fragment, no credentials, at most
    /// 255 characters (Jumio's documents); `None` if empty.
    pub(super) fn url(&mut self, field: &'static str, text: String) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        let ok = text.len() <= 255
            && text.is_ascii()
            && Url::parse(&text).is_ok_and(|url| {
                let named = matches!(url.host(), Some(Host::Domain(name))
                    if !is_loopback(name.trim_end_matches('.')));
                let plain = url.username().is_empty() && url.password().is_none();
                url.scheme() == "https"
                    && named
                    && plain
                    && url.port().is_none()
                    && url.fragment().is_none()
            });
        if !ok {
            self.refuse(
                field,
                "must be https with a host name, no port and no fragment, up to 255 characters",
            );
            return None;
        }
        Some(text)
    }

    /// An IP address; `None` if empty.
    pub(super) fn ip(&mut self, field: &'static str, text: String) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        if text.parse::<IpAddr>().is_err() {
            self.refuse(field, "must be an IP address");
            return None;
        }
        Some(text)
    }
}

/// 9999-12-31T23:59:59Z, the last moment protobuf's Timestamp knows.
const TIME_MAX_SECONDS: u64 = 253_402_300_799;

/// Names that mean this machine, wherever they are asked.
fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Control characters, and marks that change the direction of what follows.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
