//! From what a user wrote to what the matcher runs: settings put in, field names resolved, patterns bounded.

use std::collections::BTreeMap;

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Modifier, SelectorPattern, SigmaRule, SigmaString, SigmaValue,
};
use tidegate_event::Registry;

use super::fields::Slots;
use crate::settings::SettingValue;

/// Longest regular expression, in bytes.
pub(crate) const REGEX_BYTES_MAX: usize = 8_192;
/// Largest compiled regular expression, in bytes: what `a{1000}{1000}` would need is refused.
pub(crate) const REGEX_COMPILED_BYTES_MAX: usize = 2 << 20;
/// Most values of one field of a rule.
pub(crate) const VALUES_MAX: usize = 50_000;

/// A mistake in a rule and the text to look for in its file.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) at: String,
}

impl Fault {
    fn new(at: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), at: at.to_owned() }
    }
}

/// Prepares a rule. `unknown` gets the fields that no event has.
pub(crate) fn prepare(
    rule: &SigmaRule,
    settings: &BTreeMap<String, SettingValue>,
    slots: &mut Slots,
    registry: &Registry,
    unknown: &mut Vec<String>,
) -> Result<SigmaRule, Fault> {
    let mut rule = rule.clone();
    for condition in &rule.detection.conditions {
        check_names(condition, &rule)?;
    }
    let mut bench = Bench { settings, slots, registry, unknown };
    let mut names: Vec<String> = rule.detection.named.keys().cloned().collect();
    names.sort();
    for name in names {
        if let Some(detection) = rule.detection.named.get_mut(&name) {
            bench.detection(detection)?;
        }
    }
    Ok(rule)
}

/// Every selection that a condition names must exist; the library takes a misspelt one for `false`.
fn check_names(condition: &ConditionExpr, rule: &SigmaRule) -> Result<(), Fault> {
    match condition {
        ConditionExpr::And(list) | ConditionExpr::Or(list) => list.iter().try_for_each(|expr| check_names(expr, rule)),
        ConditionExpr::Not(expr) => check_names(expr, rule),
        ConditionExpr::Identifier(name) if !rule.detection.named.contains_key(name) => {
            Err(Fault::new("condition", format!("condition names `{name}`, but `detection` has no such selection")))
        }
        ConditionExpr::Selector { pattern: SelectorPattern::Pattern(text), .. }
            if !rule.detection.named.keys().any(|name| rsigma_parser::detection_name_matches(text, name)) =>
        {
            Err(Fault::new("condition", format!("condition says `of {text}`, but no selection has such a name")))
        }
        _ => Ok(()),
    }
}

struct Bench<'b> {
    settings: &'b BTreeMap<String, SettingValue>,
    slots: &'b mut Slots,
    registry: &'b Registry,
    unknown: &'b mut Vec<String>,
}

impl Bench<'_> {
    fn detection(&mut self, detection: &mut Detection) -> Result<(), Fault> {
        match detection {
            Detection::AllOf(items) => items.iter_mut().try_for_each(|item| self.item(item)),
            Detection::AnyOf(list) | Detection::And(list) => list.iter_mut().try_for_each(|one| self.detection(one)),
            Detection::Keywords(values) => self.substitute(values, "keywords", false).map(|_| ()),
            Detection::ArrayMatch { field, .. } => {
                // names in its body are members of the items, not fields
                *field = self.field(field);
                Ok(())
            }
            Detection::Conditional { named, .. } => named.values_mut().try_for_each(|one| self.detection(one)),
        }
    }

    fn item(&mut self, item: &mut DetectionItem) -> Result<(), Fault> {
        let name = item.field.name.clone().unwrap_or_else(|| "keywords".to_owned());
        let modifiers = &mut item.field.modifiers;
        let expand = modifiers.contains(&Modifier::Expand);
        if self.substitute(&mut item.values, &name, expand)? == Filled::Empty {
            // no network, number or pattern could be read of what nothing has
            modifiers.retain(|modifier| *modifier == Modifier::Neq);
        }
        modifiers.retain(|modifier| *modifier != Modifier::Expand);
        if item.values.len() > VALUES_MAX {
            return Err(Fault::new(&name, format!("`{name}` has more than {VALUES_MAX} values; use a list")));
        }
        let modifiers = &item.field.modifiers;
        if modifiers.contains(&Modifier::Re) {
            for value in &item.values {
                check_regex(value)?;
            }
        }
        if modifiers.contains(&Modifier::FieldRef) {
            for value in &mut item.values {
                if let SigmaValue::String(text) = value {
                    *value = SigmaValue::String(SigmaString::from_raw(&self.field(&text.original.clone())));
                }
            }
        }
        if let Some(name) = &item.field.name {
            item.field.name = Some(self.field(&name.clone()));
        }
        Ok(())
    }

    /// The number that stands for a field.
    fn field(&mut self, name: &str) -> String {
        let slot = self.slots.add(name, self.registry);
        if self.slots.get(slot).is_some_and(|slot| !slot.exists()) {
            self.unknown.push(name.to_owned());
        }
        slot.to_string()
    }

    /// Puts settings where `%name%` stands. An empty list becomes a value that nothing has, and so does a name without a
    /// setting where `expand` asks for one.
    fn substitute(&self, values: &mut Vec<SigmaValue>, field: &str, expand: bool) -> Result<Filled, Fault> {
        if values.iter().all(|value| placeholder(value).is_none()) {
            return Ok(Filled::Some);
        }
        let mut out = Vec::with_capacity(values.len());
        for value in values.drain(..) {
            let name = placeholder(&value);
            let Some(setting) = name.and_then(|name| self.settings.get(name)) else {
                if !expand || name.is_none() {
                    out.push(value);
                }
                continue;
            };
            match setting {
                SettingValue::Whole(number) => out.push(SigmaValue::Integer(*number)),
                SettingValue::Number(number) => out.push(SigmaValue::Float(*number)),
                SettingValue::Text(text) => out.push(SigmaValue::String(SigmaString::new(text))),
                SettingValue::List(list) => {
                    out.extend(list.iter().map(|text| SigmaValue::String(SigmaString::new(text))));
                }
                SettingValue::Flag(_) => {
                    return Err(Fault::new(field, format!("`{field}` cannot take a setting that is true or false")));
                }
            }
        }
        let filled = if out.is_empty() { Filled::Empty } else { Filled::Some };
        if filled == Filled::Empty {
            out.push(SigmaValue::String(SigmaString::from_raw("\u{0}")));
        }
        *values = out;
        Ok(filled)
    }
}

/// What settings left of an item's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    Some,
    Empty,
}

/// The names that a rule has under the modifier `expand`: its users are to give their values.
pub(crate) fn placeholders(rule: &SigmaRule) -> Vec<String> {
    fn walk(detection: &Detection, out: &mut Vec<String>) {
        match detection {
            Detection::AllOf(items) => {
                for item in items.iter().filter(|item| item.field.modifiers.contains(&Modifier::Expand)) {
                    out.extend(item.values.iter().filter_map(placeholder).map(str::to_owned));
                }
            }
            Detection::AnyOf(list) | Detection::And(list) => list.iter().for_each(|one| walk(one, out)),
            Detection::Conditional { named, .. } => named.values().for_each(|one| walk(one, out)),
            Detection::Keywords(_) | Detection::ArrayMatch { .. } => {}
        }
    }
    let mut out = Vec::new();
    rule.detection.named.values().for_each(|detection| walk(detection, &mut out));
    out.sort();
    out.dedup();
    out
}

/// The name in `%name%`.
fn placeholder(value: &SigmaValue) -> Option<&str> {
    let SigmaValue::String(text) = value else { return None };
    let name = text.original.strip_prefix('%')?.strip_suffix('%')?;
    (!name.is_empty() && !name.contains('%')).then_some(name)
}

/// The engine for regular expressions takes time linear in the text, whatever the pattern; its size is what must be
/// bounded.
fn check_regex(value: &SigmaValue) -> Result<(), Fault> {
    let SigmaValue::String(text) = value else { return Ok(()) };
    let pattern = &text.original;
    if pattern.len() > REGEX_BYTES_MAX {
        return Err(Fault::new(pattern, format!("regular expression is longer than {REGEX_BYTES_MAX} bytes")));
    }
    match regex::RegexBuilder::new(pattern).size_limit(REGEX_COMPILED_BYTES_MAX).build() {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => Err(Fault::new(
            pattern,
            format!("regular expression needs more than {REGEX_COMPILED_BYTES_MAX} bytes; use smaller repetitions"),
        )),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            Err(Fault::new(pattern, format!("regular expression `{pattern}` cannot be used: {reason}")))
        }
    }
}
