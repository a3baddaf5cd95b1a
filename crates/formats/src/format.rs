//! A format, ready to parse records.

use std::sync::Arc;

use tidegate_event::{Event, FieldId, FieldType, Registry, Value, names};

use crate::compile::{self, Compiled};
use crate::describe::Descriptions;
use crate::error::LoadError;
use crate::fields::{Collector, Kind};
use crate::load::Source;
use crate::manifest::Manifest;
use crate::parser::Parser;
use crate::program::Program;
use crate::taxonomy::Taxonomy;

/// A compiled format.
#[derive(Debug)]
pub struct Format {
    manifest: Manifest,
    registry: Arc<Registry>,
    declared: Vec<FieldId>,
    targets: Vec<FieldId>,
    descriptions: Descriptions,
    warnings: Vec<LoadError>,
    pub(crate) program: Program,
    pub(crate) message: Option<FieldId>,
    /// Fields below `log`, which the input may bring with it.
    pub(crate) log: Vec<(Vec<String>, FieldId, FieldType)>,
}

/// A format whose files are read, before the registry is frozen.
pub(crate) struct Draft {
    source: Source,
    taxonomy: Taxonomy,
    collector: Collector,
}

impl Draft {
    pub(crate) fn new(source: Source, built_in: &Registry) -> Self {
        let taxonomy = Taxonomy::new(built_in, &source.declared);
        let mut collector = compile::collect(&source.raw);
        collector.expand(&taxonomy);
        Self { source, taxonomy, collector }
    }

    /// The name that the format is known by.
    pub(crate) fn slug(&self) -> &str {
        &self.source.manifest.slug
    }

    /// Declares the format's fields. Of a field that formats declare differently the first declaration counts.
    pub(crate) fn declare(&self, builder: &mut tidegate_event::RegistryBuilder) {
        for field in &self.source.declared {
            builder.declare(&field.name, field.kind, field.array);
        }
        for path in self.collector.open_undeclared(&self.taxonomy) {
            builder.declare(&path, FieldType::Dict, false);
        }
    }

    /// The compiled format.
    pub(crate) fn compile(self, registry: &Arc<Registry>) -> Format {
        let Compiled { program, warnings } =
            compile::compile(&self.source.raw, self.collector, &self.taxonomy, registry);
        let declared = self.source.declared.iter().filter_map(|field| registry.id(&field.name)).collect();
        let message = registry.id(names::MESSAGE);
        // what only carries the rest of a dictionary is no column
        let mut targets: Vec<FieldId> = program
            .fields
            .list
            .iter()
            .filter(|field| field.kind != Kind::Hidden)
            .filter_map(|field| field.id)
            .collect();
        targets.extend(message);
        targets.sort_unstable();
        targets.dedup();
        let log = self.taxonomy.below("log").filter_map(|(name, kind)| {
            let id = registry.id(&name)?;
            Some((name.split('.').map(str::to_owned).collect(), id, kind))
        });
        Format {
            log: log.collect(),
            manifest: self.source.manifest,
            registry: Arc::clone(registry),
            declared,
            targets,
            descriptions: self.source.descriptions,
            warnings,
            program,
            message,
        }
    }
}

impl Format {
    /// The name: `cloudflare-gateway-dns`.
    #[must_use]
    #[expect(clippy::misnamed_getters, reason = "formats are named by their slug; the manifest's name is for people")]
    pub fn name(&self) -> &str {
        &self.manifest.slug
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The registry that the events' fields belong to.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The fields that the format and its module declare.
    #[must_use]
    pub fn fields(&self) -> &[FieldId] {
        &self.declared
    }

    /// All fields that an event of this format may hold, derived ones and `message` included, in id order.
    #[must_use]
    pub fn targets(&self) -> &[FieldId] {
        &self.targets
    }

    /// Templates that do not parse: the format works, but these assignments never happen.
    #[must_use]
    pub fn warnings(&self) -> &[LoadError] {
        &self.warnings
    }

    /// A parser; each thread wants its own.
    #[must_use]
    pub fn parser(self: &Arc<Self>) -> Parser {
        Parser::new(Arc::clone(self))
    }

    /// One readable sentence on an event whose fields `lookup` knows as text.
    #[must_use]
    pub fn describe(&self, lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
        self.descriptions.describe(lookup)
    }

    /// One readable sentence on an event.
    #[must_use]
    pub fn describe_event(&self, event: &Event<'_>) -> Option<String> {
        self.describe(|name| event.get(self.registry.id(name)?).and_then(shown))
    }
}

/// A value as a sentence shows it: text bare, lists with commas.
fn shown(value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Str(text) => Some(text.to_owned()),
        Value::List(items) => {
            let shown: Vec<String> = items.iter().filter_map(|item| self::shown(*item)).collect();
            (!shown.is_empty()).then(|| shown.join(", "))
        }
        other => Some(other.to_json()),
    }
}
