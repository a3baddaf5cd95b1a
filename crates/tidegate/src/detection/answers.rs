//! What the server asks about rules, answered.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io};

use bumpalo::Bump;
use futures::executor::block_on;
use serde_json::{Map, Value};
use tidegate_detect as detect;
use tidegate_detect::{
    Catalogue, Finding, Judge, Memory, RuleSource, RuleSources, SettingValue, Sightings, cases, check, navigator,
};
use tidegate_event::{EventId, Timestamp, names};
use tidegate_query::language::{Query, TimeRange};
use tidegate_query::{Cursor, Engine, Order, Scope, Search};
use tidegate_server::detection::{
    DetectionError, Effort, EventLine, Grade, PreviewFinding, RuleCases, RuleCheck, RuleDetail, RuleInfo, RuleKind,
    RuleOrigin, RulePreview, RuleProblem, RuleRef, Severity, Tuning,
};
use uuid::Uuid;

use super::rulebook::Rulebook;
use super::search::search;

/// Events that a preview reads at a time, and at most.
const PAGE_ROWS: usize = 5_000;
const PREVIEW_EVENTS_MAX: u64 = 300_000;
/// A preview takes no longer; what it has by then is shown.
const PREVIEW_TIME_MAX: Duration = Duration::from_secs(20);
/// Findings that a preview shows.
const PREVIEW_FINDINGS_MAX: usize = 50;
/// Rules that somebody made in the pages.
const OWN_RULES_MAX: usize = 2_000;

/// What answers questions about rules.
pub(crate) struct Answers {
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) engine: Arc<Engine>,
    /// Where rules made in the pages lie, `<id>.yml` each.
    pub(crate) own: PathBuf,
}

impl Answers {
    pub(crate) fn rules(&self) -> Vec<RuleInfo> {
        let catalogue = self.rulebook.rules().current();
        let problems = self.rulebook.problems();
        let mut rules: Vec<RuleInfo> = catalogue.rules().iter().map(|rule| self.info(rule)).collect();
        // A file that gave no rule is shown as one, with what is wrong with it.
        let broken = problems.iter().filter(|problem| problem.grade == detect::Grade::Error);
        let mut seen = Vec::new();
        for problem in broken {
            let known = catalogue.rules().iter().any(|rule| rule.path == problem.path);
            if !known && !seen.contains(&&problem.path) {
                seen.push(&problem.path);
                rules.push(self.broken(problem));
            }
        }
        rules
    }

    pub(crate) fn rule(&self, id: Uuid) -> Option<RuleDetail> {
        let catalogue = self.rulebook.rules().current();
        let rule = catalogue.rule(detect::RuleId(id))?;
        let settings = rule.defaults.iter().map(|(key, default)| Tuning {
            key: key.clone(),
            value: json(rule.settings.get(key).unwrap_or(default)),
            default: json(default),
            description: String::new(),
        });
        Some(RuleDetail {
            info: self.info(rule),
            yaml: rule.yaml.to_string(),
            references: rule.references.clone(),
            false_positives: rule.false_positives.clone(),
            cases: cases::shown(&rule.slug).map(|(fire, silent)| RuleCases { fire, silent }),
            author: rule.author.clone(),
            date: rule.date.clone(),
            modified: rule.modified.clone(),
            settings: settings.collect(),
            search: search(&detect::outline(&catalogue, self.rulebook.registry(), rule.id), self.engine.fields_known()),
        })
    }

    pub(crate) fn check_rule(&self, yaml: &str) -> RuleCheck {
        let sources = draft(yaml);
        let checked = check::check(&sources, self.rulebook.registry(), &detect::Settings::default());
        let problems: Vec<RuleProblem> = checked
            .problems
            .iter()
            .map(|problem| RuleProblem {
                line: problem.line,
                column: problem.column,
                severity: match problem.grade {
                    detect::Grade::Error => Grade::Error,
                    detect::Grade::Warning => Grade::Warning,
                },
                message: problem.message.clone(),
            })
            .collect();
        let (catalogue, _) = self.rulebook.with(&sources);
        let rule = catalogue.rules().iter().find(|rule| &*rule.path == DRAFT).map(|rule| reference(rule));
        RuleCheck {
            valid: !checked.failed() && rule.is_some(),
            problems,
            rule,
            fields: check::fields(&sources, self.rulebook.registry()),
        }
    }

    pub(crate) fn preview_rule(
        &self,
        yaml: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<RulePreview, DetectionError> {
        let started = Instant::now();
        let sources = draft(yaml);
        let (catalogue, problems) = self.rulebook.with(&sources);
        let mistake = problems.iter().find(|problem| &*problem.path == DRAFT && problem.grade == detect::Grade::Error);
        if let Some(problem) = mistake {
            let text = format!("line {}, column {}: {}", problem.line, problem.column, problem.message);
            return Err(DetectionError::Invalid(text));
        }
        let rule = catalogue.rules().iter().find(|rule| &*rule.path == DRAFT).map(|rule| rule.id);
        let rule = rule.ok_or_else(|| DetectionError::Invalid("there is no rule in the text".to_owned()))?;
        let looked_at =
            search(&detect::outline(&catalogue, self.rulebook.registry(), rule), self.engine.fields_known());
        // Stored tags are those of the day; lists and indicators may have changed since.
        let tagged = Query::parse(&looked_at).is_ok_and(|query| query.fields_used().contains(&names::TAGS));
        let query = if tagged { String::new() } else { looked_at };
        let mut past = Past::new(&catalogue, rule);
        let mut after = None;
        let mut partial = false;
        loop {
            let page = self.page(&query, from, to, after.take())?;
            past.judge(&page.rows, &self.rulebook);
            match page.next {
                None => break,
                Some(_) if past.scanned >= PREVIEW_EVENTS_MAX || started.elapsed() > PREVIEW_TIME_MAX => {
                    partial = true;
                    break;
                }
                next => after = next,
            }
        }
        // Events that the rule does not look at were not read.
        if !query.is_empty() && !partial {
            past.scanned = block_on(self.engine.count(stretch("", from, to))).map_err(invalid)?;
        }
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(past.preview(partial, took_ms))
    }

    fn page(
        &self,
        query: &str,
        from: Timestamp,
        to: Timestamp,
        after: Option<Cursor>,
    ) -> Result<tidegate_query::SearchResult, DetectionError> {
        // What lies before the last page is not read again.
        let scope = stretch(query, after.as_ref().map_or(from, |after| after.timestamp), to);
        let search = Search { scope, limit: PAGE_ROWS, order: Order::Oldest, after, fields: None };
        block_on(self.engine.search(search)).map_err(invalid)
    }

    pub(crate) fn save_rule(&self, id: Option<Uuid>, yaml: &str) -> Result<Uuid, DetectionError> {
        let checked = self.check_rule(yaml);
        let Some(rule) = checked.rule.filter(|_| checked.valid) else {
            let first = checked.problems.iter().find(|problem| problem.severity == Grade::Error);
            let why = first.map_or_else(
                || "there is no rule in the text".to_owned(),
                |problem| format!("line {}, column {}: {}", problem.line, problem.column, problem.message),
            );
            return Err(DetectionError::Invalid(why));
        };
        match id {
            Some(id) if id != rule.id => {
                return Err(DetectionError::Invalid("the `id` of a rule cannot be changed".to_owned()));
            }
            Some(id) if !self.file(id).exists() => {
                return Err(DetectionError::NotFound(format!(
                    "rule `{id}` was not made here, so it cannot be changed"
                )));
            }
            None if self.rulebook.rules().current().rule(detect::RuleId(rule.id)).is_some() => {
                return Err(DetectionError::Conflict(format!("there is a rule with the id `{}` already", rule.id)));
            }
            _ => {}
        }
        fs::create_dir_all(&self.own).map_err(failed)?;
        if id.is_none() && fs::read_dir(&self.own).map_err(failed)?.count() >= OWN_RULES_MAX {
            return Err(DetectionError::Conflict(format!("there are {OWN_RULES_MAX} rules, more are not kept")));
        }
        let next = self.own.join(format!("{}.next", rule.id));
        fs::write(&next, yaml).and_then(|()| fs::rename(&next, self.file(rule.id))).map_err(failed)?;
        self.rulebook.reload()?;
        Ok(rule.id)
    }

    pub(crate) fn delete_rule(&self, id: Uuid) -> Result<(), DetectionError> {
        match fs::remove_file(self.file(id)) {
            Ok(()) => Ok(self.rulebook.reload()?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DetectionError::NotFound(format!("rule `{id}` was not made here, so it cannot be deleted")))
            }
            Err(error) => Err(failed(error)),
        }
    }

    pub(crate) fn check_settings(&self, id: Uuid, settings: &Map<String, Value>) -> Result<(), DetectionError> {
        let catalogue = self.rulebook.rules().current();
        let rule = catalogue.rule(detect::RuleId(id));
        let rule = rule.ok_or_else(|| DetectionError::NotFound(format!("there is no rule `{id}`")))?;
        for (name, value) in settings {
            let invalid = |why: String| Err(DetectionError::Invalid(format!("`{name}` {why}")));
            match name.as_str() {
                "severity" => {
                    if value.as_str().is_none_or(|text| text.parse::<detect::Severity>().is_err()) {
                        return invalid("is informational, low, medium, high or critical".to_owned());
                    }
                }
                "effort" => {
                    if value.as_str().is_none_or(|text| text.parse::<detect::Effort>().is_err()) {
                        return invalid("is elementary, intermediate, advanced or master".to_owned());
                    }
                }
                _ => {
                    let Some(default) = rule.defaults.get(name) else {
                        return invalid("is no setting of this rule".to_owned());
                    };
                    let fits = serde_json::from_value::<SettingValue>(value.clone());
                    if !fits.is_ok_and(|value| value.fits(default)) {
                        return invalid(format!("must be {}", default.kind()));
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn navigator(&self) -> Value {
        navigator::layer("Tidegate", self.rulebook.rules().current().rules())
    }

    fn file(&self, id: Uuid) -> PathBuf {
        self.own.join(format!("{id}.yml"))
    }

    fn info(&self, rule: &detect::RuleInfo) -> RuleInfo {
        RuleInfo {
            rule: reference(rule),
            description: rule.description.clone(),
            kind: match rule.kind {
                detect::RuleKind::Sigma => RuleKind::Sigma,
                detect::RuleKind::Correlation => RuleKind::Correlation,
                detect::RuleKind::Native => RuleKind::Native,
            },
            origin: self.origin(&rule.path),
            enabled: rule.enabled,
            default_enabled: rule.default_enabled,
            always: rule.always,
            tags: rule.tags.clone(),
            problem: (!rule.applicable)
                .then(|| "it is for logs of another kind, so nothing here can match it".to_owned()),
        }
    }

    fn broken(&self, problem: &detect::Problem) -> RuleInfo {
        RuleInfo {
            rule: RuleRef {
                id: Uuid::new_v5(&Uuid::NAMESPACE_OID, problem.path.as_bytes()),
                name: problem.path.to_string(),
                severity: Severity::Informational,
                effort: Effort::Master,
                attack: Vec::new(),
            },
            description: String::new(),
            kind: RuleKind::Sigma,
            origin: self.origin(&problem.path),
            enabled: false,
            default_enabled: false,
            always: false,
            tags: Vec::new(),
            problem: Some(format!("line {}, column {}: {}", problem.line, problem.column, problem.message)),
        }
    }

    fn origin(&self, path: &str) -> RuleOrigin {
        if path.starts_with("rules/") {
            RuleOrigin::Builtin
        } else if self.own.to_str().is_some_and(|own| path.starts_with(own)) {
            RuleOrigin::User
        } else {
            RuleOrigin::Folder
        }
    }
}

/// The path of a text that is no file.
const DRAFT: &str = "draft";

fn draft(yaml: &str) -> RuleSources {
    RuleSources { files: vec![RuleSource { path: DRAFT.into(), text: yaml.into() }], problems: Vec::new() }
}

fn failed(error: io::Error) -> DetectionError {
    DetectionError::Internal(format!("rules cannot be written: {error}"))
}

fn json(value: &SettingValue) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn reference(rule: &detect::RuleInfo) -> RuleRef {
    RuleRef {
        id: rule.id.0,
        name: rule.name.to_string(),
        severity: Severity::of(rule.severity.score()),
        effort: match rule.effort {
            detect::Effort::Elementary => Effort::Elementary,
            detect::Effort::Intermediate => Effort::Intermediate,
            detect::Effort::Advanced => Effort::Advanced,
            detect::Effort::Master => Effort::Master,
        },
        attack: rule.attack.clone(),
    }
}

/// Stored events on their way through one rule.
struct Past {
    rule: detect::RuleId,
    judge: Judge,
    memory: Memory,
    sightings: Sightings,
    scanned: u64,
    /// The latest state of each finding, in the order of their first appearance.
    findings: Vec<Finding>,
    by_id: HashMap<Uuid, usize>,
}

fn stretch(query: &str, from: Timestamp, to: Timestamp) -> Scope {
    Scope { query: query.to_owned(), range: TimeRange { start: Some(from), end: Some(to) }, now: to }
}

fn invalid(error: tidegate_query::Error) -> DetectionError {
    DetectionError::Invalid(error.to_string())
}

impl Past {
    fn new(catalogue: &Arc<Catalogue>, rule: detect::RuleId) -> Self {
        Self {
            rule,
            judge: Judge::new(Arc::clone(catalogue)),
            memory: Memory::new(Arc::clone(catalogue)),
            sightings: Sightings::new(Arc::clone(catalogue)),
            scanned: 0,
            findings: Vec::new(),
            by_id: HashMap::new(),
        }
    }

    fn judge(&mut self, rows: &[tidegate_query::Row], rulebook: &Rulebook) {
        let mut arena = Bump::new();
        for row in rows {
            let Ok(Value::Object(json)) = serde_json::from_str(row.event.get()) else { continue };
            let Ok(id) = row.id.parse() else { continue };
            let mut event = detect::restore(&json, rulebook.registry(), &arena);
            let event_id = EventId::from_uuid(id);
            let place = detect::Row {
                row: self.sightings.len(),
                event: event_id,
                at: row.timestamp,
                received: EventId::received(id).max(row.timestamp),
            };
            self.judge.judge(&mut event, place, &arena, &mut self.sightings);
            self.scanned += 1;
            drop(event);
            arena.reset();
        }
        let mut found = Vec::new();
        self.memory.observe(&self.sightings, &mut found);
        self.sightings.clear(Arc::clone(self.judge.catalogue()));
        self.take(found);
    }

    fn take(&mut self, found: Vec<Finding>) {
        for finding in found.into_iter().filter(|finding| finding.rule.id == self.rule) {
            match self.by_id.get(&finding.id) {
                Some(index) => self.findings[*index] = finding,
                None => {
                    self.by_id.insert(finding.id, self.findings.len());
                    self.findings.push(finding);
                }
            }
        }
    }

    fn preview(mut self, partial: bool, took_ms: u64) -> RulePreview {
        let mut found = Vec::new();
        self.memory.finish(&mut found);
        self.take(found);
        RulePreview {
            event_count: self.findings.iter().map(|finding| finding.count).sum(),
            finding_count: self.findings.len() as u64,
            scanned: self.scanned,
            partial,
            took_ms,
            findings: self.findings.iter().take(PREVIEW_FINDINGS_MAX).map(shown).collect(),
        }
    }
}

fn shown(finding: &Finding) -> PreviewFinding {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let events = finding.events.iter().map(|event| EventLine {
        event_id: event.event_id,
        timestamp: event.at.to_rfc3339(),
        source_ip: filled(&event.source_ip),
        name: filled(&event.name),
    });
    let group: BTreeMap<String, String> =
        finding.group.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    PreviewFinding {
        first_seen: finding.first_seen.to_rfc3339(),
        last_seen: finding.last_seen.to_rfc3339(),
        count: finding.count,
        group,
        source: finding.source.clone(),
        name: finding.name.clone(),
        events: events.collect(),
    }
}
