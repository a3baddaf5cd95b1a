//! What the truth says was planted is what the records hold, in the shapes that detections look for.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use tidegate_event::Timestamp;
use tidegate_traffic::{Config, FieldSet, Generator, Nature, Planted, Scenario, Scenarios, TimeFormat, Truth};

const HOUR: i64 = 3_600_000_000;

/// Two hours of hardly any traffic but the planted.
fn planted(scenarios: Scenarios) -> (Vec<Value>, Truth) {
    let config = Config {
        rate_eps: 0.001,
        users: 200,
        devices: 400,
        scenarios,
        scenario_period: Duration::from_secs(7_200),
        fields: FieldSet::Full,
        time_format: TimeFormat::Rfc3339Ns,
        ..Config::default()
    };
    let mut generator = Generator::new(config).unwrap();
    let mut out = Vec::new();
    let until = generator.config().start.as_micros() + 2 * HOUR - 1;
    generator.next_batch(Timestamp::from_micros(until), usize::MAX, &mut out);
    let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), generator.truth().clone())
}

/// The records of one planted entry: its device's, between its first and its last moment, of its names.
fn records_of<'a>(records: &'a [Value], entry: &Planted) -> Vec<&'a Value> {
    let belongs = |record: &&Value| {
        let time = record["Datetime"].as_str().unwrap();
        let time = Timestamp::parse_rfc3339(time).unwrap().to_rfc3339();
        let inside = time.as_str() >= entry.first.as_str() && time.as_str() <= entry.last.as_str();
        inside && record["DeviceID"] == entry.device_id.as_str()
    };
    records.iter().filter(belongs).collect()
}

#[test]
fn everything_planted_is_there_as_the_truth_says() {
    let (records, truth) = planted(Scenarios::All);
    assert_eq!(truth.planted.len(), 2 * Scenario::ALL.len());
    for entry in &truth.planted {
        assert_eq!(entry.written, entry.planned, "{} {:?}", entry.scenario, entry.nature);
        assert!(entry.planned > 0 && !entry.device_id.is_empty(), "{}", entry.scenario);
        let found = records_of(&records, entry);
        assert!(found.len() as u64 >= entry.planned, "{}: {} of {}", entry.scenario, found.len(), entry.planned);
        for sample in &entry.sample {
            assert!(found.iter().any(|record| record["QueryName"] == sample.as_str()), "{sample}");
        }
        let mut types: BTreeMap<&str, u64> = BTreeMap::new();
        for record in &found {
            *types.entry(record["QueryTypeName"].as_str().unwrap()).or_default() += 1;
        }
        for (rtype, count) in &entry.types {
            assert!(types[rtype] >= *count, "{}: {types:?}", entry.scenario);
        }
    }
    assert_eq!(truth.totals.planted, truth.planted.iter().map(|entry| entry.written).sum::<u64>());
}

#[test]
fn nothing_is_planted_when_nothing_is_asked_for() {
    let (_, truth) = planted(Scenarios::None);
    assert!(truth.planted.is_empty() && truth.totals.planted == 0);
    let (_, truth) = planted(Scenarios::Only(vec![Scenario::Bazar]));
    assert!(truth.planted.iter().all(|entry| entry.scenario == "bazar"));
}

#[test]
fn every_period_plants_again_elsewhere() {
    let config = Config {
        rate_eps: 0.001,
        scenarios: Scenarios::Only(vec![Scenario::TelegramBot]),
        scenario_period: Duration::from_secs(3_600),
        ..Config::default()
    };
    let mut generator = Generator::new(config).unwrap();
    let until = Timestamp::from_micros(generator.config().start.as_micros() + 5 * HOUR - 1);
    generator.next_batch(until, usize::MAX, &mut Vec::new());
    let attacks: Vec<&Planted> =
        generator.truth().planted.iter().filter(|entry| entry.nature == Nature::Attack).collect();
    assert_eq!(attacks.len(), 5);
    assert!(attacks.iter().map(|entry| &entry.device_id).collect::<HashSet<_>>().len() > 1);
}

#[test]
fn a_short_period_holds_whole_scenarios() {
    let config = Config { rate_eps: 0.001, scenario_period: Duration::from_secs(300), ..Config::default() };
    let mut generator = Generator::new(config).unwrap();
    let until = Timestamp::from_micros(generator.config().start.as_micros() + 320_000_000);
    generator.next_batch(until, usize::MAX, &mut Vec::new());
    for entry in generator.truth().planted.iter().filter(|entry| entry.cycle == 0) {
        assert_eq!(
            entry.written, entry.planned,
            "{} {:?} {} - {}",
            entry.scenario, entry.nature, entry.first, entry.last
        );
    }
}

/// Names asked by one scenario, in order.
fn names(scenario: Scenario, nature: Nature) -> Vec<String> {
    let (records, truth) = planted(Scenarios::Only(vec![scenario]));
    let entry = truth.planted.iter().find(|entry| entry.nature == nature).unwrap();
    let found = records_of(&records, entry);
    found.iter().map(|record| record["QueryName"].as_str().unwrap().to_owned()).collect()
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// `^(?:www|post)\.[1-4](?:[0-9a-f]{8}){1,7}(?:\.(?:[0-9a-f]{8}){1,7}){0,3}\.[0-9a-f]{2,16}\.`
fn is_cobalt_data(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let words = |label: &str| is_hex(label) && label.len().is_multiple_of(8) && (8..=56).contains(&label.len());
    matches!(labels[0], "www" | "post")
        && labels.len() > 4
        && labels[1].starts_with(['1', '2', '3', '4'])
        && words(&labels[1][1..])
        && (2..=5).any(|at| {
            labels[2..at].iter().all(|label| words(label))
                && labels.get(at).is_some_and(|label| is_hex(label) && (2..=16).contains(&label.len()))
        })
}

#[test]
fn cobalt_strike_has_its_prefixes() {
    let names = names(Scenario::CobaltStrike, Nature::Attack);
    assert!(names.iter().any(|name| name.starts_with("aaa.stage.123456.")));
    let data = names.iter().filter(|name| is_cobalt_data(name)).count();
    let prefixed = names.iter().filter(|name| name.starts_with("www.") || name.starts_with("post.")).count();
    assert!(data > 50 && data == prefixed, "{data} of {prefixed}");
    let tasks = names.iter().filter(|name| {
        let labels: Vec<&str> = name.split('.').collect();
        matches!(labels[0], "api" | "cdn" | "www6") && is_hex(labels[1]) && (9..=16).contains(&labels[1].len())
    });
    assert!(tasks.count() > 50);
    assert!(!self::names(Scenario::CobaltStrike, Nature::LookAlike).iter().any(|name| is_cobalt_data(name)));
}

#[test]
fn sliver_decodes() {
    const ALPHABET: &str = "ab1c2d3e4f5g6h7j8k9m0npqrtuvwxyz";
    let polls = names(Scenario::Sliver, Nature::Attack)
        .into_iter()
        .filter(|name| {
            let label = name.split('.').next().unwrap();
            label.chars().all(|letter| ALPHABET.contains(letter))
                && label.starts_with("babk")
                && matches!(label.len(), 28 | 29)
        })
        .count();
    assert!(polls >= 60, "{polls}");
}

#[test]
fn bazar_has_its_digrams() {
    let vowel = |letter: u8| b"aeiouy".contains(&letter);
    let consonant = |letter: u8| b"bcdfghjklmnpqrstvwxz".contains(&letter);
    for name in names(Scenario::Bazar, Nature::Attack) {
        let label = name.strip_suffix(".bazar").unwrap().as_bytes();
        assert_eq!(label.len(), 8);
        for pair in label.chunks(2) {
            assert!(vowel(pair[0]) && consonant(pair[1]) || consonant(pair[0]) && vowel(pair[1]), "{name}");
        }
    }
}

#[test]
fn evilproxy_has_dashless_uuids_and_login() {
    let names = names(Scenario::EvilProxy, Nature::Attack);
    let uuids: HashSet<&str> = names
        .iter()
        .map(|name| name.split('.').next().unwrap())
        .filter(|label| label.len() == 32 && is_hex(label) && &label[12..13] == "4" && "89ab".contains(&label[16..17]))
        .collect();
    assert!(uuids.len() >= 5);
    assert!(names.iter().any(|name| name.starts_with("login.")));
}

#[test]
fn tunnels_are_long_distinct_and_fast() {
    for scenario in [Scenario::Iodine, Scenario::Dnscat2] {
        let (records, truth) = planted(Scenarios::Only(vec![scenario]));
        let entry = truth.planted.iter().find(|entry| entry.nature == Nature::Attack).unwrap();
        let long: Vec<i64> = records_of(&records, entry)
            .into_iter()
            .filter(|record| record["QueryName"].as_str().unwrap().len() > 62)
            .map(|record| Timestamp::parse_rfc3339(record["Datetime"].as_str().unwrap()).unwrap().as_micros())
            .collect();
        let fastest = long.windows(50).map(|times| times[49] - times[0]).min().unwrap();
        assert!(fastest < 600_000_000, "{}: 50 long names take {fastest} µs", entry.scenario);
        assert!(entry.distinct_names * 10 > entry.planned * 9);
    }
}

#[test]
fn the_burst_is_dense_enough() {
    let (records, truth) = planted(Scenarios::Only(vec![Scenario::NxdomainBurst]));
    let entry = truth.planted.iter().find(|entry| entry.nature == Nature::Attack).unwrap();
    let missing: Vec<&Value> = records_of(&records, entry).into_iter().filter(|record| record["RCode"] == 3).collect();
    assert!(missing.len() > 150);
    let time = |record: &Value| Timestamp::parse_rfc3339(record["Datetime"].as_str().unwrap()).unwrap().as_micros();
    assert!(missing.windows(30).any(|window| time(window[29]) - time(window[0]) < 300_000_000));
}

#[test]
fn the_beacon_is_regular_for_long() {
    let (records, truth) = planted(Scenarios::Only(vec![Scenario::Beacon]));
    let entry = truth.planted.iter().find(|entry| entry.nature == Nature::Attack).unwrap();
    let times: Vec<i64> = records_of(&records, entry)
        .into_iter()
        .filter(|record| record["QueryName"].as_str().unwrap().ends_with(&entry.domain))
        .map(|record| Timestamp::parse_rfc3339(record["Datetime"].as_str().unwrap()).unwrap().as_micros())
        .collect();
    assert!(times.len() > 60);
    assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 60_000_000).abs() < 3_100_000));
}

#[test]
fn malicious_and_allowed_is_what_it_says() {
    let (records, truth) = planted(Scenarios::Only(vec![Scenario::MaliciousAllowed]));
    let entry = truth.planted.iter().find(|entry| entry.nature == Nature::Attack).unwrap();
    assert!(entry.decisions.keys().all(|decision| decision.starts_with("allowed")));
    for record in records_of(&records, entry) {
        if record["QueryName"].as_str().unwrap().ends_with(&entry.domain) {
            assert_eq!(record["QueryCategoryIDs"][0], 21);
        }
    }
}
