//! Records in, verdicts out. A parser is one thread's: it keeps its scratch memory from record to record.

use std::sync::Arc;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::{Event, Timestamp, Value};

use crate::coerce::Coercer;
use crate::derive::Scene;
use crate::derive::user_agent::Agents;
use crate::format::Format;
use crate::json::Hints;
use crate::program::Emitted;
use crate::run::{self, Presence, Refused, State};

/// The warning of [`Verdict::Event`] about a record that lacks the time that its format knows.
pub const NO_TIME: &str = "the record names no time";

/// What became of a record. A record that is no event is data, not an error.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// An event, perhaps with remarks.
    Event {
        /// The fields.
        event: Event<'a>,
        /// What was odd, a sentence each.
        warnings: BumpVec<'a, &'a str>,
    },
    /// No event.
    Reject {
        /// What is wrong and where.
        reason: &'a str,
    },
}

/// Parses records of one format.
#[derive(Debug)]
pub struct Parser {
    format: Arc<Format>,
    hints: Hints,
    agents: Agents,
    received: Option<Timestamp>,
    slots: Vec<Option<Value<'static>>>,
    fields: Vec<Option<Value<'static>>>,
    items: Vec<Value<'static>>,
    entries: Vec<(&'static str, Value<'static>)>,
    layers: Vec<Presence>,
}

/// The memory of an emptied vector for items of another lifetime.
fn reuse<A, B>(mut old: Vec<A>) -> Vec<B> {
    old.clear();
    // collected in place: same layout, nothing to move
    old.into_iter().map(|_| unreachable!("the vector was cleared")).collect()
}

/// A vector of `count` empty places in the memory of an old one.
fn blank<A, B: Copy>(old: &mut Vec<A>, count: usize) -> Vec<Option<B>> {
    let mut fresh: Vec<Option<B>> = reuse(std::mem::take(old));
    fresh.resize(count, None);
    fresh
}

impl Parser {
    pub(crate) fn new(format: Arc<Format>) -> Self {
        let hints = Hints::new(&format.program.paths);
        Self {
            format,
            hints,
            agents: Agents::default(),
            received: None,
            slots: Vec::new(),
            fields: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> &Arc<Format> {
        &self.format
    }

    /// When the next records arrived: dates that name no year get theirs from it.
    pub fn set_received(&mut self, received: Timestamp) {
        self.received = Some(received);
    }

    /// Parses one record.
    pub fn parse<'a>(&mut self, record: &'a str, arena: &'a Bump) -> Verdict<'a> {
        self.run(Some(record), None, arena)
    }

    /// Parses an input that holds more than `message`: other members are visible to the format as `original`, and
    /// `log.*` goes into the event.
    pub fn parse_with<'a>(&mut self, original: Value<'a>, arena: &'a Bump) -> Verdict<'a> {
        let message = original.get("message").and_then(Value::as_str);
        self.run(message, Some(original), arena)
    }

    fn run<'a>(&mut self, message: Option<&'a str>, original: Option<Value<'a>>, arena: &'a Bump) -> Verdict<'a> {
        let format = Arc::clone(&self.format);
        let program = &format.program;
        self.layers.clear();
        self.layers.resize(program.layers.len(), Presence::Absent);
        let mut state = State {
            arena,
            message,
            original,
            slots: blank(&mut self.slots, program.paths.nodes.len()),
            fields: blank(&mut self.fields, program.fields.list.len()),
            layers: std::mem::take(&mut self.layers),
            custom: if program.layers.iter().any(|layer| layer.read) {
                vec![None; program.layers.len()]
            } else {
                Vec::new()
            },
            items: reuse(std::mem::take(&mut self.items)),
            entries: reuse(std::mem::take(&mut self.entries)),
            received: self.received,
            warnings: BumpVec::new_in(arena),
            misfits: BumpVec::new_in(arena),
            misfits_more: 0,
        };
        let verdict = match run::run(program, &mut state, &mut self.hints) {
            Ok(()) => {
                let mut scene = Scene { slots: &mut state.fields, arena, agents: &self.agents };
                program.derive.run(&mut scene);
                finish(&format, &mut state)
            }
            Err(Refused(reason)) => Verdict::Reject { reason },
        };
        self.slots = reuse(state.slots);
        self.fields = reuse(state.fields);
        self.items = reuse(state.items);
        self.entries = reuse(state.entries);
        self.layers = state.layers;
        verdict
    }
}

/// The event of a finished state.
fn finish<'a>(format: &Format, state: &mut State<'a>) -> Verdict<'a> {
    let program = &format.program;
    if program.fields.any_inside {
        fold_inside(format, state);
    }
    let mut warnings = std::mem::replace(&mut state.warnings, BumpVec::new_in(state.arena));
    if let Some(slot) = program.timestamp
        && state.fields[usize::from(slot)].is_none()
        && warnings.is_empty()
    {
        warnings.push(NO_TIME);
    }
    warnings.extend_from_slice(&state.misfits);
    match state.misfits_more {
        0 => {}
        1 => warnings.push("1 more value does not fit its field"),
        more => warnings.push(state.arena.alloc_str(&format!("{more} more values do not fit their fields"))),
    }
    let count = state.fields.iter().filter(|value| value.is_some()).count();
    let mut event = Event::with_capacity_in(count + 1, state.arena);
    let (before, after) = program.emitted.split_at(program.before_message);
    emit(before, format, state, &mut event);
    if let (Some(id), Some(text)) = (format.message, state.message) {
        event.push(id, Value::Str(text));
    }
    emit(after, format, state, &mut event);
    if let Some(original) = state.original {
        copy_log(format, original, state, &mut event);
    }
    Verdict::Event { event, warnings }
}

fn emit<'a>(emitted: &[Emitted], format: &Format, state: &State<'a>, event: &mut Event<'a>) {
    for emitted in emitted {
        let slot = usize::from(emitted.slot);
        match state.fields[slot] {
            None => {}
            // as in `run::set`: not copied whole
            Some(Value::Str(text)) if !emitted.carried => event.push(emitted.id, Value::Str(text)),
            Some(Value::Int(number)) if !emitted.carried => event.push(emitted.id, Value::Int(number)),
            Some(Value::List(items)) if !emitted.carried => event.push(emitted.id, Value::List(items)),
            Some(value) if !emitted.carried => event.push(emitted.id, value),
            Some(value) => {
                if let Some(rest) = carried(format, state, slot, value) {
                    event.push(emitted.id, rest);
                }
            }
        }
    }
}

/// What a path that is not declared shows: lists of objects, and `{}` for a dictionary of which nothing else is left.
fn carried<'a>(format: &Format, state: &State<'a>, index: usize, value: Value<'a>) -> Option<Value<'a>> {
    let field = &format.program.fields.list[index];
    match value {
        Value::Dict(_) => {
            let below = &state.fields[index + 1..usize::from(field.end)];
            below.iter().all(Option::is_none).then_some(Value::Dict(&[]))
        }
        Value::List(items) => {
            let coercer = Coercer {
                arena: state.arena,
                fields: &format.program.fields,
                ignored: &format.program.ignored,
                received: state.received,
            };
            coercer.declared_members(items, field.branch)
        }
        _ => None,
    }
}

/// Puts values at paths inside declared objects into those objects.
fn fold_inside(format: &Format, state: &mut State<'_>) {
    for index in 0..state.fields.len() {
        let field = &format.program.fields.list[index];
        let (Some(container), Some(value)) = (field.container, state.fields[index]) else {
            continue;
        };
        let container = usize::from(container);
        let depth = format.program.fields.list[container].segments.len();
        let held = state.fields[container];
        state.fields[container] = Some(with(held, &field.segments[depth..], value, state.arena));
    }
}

/// A dictionary with a value at a path.
fn with<'a>(held: Option<Value<'a>>, keys: &[Box<str>], value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    let Some((first, rest)) = keys.split_first() else {
        return value;
    };
    let entries: &[(&'a str, Value<'a>)] = match held {
        Some(Value::Dict(entries)) => entries,
        _ => &[],
    };
    let inner = held.and_then(|held| held.get(first));
    let mut out = BumpVec::with_capacity_in(entries.len() + 1, arena);
    out.extend(entries.iter().filter(|(key, _)| **key != **first).copied());
    out.push((arena.alloc_str(first), with(inner, rest, value, arena)));
    Value::Dict(out.into_bump_slice())
}

/// `log.*` of the input, unless the format set it itself.
fn copy_log<'a>(format: &Format, original: Value<'a>, state: &State<'a>, event: &mut Event<'a>) {
    let Some(log) = original.get("log") else {
        return;
    };
    let coercer = Coercer {
        arena: state.arena,
        fields: &format.program.fields,
        ignored: &format.program.ignored,
        received: state.received,
    };
    for (path, id, kind) in &format.log {
        let found = path[1..].iter().try_fold(log, |value, key| value.get(key));
        if let Some(value) = found.filter(|value| !coercer.is_empty(*value))
            && event.get(*id).is_none()
            && let Some(value) = coercer.coerce(*kind, value, 0)
        {
            event.set(*id, value);
        }
    }
}
