//! The made-up organisation's traffic: ordinary days are silent, planted attacks are found, look-alikes are not.

use serde_json::Value;
use std::collections::BTreeMap;
use tidegate_event::{EventId, NodeId, Position, Timestamp};
use tidegate_traffic::{Config, FieldSet, Generator, Load, Scenario, Scenarios, TimeFormat};
use uuid::Uuid;

use super::super::{Look, NativeSettings, Natives, Raised};
use super::stream::registered;

const EVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Detectors whose findings are at least of medium severity.
pub(super) const SEVERE: [&str; 6] = ["tunnel", "nxdomain-burst", "sliver", "cobalt-strike", "evilproxy", "lookalike"];

fn play(config: Config, records: usize, one_client: bool, settings: &NativeSettings) -> (Vec<Raised>, Natives, String) {
    let mut generator = Generator::new(config).unwrap();
    let mut text = Vec::new();
    assert_eq!(generator.next_batch(EVER, records, &mut text), records);
    let (mut natives, mut raised) = (Natives::new(settings), Vec::new());
    for (index, line) in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let record: Value = serde_json::from_slice(line).unwrap();
        let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let (name, device, source) = (field("QueryName").to_lowercase(), field("DeviceID"), field("SrcIP"));
        let at = Timestamp::parse_rfc3339(&field("Datetime")).unwrap();
        let look = Look {
            at,
            event: EventId::new(NodeId(Uuid::nil()), Position(1), at, index as u32),
            device: if one_client {
                "all"
            } else if device.is_empty() {
                &source
            } else {
                &device
            },
            source_ip: &source,
            name: name.trim_end_matches('.'),
            registered_domain: registered(name.trim_end_matches('.')),
            query_type: record["QueryTypeName"].as_str().unwrap_or_default(),
            nxdomain: record["RCode"] == 3,
            blocked: field("ResolverDecision").starts_with("blocked"),
        };
        natives.observe(&look, &mut raised);
    }
    (raised, natives, generator.truth().to_json())
}

fn config(seed: u64, scenarios: Scenarios) -> Config {
    Config {
        seed,
        rate_eps: 12.0,
        load: Load::Flat,
        users: 40,
        devices: 70,
        offices: 2,
        scenarios,
        scenario_period: std::time::Duration::from_secs(3 * 3600),
        fields: FieldSet::Full,
        time_format: TimeFormat::Rfc3339Ns,
        ..Config::default()
    }
}

#[test]
fn fifteen_thousand_ordinary_queries_raise_nothing_severe() {
    for seed in 1..=6 {
        for one_client in [false, true] {
            let config = Config { rate_eps: [2.0, 12.0, 60.0][seed as usize % 3], ..config(seed, Scenarios::None) };
            let (raised, natives, _) = play(config, 15_000, one_client, &NativeSettings::default());
            let severe: Vec<&Raised> = raised.iter().filter(|raised| SEVERE.contains(&raised.detector)).collect();
            assert!(severe.is_empty(), "seed {seed}, one client {one_client}: {severe:?}");
            assert_eq!(natives.counters().observed, 15_000);
        }
    }
}

#[test]
fn planted_attacks_are_found_and_their_look_alikes_are_not() {
    let chosen = vec![
        Scenario::Iodine,
        Scenario::Dnscat2,
        Scenario::Dns2tcp,
        Scenario::NxdomainBurst,
        Scenario::Bazar,
        Scenario::Sliver,
        Scenario::CobaltStrike,
        Scenario::EvilProxy,
        Scenario::FastBeacon,
    ];
    let (raised, _, truth) = play(config(3, Scenarios::Only(chosen)), 130_000, false, &NativeSettings::default());
    let truth: Value = serde_json::from_str(&truth).unwrap();
    let wanted = BTreeMap::from([
        ("iodine", "tunnel"),
        ("dnscat2", "tunnel"),
        ("dns2tcp", "tunnel"),
        ("nxdomain-burst", "nxdomain-burst"),
        ("bazar", "nxdomain-burst"),
        ("sliver", "sliver"),
        ("cobalt-strike", "cobalt-strike"),
        ("evilproxy", "evilproxy"),
        ("fast-beacon", "beacon"),
    ]);
    for planted in truth["planted"].as_array().unwrap() {
        if planted["written"] != planted["planted"] {
            continue;
        }
        let (scenario, device) = (planted["scenario"].as_str().unwrap(), planted["device_id"].as_str().unwrap());
        let source = planted["source_ip"].as_str().unwrap();
        let of_device = |raised: &&Raised| {
            raised.group.iter().any(|(_, value)| value == device || (device.is_empty() && value == source))
        };
        let found: Vec<&str> = raised.iter().filter(of_device).map(|raised| raised.detector).collect();
        if planted["nature"] == "attack" {
            assert!(found.contains(&wanted[scenario]), "{scenario} on {device}: {found:?}");
        } else {
            let severe: Vec<&Raised> =
                raised.iter().filter(of_device).filter(|raised| SEVERE.contains(&raised.detector)).collect();
            assert!(severe.is_empty(), "look-alike of {scenario}: {severe:?}");
        }
    }
}
