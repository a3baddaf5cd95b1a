//! What a rule looks at, as plain tests of fields, for those who look for the same events in other words.

use std::sync::Arc;

use tidegate_event::Registry;

use crate::catalogue::Catalogue;
use crate::correlate::CHAIN_MAX;
use crate::rule::{RuleId, RuleInfo, RuleKind};
use crate::sigma::{self, Body, Slots};

/// What an event must have so that a rule looks at it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outline {
    /// More than tests of single fields can say.
    Unknown,
    /// All of them; every event when there is none.
    All(Vec<Outline>),
    /// Any of them; no event when there is none.
    Any(Vec<Outline>),
    /// What it does not say.
    Not(Box<Outline>),
    /// A field, by its ECS name, and what one of its values must be.
    Test(Arc<str>, Plain),
}

/// What a value must be; case does not count.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// Exactly this.
    Is(String),
    /// Of this shape.
    Like(Vec<Piece>),
    /// The regular expression finds something in it. The rule itself counts case.
    Regex(String),
    /// An address of this network.
    Network(String),
    /// More than this number; `true`: or just that.
    Above(f64, bool),
    /// Less than this number; `true`: or just that.
    Below(f64, bool),
    /// Anything.
    Something,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// This text.
    Text(String),
    /// Any number of characters.
    Many,
    /// One character.
    One,
}

/// What a rule of the catalogue looks at. Of a correlation, what the rules look at whose matches it counts.
#[must_use]
pub fn outline(catalogue: &Catalogue, registry: &Arc<Registry>, rule: RuleId) -> Outline {
    let number = catalogue.by_id.get(&rule).copied();
    number.map_or(Outline::Unknown, |number| of(catalogue, registry, number, CHAIN_MAX))
}

fn of(catalogue: &Catalogue, registry: &Arc<Registry>, number: u32, depth: usize) -> Outline {
    let Some(rule) = catalogue.rules.get(number as usize).filter(|_| depth > 0) else { return Outline::Unknown };
    match rule.kind {
        RuleKind::Sigma => detection(rule, registry),
        RuleKind::Correlation => {
            let own = catalogue.correlations.iter().find(|correlation| correlation.rule == number);
            own.map_or(Outline::Unknown, |own| {
                Outline::Any(own.inputs.iter().map(|input| of(catalogue, registry, input.rule, depth - 1)).collect())
            })
        }
        RuleKind::Native => match rule.detector.as_deref() {
            Some("nxdomain-burst") => Outline::Test("dns.response_code".into(), Plain::Is("NXDomain".to_owned())),
            _ => Outline::Unknown,
        },
    }
}

fn detection(rule: &RuleInfo, registry: &Arc<Registry>) -> Outline {
    let documents = sigma::read(&rule.path, &rule.yaml, &mut Vec::new());
    let Some(Body::Detection(raw)) = documents.into_iter().map(|document| document.body).next() else {
        return Outline::Unknown;
    };
    let mut slots = Slots::default();
    match sigma::prepare(&raw, &rule.settings, &mut slots, registry, &mut Vec::new()) {
        Ok(prepared) => sigma::outline(&prepared, &slots),
        Err(_) => Outline::Unknown,
    }
}
