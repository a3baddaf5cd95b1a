//! Our own definitions with enrichment behind them: the fields that their manifests name do hold answers.

use std::path::{Path, PathBuf};

use bumpalo::Bump;

use super::super::{EnrichOptions, Enricher};
use crate::{Catalog, Verdict};

fn tests_of(dataset: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../formats/cloudflare").join(dataset).join("tests")
}

fn message(case: &Path) -> String {
    let case: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(case).unwrap()).unwrap();
    case["input"]["message"].as_str().unwrap().to_owned()
}

/// The enriched event as JSON, and its sentence.
fn enriched(catalog: &Catalog, format: &str, message: &str) -> (serde_json::Value, Option<String>) {
    let arena = Bump::new();
    let format = catalog.get(format).unwrap();
    let enricher = Enricher::new(catalog.registry(), format.manifest(), &EnrichOptions::default()).unwrap();
    let Verdict::Event { mut event, .. } = format.parser().parse(arena.alloc_str(message), &arena) else {
        panic!("{message} is rejected")
    };
    enricher.enrich(&mut event, &arena);
    let mut out = Vec::new();
    event.write_json(catalog.registry(), &mut out);
    (serde_json::from_slice(&out).unwrap(), format.describe_event(&event))
}

#[test]
fn answers_of_gateway_dns_are_found_in_each_of_its_fields() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    let whole = message(&tests_of("gateway_dns").join("all_fields.json"));
    let expected = serde_json::json!([
        {"name": "drive.example.com", "type": "CNAME", "class": "IN", "ttl": 300, "data": "edge.cdn.example.net"},
        {"name": "edge.cdn.example.net", "type": "A", "class": "IN", "ttl": 60, "data": "203.0.113.20"},
    ]);
    let mut record: serde_json::Value = serde_json::from_str(&whole).unwrap();
    for field in ["ResourceRecordsJSON", "ResourceRecords", "RData"] {
        let (event, _) = enriched(&catalog, "cloudflare-gateway-dns", &record.to_string());
        assert_eq!(event["dns"]["answers"], expected, "with {field}");
        record.as_object_mut().unwrap().remove(field);
    }
    let (event, _) = enriched(&catalog, "cloudflare-gateway-dns", &record.to_string());
    assert_eq!(event["dns"].get("answers"), None);
    assert_eq!(event["tidegate"]["dns"]["name"]["labels"], 3);
}

#[test]
fn a_service_record_is_readable() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    let record = message(&tests_of("gateway_dns").join("answer_svcb.json"));
    let (event, _) = enriched(&catalog, "cloudflare-gateway-dns", &record);
    assert_eq!(event["dns"]["answers"][0]["data"], "1 dot.example.net alpn=dot port=853");
}

#[test]
fn every_case_that_says_something_has_a_sentence() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    for format in catalog.iter() {
        let dataset = format.name().trim_start_matches("cloudflare-").replace('-', "_");
        for entry in std::fs::read_dir(tests_of(&dataset)).unwrap() {
            let path = entry.unwrap().path();
            let (_, sentence) = enriched(&catalog, format.name(), &message(&path));
            let file = path.file_name().unwrap().to_string_lossy();
            let silent = file.starts_with("empty_") || file == "wrong_types.json";
            assert!(sentence.is_some() || silent, "{}", path.display());
        }
    }
}
