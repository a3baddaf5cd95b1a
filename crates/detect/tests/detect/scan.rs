//! Files through everything: records of the traffic generator, parsed, enriched, judged, folded into alerts.

use crate::common;
use bumpalo::Bump;
use tidegate_detect::scan::{Scan, reaches};
use tidegate_detect::{RuleSources, Settings, Severity};
use tidegate_event::{Event, Timestamp, Value};

#[test]
fn alerts_fold_and_print_as_the_contract_says() {
    let (catalogue, problems) = common::build(&RuleSources::embedded().files, &Settings::default());
    assert!(problems.is_empty(), "{problems:#?}");
    let registry = common::registry();
    let mut scan = Scan::new(catalogue, Timestamp::from_micros((common::START + 100_000) * 1_000_000));
    let arena = Bump::new();
    for number in 0..10_000_i64 {
        let name = if number % 100 == 0 { "omulotaw.bazar" } else { "www.example.com" };
        let mut event = Event::with_capacity_in(4, &arena);
        let time = Timestamp::from_micros((common::START + number) * 1_000_000).to_rfc3339();
        for (field, value) in [("@timestamp", &*time), ("dns.question.name", name), ("source.ip", "10.0.0.1")] {
            event.set(registry.id(field).unwrap(), Value::Str(arena.alloc_str(value)));
        }
        scan.event(&mut event, &arena);
    }
    let (alerts, counters, left_out) = scan.finish();
    assert_eq!((alerts.len(), left_out, counters.events), (1, 0, 10_000));
    let line = alerts[0].to_json();
    assert_eq!(line["rule"]["name"], "Bazar Loader DGA");
    assert_eq!(line["rule"]["severity"], "high");
    assert_eq!(line["rule"]["effort"], "elementary");
    assert_eq!(line["rule"]["attack"][0], "T1071.004");
    assert_eq!(line["count"], 100);
    assert_eq!(line["group"], serde_json::json!({"source.ip": "10.0.0.1"}));
    assert_eq!(line["first_seen"], "2026-01-05T09:00:00Z");
    assert_eq!(line["last_seen"], "2026-01-05T11:45:00Z");
    assert_eq!(line["events"].as_array().unwrap().len(), 10);
    assert_eq!(line["events"][0]["dns.question.name"], "omulotaw.bazar");
    assert_eq!(line["events"][0]["@timestamp"], "2026-01-05T09:00:00Z");
    assert!(line["events"][0]["event_id"].as_str().unwrap().len() == 36);
    assert!(reaches(&alerts, Severity::High) && !reaches(&alerts, Severity::Critical));
}
