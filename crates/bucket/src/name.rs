//! What the key of an object tells.

use tidegate_event::Timestamp;

/// `20220606T160000Z`.
const MOMENT_BYTES: usize = 16;
const DAY_MICROS: i64 = 86_400_000_000;

/// Whether the object is none of Logpush's batches: the proof of ownership, the test upload, and what hides.
pub(crate) fn is_beside(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    name.is_empty() || name.starts_with("ownership-challenge") || name == "test.txt.gz" || name.starts_with('.')
}

/// The latest moment at which a batch of this name may have been begun: what the file is named after, else the end of the
/// day that its folder is named after. Nothing when the key tells no time.
pub(crate) fn time_of(key: &str) -> Option<Timestamp> {
    let mut parts = key.rsplit('/');
    let file = parts.next().unwrap_or_default();
    moment_in(file).or_else(|| day_of(file)).or_else(|| parts.find_map(day_of))
}

/// The first time in a name such as `20220606T160000Z_20220606T160100Z_1a2b3c4d.log.gz`.
fn moment_in(name: &str) -> Option<Timestamp> {
    name.as_bytes().windows(MOMENT_BYTES).find_map(|bytes| {
        let digits = |range: std::ops::Range<usize>| {
            let part = bytes.get(range)?;
            part.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(part).ok()).flatten()
        };
        let (date, time) = (digits(0..8)?, digits(9..15)?);
        if (bytes[8], bytes[15]) != (b'T', b'Z') {
            return None;
        }
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
        Timestamp::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
    })
}

/// The end of the day that a folder such as `20220606`, `2022-06-06` or `dt=2022-06-06` is for.
fn day_of(folder: &str) -> Option<Timestamp> {
    let date = folder.rsplit('=').next().unwrap_or(folder);
    let digits: String = match date.len() {
        8 => date.to_owned(),
        10 if date.is_ascii() && date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-' => date.replace('-', ""),
        _ => return None,
    };
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (&digits[..4], &digits[4..6], &digits[6..]);
    let start = Timestamp::parse_rfc3339(&format!("{year}-{month}-{day}T00:00:00Z")).ok()?;
    Some(Timestamp::from_micros(start.as_micros().saturating_add(DAY_MICROS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_time() {
        for (key, time) in [
            ("logs/20220606/20220606T160000Z_20220606T160100Z_1a2b3c4d.log.gz", "2022-06-06T16:00:00Z"),
            ("gateway-20220606T160000Z.gz", "2022-06-06T16:00:00Z"),
            ("logs/20220606/batch-7.gz", "2022-06-07T00:00:00Z"),
            ("logs/dt=2022-12-31/hour=07/part.gz", "2023-01-01T00:00:00Z"),
            ("20240228", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(time_of(key).map(|time| time.to_string()).as_deref(), Some(time), "{key}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for key in ["", "a/b.gz", "99999999/x", "20221332T160000Z.gz", "2022-6-6/x", "日本日本/x", "20220606T16000٣Z"]
        {
            assert_eq!(time_of(key), None, "{key}");
        }
    }

    #[test]
    fn what_stands_beside_batches_is_known() {
        for key in ["logs/ownership-challenge-1a2b.txt", "ownership-challenge.txt", "a/test.txt.gz", "a/.part", "a/"] {
            assert!(is_beside(key), "{key}");
        }
        assert!(!is_beside("ownership-challenge/20220606T160000Z_x.log.gz"));
    }
}
