//! Times on the command line: RFC 3339, a date, or an age such as `24h`.

use tidegate_event::Timestamp;

/// Microseconds in a length of time such as `90s`, `15m`, `24h`, `7d`, `2w`.
pub(crate) fn parse_length(text: &str) -> Result<i64, String> {
    let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let number: i64 =
        digits.parse().map_err(|_| format!("`{text}` is no length of time such as `15m`, `24h` or `7d`"))?;
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => {
            return Err(format!(
                "`{text}` has no unit: write `{digits}s`, `{digits}m`, `{digits}h`, `{digits}d` or `{digits}w`"
            ));
        }
    };
    number.checked_mul(seconds * 1_000_000).ok_or_else(|| format!("`{text}` is longer than time itself"))
}

/// The same as a [`std::time::Duration`].
pub(crate) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    parse_length(text).map(|micros| std::time::Duration::from_micros(micros.unsigned_abs()))
}

/// A moment: RFC 3339, `2026-05-04` (midnight UTC), `now`, or an age (`24h` = 24 hours before `now`).
pub(crate) fn parse_moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if text == "now" {
        return Ok(now);
    }
    if let Ok(moment) =
        Timestamp::parse_rfc3339(text).or_else(|_| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
    {
        return Ok(moment);
    }
    let age = text.strip_prefix("now-").unwrap_or(text);
    parse_length(age).map(|micros| Timestamp::from_micros(now.as_micros().saturating_sub(micros))).map_err(|_| {
        format!("`{text}` is no time: write `2026-05-04T10:20:30Z`, `2026-05-04`, `now` or an age such as `24h`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let now = Timestamp::parse_rfc3339("2026-05-04T10:20:30Z").unwrap();
        let moment = |text| parse_moment(text, now).map(Timestamp::to_rfc3339);
        assert_eq!(moment("now").unwrap(), "2026-05-04T10:20:30Z");
        assert_eq!(moment("24h").unwrap(), "2026-05-03T10:20:30Z");
        assert_eq!(moment("now-15m").unwrap(), "2026-05-04T10:05:30Z");
        assert_eq!(moment("2026-05-01").unwrap(), "2026-05-01T00:00:00Z");
        assert_eq!(moment("2026-05-01T01:00:00+02:00").unwrap(), "2026-04-30T23:00:00Z");
        for wrong in ["", "yesterday", "24", "5y", "99999999999999999999d"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
