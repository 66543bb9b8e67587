//! Time as text, both ways. Never asks what time it is: callers pass it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// The text is not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a time like 2026-01-02T15:04:05Z")]
pub struct BadTime(pub String);

/// RFC 3339 in UTC, whole seconds: `2026-01-02T15:04:05Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let secs = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |secs| -secs),
    };
    Timestamp::from_second(secs)
        .unwrap_or(if secs < 0 { Timestamp::MIN } else { Timestamp::MAX })
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// Reads what [`rfc3339`] writes, and any other RFC 3339 time.
pub fn parse(text: &str) -> Result<SystemTime, BadTime> {
    text.parse::<Timestamp>().map(SystemTime::from).map_err(|_| BadTime(text.to_owned()))
}

/// The time of an HTTP `Date`: `Fri, 02 Jan 2026 15:04:05 GMT`.
pub fn http_date(text: &str) -> Option<SystemTime> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(SystemTime::from)
}

/// A span as people say it, in its two largest units: `23h59m`, `4m10s`, `2d3h`, `0s`.
pub fn span(span: Duration) -> String {
    let secs = span.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, m) => format!("{m}m{}s", secs % 60),
        (0, h, m) => format!("{h}h{m}m"),
        (d, h, _) => format!("{d}d{h}h"),
    }
}

/// `SystemTime` fields as RFC 3339 text.
pub mod text {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer};

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(time: &SystemTime, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::rfc3339(*time))
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SystemTime, D::Error> {
        super::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{parse, rfc3339, span};

    #[test]
    fn a_time_is_read_back_as_it_was_written() {
        for secs in [0, 1, 1_767_366_245, 4_102_444_800] {
            let time = UNIX_EPOCH + Duration::from_secs(secs);
            assert_eq!(parse(&rfc3339(time)).unwrap(), time, "{secs}");
        }
        assert!(parse("yesterday").is_err());
    }

    #[test]
    fn a_span_shows_its_two_largest_units() {
        for (secs, want) in [(0, "0s"), (59, "59s"), (250, "4m10s"), (86_340, "23h59m"), (183_600, "2d3h")] {
            assert_eq!(span(Duration::from_secs(secs)), want);
        }
    }
}
