//! A time by a `strptime` format, with Python's directives.

use tidegate_event::Timestamp;

use super::zone::{self, Zone};
use super::{Civil, Options, epoch_text};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The month that a name or its beginning (three letters at least) stands for.
pub(super) fn month(word: &str) -> Option<i64> {
    position(&MONTHS, word)
}

/// Whether a word names a day of the week.
pub(super) fn is_weekday(word: &str) -> bool {
    position(&DAYS, word).is_some()
}

fn position(names: &[&str], word: &str) -> Option<i64> {
    let word = word.to_ascii_lowercase();
    if word.len() < 3 {
        return None;
    }
    let known =
        |name: &&str| name.starts_with(&word) && (word.len() == 3 || word.len() == name.len() || word == "sept");
    names.iter().position(known).map(|at| at as i64 + 1)
}

#[derive(Default)]
struct Found {
    civil: Civil,
    afternoon: Option<bool>,
    day_of_year: Option<i64>,
    zone: Option<Zone>,
    moment: Option<Timestamp>,
}

/// Reads `text` by `format`; `None` when it does not fit from its first to its last character.
pub(super) fn parse(text: &str, format: &str, options: &Options<'_>) -> Option<Timestamp> {
    let mut found = Found { civil: Civil { month: 1, day: 1, ..Civil::default() }, ..Found::default() };
    let rest = directives(text, format, &mut found)?;
    if !rest.trim().is_empty() {
        return None;
    }
    if let Some(moment) = found.moment {
        return Some(moment);
    }
    if let Some(afternoon) = found.afternoon {
        if !(1..=12).contains(&found.civil.hour) {
            return None;
        }
        found.civil.hour = found.civil.hour % 12 + if afternoon { 12 } else { 0 };
    }
    let moment = found.civil.resolve(found.zone.as_ref(), options)?;
    match found.day_of_year {
        Some(day) if (1..=366).contains(&day) => {
            Some(Timestamp::from_micros(moment.as_micros() + (day - 1) * 86_400_000_000))
        }
        Some(_) => None,
        None => Some(moment),
    }
}

fn directives<'t>(text: &'t str, format: &str, found: &mut Found) -> Option<&'t str> {
    let mut rest = text;
    let mut format = format.chars();
    while let Some(c) = format.next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
        } else if c != '%' {
            rest = rest.strip_prefix(c)?;
        } else {
            let mut directive = format.next()?;
            if matches!(directive, '-' | '_' | '^' | '#') {
                directive = format.next()?;
            }
            rest = one(rest, directive, found)?;
        }
    }
    Some(rest)
}

/// Reads one directive off the text.
fn one<'t>(text: &'t str, directive: char, found: &mut Found) -> Option<&'t str> {
    let civil = &mut found.civil;
    let mut rest = text;
    match directive {
        'Y' => civil.year = Some(digits(&mut rest, 4, 4)?),
        'y' => {
            let year = digits(&mut rest, 2, 2)?;
            civil.year = Some(if year < 69 { 2000 + year } else { 1900 + year });
        }
        'm' => civil.month = digits(&mut rest, 1, 2)?,
        'd' | 'e' => {
            rest = rest.trim_start();
            civil.day = digits(&mut rest, 1, 2)?;
        }
        'H' | 'I' | 'k' | 'l' => {
            rest = rest.trim_start();
            civil.hour = digits(&mut rest, 1, 2)?;
        }
        'M' => civil.minute = digits(&mut rest, 1, 2)?,
        'S' => civil.second = digits(&mut rest, 1, 2)?,
        'f' | 'L' | 'N' => civil.micros = fraction(&mut rest)?,
        'j' => found.day_of_year = Some(digits(&mut rest, 1, 3)?),
        'b' | 'B' | 'h' => civil.month = month(word(&mut rest))?,
        'a' | 'A' => {
            if !is_weekday(word(&mut rest)) {
                return None;
            }
        }
        'w' | 'u' => drop(digits(&mut rest, 1, 1)?),
        'U' | 'W' | 'V' => drop(digits(&mut rest, 1, 2)?),
        'p' | 'P' => found.afternoon = Some(half(word(&mut rest))?),
        's' => {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            found.moment = Some(epoch_text(&rest[..end])?);
            rest = &rest[end..];
        }
        'z' | 'Z' => found.zone = Some(zone_at(&mut rest)?),
        'T' | 'X' => rest = directives(rest, "%H:%M:%S", found)?,
        'R' => rest = directives(rest, "%H:%M", found)?,
        'D' | 'x' => rest = directives(rest, "%m/%d/%y", found)?,
        'F' => rest = directives(rest, "%Y-%m-%d", found)?,
        'c' => rest = directives(rest, "%a %b %d %H:%M:%S %Y", found)?,
        'n' | 't' => rest = rest.trim_start(),
        '%' => rest = rest.strip_prefix('%')?,
        _ => return None,
    }
    Some(rest)
}

/// `AM` or `PM`, with dots or without.
pub(super) fn half(word: &str) -> Option<bool> {
    match &*word.to_ascii_lowercase() {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    }
}

fn digits(rest: &mut &str, min: usize, max: usize) -> Option<i64> {
    let count = rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
    if count < min {
        return None;
    }
    let number = rest[..count].parse().ok();
    *rest = &rest[count..];
    number
}

/// Any number of digits, cut to microseconds.
pub(super) fn fraction(rest: &mut &str) -> Option<i64> {
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return None;
    }
    let micros = format!("{:0<6}", &rest[..count.min(6)]).parse().ok();
    *rest = &rest[count..];
    micros
}

fn word<'t>(rest: &mut &'t str) -> &'t str {
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = &rest[..end];
    *rest = &rest[end..];
    word
}

fn zone_at(rest: &mut &str) -> Option<Zone> {
    *rest = rest.trim_start();
    let sign = usize::from(rest.starts_with(['+', '-']));
    let end = match sign {
        1 => rest[1..].find(|c: char| !c.is_ascii_digit() && c != ':').map_or(rest.len(), |at| at + 1),
        _ => rest.find(|c: char| !c.is_alphanumeric() && !"/_+-".contains(c)).unwrap_or(rest.len()),
    };
    let name = &rest[..end];
    *rest = &rest[end..];
    if sign == 1 { zone::offset(name).map(Zone::Fixed) } else { Zone::from_name(name) }
}
