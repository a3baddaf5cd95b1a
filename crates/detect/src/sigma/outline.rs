//! From a prepared detection to its outline.

use std::sync::Arc;

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Modifier, Quantifier, SigmaRule, SigmaValue, SpecialChar, StringPart,
};

use super::fields::Slots;
use crate::outline::{Outline, Piece, Plain};

/// Values of one field that an outline tells; more are no outline any more.
const VALUES_MAX: usize = 200;

/// What a prepared detection looks at.
pub(crate) fn outline(rule: &SigmaRule, slots: &Slots) -> Outline {
    any(rule.detection.conditions.iter().map(|expr| condition(expr, rule, slots)).collect())
}

/// One of several, or the only one.
fn any(mut list: Vec<Outline>) -> Outline {
    if list.len() == 1 { list.remove(0) } else { Outline::Any(list) }
}

fn all(mut list: Vec<Outline>) -> Outline {
    if list.len() == 1 { list.remove(0) } else { Outline::All(list) }
}

fn condition(expr: &ConditionExpr, rule: &SigmaRule, slots: &Slots) -> Outline {
    let each = |list: &[ConditionExpr]| list.iter().map(|expr| condition(expr, rule, slots)).collect();
    match expr {
        ConditionExpr::And(list) => all(each(list)),
        ConditionExpr::Or(list) => any(each(list)),
        ConditionExpr::Not(inner) => Outline::Not(Box::new(condition(inner, rule, slots))),
        ConditionExpr::Identifier(name) => {
            rule.detection.named.get(name).map_or(Outline::Unknown, |found| detection(found, slots))
        }
        ConditionExpr::Selector { quantifier, pattern } => {
            let mut named: Vec<_> =
                rule.detection.named.iter().filter(|(name, _)| pattern.matches_detection_name(name)).collect();
            named.sort_by_key(|(name, _)| *name);
            let found = named.into_iter().map(|(_, found)| detection(found, slots)).collect();
            match quantifier {
                Quantifier::Any | Quantifier::Count(1) => any(found),
                Quantifier::All => all(found),
                Quantifier::Count(_) => Outline::Unknown,
            }
        }
    }
}

fn detection(found: &Detection, slots: &Slots) -> Outline {
    match found {
        Detection::AllOf(items) => all(items.iter().map(|one| item(one, slots)).collect()),
        Detection::AnyOf(list) => any(list.iter().map(|one| detection(one, slots)).collect()),
        Detection::And(list) => all(list.iter().map(|one| detection(one, slots)).collect()),
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Outline::Unknown,
    }
}

/// How the values of an item are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Is,
    Contains,
    Starts,
    Ends,
    Regex,
    Network,
    Exists,
    Above(bool),
    Below(bool),
}

fn item(item: &DetectionItem, slots: &Slots) -> Outline {
    let field = item.field.name.as_deref().and_then(|number| slots.named(number)).map(|slot| Arc::clone(&slot.name));
    let Some(field) = field.filter(|_| (1..=VALUES_MAX).contains(&item.values.len())) else { return Outline::Unknown };
    let (mut way, mut every) = (Way::Is, false);
    for modifier in &item.field.modifiers {
        way = match modifier {
            Modifier::All => {
                every = true;
                way
            }
            // the outline does not count case
            Modifier::Cased | Modifier::IgnoreCase => way,
            Modifier::Contains => Way::Contains,
            Modifier::StartsWith => Way::Starts,
            Modifier::EndsWith => Way::Ends,
            Modifier::Re => Way::Regex,
            Modifier::Cidr => Way::Network,
            Modifier::Exists => Way::Exists,
            Modifier::Gt => Way::Above(false),
            Modifier::Gte => Way::Above(true),
            Modifier::Lt => Way::Below(false),
            Modifier::Lte => Way::Below(true),
            _ => return Outline::Unknown,
        };
    }
    // a setting without values leaves one that nothing has
    let values = item.values.iter().filter(|value| text(value).is_none_or(|text| text != "\0"));
    let tests: Vec<_> = values.map(|value| test(&field, value, way)).collect();
    if every && !tests.is_empty() { all(tests) } else { any(tests) }
}

fn text(value: &SigmaValue) -> Option<String> {
    match value {
        SigmaValue::String(text) => Some(text.original.clone()),
        SigmaValue::Integer(number) => Some(number.to_string()),
        SigmaValue::Float(number) => Some(number.to_string()),
        SigmaValue::Bool(flag) => Some(flag.to_string()),
        SigmaValue::Null => None,
    }
}

fn test(field: &Arc<str>, value: &SigmaValue, way: Way) -> Outline {
    let said = |plain| Outline::Test(Arc::clone(field), plain);
    let Some(text) = text(value) else {
        return Outline::Not(Box::new(said(Plain::Something)));
    };
    let number = || text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match way {
        Way::Exists if text == "true" => said(Plain::Something),
        Way::Exists if text == "false" => Outline::Not(Box::new(said(Plain::Something))),
        Way::Exists => Outline::Unknown,
        Way::Regex => said(Plain::Regex(text)),
        Way::Network => said(Plain::Network(text)),
        Way::Above(equal) => number().map_or(Outline::Unknown, |number| said(Plain::Above(number, equal))),
        Way::Below(equal) => number().map_or(Outline::Unknown, |number| said(Plain::Below(number, equal))),
        Way::Is | Way::Contains | Way::Starts | Way::Ends => pattern(value, way).map_or(Outline::Unknown, said),
    }
}

/// Text with wildcards; none for a text without any character.
fn pattern(value: &SigmaValue, way: Way) -> Option<Plain> {
    let mut pieces = Vec::new();
    if matches!(way, Way::Contains | Way::Ends) {
        pieces.push(Piece::Many);
    }
    match value {
        SigmaValue::String(text) => pieces.extend(text.parts.iter().map(|part| match part {
            StringPart::Plain(text) => Piece::Text(text.clone()),
            StringPart::Special(SpecialChar::WildcardMulti) => Piece::Many,
            StringPart::Special(SpecialChar::WildcardSingle) => Piece::One,
        })),
        other => pieces.push(Piece::Text(text(other)?)),
    }
    if matches!(way, Way::Contains | Way::Starts) {
        pieces.push(Piece::Many);
    }
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces.dedup_by(|next, before| *next == Piece::Many && *before == Piece::Many);
    match pieces.as_slice() {
        [] => None,
        [Piece::Many] => Some(Plain::Something),
        [Piece::Text(text)] => Some(Plain::Is(text.clone())),
        _ => Some(Plain::Like(pieces)),
    }
}
