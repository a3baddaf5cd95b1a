//! When an event happened: the record's own time when it is one, else the sender's, else the receipt.

use tidegate_event::{Timestamp, Value};

/// A record's time may lie this far after its receipt; later ones are a broken clock's.
pub const FUTURE_MAX_MICROS: i64 = 24 * 3_600_000_000;

/// A clock may be this much ahead: times later than that after the receipt say nothing about how old deliveries are.
const AHEAD_MAX_MICROS: i64 = 5 * 60_000_000;

/// No record is older than the product it tells about: 2000-01-01T00:00:00Z.
pub const EARLIEST: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// The event time and, when it is a stand-in, a sentence that says so.
///
/// `own` is the event's `@timestamp` as parsed, `sent` the time the sender gave for the whole request.
pub(crate) fn event_time(
    own: Option<Value<'_>>,
    sent: Option<Timestamp>,
    received: Timestamp,
) -> (Timestamp, Option<String>) {
    let stand_in = sent.filter(|time| plausible(*time, received)).unwrap_or(received);
    let whose = if stand_in == received { "the receipt time" } else { "the time in the request's header" };
    let text = match own {
        Some(Value::Str(text)) => text,
        Some(_) => return (stand_in, Some(format!("`@timestamp` is no text; {whose} stands in"))),
        None if sent.is_some() => return (stand_in, None),
        None => return (stand_in, Some(format!("the record has no time that could be read; {whose} stands in"))),
    };
    match Timestamp::parse_rfc3339(text) {
        Ok(time) if plausible(time, received) => (time, None),
        Ok(time) if time < EARLIEST => {
            (stand_in, Some(format!("the record's time `{text}` is before 2000; {whose} stands in")))
        }
        Ok(_) => (
            stand_in,
            Some(format!("the record's time `{text}` is more than a day after its receipt; {whose} stands in")),
        ),
        Err(error) => (stand_in, Some(format!("{error}; {whose} stands in"))),
    }
}

fn plausible(time: Timestamp, received: Timestamp) -> bool {
    time >= EARLIEST && time.as_micros() <= received.as_micros().saturating_add(FUTURE_MAX_MICROS)
}

/// Whether an event's time tells how late its batch came: one ahead of the receipt would hide all that is late after it.
pub(crate) fn tells_lag(time: Timestamp, received: Timestamp) -> bool {
    time.as_micros() <= received.as_micros().saturating_add(AHEAD_MAX_MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn time_of(own: Option<&str>, sent: Option<i64>) -> (i64, bool) {
        let (time, warning) = event_time(own.map(Value::Str), sent.map(Timestamp::from_micros), RECEIVED);
        (time.as_micros(), warning.is_some())
    }

    #[test]
    fn the_records_own_time_wins() {
        assert_eq!(time_of(Some("2023-11-14T22:13:00Z"), Some(1_600_000_000_000_000)), (1_699_999_980_000_000, false));
        assert_eq!(
            time_of(Some("2023-11-15T10:13:20Z"), None),
            (1_700_043_200_000_000, false),
            "half a day ahead is believed"
        );
    }

    #[test]
    fn a_missing_or_impossible_time_is_replaced_and_said() {
        let received = RECEIVED.as_micros();
        for wrong in [
            None,
            Some("soon"),
            Some("1999-12-31T23:59:59Z"),
            Some("2023-11-17T22:13:20Z"),
            Some("2023-02-30T00:00:00Z"),
        ] {
            assert_eq!(time_of(wrong, None), (received, true), "{wrong:?}");
        }
        assert_eq!(event_time(Some(Value::Int(5)), None, RECEIVED).0, RECEIVED);
    }

    #[test]
    fn the_senders_time_stands_in_without_a_remark_when_the_record_has_none() {
        assert_eq!(time_of(None, Some(1_600_000_000_000_000)), (1_600_000_000_000_000, false));
        assert_eq!(time_of(Some("soon"), Some(1_600_000_000_000_000)), (1_600_000_000_000_000, true));
        assert_eq!(time_of(None, Some(5)), (RECEIVED.as_micros(), false));
    }

    #[test]
    fn a_time_from_the_future_does_not_tell_how_late_a_delivery_is() {
        let after = |seconds: i64| Timestamp::from_micros(RECEIVED.as_micros() + seconds * 1_000_000);
        assert!(tells_lag(after(-7_200), RECEIVED) && tells_lag(after(0), RECEIVED) && tells_lag(after(300), RECEIVED));
        assert!(!tells_lag(after(301), RECEIVED) && !tells_lag(after(20 * 3_600), RECEIVED));
    }
}
