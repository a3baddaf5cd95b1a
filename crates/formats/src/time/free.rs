//! A time in no declared format: its numbers, words and signs decide. Day and month that could be swapped are read
//! month first.

use tidegate_event::Timestamp;

use super::strptime::{fraction, half, is_weekday, month};
use super::zone::{Zone, abbreviation, offset};
use super::{Civil, Options};

/// What was found so far.
#[derive(Default)]
struct Found {
    /// Numbers that are year, month or day, in order, with their number of digits.
    parts: Vec<(i64, usize)>,
    month: Option<i64>,
    /// How many parts stood before the month's name.
    time: Option<(i64, i64, i64, i64)>,
    afternoon: Option<bool>,
    zone: Option<Zone>,
}

/// Reads a time; `None` when a word or sign has no place in one.
pub(super) fn parse(text: &str, options: &Options<'_>) -> Option<Timestamp> {
    let mut found = Found::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']') {
            rest = &rest[c.len_utf8()..];
        } else if c.is_ascii_digit() {
            rest = number(rest, &mut found)?;
        } else if matches!(c, '+' | '-') && found.time.is_some() && found.zone.is_none() {
            let end = rest[1..].find(|c: char| !c.is_ascii_digit() && c != ':').map_or(rest.len(), |at| at + 1);
            found.zone = Some(Zone::Fixed(offset(&rest[..end])?));
            rest = &rest[end..];
        } else if matches!(c, '-' | '/' | '.' | ':') && !found.parts.is_empty() {
            rest = &rest[1..];
        } else if c.is_alphabetic() {
            rest = word(rest, &mut found)?;
        } else {
            return None;
        }
    }
    let mut civil = date(&found)?;
    let (hour, minute, second, micros) = found.time.unwrap_or_default();
    (civil.hour, civil.minute, civil.second, civil.micros) = (hour, minute, second, micros);
    if let Some(afternoon) = found.afternoon {
        if !(1..=12).contains(&hour) {
            return None;
        }
        civil.hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    civil.resolve(found.zone.as_ref(), options)
}

/// A number: a part of the date, or with a colon behind it the time of day.
fn number<'t>(text: &'t str, found: &mut Found) -> Option<&'t str> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    let value: i64 = digits.parse().ok()?;
    if rest.starts_with(':') && count <= 2 && found.time.is_none() {
        return clock(value, rest, found);
    }
    // `20240102T101112`
    if found.time.is_none() && count == 8 && found.parts.is_empty() {
        for (from, to) in [(0, 4), (4, 6), (6, 8)] {
            found.parts.push((digits[from..to].parse().ok()?, to - from));
        }
        return Some(rest);
    }
    if found.time.is_none() && found.parts.len() == 3 && matches!(count, 4 | 6) {
        let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse().ok());
        found.time = Some((part(0)?, part(2)?, part(4)?, 0));
        return after_seconds(rest, found);
    }
    // `3 PM`
    if found.time.is_none() && half(rest.trim_start().get(..2).unwrap_or("")).is_some() {
        found.time = Some((value, 0, 0, 0));
        return Some(rest);
    }
    if found.parts.len() >= 3 || count > 4 {
        return None;
    }
    found.parts.push((value, count));
    let tail = ["st", "nd", "rd", "th"].iter().find_map(|suffix| rest.strip_prefix(*suffix));
    Some(tail.unwrap_or(rest))
}

/// `hh:mm`, `hh:mm:ss`, `hh:mm:ss.ffffff`.
fn clock<'t>(hour: i64, text: &'t str, found: &mut Found) -> Option<&'t str> {
    let two = |text: &'t str| {
        let count = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = text.split_at(count);
        Some((digits.parse::<i64>().ok()?, rest))
    };
    let (minute, mut rest) = two(&text[1..])?;
    let mut second = 0;
    if let Some(tail) = rest.strip_prefix(':')
        && let Some((value, tail)) = two(tail)
    {
        (second, rest) = (value, tail);
    }
    found.time = Some((hour, minute, second, 0));
    after_seconds(rest, found)
}

fn after_seconds<'t>(rest: &'t str, found: &mut Found) -> Option<&'t str> {
    if !rest.starts_with(['.', ',']) || !rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return Some(rest);
    }
    let mut tail = &rest[1..];
    let micros = fraction(&mut tail)?;
    if let Some(time) = &mut found.time {
        time.3 = micros;
    }
    Some(tail)
}

fn word<'t>(text: &'t str, found: &mut Found) -> Option<&'t str> {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let upper = word.to_ascii_uppercase();
    if found.month.is_none()
        && let Some(month) = month(word)
    {
        found.month = Some(month);
    } else if is_weekday(word) || matches!(&*upper, "T" | "AT" | "ON" | "OF" | "DE") {
    } else if found.time.is_some() && found.afternoon.is_none() && half(word).is_some() {
        found.afternoon = half(word);
    } else if found.time.is_some() && found.zone.is_none() {
        // `Europe/Paris`, `UTC+2`, `PDT`
        let end = text.find(|c: char| !c.is_alphanumeric() && !"/_+-:".contains(c)).unwrap_or(text.len());
        found.zone = match abbreviation(word).filter(|_| end == word.len()) {
            Some(minutes) => Some(Zone::Fixed(minutes * 60)),
            None => Some(Zone::from_name(&text[..end])?),
        };
        return Some(&text[end..]);
    } else if abbreviation(word).is_none() {
        return None;
    }
    Some(rest)
}

/// Which part is year, month and day.
fn date(found: &Found) -> Option<Civil> {
    let parts = &found.parts;
    let year = |(value, digits): (i64, usize)| match digits {
        1 | 2 if value < 69 => 2000 + value,
        1 | 2 => 1900 + value,
        _ => value,
    };
    let is_year = |(value, digits): (i64, usize)| digits >= 3 || value > 31;
    let (year, month, day) = match (found.month, &parts[..]) {
        (Some(month), [day]) if !is_year(*day) => (None, month, day.0),
        (Some(month), [a, b]) if is_year(*a) => (Some(year(*a)), month, b.0),
        (Some(month), [a, b]) => (Some(year(*b)), month, a.0),
        (None, [a, b, c]) if is_year(*a) => (Some(a.0), b.0, c.0),
        (None, [a, b, c]) if a.0 > 12 => (Some(year(*c)), b.0, a.0),
        (None, [a, b, c]) => (Some(year(*c)), a.0, b.0),
        (None, [a, b]) if !is_year(*a) && !is_year(*b) && found.time.is_some() => (None, a.0, b.0),
        _ => return None,
    };
    Some(Civil { year, month, day, ..Civil::default() })
}
