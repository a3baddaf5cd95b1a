//! A format as its files spell it in, a program out: paths become slots, constants are coerced, templates trees.

use std::collections::HashMap;

use bumpalo::Bump;
use tidegate_event::{FieldId, FieldType, Registry, Value, names};

use crate::coerce::Coercer;
use crate::constant::Constant;
use crate::derive::Derive;
use crate::error::LoadError;
use crate::fields::{Collector, FieldSlot, Fields, Kind};
use crate::keys::KeyTable;
use crate::load::{self, Raw, StepKind};
use crate::program::{
    Action, ActionKind, Assign, Delete, Emitted, Filter, Layer, LayerIndex, Plain, Producer, Program, Run, Step,
    Translate, ZoneSource,
};
use crate::stages::External;
use crate::taxonomy::Taxonomy;
use crate::template::ast::{Expr, Node, Template};
use crate::template::{parse, resolve};
use crate::time::Zone;
use crate::yaml::Text;

mod binder;
mod producers;
mod targets;

use binder::Binding;
use producers::{abridged, bracketed, constant_text, native, simple};
pub(crate) use targets::collect;

/// A compiled format and what is odd about it.
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) warnings: Vec<LoadError>,
}

/// Compiles a format.
pub(crate) fn compile(raw: &Raw, collector: Collector, taxonomy: &Taxonomy, registry: &Registry) -> Compiled {
    let fields = collector.finish(taxonomy, registry);
    let mut compiler = Compiler {
        raw,
        fields,
        binding: Binding::default(),
        warnings: Vec::new(),
        ignored: raw.ignored.iter().map(|text| text.as_str().into()).collect(),
    };
    compiler.layers();
    let steps: Vec<Step> = raw.steps.iter().map(|step| compiler.step(step)).collect();
    let Compiler { fields, binding, warnings, ignored, .. } = compiler;
    let Binding { mut paths, layers, final_paths, .. } = binding;
    paths.finish();
    let derive = Derive::new(&fields);
    let timestamp = fields.slot(names::TIMESTAMP);
    let message = registry.id(names::MESSAGE);
    let emitted = emitted(&fields, message);
    let before_message = emitted.iter().take_while(|emitted| Some(emitted.id) < message).count();
    let watched = !ignored.is_empty() || layers.iter().any(|layer| layer.read);
    let plain =
        fields.list.iter().map(|field| if watched { Plain::default() } else { Plain::new(field.kind) }).collect();
    let program = Program {
        paths,
        layers,
        fields,
        final_paths,
        steps,
        derive,
        ignored,
        plain,
        emitted,
        before_message,
        timestamp,
    };
    Compiled { program, warnings }
}

/// The slots whose fields the registry knows. `message` is the record itself, whatever a format says.
fn emitted(fields: &Fields, message: Option<FieldId>) -> Vec<Emitted> {
    let known = fields.list.iter().enumerate().filter_map(|(index, field)| {
        let id = field.id.filter(|id| Some(*id) != message)?;
        let carried = matches!(field.kind, Kind::Hidden | Kind::Declared(FieldType::Dict));
        Some(Emitted { slot: FieldSlot::try_from(index).ok()?, id, carried })
    });
    known.collect()
}

struct Compiler<'r> {
    raw: &'r Raw,
    fields: Fields,
    binding: Binding,
    warnings: Vec<LoadError>,
    ignored: Vec<Box<str>>,
}

impl Compiler<'_> {
    /// A layer for every stage name; stages of one name share it.
    fn layers(&mut self) {
        let mut index: LayerIndex = HashMap::new();
        for step in &self.raw.steps {
            let layers = &mut self.binding.layers;
            let at = *index.entry(step.name.clone()).or_insert_with(|| {
                layers.push(Layer { external: None, read: false });
                u16::try_from(layers.len() - 1).unwrap_or(u16::MAX)
            });
            if let StepKind::External(external) = &step.kind
                && layers[usize::from(at)].external.is_none()
            {
                let root = self.binding.paths.root();
                self.binding.layers[usize::from(at)].external = Some((external.output().into(), root));
            }
        }
        self.binding.index = index;
    }

    fn warn(&mut self, text: &Text, what: &str) {
        let message = format!("template never applies: {what}: `{}`", abridged(&text.text));
        self.warnings.push(LoadError::new(&self.raw.path, text.place.line, text.place.column, message));
    }

    fn step(&mut self, step: &load::Step) -> Step {
        let layer = self.binding.index.get(&step.name).copied().unwrap_or(0);
        let filter = step.filter.as_ref().map(|filter| self.filter(filter));
        let run = match &step.kind {
            StepKind::External(external) => self.external(external, layer, &step.name),
            StepKind::Actions(actions) => Run::Actions(actions.iter().map(|action| self.action(action)).collect()),
        };
        Step { layer, filter, run }
    }

    fn external(&mut self, external: &External, layer: u16, name: &str) -> Run {
        let root = self.binding.layers[usize::from(layer)].external.as_ref().map_or(0, |(_, root)| *root);
        match external {
            External::Json(stage) => {
                let input = self.input(stage.input.as_ref(), "original.message");
                let original = matches!(input, Producer::Expr(Expr::Message));
                Run::Json { input, root, original }
            }
            External::Date(stage) => {
                let input = self.input(stage.input.as_ref(), "original['@timestamp']");
                let zone = match &stage.timezone {
                    None => ZoneSource::Utc,
                    Some(text) if text.text.contains("{{") || text.text.contains("{%") => {
                        ZoneSource::Template(self.template(text))
                    }
                    Some(text) => match Zone::from_name(&text.text) {
                        Some(zone) => ZoneSource::Fixed(zone),
                        None => {
                            self.warn(text, "unknown time zone");
                            ZoneSource::Utc
                        }
                    },
                };
                let format = stage.format.as_ref().map(|text| text.text.trim().into());
                Run::Date { input, root, format, zone, name: name.into() }
            }
        }
    }

    /// The input of an external stage: a template, or a path without braces. It is passed on as it is.
    fn input(&mut self, text: Option<&Text>, default: &str) -> Producer {
        let default = Text { text: default.to_owned(), place: crate::yaml::Place::default() };
        let text = text.unwrap_or(&default);
        if text.text.contains("{{") || text.text.contains("{%") {
            return match self.parsed(text) {
                Some(template) => native(template),
                None => Producer::Never,
            };
        }
        let resolved =
            parse::parse_expression(&text.text).and_then(|expr| resolve::expression(expr, &mut self.binder()));
        match resolved {
            Ok(expr) => simple(expr),
            Err(error) => {
                self.warn(text, &error.message);
                Producer::Never
            }
        }
    }

    fn binder(&mut self) -> binder::Names<'_> {
        binder::Names { binding: &mut self.binding, fields: &self.fields }
    }

    /// Parses and resolves a template; a mistake becomes a warning.
    fn parsed(&mut self, text: &Text) -> Option<Template> {
        let resolved = parse::parse(&text.text).and_then(|template| resolve::template(template, &mut self.binder()));
        match resolved {
            Ok(template) => Some(template),
            Err(error) => {
                self.warn(text, &error.message);
                None
            }
        }
    }

    fn filter(&mut self, text: &Text) -> Filter {
        let Some(template) = self.parsed(text) else {
            return Filter::Constant(false);
        };
        match native(template) {
            Producer::Expr(Expr::Const(constant)) => {
                let arena = Bump::new();
                Filter::Constant(crate::template::Val::Data(constant.lend(&arena)).truth())
            }
            Producer::Expr(expr) => Filter::Expr(expr),
            Producer::Slot(slot) => Filter::Expr(Expr::Slot(slot)),
            Producer::Template(template) => Filter::Template(template),
            _ => Filter::Constant(false),
        }
    }

    /// The value of a template as an assignment sees it.
    fn template(&mut self, text: &Text) -> Producer {
        let Some(template) = self.parsed(text) else {
            return Producer::Never;
        };
        if template.nodes.iter().all(|node| matches!(node, Node::Text(_))) {
            let text: String =
                template.nodes.iter().map(|node| if let Node::Text(text) = node { &**text } else { "" }).collect();
            return constant_text(&text);
        }
        match native(template) {
            Producer::Expr(expr) => simple(expr),
            other => other,
        }
    }

    fn written(&mut self, written: &load::Written) -> Producer {
        match written {
            load::Written::Constant(Constant::Null) => Producer::Never,
            load::Written::Constant(constant) => Producer::Constant(constant.clone()),
            load::Written::Template(text) => self.template(text),
            load::Written::List(items) => {
                let items: Vec<Producer> = items
                    .iter()
                    .map(|item| self.written(item))
                    .filter(|item| !matches!(item, Producer::Never))
                    .collect();
                if items.iter().all(|item| matches!(item, Producer::Constant(_))) && !items.is_empty() {
                    let constants = items.into_iter().filter_map(|item| match item {
                        Producer::Constant(constant) => Some(constant),
                        _ => None,
                    });
                    return Producer::Constant(Constant::List(constants.collect()));
                }
                Producer::List(items)
            }
        }
    }

    /// The value for a slot; a constant is coerced here and now.
    fn value_for(&mut self, target: FieldSlot, written: &load::Written) -> Producer {
        let value = self.written(written);
        let field = &self.fields.list[usize::from(target)];
        let (Producer::Constant(constant), Kind::Declared(kind)) = (&value, field.kind) else {
            return value;
        };
        let arena = Bump::new();
        let coercer = Coercer { arena: &arena, fields: &self.fields, ignored: &self.ignored, received: None };
        let lent = constant.lend(&arena);
        if coercer.is_empty(lent) {
            return Producer::Never;
        }
        if matches!(lent, Value::Dict(_)) {
            return value;
        }
        match coercer.coerce(kind, lent, field.branch) {
            Some(coerced) => Producer::Ready(Constant::keep(coerced)),
            None => Producer::Never,
        }
    }

    fn action(&mut self, action: &load::Action) -> Action {
        let filter = action.filter.as_ref().map(|filter| self.filter(filter));
        let kind = match &action.kind {
            load::ActionKind::Set(assignments) => ActionKind::Set(
                assignments
                    .iter()
                    .filter_map(|(field, written)| {
                        let target = self.fields.slot(&field.text)?;
                        let value = self.value_for(target, written);
                        (!matches!(value, Producer::Never)).then_some(Assign { target, value })
                    })
                    .collect(),
            ),
            load::ActionKind::Translate { mapping, dictionary, fallback } => ActionKind::Translate(
                mapping
                    .iter()
                    .filter_map(|(source, target)| {
                        let target = self.fields.slot(target.text.trim())?;
                        Some(self.translate(source, target, dictionary, fallback.as_ref()))
                    })
                    .collect(),
            ),
            load::ActionKind::Delete(fields) => {
                ActionKind::Delete(fields.iter().map(|field| self.delete(&field.text)).collect())
            }
        };
        Action { filter, kind }
    }

    fn translate(
        &mut self,
        source: &Text,
        target: FieldSlot,
        dictionary: &[(String, load::Written)],
        fallback: Option<&load::Written>,
    ) -> Translate {
        let path = source.text.trim().trim_start_matches("{{").trim_end_matches("}}").trim().to_owned();
        let mut sources = Vec::new();
        // a path of the layers, and when that is absent one of the event
        for candidate in [path.clone(), format!("final.{path}")] {
            let resolved = parse::parse_expression(&bracketed(&candidate))
                .and_then(|expr| resolve::expression(expr, &mut self.binder()));
            match resolved {
                Ok(expr) => sources.push(expr),
                Err(error) => self.warn(source, &error.message),
            }
        }
        let mut keys: Vec<&str> = Vec::with_capacity(dictionary.len());
        let mut values = Vec::with_capacity(dictionary.len());
        for (key, value) in dictionary {
            keys.push(key);
            values.push(self.value_for(target, value));
            // YAML's truth values are Python's to the language, JSON's to the data
            let json = match key.as_str() {
                "True" => "true",
                "False" => "false",
                _ => continue,
            };
            keys.push(json);
            values.push(self.value_for(target, value));
        }
        let fallback = fallback.map(|written| self.value_for(target, written));
        Translate { sources, target, keys: KeyTable::new(&keys), values, fallback }
    }

    fn delete(&mut self, path: &str) -> Delete {
        let segments: Vec<&str> = path.trim().split('.').collect();
        Delete { range: self.fields.range(&segments), above: above(&self.fields, &segments) }
    }
}

/// Slots above a path, nearest first, and the keys from there.
fn above(fields: &Fields, segments: &[&str]) -> Vec<(FieldSlot, Vec<Box<str>>)> {
    (1..segments.len())
        .rev()
        .filter_map(|depth| {
            let slot = fields.slot(&segments[..depth].join("."))?;
            Some((slot, segments[depth..].iter().map(|segment| (*segment).into()).collect()))
        })
        .collect()
}
