//! Times as logs write them.

use proptest::prelude::*;

use super::*;

fn read(text: &str, format: Option<&str>, zone: Option<&str>) -> Option<String> {
    let zone = zone.map(|name| Zone::from_name(name).unwrap());
    let received = Timestamp::parse_rfc3339("2026-01-02T00:00:00Z").ok();
    let options = Options { format, zone: zone.as_ref(), received };
    parse(Value::Str(text), &options).map(Timestamp::to_rfc3339)
}

#[test]
fn known_spellings() {
    for (text, expected) in [
        ("2023-02-24T12:12:07Z", "2023-02-24T12:12:07Z"),
        ("2023-02-24T12:12:07.123456789Z", "2023-02-24T12:12:07.123456Z"),
        ("2023-02-24 12:12:07", "2023-02-24T12:12:07Z"),
        ("2023-02-24T12:12Z", "2023-02-24T12:12:00Z"),
        ("2023-02-24T12:12:07+0200", "2023-02-24T10:12:07Z"),
        ("2023-02-24 12:12:07,5 +02", "2023-02-24T10:12:07.500000Z"),
        ("20230224T121207Z", "2023-02-24T12:12:07Z"),
        ("20230224", "2023-02-24T00:00:00Z"),
        ("20230224121207", "2023-02-24T12:12:07Z"),
        ("2023-02-24", "2023-02-24T00:00:00Z"),
        ("2023/02/24 12:12:07", "2023-02-24T12:12:07Z"),
        ("Fri, 24 Feb 2023 12:12:07 +0100", "2023-02-24T11:12:07Z"),
        ("Fri, 24 Feb 2023 12:12:07 GMT", "2023-02-24T12:12:07Z"),
        ("24/Feb/2023:12:12:07 -0500", "2023-02-24T17:12:07Z"),
        ("Fri Feb 24 12:12:07 2023", "2023-02-24T12:12:07Z"),
        ("Fri Feb 24 12:12:07 PDT 2023", "2023-02-24T19:12:07Z"),
        ("Aug 1 2022", "2022-08-01T00:00:00Z"),
        ("1 August 2022 3:04 PM", "2022-08-01T15:04:00Z"),
        ("2/24/2023 12:00:07 AM", "2023-02-24T00:00:07Z"),
        ("02/03/2023 10:00:00", "2023-02-03T10:00:00Z"),
        ("24/02/2023 10:00:00", "2023-02-24T10:00:00Z"),
        ("2023-02-24 12:12:07 Europe/Paris", "2023-02-24T11:12:07Z"),
        ("2023-07-24 12:12:07 UTC+2", "2023-07-24T10:12:07Z"),
        // no year: that of the receipt, or the one before when that lies ahead
        ("Jan  1 23:59:59", "2026-01-01T23:59:59Z"),
        ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("1657233726", "2022-07-07T22:42:06Z"),
        ("1657233726004", "2022-07-07T22:42:06.004000Z"),
        ("1657233726004000999", "2022-07-07T22:42:06.004000Z"),
        ("1657233726.004", "2022-07-07T22:42:06.004000Z"),
        (" 1657233726 ", "2022-07-07T22:42:06Z"),
    ] {
        assert_eq!(read(text, None, None).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_time_is_none() {
    for text in [
        "",
        " ",
        "soon",
        "2023-13-01",
        "2023-02-30 00:00:00",
        "25:00",
        "x2023-02-24",
        "0x10",
        "1e5",
        "-",
        "::1",
        "2023-02-24T12:12:07ZZZZ",
    ] {
        assert_eq!(read(text, None, None), None, "{text}");
    }
    assert_eq!(read(&"1".repeat(40), None, None), None);
    assert_eq!(parse(Value::Float(f64::NAN), &Options::default()), None);
    assert_eq!(
        parse(Value::Int(i64::MAX), &Options::default()).map(Timestamp::to_rfc3339).as_deref(),
        Some("2262-04-11T23:47:16.854775Z")
    );
    assert_eq!(parse(Value::Bool(true), &Options::default()), None);
    // without a receipt there is no year to lend
    assert_eq!(parse(Value::Str("Jan 1 10:00:00"), &Options::default()), None);
}

#[test]
fn formats_and_zones() {
    for (text, format, zone, expected) in [
        ("24.02.2023 12:12", "%d.%m.%Y %H:%M", None, "2023-02-24T12:12:00Z"),
        ("02/24/23 01:02:03 PM", "%m/%d/%y %I:%M:%S %p", None, "2023-02-24T13:02:03Z"),
        ("2023-02-24 12:12:07.5 +0130", "%Y-%m-%d %H:%M:%S.%f %z", None, "2023-02-24T10:42:07.500000Z"),
        ("2023-055", "%Y-%j", None, "2023-02-24T00:00:00Z"),
        ("24/Feb/2023", "%d/%b/%Y", Some("+02:00"), "2023-02-23T22:00:00Z"),
        ("2023-07-01 12:00:00", "%Y-%m-%d %H:%M:%S", Some("Europe/Paris"), "2023-07-01T10:00:00Z"),
        ("2023-01-01 12:00:00", "%Y-%m-%d %H:%M:%S", Some("CEST"), "2023-01-01T10:00:00Z"),
        ("1657233726", "timestamp", None, "2022-07-07T22:42:06Z"),
        // the format does not fit: found by looking
        ("2023-02-24T12:12:07Z", "%d/%m/%Y", None, "2023-02-24T12:12:07Z"),
        ("2023-02-24T12:12:07Z", "iso8601", None, "2023-02-24T12:12:07Z"),
    ] {
        assert_eq!(read(text, Some(format), zone).as_deref(), Some(expected), "{text} as {format}");
    }
    assert!(Zone::from_name("Nowhere/Land").is_none());
}

#[test]
fn text_of_moments() {
    let arena = Bump::new();
    let moment = Timestamp::from_micros(0);
    assert_eq!(six_digits(moment, &arena), "1970-01-01T00:00:00.000000Z");
    let normal = |text| normalise(Value::Str(text), &Options::default(), &arena);
    assert_eq!(normal("2022-07-07T22:42:06.000000Z"), Some("2022-07-07T22:42:06Z"));
    assert_eq!(normal("2022-07-07T22:42:06.5+01:00"), Some("2022-07-07T21:42:06.500000Z"));
    assert_eq!(normal("nonsense"), None);
}

proptest! {
    #[test]
    fn rfc3339_is_read_whatever_its_precision(micros in 0..4_102_444_800_000_000_i64, digits in 1_usize..9) {
        let moment = Timestamp::from_micros(micros);
        let text = moment.to_rfc3339();
        prop_assert_eq!(parse(Value::Str(&text), &Options::default()), Some(moment));
        let fraction = format!("{:06}000", micros % 1_000_000);
        let text = format!("{}.{}Z", &text[..19], &fraction[..digits]);
        let expected = micros - micros % 10_i64.pow(6_u32.saturating_sub(digits as u32));
        prop_assert_eq!(parse(Value::Str(&text), &Options::default()).map(Timestamp::as_micros), Some(expected));
    }

    #[test]
    fn epochs_of_any_unit_are_exact(seconds in 1_000_000_000_i64..9_999_999_999, rest in 0_i64..1_000_000_000) {
        for (number, micros) in [
            (seconds, seconds * 1_000_000),
            (seconds * 1000 + rest / 1_000_000, seconds * 1_000_000 + rest / 1_000_000 * 1000),
            (seconds * 1_000_000 + rest / 1000, seconds * 1_000_000 + rest / 1000),
        ] {
            prop_assert_eq!(parse(Value::Int(number), &Options::default()), Some(Timestamp::from_micros(micros)));
            prop_assert_eq!(parse(Value::Str(&number.to_string()), &Options::default()), Some(Timestamp::from_micros(micros)));
        }
    }

    #[test]
    fn any_text_is_a_time_or_none(text in "[0-9A-Za-z:/.,+ T-]{0,30}") {
        read(&text, None, None);
        read(&text, Some(&text), None);
        read(&text, Some("%Y-%m-%d %H:%M:%S.%f %z"), None);
    }
}
