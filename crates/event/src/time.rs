//! Time: microseconds since 1970 in UTC, read from and written as RFC 3339.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A moment, in microseconds since 1970-01-01T00:00:00Z. Years 0001 to 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Why a text is not a moment.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not an RFC 3339 time such as `2026-05-04T10:20:30Z`")]
pub struct TimeError(pub String);

const DAY_MICROS: i64 = 86_400_000_000;

impl Timestamp {
    /// The moment `micros` microseconds after 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The system clock's time. Only the edges call it; everything inside gets its time as an argument.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// Days since 1970, rounded down: the partition of the table.
    #[must_use]
    pub const fn day(self) -> i32 {
        self.0.div_euclid(DAY_MICROS) as i32
    }

    /// The moment a calendar date and a time of day name; `None` when there is no such day.
    #[must_use]
    pub fn from_civil(year: i64, month: u32, day: u32, micros_of_day: i64) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self(days_from_civil(year, month, day) * DAY_MICROS + micros_of_day))
    }

    /// Reads an RFC 3339 time (any number of fraction digits, cut after the sixth; `Z` or an offset; `T` or a space).
    ///
    /// # Errors
    /// [`TimeError`] when the text has another shape or names no real moment.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        parse(text.as_bytes()).ok_or_else(|| TimeError(text.chars().take(64).collect()))
    }

    /// The time as RFC 3339 in UTC, always with six fraction digits.
    #[must_use]
    pub fn to_ascii(self) -> [u8; 27] {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MICROS));
        let micros = self.0.rem_euclid(DAY_MICROS);
        let seconds = micros / 1_000_000;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], i64::from(month));
        digits(&mut text[8..10], i64::from(day));
        digits(&mut text[11..13], seconds / 3600);
        digits(&mut text[14..16], seconds / 60 % 60);
        digits(&mut text[17..19], seconds % 60);
        digits(&mut text[20..26], micros % 1_000_000);
        text
    }

    /// Writes the time as RFC 3339 in UTC: six fraction digits, or none when they are all zero.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let text = self.to_ascii();
        if self.0 % 1_000_000 == 0 {
            out.extend_from_slice(&text[..19]);
            out.push(b'Z');
        } else {
            out.extend_from_slice(&text);
        }
    }

    /// The time as RFC 3339 text in UTC.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let mut out = Vec::with_capacity(27);
        self.write_rfc3339(&mut out);
        String::from_utf8(out).expect("digits are UTF-8")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

fn digits(out: &mut [u8], mut number: i64) {
    for byte in out.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn parse(bytes: &[u8]) -> Option<Timestamp> {
    if bytes.len() < 20 || bytes[4] != b'-' || bytes[7] != b'-' || bytes[13] != b':' || bytes[16] != b':' {
        return None;
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = &bytes[19..];
    let mut fraction = 0;
    if let Some((b'.' | b',', tail)) = rest.split_first() {
        let count = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        let kept = count.min(6);
        fraction = number(&tail[..kept])? * 10_i64.pow(6 - kept as u32);
        rest = &tail[count..];
    }
    let offset_minutes = match rest {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), tail @ ..] => {
            let (hours, minutes) = match tail.len() {
                5 if tail[2] == b':' => (number(&tail[..2])?, number(&tail[3..])?),
                4 => (number(&tail[..2])?, number(&tail[2..])?),
                _ => return None,
            };
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    // A leap second is the moment after :59, as POSIX time has it.
    let micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction - offset_minutes * 60_000_000;
    let month = u32::try_from(number(&bytes[5..7])?).ok()?;
    let day = u32::try_from(number(&bytes[8..10])?).ok()?;
    Timestamp::from_civil(number(&bytes[..4])?, month, day, micros)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The civil date of a day since 1970; the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (text, micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2023-02-24T12:12:07Z", 1_677_240_727_000_000),
            ("2022-07-07T22:42:06.004Z", 1_657_233_726_004_000),
            ("2022-07-08T00:42:06.004000999+02:00", 1_657_233_726_004_000),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2024-02-29t00:00:00z", 1_709_164_800_000_000),
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text).unwrap().as_micros(), micros, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2023-02-24",
            "2023-02-30T00:00:00Z",
            "2023-02-24T24:00:00Z",
            "2023-02-24T12:12:07",
            "2023-02-24T12:12:07.Z",
            "20x3-02-24T12:12:07Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse_rfc3339(&time.to_rfc3339()).unwrap(), time);
        }
    }
}
