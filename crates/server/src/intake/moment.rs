//! Reads `X-SEKOIAIO-EVENT-TIMESTAMP`: RFC 3339, or a Unix time whose magnitude tells its unit.

use tidegate_event::Timestamp;

/// The header's name.
pub(crate) const HEADER: &str = "x-sekoiaio-event-timestamp";

/// The moment a header value names, or a sentence why it names none.
pub(crate) fn read(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let seen: String = text.chars().take(64).collect();
    let refuse =
        || format!("`{HEADER}` is `{seen}`, expected an RFC 3339 time or a Unix time in seconds or milliseconds");
    if let Ok(moment) = Timestamp::parse_rfc3339(text) {
        return Ok(moment);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.len();
    if !(1..=19).contains(&digits)
        || ![whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(refuse());
    }
    let number: i64 = whole.parse().map_err(|_| refuse())?;
    // Eleven digits of seconds last beyond the year 5000, and eleven digits of milliseconds end in 1973.
    let micros = match digits {
        1..=11 => number.checked_mul(1_000_000).map(|micros| micros + fraction_micros(fraction)),
        12..=14 => number.checked_mul(1000),
        15..=17 => Some(number),
        _ => Some(number / 1000),
    };
    micros.map(Timestamp::from_micros).ok_or_else(refuse)
}

fn fraction_micros(fraction: &str) -> i64 {
    let kept = &fraction[..fraction.len().min(6)];
    kept.parse::<i64>().map_or(0, |number| number * 10_i64.pow(6 - kept.len() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_told_by_its_magnitude() {
        for text in [
            "2023-11-14T22:13:20Z",
            " 1700000000 ",
            "1700000000.0",
            "1700000000000",
            "1700000000000000",
            "1700000000000000000",
        ] {
            assert_eq!(read(text).unwrap().as_micros(), 1_700_000_000_000_000, "{text}");
        }
        assert_eq!(read("1700000000.25").unwrap().as_micros(), 1_700_000_000_250_000);
    }

    #[test]
    fn what_is_no_time_is_named() {
        for text in ["", "yesterday", "-5", "1e9", "99999999999999999999", "2023-02-30T00:00:00Z", "1.x", "٣"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("soon").unwrap_err().contains("`soon`"));
    }
}
