//! The catalogue: every rule, list and indicator, ready to judge. Immutable; a reload builds another and swaps the pointer.

mod build;
mod draft;
mod event_fields;
mod natives;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_event::{Event, Registry, Timestamp, Value};

use crate::correlate::Correlation;
use crate::intel::Indicators;
use crate::lists::Lists;
use crate::native::NativeSettings;
use crate::problem::Problem;
use crate::rule::{RuleId, RuleInfo};
use crate::settings::Settings;
use crate::sigma::{Candidate, Engine, FactFields, Origin, OriginFields, Slots};
use crate::source::RuleSource;

/// Most rules of a catalogue; all public Sigma rules are fewer than 5,000.
pub const RULES_MAX: usize = 20_000;
/// Most log sources that rules are compiled for; one for each kind of record a format yields.
const ORIGINS_MAX: usize = 256;

/// What a catalogue is made of.
#[derive(Debug)]
pub struct CatalogueParts<'p> {
    /// The fields events may have.
    pub registry: Arc<Registry>,
    /// Rule files; of two rules with one id the later counts.
    pub rules: &'p [RuleSource],
    /// What the user changed.
    pub settings: &'p Settings,
    /// Suffix lists.
    pub lists: Arc<Lists>,
    /// Indicators.
    pub indicators: Arc<Indicators>,
}

/// Everything that judging needs, compiled for one registry.
#[derive(Debug)]
pub struct Catalogue {
    /// Counts up with every catalogue built, so that the newer of two is known.
    pub(crate) generation: u64,
    pub(crate) rules: Vec<Arc<RuleInfo>>,
    pub(crate) by_id: HashMap<RuleId, u32>,
    pub(crate) by_detector: HashMap<String, u32>,
    /// Whether findings of a rule are reported: it is on, and no correlation takes them for itself.
    pub(crate) reported: Vec<bool>,
    /// Fields whose values go with a match of a rule.
    pub(crate) captures: Vec<Vec<usize>>,
    /// How many of them, from the first, make matches alike.
    pub(crate) similar: Vec<usize>,
    pub(crate) correlations: Vec<Correlation>,
    /// Correlations and their inputs that matches of a rule go to.
    pub(crate) feeds: Vec<Vec<(usize, usize)>>,
    pub(crate) slots: Slots,
    pub(crate) origin_fields: OriginFields,
    pub(crate) fact_fields: FactFields,
    pub(crate) event_fields: event_fields::EventFields,
    pub(crate) lists: Arc<Lists>,
    pub(crate) indicators: Arc<Indicators>,
    pub(crate) natives: NativeSettings,
    pub(crate) lateness_micros: i64,
    pub(crate) skew_micros: i64,
    /// Rules that are matched, with the log source of each.
    candidates: Vec<Candidate>,
    engines: Mutex<HashMap<Origin, Arc<Engine>>>,
}

impl Catalogue {
    /// Compiles rules. A rule with a mistake is left out and named in the problems; the others work.
    #[must_use]
    pub fn build(parts: &CatalogueParts<'_>) -> (Self, Vec<Problem>) {
        build::build(parts)
    }

    /// All rules, in the order of their files.
    #[must_use]
    pub fn rules(&self) -> &[Arc<RuleInfo>] {
        &self.rules
    }

    /// The rule with an id.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Arc<RuleInfo>> {
        self.rules.get(*self.by_id.get(&id)? as usize)
    }

    /// The rule that a person means: by id, short name or title.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Arc<RuleInfo>> {
        let exact = |rule: &&Arc<RuleInfo>| rule.id.to_string() == text || &*rule.slug == text;
        self.rules.iter().find(exact).or_else(|| self.rules.iter().find(|rule| rule.name.eq_ignore_ascii_case(text)))
    }

    /// The time an event tells of itself.
    #[must_use]
    pub fn time_of(&self, event: &Event<'_>) -> Option<Timestamp> {
        let own = self.event_fields.timestamp.and_then(|field| event.get(field)).and_then(Value::as_str)?;
        Timestamp::parse_rfc3339(own).ok()
    }

    /// The indicators it judges by.
    #[must_use]
    pub fn indicators(&self) -> &Arc<Indicators> {
        &self.indicators
    }

    /// The lists it judges by.
    #[must_use]
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }

    /// The rules for events of an origin, compiled when the first such event comes.
    pub(crate) fn engine(&self, origin: &Origin) -> Arc<Engine> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(origin) {
            return Arc::clone(engine);
        }
        let suiting = self.candidates.iter().filter(|candidate| origin.suits(&candidate.rule.logsource)).cloned();
        let engine = Arc::new(Engine::new(suiting));
        if engines.len() < ORIGINS_MAX {
            engines.insert(origin.clone(), Arc::clone(&engine));
        }
        engine
    }
}

/// Numbers catalogues as they are built.
fn next_generation() -> u64 {
    static BUILT: AtomicU64 = AtomicU64::new(0);
    BUILT.fetch_add(1, Ordering::Relaxed) + 1
}
