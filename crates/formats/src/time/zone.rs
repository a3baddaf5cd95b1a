//! Time zones: offsets, abbreviations, IANA names.

use jiff::tz::TimeZone;
use tidegate_event::Timestamp;

/// Hours and minutes east of Greenwich that an abbreviation stands for. Where one stands for several, the one that
/// log sources mean most often.
const ABBREVIATIONS: &[(&str, i32)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("IST", 330),
    ("CET", 60),
    ("MET", 60),
    ("CEST", 120),
    ("MEST", 120),
    ("EET", 120),
    ("SAST", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("TRT", 180),
    ("GST", 240),
    ("PKT", 300),
    ("ICT", 420),
    ("WIB", 420),
    ("SGT", 480),
    ("HKT", 480),
    ("AWST", 480),
    ("JST", 540),
    ("KST", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("ACDT", 630),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("BRT", -180),
    ("ART", -180),
    ("NST", -210),
    ("NDT", -150),
    ("AST", -240),
    ("ADT", -180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
];

/// A zone that a local time is in.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// Seconds east of Greenwich.
    Fixed(i32),
    /// A named zone with its history.
    Named(TimeZone),
}

impl Zone {
    pub(crate) const UTC: Self = Self::Fixed(0);

    /// An offset (`+02:00`, `-0730`, `+2`, `UTC+2`), an abbreviation (`PDT`) or an IANA name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Some(seconds) = offset(name) {
            return Some(Self::Fixed(seconds));
        }
        if let Some(minutes) = abbreviation(name) {
            return Some(Self::Fixed(minutes * 60));
        }
        for prefix in ["UTC", "GMT"] {
            if let Some(seconds) = name.strip_prefix(prefix).and_then(|rest| offset(rest.trim())) {
                return Some(Self::Fixed(seconds));
            }
        }
        TimeZone::get(name).ok().map(Self::Named)
    }

    /// The moment of a local time; of one that is skipped or repeated by a change of the clock, the one before.
    pub(crate) fn to_utc(&self, local: Timestamp) -> Option<Timestamp> {
        let seconds = match self {
            Self::Fixed(seconds) => i64::from(*seconds),
            Self::Named(zone) => {
                let wall = jiff::Timestamp::from_microsecond(local.as_micros()).ok()?;
                let civil = TimeZone::UTC.to_datetime(wall);
                let moment = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
                return Some(Timestamp::from_micros(moment.as_microsecond()));
            }
        };
        Some(Timestamp::from_micros(local.as_micros() - seconds * 1_000_000))
    }
}

/// Minutes east of Greenwich.
pub(super) fn abbreviation(name: &str) -> Option<i32> {
    ABBREVIATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, minutes)| *minutes)
}

/// Seconds of `+hh:mm`, `+hhmm`, `+hh`, `+h`, `+hh:mm:ss`.
pub(super) fn offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let (hours, minutes, seconds) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0, 0),
        4 | 6 => (part(0)?, part(2)?, part(4)?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59 && seconds <= 59).then_some(sign * ((hours * 60 + minutes) * 60 + seconds))
}
