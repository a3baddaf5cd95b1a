//! Our rules: every one loads, fires on its cases and not on its look-alikes.

use crate::common;
use std::collections::{BTreeSet, HashSet};

use tidegate_detect::{Effort, RuleSettings, RuleSources, SettingValue, Settings, cases, navigator};

/// The settings under which every rule is on, building blocks too.
fn everything(slugs: impl Iterator<Item = String>) -> Settings {
    let on = RuleSettings { enabled: Some(true), ..RuleSettings::default() };
    Settings { effort: Effort::Master, rules: slugs.map(|slug| (slug, on.clone())).collect(), ..Settings::default() }
}

#[test]
fn every_rule_fires_on_its_cases_only() {
    let sources = RuleSources::embedded();
    assert!(sources.files.len() >= 20, "{}", sources.files.len());
    let stems: Vec<String> = cases::embedded().map(|(stem, _)| stem.to_owned()).collect();
    let (catalogue, problems) = common::build(&sources.files, &everything(stems.iter().cloned()));
    assert!(problems.is_empty(), "{problems:#?}");
    let registry = common::registry();
    let (mut failures, mut count) = (Vec::new(), 0);
    for (stem, text) in cases::embedded() {
        let Some(rule) = catalogue.find(stem) else {
            failures.push(format!("cases/{stem}.yml belongs to no rule"));
            continue;
        };
        let results = cases::run(rule, text, &catalogue, &registry).unwrap();
        assert!(results.iter().any(|result| result.case.starts_with("fire")), "{stem} never fires");
        assert!(results.iter().any(|result| result.case.starts_with("silent")), "{stem} has no look-alike");
        count += results.len();
        failures.extend(results.iter().filter_map(|result| Some(format!("{stem} {}", result.failure.as_ref()?))));
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(count > 80, "{count} cases");
}

#[test]
fn every_rule_file_has_cases_and_a_full_description() {
    let sources = RuleSources::embedded();
    let (catalogue, _) = common::build(&sources.files, &Settings::default());
    let stems: HashSet<&str> = cases::embedded().map(|(stem, _)| stem).collect();
    for source in &sources.files {
        let stem = source.path.trim_start_matches("rules/").trim_end_matches(".yml");
        assert!(stems.contains(stem), "{} has no cases", source.path);
    }
    let mut ids = BTreeSet::new();
    for rule in catalogue.rules() {
        assert!(ids.insert(rule.id), "{} has the id of another rule", rule.slug);
        assert_eq!(rule.id.0.get_version_num(), 4, "{}", rule.slug);
        assert!(!rule.description.is_empty() && !rule.attack.is_empty(), "{}", rule.slug);
        if stems.contains(&*rule.slug) {
            assert!(!rule.references.is_empty() && !rule.false_positives.is_empty(), "{}", rule.slug);
        }
    }
}

#[test]
fn defaults_respect_people() {
    let (catalogue, _) = common::build(&RuleSources::embedded().files, &Settings::default());
    for rule in catalogue.rules() {
        let block = rule.yaml.contains("enabled: false");
        let expected = rule.effort <= Effort::Advanced || &*rule.slug == "eicar-detection";
        assert!(rule.enabled == expected || block, "{} is {}", rule.slug, rule.enabled);
    }
    for (slug, on) in [
        ("eicar-detection", true),
        ("tor-usage", false),
        ("cloudflare-gateway-query-allowed-malicious", true),
        ("cloudflare-gateway-query-blocked-malicious", false),
        ("long-dns-name", false),
        ("potential-dns-tunnel", true),
    ] {
        assert_eq!(catalogue.find(slug).unwrap().enabled, on, "{slug}");
    }
}

/// A name of so many characters.
fn name_of(length: usize) -> String {
    let mut name = "a23456789b1234567890c234567890d234567890e234567890.".repeat(3);
    name.truncate(length - 12);
    format!("{}.example.com", name.trim_end_matches('.').replace("..", "."))
}

#[test]
fn lengths_and_allowlists_are_settings() {
    let with = |values: Vec<(&str, SettingValue)>| {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let own = RuleSettings { values, ..RuleSettings::default() };
        let settings = Settings { rules: [("potential-dns-tunnel".to_owned(), own)].into(), ..Settings::default() };
        let (catalogue, problems) = common::build(&RuleSources::embedded().files, &settings);
        (common::Bench::new(catalogue), problems)
    };
    let name = name_of(70);
    let fires = |bench: &mut common::Bench| {
        let found = bench.feed(&[common::query(0, "10.0.0.1", &name)]);
        common::titles(&found).contains(&"Potential DNS Tunnel")
    };
    assert!(!fires(&mut with(Vec::new()).0), "95 is the default");
    assert!(fires(&mut with(vec![("length", SettingValue::Whole(62))]).0));
    let allow = SettingValue::List(vec![".example.com".into()]);
    assert!(!fires(&mut with(vec![("length", SettingValue::Whole(62)), ("allow", allow)]).0));
    let (mut bench, problems) = with(vec![("lenght", SettingValue::Whole(10)), ("length", SettingValue::Flag(true))]);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems.iter().any(|problem| problem.message.contains("no setting `lenght`")), "{problems:#?}");
    assert!(!fires(&mut bench));
}

#[test]
fn the_navigator_layer_holds_every_technique() {
    let (catalogue, _) = common::build(&RuleSources::embedded().files, &Settings::default());
    let layer = navigator::layer("Tidegate", catalogue.rules());
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["domain"], "enterprise-attack");
    let ids: HashSet<&str> =
        layer["techniques"].as_array().unwrap().iter().map(|entry| entry["techniqueID"].as_str().unwrap()).collect();
    for rule in catalogue.rules() {
        assert!(rule.attack.iter().all(|technique| ids.contains(technique.as_str())), "{}", rule.slug);
    }
    let tunnel =
        layer["techniques"].as_array().unwrap().iter().find(|entry| entry["techniqueID"] == "T1071.004").unwrap();
    assert!(tunnel["score"].as_u64().unwrap() >= 3, "{tunnel}");
}

#[test]
fn a_list_line_is_what_the_contract_says() {
    let (catalogue, _) = common::build(&RuleSources::embedded().files, &Settings::default());
    let line: serde_json::Value =
        serde_json::from_str(&catalogue.find("bazar-loader-dga").unwrap().list_line()).unwrap();
    assert_eq!(line["name"], "Bazar Loader DGA");
    assert_eq!(line["effort"], "elementary");
    assert_eq!(line["severity"], "high");
    assert_eq!(line["attack"], serde_json::json!(["T1071.004", "T1568.002"]));
    assert_eq!(line["enabled"], true);
    assert_eq!(line.as_object().unwrap().len(), 6);
}
