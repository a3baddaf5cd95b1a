//! Times as feeds write them.

use tidegate_event::Timestamp;

/// Reads RFC 3339, `2026-05-04 10:20:30`, `2026-05-04`, and seconds or milliseconds since 1970. Without a zone: UTC.
pub(super) fn parse_moment(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_end_matches("UTC").trim_end_matches("GMT").trim();
    if let Ok(number) = text.parse::<i64>() {
        return from_number(number);
    }
    if let Ok(moment) = Timestamp::parse_rfc3339(text) {
        return Some(moment);
    }
    if !text.is_ascii() || text.len() > 40 {
        return None;
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => format!("{text}Z"),
    };
    Timestamp::parse_rfc3339(&whole).ok()
}

/// Seconds, or milliseconds when it would otherwise lie beyond the year 5000. Zero means "not known".
pub(super) fn from_number(number: i64) -> Option<Timestamp> {
    const SECONDS_MAX: i64 = 95_617_584_000;
    let micros = if number < SECONDS_MAX { number.checked_mul(1_000_000) } else { number.checked_mul(1_000) };
    micros.filter(|micros| *micros > 0).map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_feeds_write_them() {
        for text in [
            "2026-05-04T00:00:00Z",
            "2026-05-04 00:00:00",
            "2026-05-04 00:00:00 UTC",
            "2026-05-04 00:00",
            "2026-05-04",
            "2026-05-04T02:00:00+02:00",
            "1777852800",
            "1777852800000",
        ] {
            assert_eq!(
                parse_moment(text).map(Timestamp::to_rfc3339).as_deref(),
                Some("2026-05-04T00:00:00Z"),
                "{text}"
            );
        }
        for text in [
            "",
            "never",
            "0",
            "2026-13-01",
            "99999999999999999999",
            "9223372036854775807",
            "\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}",
        ] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }
}
