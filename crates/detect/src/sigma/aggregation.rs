//! Aggregations of Sigma 1, such as `selection | count() by src_ip > 10`: read as the correlations that took their
//! place in Sigma 2. The rule becomes two: what it selects, and the correlation that counts it under the rule's own id.

use regex::Regex;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::yaml::Node;

/// A rule without `timeframe` left the time to whoever ran it.
const TIMESPAN_DEFAULT: &str = "1h";

/// The two documents that stand for the rule.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) text: String,
    /// The rule names no time.
    pub(super) timeless: bool,
}

/// The documents for a rule whose condition aggregates; `None` for any other, a sentence for what has no counterpart.
pub(super) fn rewrite(root: Node<'_>, path: &str) -> Option<Result<Pair, String>> {
    let detection = root.get("detection")?;
    let condition = detection.get("condition")?.text()?;
    let (selection, aggregation) = condition.split_once('|')?;
    Some(correlation(aggregation.trim()).map(|(mut correlation, condition)| {
        let rule = root.to_json();
        let text = |key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        let own = if text("id").is_empty() { format!("{path}\u{0}{}", text("title")) } else { text("id") };
        let base = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{own}\u{0}selection").as_bytes()).to_string();
        let timespan = detection.get("timeframe").and_then(Node::text);
        let timeless = timespan.is_none();
        correlation.insert("rules".into(), json!([base]));
        correlation.insert("timespan".into(), timespan.unwrap_or_else(|| TIMESPAN_DEFAULT.to_owned()).into());
        correlation.insert("condition".into(), condition);
        let documents = [selected(&rule, path, &base, selection.trim()), counting(&rule, correlation)];
        Pair { text: documents.map(|document| document.to_string()).join("\n---\n"), timeless }
    }))
}

/// The rule without its aggregation.
fn selected(rule: &Value, path: &str, id: &str, condition: &str) -> Value {
    let mut rule = rule.clone();
    let stem = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    rule["title"] = format!("{}: single events", rule["title"].as_str().unwrap_or_default()).into();
    rule["id"] = id.into();
    rule["name"] = format!("{stem}-events").into();
    rule["level"] = "informational".into();
    rule["detection"]["condition"] = condition.into();
    if let Some(detection) = rule["detection"].as_object_mut() {
        detection.remove("timeframe");
    }
    rule
}

/// The rule as a correlation: what it says of itself, and what it counts.
fn counting(rule: &Value, correlation: Map<String, Value>) -> Value {
    let mut rule = rule.clone();
    if let Some(rule) = rule.as_object_mut() {
        rule.remove("detection");
        rule.remove("logsource");
        rule.insert("correlation".into(), Value::Object(correlation));
    }
    rule
}

/// Why what stands behind the bar is no aggregation that we know.
fn refused(text: &str) -> String {
    let word = text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    if matches!(word.as_str(), "count" | "sum" | "avg") {
        return format!(
            "condition ends in `| {text}`; the form is `{word}(field) by field, field > number`, once and at the end"
        );
    }
    format!(
        "condition ends in `| {text}`; of Sigma 1's aggregations `count`, `sum` and `avg` are known, write others as a correlation"
    )
}

/// Type, fields and condition of a correlation, of what stands behind the bar.
fn correlation(text: &str) -> Result<(Map<String, Value>, Value), String> {
    // One aggregation and nothing behind it: what a looser pattern would swallow as fields changes what is counted.
    let field = r"[^\s,<>=!|()]+";
    let pattern = format!(
        r"(?i)^(\w+)\s*\(\s*([^()\s]*)\s*\)\s*(?:by\s+({field}(?:\s*,\s*{field})*)\s*)?(<=|>=|==|=|<|>)\s*(\d{{1,18}})$"
    );
    let parts = Regex::new(&pattern).ok().and_then(|pattern| pattern.captures(text)).ok_or_else(|| refused(text))?;
    let field = &parts[2];
    let kind = match (parts[1].to_ascii_lowercase().as_str(), field.is_empty()) {
        ("count", true) => "event_count",
        ("count", false) => "value_count",
        ("sum", false) => "value_sum",
        ("avg", false) => "value_avg",
        (other, _) => return Err(format!("condition aggregates with `{other}`, for which Sigma has no correlation")),
    };
    let operator = match &parts[4] {
        "<" => "lt",
        "<=" => "lte",
        ">" => "gt",
        ">=" => "gte",
        _ => "eq",
    };
    let mut condition = Map::new();
    condition.insert(operator.into(), parts[5].parse::<u64>().unwrap_or(u64::MAX).into());
    if !field.is_empty() {
        condition.insert("field".into(), field.into());
    }
    let mut correlation = Map::new();
    correlation.insert("type".into(), kind.into());
    if let Some(by) = parts.get(3) {
        let by: Vec<&str> = by.as_str().split([',', ' ']).filter(|field| !field.is_empty()).collect();
        correlation.insert("group-by".into(), json!(by));
    }
    Ok((correlation, Value::Object(condition)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_aggregation_is_one() {
        for known in ["count() > 5", "count(query) by src_ip, user >= 3", "sum(bytes) by a.b,c-d == 10", "avg( n ) < 2"]
        {
            assert!(correlation(known).is_ok(), "{known}");
        }
        for swallowed in [
            "count() by src_ip != 5",
            "count(distinct query) > 5",
            "count(a) by b > 5 and selection | count(c) by d > 6",
            "count() by a b > 5",
        ] {
            let why = correlation(swallowed).expect_err(swallowed);
            assert!(why.contains("the form is `count(field)"), "{why}");
        }
        assert!(correlation("near a and b").expect_err("no count").contains("are known"));
    }
}
