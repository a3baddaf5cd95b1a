//! From a correlation rule as written to one that runs: names resolved, fields found, conditions put into numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType as Type, Quantifier,
    SelectorPattern, Timespan,
};
use tidegate_event::Registry;

use super::condition::{Condition, Formula};
use super::{Correlation, INPUTS_MAX, Input, stable_hash};
use crate::settings::SettingValue;
use crate::sigma::Slots;

/// Longest timespan, in seconds: state is kept that long.
pub(crate) const TIMESPAN_SECONDS_MAX: u64 = 31 * 86_400;

/// A mistake: the sentence and the keys that lead to it.
pub(crate) type Fault = (String, &'static [&'static str]);

/// What is compiled, and against what.
pub(crate) struct Source<'s> {
    /// Number of the correlation in the catalogue.
    pub(crate) rule: u32,
    pub(crate) ast: &'s CorrelationRule,
    pub(crate) settings: &'s BTreeMap<String, SettingValue>,
    /// Rules by id, name and title.
    pub(crate) names: &'s HashMap<String, u32>,
}

/// Compiles a correlation. `compiled` holds those it may build upon, which get the fields they must carry; `captures` the
/// fields whose values the judge must hand over, by rule.
pub(crate) fn compile(
    source: &Source<'_>,
    compiled: &mut [Correlation],
    captures: &mut [Vec<usize>],
    slots: &mut Slots,
    registry: &Registry,
) -> Result<Correlation, Fault> {
    let ast = source.ast;
    if ast.rules.is_empty() || ast.rules.len() > INPUTS_MAX {
        return Err((format!("`rules` must name 1 to {INPUTS_MAX} rules"), &["correlation", "rules"]));
    }
    let condition = condition(source)?;
    let value_fields = value_fields(ast)?;
    let mut capture = Capture { source, compiled, captures, slots, registry };
    let mut inputs = Vec::with_capacity(ast.rules.len());
    for reference in &ast.rules {
        let rule = resolve(source, reference)?;
        let mut positions = |fields: &[String]| -> Result<Vec<usize>, Fault> {
            fields.iter().map(|field| capture.position(rule, &capture.named(rule, reference, field)?)).collect()
        };
        let (group, values) = (positions(&ast.group_by)?, positions(&value_fields)?);
        inputs.push(Input { rule, group, values, carry: Vec::new() });
    }
    let span = span(source)?;
    let known = matches!(ast.correlation_type, Type::EventCount | Type::ValueCount | Type::ValueSum);
    let temporal = matches!(ast.correlation_type, Type::Temporal | Type::TemporalOrdered);
    let eager = (known || temporal) && condition.monotone();
    let group_by: Vec<Arc<str>> = ast.group_by.iter().map(|field| shown(ast, field)).collect();
    let fingerprint = stable_hash(&[
        &format!(
            "{:?} {span} {condition:?} {:?} {:?} {:?}",
            ast.correlation_type, ast.rules, ast.group_by, value_fields
        ),
        &format!("{:?}", ast.aliases.iter().map(|alias| (&alias.alias, alias.mapping.len())).collect::<Vec<_>>()),
    ]);
    let below = |input: &Input| {
        let own = compiled.iter().find(|correlation| correlation.rule == input.rule)?;
        Some(own.delay.saturating_add(if own.eager { 0 } else { own.span }))
    };
    let delay = inputs.iter().filter_map(below).max().unwrap_or(0);
    let kind = ast.correlation_type;
    Ok(Correlation {
        rule: source.rule,
        kind,
        inputs,
        group_by,
        carried: Vec::new(),
        span,
        condition,
        eager,
        delay,
        fingerprint,
    })
}

/// How a group's field is called: an alias keeps its name, a field gets its ECS name.
fn shown(ast: &CorrelationRule, field: &str) -> Arc<str> {
    if ast.aliases.iter().any(|alias| alias.alias == field) {
        field.into()
    } else {
        crate::sigma::ecs_name(field).into()
    }
}

fn resolve(source: &Source<'_>, reference: &str) -> Result<u32, Fault> {
    match source.names.get(reference) {
        Some(rule) if *rule == source.rule => {
            Err((format!("correlation names itself as `{reference}`"), &["correlation", "rules"]))
        }
        Some(rule) => Ok(*rule),
        None => Err((
            format!("no rule has `{reference}` as its id or name, or that rule has a mistake"),
            &["correlation", "rules"],
        )),
    }
}

struct Capture<'c, 's> {
    source: &'c Source<'s>,
    compiled: &'c mut [Correlation],
    captures: &'c mut [Vec<usize>],
    slots: &'c mut Slots,
    registry: &'c Registry,
}

impl Capture<'_, '_> {
    /// The field that a name means for a rule: an alias may say another for each.
    fn named(&self, rule: u32, reference: &str, field: &str) -> Result<String, Fault> {
        let Some(alias) = self.source.ast.aliases.iter().find(|alias| alias.alias == field) else {
            return Ok(field.to_owned());
        };
        let own =
            alias.mapping.iter().find(|(name, _)| *name == reference || self.source.names.get(*name) == Some(&rule));
        own.map(|(_, field)| field.clone()).ok_or_else(|| {
            (format!("alias `{field}` says nothing for rule `{reference}`"), &["correlation", "aliases"][..])
        })
    }

    /// Where the value of a field stands among those that come with a match of a rule. A correlation hands over what it
    /// groups by; any other field it carries along from the event that made it fire.
    fn position(&mut self, rule: u32, field: &str) -> Result<usize, Fault> {
        let Some(below) = self.compiled.iter().position(|correlation| correlation.rule == rule) else {
            let slot = self.slots.add(field, self.registry);
            let Some(list) = self.captures.get_mut(rule as usize) else {
                return Err((format!("no rule can give the field `{field}`"), &["correlation", "rules"]));
            };
            if let Some(position) = list.iter().position(|have| *have == slot) {
                return Ok(position);
            }
            list.push(slot);
            return Ok(list.len() - 1);
        };
        let name = crate::sigma::ecs_name(field);
        let own = &self.compiled[below];
        let known = own.group_by.iter().chain(&own.carried).position(|have| **have == *name || **have == *field);
        if let Some(position) = known {
            return Ok(position);
        }
        let inputs: Vec<u32> = own.inputs.iter().map(|input| input.rule).collect();
        let positions = inputs.into_iter().map(|input| self.position(input, field)).collect::<Result<Vec<_>, _>>()?;
        let own = &mut self.compiled[below];
        for (input, position) in own.inputs.iter_mut().zip(positions) {
            input.carry.push(position);
        }
        own.carried.push(name.into());
        Ok(own.group_by.len() + own.carried.len() - 1)
    }
}

fn span(source: &Source<'_>) -> Result<i64, Fault> {
    let mut seconds = source.ast.timespan.seconds;
    if let Some(SettingValue::Text(text)) = source.settings.get("timespan") {
        seconds = Timespan::parse(text)
            .map_err(|error| (format!("setting `timespan`: {error}"), &["tidegate", "settings", "timespan"][..]))?
            .seconds;
    }
    if seconds == 0 || seconds > TIMESPAN_SECONDS_MAX {
        return Err((
            format!("`timespan` must be between 1s and {}d", TIMESPAN_SECONDS_MAX / 86_400),
            &["correlation", "timespan"],
        ));
    }
    Ok(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000_000).saturating_mul(1_000_000))
}

/// The fields that the condition computes with.
fn value_fields(ast: &CorrelationRule) -> Result<Vec<String>, Fault> {
    let fields = match &ast.condition {
        CorrelationCondition::Threshold { field: Some(fields), .. } => fields.clone(),
        _ => Vec::new(),
    };
    match ast.correlation_type {
        Type::EventCount | Type::Temporal | Type::TemporalOrdered => Ok(Vec::new()),
        kind if fields.is_empty() => {
            Err((format!("`{}` needs a `field` in its condition", kind.as_str()), &["correlation", "condition"]))
        }
        Type::ValueCount => Ok(fields),
        kind if fields.len() > 1 => {
            Err((format!("`{}` takes one `field`", kind.as_str()), &["correlation", "condition", "field"]))
        }
        _ => Ok(fields),
    }
}

fn condition(source: &Source<'_>) -> Result<Condition, Fault> {
    let ast = source.ast;
    let temporal = matches!(ast.correlation_type, Type::Temporal | Type::TemporalOrdered);
    match &ast.condition {
        CorrelationCondition::Extended(expr) if ast.correlation_type == Type::Temporal => {
            formula(expr, ast).map(Condition::Formula)
        }
        CorrelationCondition::Extended(_) if temporal => {
            Err(("a formula as condition belongs to `temporal`".into(), &["correlation", "condition"]))
        }
        CorrelationCondition::Extended(_) => {
            Err(("condition must compare a number, such as `gte: 10`".into(), &["correlation", "condition"]))
        }
        // a temporal condition compares the number of rules that matched; without one the library says `gte: 1`, and
        // the specification means all
        CorrelationCondition::Threshold { predicates, .. } if temporal => {
            let all = ast.correlation_type == Type::TemporalOrdered || *predicates == [(ConditionOperator::Gte, 1)];
            let predicates = predicates.iter().map(|(operator, bound)| (*operator, *bound as f64)).collect();
            Ok(if all { Condition::All } else { Condition::Threshold { predicates, percentile: 50.0 } })
        }
        CorrelationCondition::Threshold { predicates, percentile, .. } => {
            let percentile = percentile.unwrap_or(50);
            if !(1..=100).contains(&percentile) {
                return Err((
                    "`percentile` must be between 1 and 100".into(),
                    &["correlation", "condition", "percentile"],
                ));
            }
            if predicates.iter().any(|(_, bound)| i64::try_from(*bound).is_err()) {
                return Err(("numbers of a condition must not be negative".into(), &["correlation", "condition"]));
            }
            let mut predicates: Vec<_> =
                predicates.iter().map(|(operator, bound)| (*operator, *bound as f64)).collect();
            if let ([predicate], Some(bound)) =
                (&mut predicates[..], source.settings.get("count").and_then(SettingValue::as_f64))
            {
                predicate.1 = bound;
            }
            Ok(Condition::Threshold { predicates, percentile: percentile as f64 })
        }
    }
}

fn formula(expr: &ConditionExpr, ast: &CorrelationRule) -> Result<Formula, Fault> {
    let input = |name: &str| {
        ast.rules.iter().position(|rule| rule == name).ok_or_else(|| {
            (format!("condition names `{name}`, which is not among `rules`"), &["correlation", "condition"][..])
        })
    };
    let all = |list: &[ConditionExpr]| list.iter().map(|expr| formula(expr, ast)).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        ConditionExpr::And(list) => Formula::And(all(list)?),
        ConditionExpr::Or(list) => Formula::Or(all(list)?),
        ConditionExpr::Not(expr) => Formula::Not(Box::new(formula(expr, ast)?)),
        ConditionExpr::Identifier(name) => Formula::Input(input(name)?),
        ConditionExpr::Selector { quantifier, pattern } => {
            let inputs: Vec<usize> = (0..ast.rules.len())
                .filter(|index| match pattern {
                    SelectorPattern::Them => true,
                    SelectorPattern::Pattern(text) => rsigma_parser::detection_name_matches(text, &ast.rules[*index]),
                })
                .collect();
            let count = match quantifier {
                Quantifier::Any => 1,
                Quantifier::All => inputs.len(),
                Quantifier::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            };
            Formula::AtLeast(count, inputs)
        }
    })
}
