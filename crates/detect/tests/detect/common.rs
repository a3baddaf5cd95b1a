//! Events from short descriptions, and detection over them.

use std::sync::Arc;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_detect::intel::Indicators;
use tidegate_detect::lists::Lists;
use tidegate_detect::{
    Catalogue, CatalogueParts, Finding, Judge, Memory, Problem, Row, RuleSource, Settings, Sightings,
};
use tidegate_event::{Event, EventId, FieldType, NodeId, Position, Registry, RegistryBuilder, Timestamp, Value};

/// 2026-01-05T09:00:00Z.
pub(crate) const START: i64 = 1_767_603_600;

/// A registry with the fields of Gateway DNS that rules read.
pub(crate) fn registry() -> Arc<Registry> {
    let mut builder = RegistryBuilder::with_ecs();
    for name in ["cloudflare.ResolverDecision", "cloudflare.QueryCategoryNames", "cloudflare.QueryCategoryIDs"] {
        builder.declare(name, FieldType::Object, false);
    }
    builder.declare("cloudflare.QuerySize", FieldType::Long, false);
    builder.declare("cloudflare.ResourceRecords", FieldType::Object, true);
    builder.freeze()
}

pub(crate) fn source(path: &str, text: &str) -> RuleSource {
    RuleSource { path: path.into(), text: text.into() }
}

pub(crate) fn build(rules: &[RuleSource], settings: &Settings) -> (Arc<Catalogue>, Vec<Problem>) {
    let parts = CatalogueParts {
        registry: registry(),
        rules,
        settings,
        lists: Arc::new(Lists::default()),
        indicators: Arc::new(Indicators::default()),
    };
    let (catalogue, problems) = Catalogue::build(&parts);
    (Arc::new(catalogue), problems)
}

/// A catalogue of one text that must hold no mistake.
pub(crate) fn catalogue(text: &str) -> Arc<Catalogue> {
    let (catalogue, problems) = build(&[source("test.yml", text)], &Settings::default());
    assert!(problems.is_empty(), "{problems:#?}");
    catalogue
}

/// An event: seconds after [`START`], and fields.
pub(crate) type Record<'r> = (i64, Vec<(&'r str, &'r str)>);

/// A detection that is fed record by record.
pub(crate) struct Bench {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) judge: Judge,
    pub(crate) memory: Memory,
    registry: Arc<Registry>,
    index: u32,
}

impl Bench {
    pub(crate) fn new(catalogue: Arc<Catalogue>) -> Self {
        Self {
            judge: Judge::new(Arc::clone(&catalogue)),
            memory: Memory::new(Arc::clone(&catalogue)),
            catalogue,
            registry: registry(),
            index: 0,
        }
    }

    /// Judges records as one batch; receipt is at `received` seconds after [`START`].
    pub(crate) fn sightings(&mut self, records: &[Record<'_>], received: i64) -> Sightings {
        let arena = Bump::new();
        let mut sightings = Sightings::new(Arc::clone(&self.catalogue));
        for (row, (at, fields)) in records.iter().enumerate() {
            let mut event = Event::with_capacity_in(8, &arena);
            for (name, value) in fields {
                let id = self.registry.id(name).unwrap_or_else(|| panic!("no field {name}"));
                event.set(id, value_of(value, &arena));
            }
            let at = Timestamp::from_micros((START + at) * 1_000_000);
            let id = EventId::new(NodeId(uuid::Uuid::nil()), Position(1), Timestamp::from_micros(0), self.index);
            self.index += 1;
            let row = Row { row, event: id, at, received: Timestamp::from_micros((START + received) * 1_000_000) };
            self.judge.judge(&mut event, row, &arena, &mut sightings);
        }
        sightings
    }

    /// One batch through everything.
    pub(crate) fn feed(&mut self, records: &[Record<'_>]) -> Vec<Finding> {
        let sightings = self.sightings(records, 100_000_000);
        let mut out = Vec::new();
        self.memory.observe(&sightings, &mut out);
        out
    }

    /// A batch for each record, the windows left open judged at the end.
    pub(crate) fn feed_each(&mut self, records: &[Record<'_>]) -> Vec<Finding> {
        let mut out = Vec::new();
        for record in records {
            out.extend(self.feed(std::slice::from_ref(record)));
        }
        self.memory.finish(&mut out);
        out
    }
}

/// `[a, b]` is a list, digits are a number, anything else is text.
fn value_of<'a>(text: &str, arena: &'a Bump) -> Value<'a> {
    if let Some(items) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let mut out = BumpVec::new_in(arena);
        out.extend(items.split(", ").map(|item| value_of(item, arena)));
        return Value::List(out.into_bump_slice());
    }
    text.parse().map_or_else(|_| Value::Str(arena.alloc_str(text)), Value::Int)
}

/// A query of a client.
pub(crate) fn query<'r>(at: i64, source: &'r str, name: &'r str) -> Record<'r> {
    (at, vec![("source.ip", source), ("dns.question.name", name)])
}

/// Titles of findings, sorted, each once.
pub(crate) fn titles(findings: &[Finding]) -> Vec<&str> {
    let mut titles: Vec<&str> = findings.iter().map(|finding| &*finding.rule.name).collect();
    titles.sort_unstable();
    titles.dedup();
    titles
}

/// The last state of each finding.
pub(crate) fn latest(findings: &[Finding]) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for finding in findings {
        match out.iter_mut().find(|have| have.id == finding.id) {
            Some(have) => *have = finding.clone(),
            None => out.push(finding.clone()),
        }
    }
    out
}
