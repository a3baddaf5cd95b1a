//! One record through a compiled format: stages fill slots, actions fill fields.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::{Timestamp, Value};

use crate::constant::Constant;
use crate::fields::FieldSlot;
use crate::json::{self, Hints, Sink};
use crate::paths::Slot;
use crate::program::{Action, ActionKind, Filter, Producer, Program, Run, Translate, ZoneSource};
use crate::template::{Env, Outside, Val};
use crate::time;

mod misfit;
mod store;
mod view;

use store::{coercer, delete, keep, parsed, store};
use view::View;

/// Whether a stage has left a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The stage did not run: its name is undefined.
    Absent,
    /// It failed: an empty dictionary.
    Empty,
    Present,
}

/// A record on its way.
pub(crate) struct State<'a> {
    pub(crate) arena: &'a Bump,
    /// `original.message`.
    pub(crate) message: Option<&'a str>,
    /// The whole input, when it is more than the message.
    pub(crate) original: Option<Value<'a>>,
    pub(crate) slots: Vec<Option<Value<'a>>>,
    pub(crate) fields: Vec<Option<Value<'a>>>,
    pub(crate) layers: Vec<Presence>,
    /// Layers of stages of actions that templates read; by layer.
    pub(crate) custom: Vec<Option<Val<'a>>>,
    pub(crate) items: Vec<Value<'a>>,
    pub(crate) entries: Vec<(&'a str, Value<'a>)>,
    pub(crate) received: Option<Timestamp>,
    pub(crate) warnings: BumpVec<'a, &'a str>,
    /// Values that do not fit their fields, a sentence each, up to a bound.
    pub(crate) misfits: BumpVec<'a, &'a str>,
    /// How many there are beyond the bound.
    pub(crate) misfits_more: usize,
}

/// Why a record is refused.
pub(crate) struct Refused<'a>(pub(crate) &'a str);

/// Runs all steps.
pub(crate) fn run<'a>(program: &Program, state: &mut State<'a>, hints: &mut Hints) -> Result<(), Refused<'a>> {
    for step in &program.steps {
        if let Some(filter) = &step.filter
            && !holds(filter, program, state)
        {
            continue;
        }
        let layer = usize::from(step.layer);
        match &step.run {
            Run::Json { input, root, original } => {
                state.layers[layer] = Presence::Empty;
                if json_step(input, *root, *original, program, state, hints)? {
                    state.layers[layer] = Presence::Present;
                }
            }
            Run::Date { input, root, format, zone, name } => {
                state.layers[layer] = Presence::Empty;
                state.slots[*root as usize] = None;
                if let Some(text) = date_step(input, format.as_deref(), zone, name, program, state) {
                    state.slots[*root as usize] = Some(Value::Str(text));
                    state.layers[layer] = Presence::Present;
                }
            }
            Run::Actions(actions) => {
                state.layers[layer] = Presence::Present;
                if program.layers[layer].read {
                    state.custom[layer] = Some(Val::dict(BumpVec::new_in(state.arena), state.arena));
                }
                for action in actions {
                    apply(action, step.layer, program, state);
                }
            }
        }
    }
    Ok(())
}

/// Reads JSON; `false` when there is nothing to read or it is damaged. A damaged record is refused.
fn json_step<'a>(
    input: &Producer,
    root: Slot,
    original: bool,
    program: &Program,
    state: &mut State<'a>,
    hints: &mut Hints,
) -> Result<bool, Refused<'a>> {
    // an earlier run of a stage of the same name leaves nothing behind
    if state.slots[root as usize].is_some() {
        forget(root, program, state);
    }
    let value = if original { state.message.map(Value::Str) } else { produce(input, program, state) };
    let text = match value {
        Some(Value::Str(text)) => text,
        Some(value @ (Value::Dict(_) | Value::List(_))) => {
            json::spread(value, root, &program.paths, &mut state.slots);
            return Ok(true);
        }
        None if original => return Err(Refused("the record is empty")),
        _ => return Ok(false),
    };
    let mut sink = Sink {
        paths: &program.paths,
        slots: &mut state.slots,
        hints,
        items: &mut state.items,
        entries: &mut state.entries,
    };
    match json::read_paths(text, root, &mut sink, state.arena) {
        Ok(()) if !original || is_record(root, program, state) => Ok(true),
        Ok(()) => Err(Refused("the record is JSON but no object")),
        Err(error) if original => Err(Refused(state.arena.alloc_str(&error.to_string()))),
        Err(_) => {
            forget(root, program, state);
            Ok(false)
        }
    }
}

/// Whether the value is what the format takes as a record: an object, or a list when it reads no members by name.
fn is_record(root: Slot, program: &Program, state: &State<'_>) -> bool {
    match state.slots[root as usize] {
        Some(Value::Dict(_)) => true,
        Some(Value::List(_)) => program.paths.nodes[root as usize].children.is_empty(),
        _ => false,
    }
}

fn forget(slot: Slot, program: &Program, state: &mut State<'_>) {
    state.slots[slot as usize] = None;
    for child in &program.paths.nodes[slot as usize].children {
        forget(*child, program, state);
    }
}

/// The text of a time; a text that is none is remarked upon.
fn date_step<'a>(
    input: &Producer,
    format: Option<&str>,
    zone: &ZoneSource,
    name: &str,
    program: &Program,
    state: &mut State<'a>,
) -> Option<&'a str> {
    let value = produce(input, program, state).filter(|value| *value != Value::Null && *value != Value::Str(""))?;
    let named;
    let zone = match zone {
        ZoneSource::Utc => None,
        ZoneSource::Fixed(zone) => Some(zone),
        ZoneSource::Template(producer) => {
            named = produce(producer, program, state).and_then(Value::as_str).and_then(time::Zone::from_name);
            named.as_ref()
        }
    };
    let options = time::Options { format, zone, received: state.received };
    match time::parse(value, &options) {
        Some(moment) => Some(time::six_digits(moment, state.arena)),
        None => {
            let shown: String = crate::template::python::to_text(value).chars().take(64).collect();
            let warning = format!("stage `{name}`: `{shown}` is not a time");
            state.warnings.push(state.arena.alloc_str(&warning));
            None
        }
    }
}

/// Whether a filter lets pass; an error is a no.
fn holds(filter: &Filter, program: &Program, state: &State<'_>) -> bool {
    match filter {
        Filter::Constant(flag) => *flag,
        Filter::Expr(expr) => {
            let view = View { program, state };
            Env::new(&view, state.arena).eval(expr).is_ok_and(Val::truth)
        }
        Filter::Template(template) => {
            let view = View { program, state };
            Env::new(&view, state.arena)
                .render(template)
                .is_ok_and(|text| !matches!(text.trim(), "" | "False" | "None" | "0"))
        }
    }
}

fn apply(action: &Action, layer: u16, program: &Program, state: &mut State<'_>) {
    if let Some(filter) = &action.filter
        && !holds(filter, program, state)
    {
        return;
    }
    match &action.kind {
        ActionKind::Set(assignments) => {
            for assign in assignments {
                set(&assign.value, assign.target, layer, program, state);
            }
        }
        ActionKind::Translate(entries) => {
            for entry in entries {
                if let Some(value) = translated(entry, program, state) {
                    set(value, entry.target, layer, program, state);
                }
            }
        }
        ActionKind::Delete(paths) => {
            for path in paths {
                delete(path, state);
            }
        }
    }
}

/// The value that a translation picks.
fn translated<'p>(entry: &'p Translate, program: &Program, state: &State<'_>) -> Option<&'p Producer> {
    let view = View { program, state };
    let found = entry.sources.iter().find_map(|source| {
        let value = Env::new(&view, state.arena).eval(source).ok()?;
        (!value.is_undefined() && !value.is_none()).then_some(value)
    });
    let index = match found {
        Some(Val::Data(Value::Str(text))) => entry.keys.find(text),
        Some(Val::Data(Value::Bool(flag))) => entry.keys.find(if flag { "True" } else { "False" }),
        Some(Val::Data(Value::Int(number))) => {
            let mut digits = [0; 20];
            entry.keys.find(decimal(number, &mut digits))
        }
        Some(other) => entry.keys.find(&crate::template::python::str_of(other)),
        None => None,
    };
    index.and_then(|index| entry.values.get(index)).or(entry.fallback.as_ref())
}

/// A whole number as text on the stack.
fn decimal(number: i64, buffer: &mut [u8; 20]) -> &str {
    let mut at = buffer.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    std::str::from_utf8(&buffer[at..]).unwrap_or("")
}

/// Gives a slot the value of a producer, unless it gives none.
#[inline]
fn set<'a>(producer: &Producer, target: FieldSlot, layer: u16, program: &Program, state: &mut State<'a>) {
    let value = match producer {
        // a text or number is taken apart and put together again: copied whole it would stall the processor
        Producer::Slot(slot) => match state.slots[*slot as usize] {
            Some(Value::Str(text)) if program.plain[usize::from(target)].takes_text(text) => {
                state.fields[usize::from(target)] = Some(Value::Str(text));
                return;
            }
            Some(Value::Int(number)) if program.plain[usize::from(target)].number => {
                state.fields[usize::from(target)] = Some(Value::Int(number));
                return;
            }
            Some(value) => value,
            None => return,
        },
        Producer::Ready(Constant::Str(text)) if program.plain[usize::from(target)].text => {
            state.fields[usize::from(target)] = Some(Value::Str(state.arena.alloc_str(text)));
            return;
        }
        Producer::Ready(constant) => {
            let value = constant.lend(state.arena);
            state.fields[usize::from(target)] = Some(value);
            keep(value, target, layer, program, state);
            return;
        }
        other => match produce(other, program, state) {
            Some(value) => value,
            None => return,
        },
    };
    store(value, target, layer, program, state);
}

/// The value of a producer; `None` when it has none or fails.
fn produce<'a>(producer: &Producer, program: &Program, state: &State<'a>) -> Option<Value<'a>> {
    match producer {
        Producer::Never => None,
        Producer::Slot(slot) => state.slots[*slot as usize],
        Producer::FirstTrue { slots, or_none } => first_true(slots, *or_none, program, state),
        Producer::Ready(constant) | Producer::Constant(constant) => Some(constant.lend(state.arena)),
        Producer::Expr(expr) => {
            let view = View { program, state };
            Env::new(&view, state.arena).eval(expr).ok()?.data(state.arena)
        }
        Producer::Template(template) => {
            let view = View { program, state };
            Env::new(&view, state.arena).render(template).ok().map(|text| Value::Str(text.trim()))
        }
        Producer::List(items) => {
            let coercer = coercer(program, state);
            let mut out = BumpVec::with_capacity_in(items.len(), state.arena);
            for item in items {
                let value = produce(item, program, state).map(|value| parsed(value, state.arena));
                out.extend(value.filter(|value| !coercer.is_empty(*value)));
            }
            (!out.is_empty()).then(|| Value::List(out.into_bump_slice()))
        }
    }
}

/// `a or b or none` over paths of the record.
fn first_true<'a>(slots: &[Slot], or_none: bool, program: &Program, state: &State<'a>) -> Option<Value<'a>> {
    let view = View { program, state };
    let mut last = None;
    for slot in slots {
        last = match state.slots[*slot as usize] {
            Some(value) if Val::Data(value).truth() => return Some(value),
            Some(value) => Some(value),
            // absent: nothing, unless the way to it is missing too, which is an error
            None if view.is_above(*slot) => None,
            None => {
                view.slot(*slot).ok()?;
                None
            }
        };
    }
    if or_none { None } else { last }
}
