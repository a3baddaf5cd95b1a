//! Times on the command line: RFC 3339, a date, or an age such as `24h`.

use tidegate_event::Timestamp;
use tidegate_query::language::{Moment, TimeRange};

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

/// The stretch from `--from` to `--to`, as the API means it: a whole day, month or year as `to` belongs to it.
pub(crate) fn parse_range(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<TimeRange, String> {
    let stretch = |text: &str| match Moment::parse(text, now) {
        Some(moment) => Ok(moment),
        None => parse_moment(text, now).map(|moment| Moment { start: moment, end: moment }),
    };
    let (from, to) = (from.map(stretch).transpose()?, to.map(stretch).transpose()?);
    TimeRange::between(from, to).map_err(|(from, to)| format!("--from ({from}) is after --to ({to})"))
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

    #[test]
    fn ranges_are_those_of_the_api() {
        let now = Timestamp::parse_rfc3339("2026-05-04T10:20:30Z").unwrap();
        let range = |from, to| {
            let range = parse_range(from, to, now)?;
            Ok::<_, String>((range.start.map(Timestamp::to_rfc3339), range.end.map(Timestamp::to_rfc3339)))
        };
        let between = |from: &str, to: &str| Ok((Some(from.to_owned()), Some(to.to_owned())));
        assert_eq!(
            range(Some("2026-05-04"), Some("2026-05-04")),
            between("2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z")
        );
        assert_eq!(range(Some("2026-05"), Some("2026-05")), between("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"));
        assert_eq!(range(Some("24h"), Some("now")), between("2026-05-03T10:20:30Z", "2026-05-04T10:20:30Z"));
        assert_eq!(range(Some("1777890030"), Some("12h")).unwrap_err(), {
            "--from (2026-05-04T10:20:30Z) is after --to (2026-05-03T22:20:30Z)"
        });
        assert_eq!(range(None, None), Ok((None, None)));
        assert!(range(Some("2026-05-05"), Some("2026-05-04")).unwrap_err().contains("is after"));
        assert!(range(Some("soon"), None).unwrap_err().contains("`soon` is no time"));
    }
}
