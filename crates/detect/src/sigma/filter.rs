//! Sigma filters: exceptions in files of their own, put into the rules they name.

use rsigma_parser::{ConditionExpr, FilterRule, FilterRuleTarget, SelectorPattern, SigmaRule};

/// Puts a filter into a rule when it is meant for it; returns whether it is. `number` keeps names of filters apart.
pub(crate) fn apply(filter: &FilterRule, number: usize, rule: &mut SigmaRule) -> bool {
    let named = match &filter.rules {
        FilterRuleTarget::Any => true,
        FilterRuleTarget::Specific(names) => names
            .iter()
            .any(|name| rule.id.as_deref() == Some(name) || rule.name.as_deref() == Some(name) || rule.title == *name),
    };
    if !named || !filter.logsource.as_ref().is_none_or(|source| within(source, &rule.logsource)) {
        return false;
    }
    let prefix = format!("_filter_{number}_");
    for (name, detection) in &filter.detection.named {
        rule.detection.named.insert(format!("{prefix}{name}"), detection.clone());
    }
    let Some(condition) = filter.detection.conditions.first() else { return false };
    let condition = renamed(condition, &prefix);
    for own in &mut rule.detection.conditions {
        *own = ConditionExpr::And(vec![own.clone(), condition.clone()]);
    }
    true
}

/// Whether what the filter's log source names is what the rule's has.
fn within(filter: &rsigma_parser::LogSource, rule: &rsigma_parser::LogSource) -> bool {
    let agrees = |filter: &Option<String>, rule: &Option<String>| filter.is_none() || filter == rule;
    agrees(&filter.category, &rule.category)
        && agrees(&filter.product, &rule.product)
        && agrees(&filter.service, &rule.service)
}

fn renamed(expr: &ConditionExpr, prefix: &str) -> ConditionExpr {
    match expr {
        ConditionExpr::And(list) => ConditionExpr::And(list.iter().map(|expr| renamed(expr, prefix)).collect()),
        ConditionExpr::Or(list) => ConditionExpr::Or(list.iter().map(|expr| renamed(expr, prefix)).collect()),
        ConditionExpr::Not(expr) => ConditionExpr::Not(Box::new(renamed(expr, prefix))),
        ConditionExpr::Identifier(name) => ConditionExpr::Identifier(format!("{prefix}{name}")),
        ConditionExpr::Selector { quantifier, pattern } => ConditionExpr::Selector {
            quantifier: quantifier.clone(),
            pattern: SelectorPattern::Pattern(match pattern {
                SelectorPattern::Them => format!("{prefix}*"),
                SelectorPattern::Pattern(pattern) => format!("{prefix}{pattern}"),
            }),
        },
    }
}
