//! The rules in force: files, lists, indicators and what the house wants of them, put together into one catalogue.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_detect::intel::{Indicators, IndicatorsBuilder};
use tidegate_detect::lists::Lists;
use tidegate_detect::{Catalogue, CatalogueParts, Problem, RuleSettings, RuleSources, SettingValue, Settings};
use tidegate_event::Registry;
use tidegate_pipeline::Rules;
use tidegate_state::{IndicatorFilter, State, StateError, Topic};

use super::intelligence::of_row;

/// Indicators read from the database at a time.
const PAGE_ROWS: usize = 10_000;

/// Where rules and lists beside the built-in ones lie: files or folders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) rules: Vec<PathBuf>,
    pub(crate) lists: Vec<PathBuf>,
}

/// What puts catalogues together, and the one in force.
pub(crate) struct Rulebook {
    registry: Arc<Registry>,
    sources: Sources,
    /// Settings and indicators.
    state: Arc<State>,
    rules: Arc<Rules>,
    loaded: Mutex<Loaded>,
}

/// What the catalogue in force was made of.
struct Loaded {
    problems: Vec<Problem>,
    settings: Settings,
    lists: Arc<Lists>,
    indicators: Arc<Indicators>,
    /// Of rule settings and of indicators.
    revisions: (i64, i64),
}

impl Rulebook {
    /// Loads everything. What cannot be used is logged and left out.
    pub(crate) fn load(registry: Arc<Registry>, sources: Sources, state: Arc<State>) -> Self {
        let mut lists = Lists::embedded();
        for folder in &sources.lists {
            for problem in lists.load_folder(folder) {
                tracing::error!("a list is not used in full: {problem}");
            }
        }
        let mut loaded = Loaded {
            problems: Vec::new(),
            settings: Settings::default(),
            lists: Arc::new(lists),
            indicators: Arc::default(),
            revisions: (-1, -1),
        };
        if let Err(error) = loaded.read(&state) {
            tracing::error!("settings of rules and indicators cannot be read, rules are as they come: {error}");
        }
        let catalogue = loaded.build(&registry, &sources);
        for problem in &loaded.problems {
            tracing::warn!("{problem}");
        }
        let rules = Arc::new(Rules::new(catalogue));
        Self { registry, sources, state, rules, loaded: Mutex::new(loaded) }
    }

    /// The catalogue in force.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The fields that rules may speak of.
    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What is wrong with rule files.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).problems.clone()
    }

    /// Reads everything again and puts it in force.
    pub(crate) fn reload(&self) -> Result<(), StateError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.read(&self.state)?;
        let catalogue = loaded.build(&self.registry, &self.sources);
        self.rules.swap(catalogue);
        Ok(())
    }

    /// Loads again when settings or indicators have changed.
    pub(crate) fn refresh(&self) -> Result<(), StateError> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).revisions;
        if revisions(&self.state)? == known { Ok(()) } else { self.reload() }
    }

    /// A catalogue in which these rule files stand beside the others, for trying them out.
    pub(crate) fn with(&self, more: &RuleSources) -> (Arc<Catalogue>, Vec<Problem>) {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sources = self.sources.read();
        sources.files.extend(more.files.iter().cloned());
        let (catalogue, problems) = Catalogue::build(&CatalogueParts {
            registry: Arc::clone(&self.registry),
            rules: &sources.files,
            settings: &loaded.settings,
            lists: Arc::clone(&loaded.lists),
            indicators: Arc::clone(&loaded.indicators),
        });
        (Arc::new(catalogue), problems)
    }
}

impl Sources {
    /// The built-in rule files and those of the user.
    pub(crate) fn read(&self) -> RuleSources {
        let mut sources = RuleSources::embedded();
        for path in self.rules.iter().filter(|path| path.exists()) {
            sources.add_path(path);
        }
        sources
    }
}

impl Loaded {
    fn read(&mut self, state: &State) -> Result<(), StateError> {
        let revisions = revisions(state)?;
        self.settings = settings(state)?;
        if revisions.1 != self.revisions.1 {
            let mut builder = IndicatorsBuilder::default().with_self_test();
            indicators(state, &mut builder)?;
            let (indicators, left) = builder.build();
            if left.indicators > 0 {
                tracing::warn!("{} indicators are too many to be looked for", left.indicators);
            }
            self.indicators = Arc::new(indicators);
        }
        self.revisions = revisions;
        Ok(())
    }

    fn build(&mut self, registry: &Arc<Registry>, sources: &Sources) -> Arc<Catalogue> {
        let read = sources.read();
        let (catalogue, problems) = Catalogue::build(&CatalogueParts {
            registry: Arc::clone(registry),
            rules: &read.files,
            settings: &self.settings,
            lists: Arc::clone(&self.lists),
            indicators: Arc::clone(&self.indicators),
        });
        self.problems = [read.problems, problems].concat();
        Arc::new(catalogue)
    }
}

fn revisions(state: &State) -> Result<(i64, i64), StateError> {
    Ok((state.revision(Topic::Rules)?, state.intelligence_revision()?))
}

/// What the house wants of rules, in the words of the rule engine.
fn settings(state: &State) -> Result<Settings, StateError> {
    let mut settings =
        Settings { effort: state.effort_level()?.as_str().parse().unwrap_or_default(), ..Settings::default() };
    for (rule, wanted) in state.rule_settings()? {
        let mut changes = RuleSettings { enabled: wanted.enabled, ..RuleSettings::default() };
        for (name, value) in wanted.settings {
            match (name.as_str(), serde_json::from_value::<SettingValue>(value)) {
                ("severity", Ok(SettingValue::Text(text))) => changes.severity = text.parse().ok(),
                ("effort", Ok(SettingValue::Text(text))) => changes.effort = text.parse().ok(),
                (_, Ok(value)) => drop(changes.values.insert(name, value)),
                (_, Err(_)) => tracing::warn!(rule = %rule, "the setting `{name}` of a rule is of no known kind"),
            }
        }
        settings.rules.insert(rule.to_string(), changes);
    }
    Ok(settings)
}

/// The indicators that are valid now or will be.
fn indicators(state: &State, builder: &mut IndicatorsBuilder) -> Result<(), StateError> {
    let collections: std::collections::HashMap<_, _> =
        state.collections()?.into_iter().map(|collection| (collection.id, collection.name)).collect();
    let filter = IndicatorFilter { enabled_only: true, ..IndicatorFilter::default() };
    let mut after = None;
    loop {
        let page = state.indicators(&filter, PAGE_ROWS, after)?;
        for row in &page {
            if let Some(indicator) = of_row(row) {
                let collection = collections.get(&row.collection).map_or("", String::as_str);
                builder.add(row.id.unsigned_abs(), collection, row.feed.as_deref().unwrap_or("by hand"), &indicator);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE_ROWS => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}
