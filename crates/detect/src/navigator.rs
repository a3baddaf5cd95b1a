//! `tidegate rules navigator`: rules in, a layer for the ATT&CK Navigator out (layer format 4.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::rule::RuleInfo;
use crate::severity::Severity;

/// ATT&CK version that the layer is written for.
const ATTACK_VERSION: &str = "17";
/// Colours by severity of the worst rule, mildest first.
const COLOURS: [(Severity, &str); 5] = [
    (Severity::Informational, "#d7e6f4"),
    (Severity::Low, "#a9cde8"),
    (Severity::Medium, "#ffd166"),
    (Severity::High, "#f4a259"),
    (Severity::Critical, "#d1495b"),
];

/// A layer of the techniques that rules name: score is the number of enabled rules, the colour that of the worst one,
/// the comment lists them. Rules that are off are named but do not count.
#[must_use]
pub fn layer<'r>(name: &str, rules: impl IntoIterator<Item = &'r Arc<RuleInfo>>) -> Value {
    let mut techniques: BTreeMap<&str, Vec<&RuleInfo>> = BTreeMap::new();
    for rule in rules {
        for technique in &rule.attack {
            techniques.entry(technique).or_default().push(rule);
        }
    }
    let highest = techniques.values().map(|rules| enabled(rules)).max().unwrap_or(0).max(1);
    json!({
        "name": name,
        "versions": {"attack": ATTACK_VERSION, "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Techniques that the rules of Tidegate name. Score: number of enabled rules.",
        "sorting": 3,
        "layout": {"layout": "side", "showID": true, "showName": true, "expandedSubtechniques": "annotated"},
        "hideDisabled": false,
        "techniques": techniques.iter().map(|(technique, rules)| entry(technique, rules)).collect::<Vec<_>>(),
        "gradient": {"colors": ["#ffffff", "#d1495b"], "minValue": 0, "maxValue": highest},
        "legendItems": COLOURS.map(|(severity, colour)| json!({"label": severity.as_str(), "color": colour})),
        "showTacticRowBackground": false,
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
    })
}

fn enabled(rules: &[&RuleInfo]) -> usize {
    rules.iter().filter(|rule| rule.enabled).count()
}

fn entry(technique: &str, rules: &[&RuleInfo]) -> Value {
    let score = enabled(rules);
    let worst = rules.iter().filter(|rule| rule.enabled).map(|rule| rule.severity).max();
    let colour = COLOURS.iter().find(|(severity, _)| Some(*severity) == worst).map_or("", |(_, colour)| colour);
    let lines: Vec<String> = rules
        .iter()
        .map(|rule| {
            let state = if rule.enabled { rule.severity.as_str() } else { "off" };
            format!("{} ({state}, {})", rule.name, rule.effort)
        })
        .collect();
    json!({
        "techniqueID": technique,
        "score": score,
        "color": colour,
        "comment": lines.join("\n"),
        "enabled": true,
        "metadata": [{"name": "rules", "value": rules.len().to_string()}],
        "showSubtechniques": technique.contains('.'),
    })
}
