//! Every record has exactly the fields of its set, each of its type, and answers that decode.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::IpAddr;

use hickory_proto::rr::{RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use serde_json::Value;
use tidegate_event::Timestamp;
use tidegate_traffic::{Config, Field, FieldSet, Generator, Kind, Scenarios, TimeFormat};

const EVER: Timestamp = Timestamp::from_micros(i64::MAX);

fn records(config: Config, count: usize) -> Vec<Value> {
    let mut out = Vec::new();
    assert_eq!(Generator::new(config).unwrap().next_batch(EVER, count, &mut out), count);
    out.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)))
        })
        .collect()
}

/// A day with every scenario within some ten thousand records.
fn thin_day(fields: FieldSet) -> Config {
    Config {
        rate_eps: 0.15,
        fields,
        scenario_period: std::time::Duration::from_secs(20 * 3600),
        time_format: TimeFormat::Rfc3339Ns,
        ..Config::default()
    }
}

fn has_type(value: &Value, kind: Kind) -> bool {
    let all = |of: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(of));
    match kind {
        Kind::Text => value.is_string(),
        Kind::Int => value.is_u64(),
        Kind::Bool => value.is_boolean(),
        Kind::Time => value.is_u64() || value.is_string(),
        Kind::Texts => all(Value::is_string),
        Kind::Ints => all(Value::is_u64),
        Kind::Records => all(|item| item["type"].is_string() && item["data"].is_string()),
    }
}

#[test]
fn fields_are_those_of_the_set_in_order_and_type() {
    for (set, count) in [(FieldSet::Full, 82), (FieldSet::Documented, 32), (FieldSet::Default, 41)] {
        let fields: Vec<Field> = set.fields().collect();
        assert_eq!(fields.len(), count, "{set:?}");
        for record in records(thin_day(set), 6_000) {
            let object = record.as_object().unwrap();
            assert!(object.keys().eq(fields.iter().map(|field| field.name())), "{record}");
            for field in &fields {
                let value = &object[field.name()];
                assert!(has_type(value, field.kind()), "{} is {value}", field.name());
            }
        }
    }
}

#[test]
fn names_fit_the_wire_and_sizes_fit_names() {
    for record in records(thin_day(FieldSet::Full), 14_000) {
        let name = record["QueryName"].as_str().unwrap();
        assert!(name == "." || name.split('.').all(|label| (1..=63).contains(&label.len())), "{name}");
        assert!(name.len() <= 253, "{name}");
        let mut labels: Vec<&str> = name.split('.').collect();
        labels.reverse();
        assert_eq!(record["QueryNameReversed"], if name == "." { ".".to_owned() } else { labels.join(".") });
        let over = record["QuerySize"].as_u64().unwrap() - name.len() as u64;
        assert!(matches!(over, 16..=41), "{name}: {over}");
    }
}

fn decode(base64: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in base64.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | ALPHABET.iter().position(|letter| *letter == byte).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

#[test]
fn answers_decode_and_agree_in_all_three_forms() {
    let (mut decoded, mut seen) = (0, std::collections::BTreeSet::new());
    for record in records(thin_day(FieldSet::Full), 14_000) {
        let coded = record["ResourceRecords"].as_array().unwrap();
        assert_eq!(record["RData"], record["ResourceRecords"]);
        let texts: Vec<Value> = serde_json::from_str(record["ResourceRecordsJSON"].as_str().unwrap()).unwrap();
        assert_eq!(coded.len(), texts.len());
        assert_eq!(record["UpstreamRecordTTLs"].as_array().unwrap().len(), texts.len());
        let mut addresses = Vec::new();
        for (coded, text) in coded.iter().zip(&texts) {
            let bytes = decode(coded["data"].as_str().unwrap());
            let mut decoder = BinDecoder::new(&bytes);
            let wire = Record::read(&mut decoder).unwrap_or_else(|error| panic!("{error}: {record}"));
            assert!(decoder.is_empty(), "{record}");
            assert_eq!(u16::from(wire.record_type()).to_string(), coded["type"].as_str().unwrap());
            assert_eq!(wire.record_type().to_string(), text["type"].as_str().unwrap());
            assert_eq!(u64::from(wire.ttl), text["ttl"].as_u64().unwrap());
            let owner = wire.name.to_ascii();
            assert_eq!(
                owner.trim_end_matches('.').to_lowercase(),
                text["name"].as_str().unwrap().trim_end_matches('.').to_lowercase()
            );
            match &wire.data {
                RData::A(address) => addresses.push(IpAddr::V4(address.0)),
                RData::AAAA(address) => addresses.push(IpAddr::V6(address.0)),
                RData::CNAME(target) => assert_eq!(target.0.to_ascii(), text["rdata"].as_str().unwrap()),
                _ => {}
            }
            seen.insert(wire.record_type());
            decoded += 1;
        }
        let resolved: Vec<IpAddr> =
            record["ResolvedIPs"].as_array().unwrap().iter().map(|ip| ip.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(resolved, addresses, "{record}");
        assert_eq!(record["ResolvedIPCountryCodes"].as_array().unwrap().len(), addresses.len());
        assert_eq!(
            record["CNAMEs"].as_array().unwrap().len(),
            coded.iter().filter(|record| record["type"] == "5").count()
        );
    }
    assert!(decoded > 9_000, "{decoded}");
    for rtype in [
        RecordType::A,
        RecordType::AAAA,
        RecordType::CNAME,
        RecordType::HTTPS,
        RecordType::MX,
        RecordType::TXT,
        RecordType::NS,
        RecordType::SOA,
        RecordType::PTR,
        RecordType::SRV,
        RecordType::CAA,
        RecordType::NULL,
    ] {
        assert!(seen.contains(&rtype), "no {rtype}");
    }
}

#[test]
fn categories_come_with_their_parents_and_names() {
    let mut threats = 0;
    for record in records(thin_day(FieldSet::Full), 14_000) {
        for prefix in ["Query", "Matched", "Initial", "CNAME", "ResolvedIP"] {
            let ids = record[format!("{prefix}CategoryIDs")].as_array().unwrap().clone();
            let names = record[format!("{prefix}CategoryNames")].as_array().unwrap();
            assert_eq!(ids.len(), names.len(), "{record}");
            let has = |id: u64| ids.iter().any(|item| *item == id);
            if has(117) {
                assert!(has(21) && names.iter().any(|name| name == "Malware"), "{record}");
                threats += 1;
            }
        }
        let blocked = record["ResolverDecision"].as_str().unwrap().starts_with("blocked");
        if blocked && record["QueryType"] == 1 {
            assert_eq!(record["ResolvedIPs"], serde_json::json!(["0.0.0.0"]), "{record}");
        }
        let has_policy = record["PolicyID"] != "";
        assert_eq!(has_policy, record["PolicyName"] != "", "{record}");
    }
    assert!(threats > 10);
}

#[test]
fn every_time_format_is_delivered() {
    for format in
        [TimeFormat::Rfc3339, TimeFormat::Rfc3339Ms, TimeFormat::Rfc3339Ns, TimeFormat::Unix, TimeFormat::UnixNano]
    {
        let config = Config { time_format: format, scenarios: Scenarios::None, ..Config::default() };
        let start = config.start.as_micros();
        let time = &records(config, 10)[9]["Datetime"];
        let micros = match format {
            TimeFormat::Unix => time.as_i64().unwrap() * 1_000_000,
            TimeFormat::UnixNano => time.as_i64().unwrap() / 1_000,
            _ => Timestamp::parse_rfc3339(time.as_str().unwrap()).unwrap().as_micros(),
        };
        assert!((0..60_000_000).contains(&(micros - start)), "{format:?}: {time}");
    }
}
