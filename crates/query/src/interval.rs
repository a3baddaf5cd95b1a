//! Widths of time buckets, aligned to UTC.

use tidegate_event::Timestamp;

use crate::error::Error;

/// The width of a bucket and where counting starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    micros: i64,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Weeks start on Monday; 1970-01-05 was one.
const MONDAY: i64 = 4 * DAY;

/// Widths that a reader of a chart counts in.
const ROUND: [i64; 22] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    364 * DAY,
];
/// Buckets that an automatic width aims at, at most.
const AUTO_BUCKETS_MAX: i64 = 120;

impl Interval {
    /// A width in milliseconds that the caller chose.
    pub(crate) fn chosen(millis: u64) -> Result<Self, Error> {
        let micros = i64::try_from(millis).ok().and_then(|millis| millis.checked_mul(1_000));
        match micros {
            Some(micros) if (1_000..=10_000 * DAY).contains(&micros) => Ok(Self { micros }),
            _ => Err(Error::Request(format!("an interval of {millis} ms is not between 1 ms and 10,000 days"))),
        }
    }

    /// A round width that cuts the stretch into a readable number of buckets.
    pub(crate) fn auto(start: Timestamp, end: Timestamp) -> Self {
        let length = end.as_micros().saturating_sub(start.as_micros());
        let micros = ROUND.into_iter().find(|micros| length / micros < AUTO_BUCKETS_MAX);
        // Beyond 120 years: as wide as it takes.
        Self { micros: micros.unwrap_or(length / AUTO_BUCKETS_MAX / DAY * DAY + DAY) }
    }

    pub(crate) const fn micros(self) -> i64 {
        self.micros
    }

    /// Where bucket 0 starts: weeks on a Monday, everything else at 1970.
    pub(crate) const fn origin(self) -> i64 {
        if self.micros % (7 * DAY) == 0 { MONDAY } else { 0 }
    }

    /// The bucket of a moment.
    pub(crate) const fn index(self, micros: i64) -> i64 {
        micros.saturating_sub(self.origin()).div_euclid(self.micros)
    }

    /// The first moment of a bucket.
    pub(crate) const fn start(self, index: i64) -> Timestamp {
        Timestamp::from_micros(index.saturating_mul(self.micros).saturating_add(self.origin()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn buckets_are_aligned_to_utc() {
        let moment = at("2026-05-06T10:20:30Z");
        for (millis, expected) in [
            (60_000, "2026-05-06T10:20:00Z"),
            (3_600_000, "2026-05-06T10:00:00Z"),
            (86_400_000, "2026-05-06T00:00:00Z"),
            (7 * 86_400_000, "2026-05-04T00:00:00Z"),
        ] {
            let interval = Interval::chosen(millis).unwrap();
            assert_eq!(interval.start(interval.index(moment.as_micros())), at(expected));
        }
        let hour = Interval::chosen(3_600_000).unwrap();
        assert_eq!(hour.start(hour.index(-1)), at("1969-12-31T23:00:00Z"));
    }

    #[test]
    fn the_automatic_width_is_readable() {
        let width = |start, end| Interval::auto(at(start), at(end)).micros();
        assert_eq!(width("2026-05-06T10:00:00Z", "2026-05-06T10:00:00Z"), SECOND);
        assert_eq!(width("2026-05-06T10:00:00Z", "2026-05-06T11:00:00Z"), 2 * 30 * SECOND);
        assert_eq!(width("2026-05-06T00:00:00Z", "2026-05-07T00:00:00Z"), 15 * MINUTE);
        assert_eq!(width("2026-05-01T00:00:00Z", "2026-05-31T00:00:00Z"), 12 * HOUR);
        assert_eq!(width("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z") % DAY, 0);
    }

    #[test]
    fn impossible_widths_are_refused() {
        assert!(Interval::chosen(0).is_err());
        assert!(Interval::chosen(u64::MAX).is_err());
    }
}
