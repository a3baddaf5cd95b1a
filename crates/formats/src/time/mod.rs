//! Times as logs write them, in; a moment, out. Epoch numbers of any precision, ISO 8601, RFC 2822, syslog, a
//! `strptime` format, and whatever else names a day and an hour.

use bumpalo::Bump;
use tidegate_event::{Timestamp, Value};

mod free;
mod strptime;
#[cfg(test)]
mod tests;
mod zone;

pub(crate) use zone::Zone;

/// Digits of an epoch in seconds; more digits mean finer units.
const SECOND_DIGITS: u32 = 10;
/// Most digits of an epoch: nanoseconds have 19.
const EPOCH_DIGITS_MAX: u32 = 24;
/// Longest text looked at.
const TEXT_BYTES_MAX: usize = 128;

/// How to read a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options<'o> {
    /// A `strptime` format or a name such as `timestamp`.
    pub(crate) format: Option<&'o str>,
    /// The zone of times that name none; UTC otherwise.
    pub(crate) zone: Option<&'o Zone>,
    /// When the record arrived: gives the year to dates without one.
    pub(crate) received: Option<Timestamp>,
}

/// Reads a time.
pub(crate) fn parse(value: Value<'_>, options: &Options<'_>) -> Option<Timestamp> {
    match value {
        Value::Int(number) => epoch(i128::from(number)),
        Value::UInt(number) => epoch(i128::from(number)),
        Value::Float(number) => epoch_float(number),
        Value::Str(text) => parse_text(text, options),
        _ => None,
    }
}

fn parse_text(text: &str, options: &Options<'_>) -> Option<Timestamp> {
    // what a Logpush job sends; needs no trimming, no format
    if options.format.is_none()
        && let Ok(moment) = Timestamp::parse_rfc3339(text)
    {
        return Some(moment);
    }
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return None;
    }
    match options.format {
        None => {}
        Some("timestamp" | "epoch" | "unix") => {
            if let Some(moment) = epoch_text(text) {
                return Some(moment);
            }
        }
        // these are found by looking
        Some("iso8601" | "rfc3339" | "rfc2822" | "syslog" | "auto") => {}
        Some(format) => {
            if let Some(moment) = strptime::parse(text, format, options) {
                return Some(moment);
            }
        }
    }
    if let Ok(moment) = Timestamp::parse_rfc3339(text) {
        return Some(moment);
    }
    compact(text, options).or_else(|| epoch_text(text)).or_else(|| free::parse(text, options))
}

/// Seconds, or finer units by the number of digits: every digit beyond ten is a decimal place.
fn epoch(number: i128) -> Option<Timestamp> {
    let digits = number.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    if digits > EPOCH_DIGITS_MAX {
        return None;
    }
    let micros = match digits.saturating_sub(SECOND_DIGITS) {
        extra @ 0..=6 => number * 10_i128.pow(6 - extra),
        extra => number.div_euclid(10_i128.pow(extra - 6)),
    };
    in_range(micros)
}

fn epoch_float(number: f64) -> Option<Timestamp> {
    if !number.is_finite() || number.abs() >= 1e24 {
        return None;
    }
    let whole = number.trunc() as i128;
    let digits = whole.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    if digits > SECOND_DIGITS {
        return epoch(whole);
    }
    in_range((number * 1e6).round() as i128)
}

fn epoch_text(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i128 = whole.parse().ok()?;
    let moment = epoch(seconds)?;
    if fraction.is_empty() || digits.len() > SECOND_DIGITS as usize {
        return Some(moment);
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let micros = if whole.starts_with('-') { -micros } else { micros };
    Some(Timestamp::from_micros(moment.as_micros() + micros))
}

/// `20240102`, `202401021530`, `20240102153045`: a calendar date without separators, when it is one.
fn compact(text: &str, options: &Options<'_>) -> Option<Timestamp> {
    if !matches!(text.len(), 8 | 12 | 14) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to).map_or(Some(0), |digits| digits.parse::<i64>().ok());
    let civil = Civil {
        year: Some(part(0, 4)?),
        month: part(4, 6)?,
        day: part(6, 8)?,
        hour: part(8, 10)?,
        minute: part(10, 12)?,
        second: part(12, 14)?,
        micros: 0,
    };
    civil.year.filter(|year| (1970..2100).contains(year))?;
    civil.resolve(None, options)
}

/// A day and a time of day as a text named them.
#[derive(Clone, Copy, Debug, Default)]
struct Civil {
    year: Option<i64>,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Civil {
    /// The moment in its own zone, else the zone of the options, else UTC.
    fn resolve(&self, zone: Option<&Zone>, options: &Options<'_>) -> Option<Timestamp> {
        let zone = zone.or(options.zone).unwrap_or(&Zone::UTC);
        match self.year {
            Some(year) => self.in_year(year, zone),
            None => {
                // A record of December that arrives in January is of last year.
                const AHEAD_MICROS_MAX: i64 = 2 * 86_400_000_000;
                let received = options.received?;
                let year: i64 = received.to_rfc3339().get(..4)?.parse().ok()?;
                let moment = self.in_year(year, zone);
                match moment {
                    Some(moment) if moment.as_micros() <= received.as_micros() + AHEAD_MICROS_MAX => Some(moment),
                    _ => self.in_year(year - 1, zone),
                }
            }
        }
    }

    fn in_year(&self, year: i64, zone: &Zone) -> Option<Timestamp> {
        if !(0..24).contains(&self.hour) || !(0..60).contains(&self.minute) || !(0..=60).contains(&self.second) {
            return None;
        }
        let micros = ((self.hour * 60 + self.minute) * 60 + self.second) * 1_000_000 + self.micros;
        let local =
            Timestamp::from_civil(year, u32::try_from(self.month).ok()?, u32::try_from(self.day).ok()?, micros)?;
        zone.to_utc(local)
    }
}

/// Moments outside of the years 1 to 9999 are none.
fn in_range(micros: i128) -> Option<Timestamp> {
    const FIRST: i128 = -62_135_596_800_000_000;
    const END: i128 = 253_402_300_800_000_000;
    if !(FIRST..END).contains(&micros) {
        return None;
    }
    i64::try_from(micros).ok().map(Timestamp::from_micros)
}

/// RFC 3339 in UTC, always with six digits: what `date.parse` and `to_rfc3339` give.
pub(crate) fn six_digits(moment: Timestamp, arena: &Bump) -> &str {
    ascii(&moment.to_ascii(), arena)
}

fn ascii<'a>(text: &[u8], arena: &'a Bump) -> &'a str {
    std::str::from_utf8(text).map_or("", |text| arena.alloc_str(text))
}

/// What a date field holds: RFC 3339 in UTC, the fraction cut to six digits and left out when zero.
pub(crate) fn normalise<'a>(value: Value<'a>, options: &Options<'_>, arena: &'a Bump) -> Option<&'a str> {
    let moment = parse(value, options)?;
    let mut text = moment.to_ascii();
    let text = if moment.as_micros() % 1_000_000 == 0 {
        text[19] = b'Z';
        &text[..20]
    } else {
        &text[..]
    };
    match value {
        Value::Str(known) if known.as_bytes() == text => Some(known),
        _ => Some(ascii(text, arena)),
    }
}
