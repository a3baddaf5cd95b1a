//! One folder of feeds as they come, each with what must come of it.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;

fn told(indicator: &Indicator) -> Json {
    let mut told = json!({"value": indicator.value.to_string()});
    if matches!(indicator.value, Value::Name(_)) && indicator.scope != Scope::Domain {
        told["scope"] = json!(indicator.scope.as_str());
    }
    if !indicator.tags.is_empty() {
        told["tags"] = json!(indicator.tags);
    }
    let time = |time: Option<tidegate_event::Timestamp>| time.map(tidegate_event::Timestamp::to_rfc3339);
    for (key, text) in [
        ("from", time(indicator.valid_from)),
        ("until", time(indicator.valid_until)),
        ("reference", indicator.reference.clone()),
        ("description", indicator.description.clone()),
    ] {
        if let Some(text) = text {
            told[key] = json!(text);
        }
    }
    if let Some(sure) = indicator.confidence {
        told["confidence"] = json!(sure);
    }
    told
}

/// A case is `<name>.<anything>` with the feed, and `<name>.expected.json` beside it. `UPDATE_CASES=1` writes the latter.
#[test]
fn every_feed_gives_what_its_case_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feeds");
    let mut feeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    feeds.retain(|path| !path.to_string_lossy().ends_with(".expected.json"));
    feeds.sort();
    assert!(feeds.len() >= 12, "cases are missing");
    for feed in feeds {
        let outcome = match read_all(&std::fs::read(&feed).unwrap()) {
            Ok((found, report)) => json!({
                "format": report.format.as_str(),
                "indicators": found.iter().map(told).collect::<Vec<_>>(),
                "report": report.sentences(),
            }),
            Err(error) => json!({"error": error.to_string()}),
        };
        let expected = feed.with_extension("expected.json");
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(&expected, format!("{outcome:#}\n")).unwrap();
        }
        let expected: Json = serde_json::from_slice(&std::fs::read(&expected).unwrap()).unwrap();
        assert_eq!(format!("{outcome:#}"), format!("{expected:#}"), "{}", feed.display());
    }
}
