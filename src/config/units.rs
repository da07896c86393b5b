//! Durations and sizes as people write them: a number never comes without its unit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A length of time, written `"15m"`, `"90d"` or `"1h 30m"`: more than zero, at most 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

impl Period {
    /// The longest: 100 years of 365 days. Sums with a moment of our time cannot overflow below it.
    pub const MAX: Self = Self::days(36_500);

    /// So many days of 24 hours. Only for constants: it does not check the range.
    pub(super) const fn days(days: u64) -> Self {
        Self(Duration::from_secs(days * 86_400))
    }

    /// So many minutes. Only for constants: it does not check the range.
    pub(super) const fn minutes(minutes: u64) -> Self {
        Self(Duration::from_secs(minutes * 60))
    }

    /// So many milliseconds. Only for constants: it does not check the range.
    pub(super) const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The length as the standard library has it.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Period {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        // `M` would be a month of 30.44 days beside `m`, a minute; a year would be 365.25 days.
        if text.contains(['M', 'y']) || text.contains("mon") {
            return Err(UnitError::Calendar);
        }
        let duration = humantime::parse_duration(text).map_err(|error| match error {
            humantime::DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
                UnitError::NoUnit
            }
            humantime::DurationError::NumberOverflow => UnitError::TooMuch,
            humantime::DurationError::InvalidCharacter(_)
            | humantime::DurationError::NumberExpected(_)
            | humantime::DurationError::UnknownUnit { .. }
            | humantime::DurationError::Empty => UnitError::Malformed,
        })?;
        match duration {
            Duration::ZERO => Err(UnitError::Zero),
            _ if duration > Self::MAX.0 => Err(UnitError::TooMuch),
            _ => Ok(Self(duration)),
        }
    }
}

impl fmt::Display for Period {
    /// In the largest unit that divides it: `90d`, not months and a rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.subsec_nanos() != 0 {
            return write!(f, "{}", humantime::format_duration(self.0));
        }
        let (unit, name) = [(86_400, "d"), (3_600, "h"), (60, "m")]
            .into_iter()
            .find(|(unit, _)| seconds.is_multiple_of(*unit))
            .unwrap_or((1, "s"));
        write!(f, "{}{name}", seconds / unit)
    }
}

/// A number of bytes, written `"8MiB"`, `"64KiB"` or `"512B"`: more than zero, below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Units of a size, the largest first.
const BYTE_UNITS: [(u64, &str); 4] =
    [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];

impl ByteSize {
    /// So many MiB. Only for constants: it does not check the range.
    pub(super) const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let unit = match unit.trim() {
            "" if digits > 0 => return Err(UnitError::NoUnit),
            // Some read them as powers of ten, some as powers of two.
            "KB" | "MB" | "GB" | "kB" | "K" | "M" | "G" => return Err(UnitError::PowerOfTen),
            name => BYTE_UNITS.iter().find(|(_, known)| *known == name),
        };
        let Some((unit, _)) = unit else { return Err(UnitError::Malformed) };
        if digits == 0 {
            return Err(UnitError::Malformed);
        }
        let bytes = count.parse::<u64>().ok().and_then(|count| count.checked_mul(*unit));
        match bytes {
            Some(0) => Err(UnitError::Zero),
            Some(bytes) if bytes < 1 << 53 => Ok(Self(bytes)),
            Some(_) | None => Err(UnitError::TooMuch),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = BYTE_UNITS
            .into_iter()
            .find(|(unit, _)| self.0.is_multiple_of(*unit))
            .unwrap_or((1, "B"));
        write!(f, "{}{name}", self.0 / unit)
    }
}

/// Accepts the text of a unit type and answers a bare number with the reason why not.
struct UnitVisitor<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = UnitError>> Visitor<'_> for UnitVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number with its unit, in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<T, E> {
        Err(E::custom(UnitError::NoUnit))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Err(E::custom(UnitError::NoUnit))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnitVisitor(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnitVisitor(std::marker::PhantomData))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a text is no duration or size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// A number alone.
    #[error("a number alone says nothing: its unit is missing")]
    NoUnit,
    /// Neither a number nor a unit that we know.
    #[error("not a number and a unit")]
    Malformed,
    /// Nothing at all is never meant.
    #[error("zero is not allowed")]
    Zero,
    /// Beyond the range.
    #[error("too large")]
    TooMuch,
    /// Months and years differ in length, and `M` looks like `m`.
    #[error("months and years have no fixed length: count in days (d), or in minutes (m)")]
    Calendar,
    /// KB, MB and GB mean different things to different people.
    #[error("KB, MB and GB are ambiguous: write KiB, MiB or GiB")]
    PowerOfTen,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_shown() {
        let table: [(&str, Result<&str, UnitError>); 12] = [
            ("15m", Ok("15m")),
            ("90d", Ok("90d")),
            ("48h", Ok("2d")),
            ("1h 30m", Ok("90m")),
            ("250ms", Ok("250ms")),
            ("36500d", Ok("36500d")),
            ("36501d", Err(UnitError::TooMuch)),
            ("90", Err(UnitError::NoUnit)),
            ("0d", Err(UnitError::Zero)),
            ("15M", Err(UnitError::Calendar)),
            ("1year", Err(UnitError::Calendar)),
            ("soon", Err(UnitError::Malformed)),
        ];
        for (text, want) in table {
            let got = text.parse::<Period>().map(|period| period.to_string());
            assert_eq!(got, want.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_shown() {
        let table: [(&str, Result<&str, UnitError>); 9] = [
            ("8MiB", Ok("8MiB")),
            ("64 KiB", Ok("64KiB")),
            ("1024KiB", Ok("1MiB")),
            ("1000B", Ok("1000B")),
            ("8", Err(UnitError::NoUnit)),
            ("8MB", Err(UnitError::PowerOfTen)),
            ("0B", Err(UnitError::Zero)),
            ("MiB", Err(UnitError::Malformed)),
            ("99999999999999999999GiB", Err(UnitError::TooMuch)),
        ];
        for (text, want) in table {
            let got = text.parse::<ByteSize>().map(|size| size.to_string());
            assert_eq!(got, want.map(str::to_owned), "{text}");
        }
    }
}
