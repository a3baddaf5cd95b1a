//! The cases of our own definitions, and the public ones when they lie beside the repository.

#![allow(clippy::unwrap_used, reason = "a test says what it expects in one word")]

use std::path::{Path, PathBuf};

use tidegate_event::Timestamp;
use tidegate_formats::Catalog;
use tidegate_formats::cases::{self, CaseResult};

/// Dates without a year are read as if received now-ish; no case may depend on the day it runs.
fn received() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn expect_all(results: &[CaseResult]) {
    let failed: Vec<String> = results
        .iter()
        .filter(|result| !result.pass)
        .map(|result| format!("{} {}\n{}", result.format, result.case.display(), result.diff))
        .collect();
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), results.len(), failed.join("\n\n"));
}

#[test]
fn our_definitions_load_without_a_remark() {
    let (catalog, errors) = Catalog::load(&[]).unwrap();
    assert_eq!(errors, []);
    for format in catalog.iter() {
        assert_eq!(format.warnings(), [], "{}", format.name());
    }
}

#[test]
fn our_definitions_meet_their_cases() {
    let formats = root().join("formats");
    if formats.is_dir() {
        expect_all(&cases::run(&formats, None, received()).unwrap().collect::<Vec<_>>());
    }
}

#[test]
fn fixtures_meet_their_cases() {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let results: Vec<CaseResult> = cases::run(&formats, None, received()).unwrap().collect();
    assert!(!results.is_empty());
    expect_all(&results);
}

#[test]
fn the_public_cases_pass() {
    let shared = root().join("../shared/cases/cloudflare");
    let Ok(datasets) = std::fs::read_dir(&shared) else {
        // not everybody has them
        println!("no public cases beside the repository; nothing to check");
        return;
    };
    let (catalog, _) = Catalog::load(&[]).unwrap();
    let mut results = Vec::new();
    for dataset in datasets.map(|entry| entry.unwrap().path()) {
        let name = format!("cloudflare-{}", dataset.file_name().unwrap().to_string_lossy().replace('_', "-"));
        let format = catalog.get(&name).unwrap_or_else(|| panic!("no format `{name}`"));
        results.extend(cases::run_folder(format, &dataset, received()));
    }
    assert!(!results.is_empty());
    expect_all(&results);
}
