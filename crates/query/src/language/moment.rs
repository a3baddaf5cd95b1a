//! Times as people write them: absolute at any precision, and relative to now.

use tidegate_event::Timestamp;

/// The stretch of time that a text names: `2026-05-04` is a whole day, `10:20:30` a whole second, `now` a microsecond.
/// The end does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// First moment of the stretch.
    pub start: Timestamp,
    /// First moment after the stretch.
    pub end: Timestamp,
}

/// What a time may look like, for error sentences.
pub const MOMENT_FORMS: &str = "a time such as `2026-05-04T10:20:30Z`, `2026-05-04`, `now-2h` or `now-1d/d`";

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1970-01-05 was a Monday.
const MONDAY: i64 = 4 * DAY;

impl Moment {
    /// Reads a time; without an offset it is in UTC. `None` when the text is no time.
    #[must_use]
    pub fn parse(text: &str, now: Timestamp) -> Option<Self> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("now") {
            return relative(rest, now);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() != 4 {
            return unix(text);
        }
        absolute(text)
    }

    fn new(start: i64, length: i64) -> Option<Self> {
        let end = start.checked_add(length)?;
        Some(Self { start: Timestamp::from_micros(start), end: Timestamp::from_micros(end) })
    }
}

/// `now`, then any number of `+2h` or `-1d`, then perhaps `/d`: rounded down, and as long as that unit.
fn relative(mut rest: &str, now: Timestamp) -> Option<Moment> {
    let mut micros = now.as_micros();
    while let Some(sign) = rest.chars().next() {
        rest = &rest[1..];
        match sign {
            '+' | '-' => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let count: i64 = rest[..digits].parse().ok()?;
                let (unit, _) = unit(rest.as_bytes().get(digits)?)?;
                let shift = count.checked_mul(unit)?;
                micros = if sign == '+' { micros.checked_add(shift)? } else { micros.checked_sub(shift)? };
                rest = &rest[digits + 1..];
            }
            '/' if rest.len() == 1 => {
                let (unit, origin) = unit(&rest.as_bytes()[0])?;
                return Moment::new(micros - (micros.checked_sub(origin)?).rem_euclid(unit), unit);
            }
            _ => return None,
        }
    }
    Moment::new(micros, 1)
}

/// Length and origin of a unit.
fn unit(letter: &u8) -> Option<(i64, i64)> {
    Some(match letter {
        b's' => (SECOND, 0),
        b'm' => (MINUTE, 0),
        b'h' => (HOUR, 0),
        b'd' => (DAY, 0),
        b'w' => (7 * DAY, MONDAY),
        _ => return None,
    })
}

/// Digits alone: seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their count.
fn unix(text: &str) -> Option<Moment> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        9..=11 => Moment::new(number.checked_mul(SECOND)?, SECOND),
        12..=14 => Moment::new(number.checked_mul(1_000)?, 1_000),
        15..=17 => Moment::new(number, 1),
        18..=19 => Moment::new(number / 1_000, 1),
        _ => None,
    }
}

/// `2026`, `2026-05`, `2026-05-04`, `2026-05-04T10:20` and RFC 3339 with or without an offset.
fn absolute(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u32> {
        let part = text.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
    };
    let year = i64::from(number(0, 4)?);
    let day_of = |year, month, day| Timestamp::from_civil(year, month, day, 0).map(Timestamp::as_micros);
    match bytes.len() {
        4 => Moment::new(day_of(year, 1, 1)?, day_of(year, 12, 31)? + DAY - day_of(year, 1, 1)?),
        7 if bytes[4] == b'-' => {
            let month = number(5, 7)?;
            let start = day_of(year, month, 1)?;
            let last = (28..=31).rev().find_map(|day| day_of(year, month, day))?;
            Moment::new(start, last + DAY - start)
        }
        10 if bytes[4] == b'-' && bytes[7] == b'-' => Moment::new(day_of(year, number(5, 7)?, number(8, 10)?)?, DAY),
        _ => clock(text),
    }
}

fn clock(text: &str) -> Option<Moment> {
    if !text.is_ascii() || text.len() < 16 {
        return None;
    }
    let (minutes, rest) = text.split_at(16);
    let (seconds, rest, precision) = match rest.strip_prefix(':') {
        None => (":00".to_owned(), rest, MINUTE),
        Some(rest) => {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            let digits = end.saturating_sub(3).min(6);
            (format!(":{}", &rest[..end]), &rest[end..], SECOND / 10_i64.pow(u32::try_from(digits).ok()?))
        }
    };
    let offset = if rest.is_empty() { "Z" } else { rest };
    let start = Timestamp::parse_rfc3339(&format!("{minutes}{seconds}{offset}")).ok()?;
    Moment::new(start.as_micros(), precision)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stretch(text: &str) -> Option<(String, String)> {
        let now = Timestamp::parse_rfc3339("2026-05-06T10:20:30.123456Z").unwrap();
        Moment::parse(text, now).map(|moment| (moment.start.to_rfc3339(), moment.end.to_rfc3339()))
    }

    #[test]
    fn each_form_is_as_long_as_it_is_precise() {
        for (text, start, end) in [
            ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2026-05-04", "2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z"),
            ("2026-05-04T10:20", "2026-05-04T10:20:00Z", "2026-05-04T10:21:00Z"),
            ("2026-05-04 10:20+02:00", "2026-05-04T08:20:00Z", "2026-05-04T08:21:00Z"),
            ("2026-05-04T10:20:30", "2026-05-04T10:20:30Z", "2026-05-04T10:20:31Z"),
            ("2026-05-04T10:20:30.5Z", "2026-05-04T10:20:30.500000Z", "2026-05-04T10:20:30.600000Z"),
            ("2026-05-04T10:20:30.123456789Z", "2026-05-04T10:20:30.123456Z", "2026-05-04T10:20:30.123457Z"),
            ("1714816830", "2024-05-04T10:00:30Z", "2024-05-04T10:00:31Z"),
            ("1714816830123", "2024-05-04T10:00:30.123000Z", "2024-05-04T10:00:30.124000Z"),
            ("1714816830123456789", "2024-05-04T10:00:30.123456Z", "2024-05-04T10:00:30.123457Z"),
            ("now", "2026-05-06T10:20:30.123456Z", "2026-05-06T10:20:30.123457Z"),
            ("now-2h+1m", "2026-05-06T08:21:30.123456Z", "2026-05-06T08:21:30.123457Z"),
            ("now/d", "2026-05-06T00:00:00Z", "2026-05-07T00:00:00Z"),
            ("now-1w/w", "2026-04-27T00:00:00Z", "2026-05-04T00:00:00Z"),
        ] {
            assert_eq!(stretch(text), Some((start.to_owned(), end.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "nowx",
            "now-",
            "now-2",
            "now-2y",
            "now/",
            "now/dd",
            "now-99999999999999h",
            "2026-13",
            "2026-02-30",
            "2026-05-04T",
            "2026-05-04T25:00",
            "12345",
            "yesterday",
            "2026-05-04T10:20:30.Z",
            "٢٠٢٦-05-04",
        ] {
            assert_eq!(stretch(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", form in "now[-+/0-9smhdw]{0,12}|[0-9T:. +Z-]{0,32}") {
            stretch(&text);
            stretch(&form);
        }
    }
}
