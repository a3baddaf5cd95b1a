//! One record through a compiled format: stages fill slots, actions fill fields.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::{FieldType, Timestamp, Value};

use crate::coerce::Coercer;
use crate::constant::Constant;
use crate::fields::{Branch, FieldSlot, Kind};
use crate::json::{self, Hints, Sink};
use crate::paths::{NO_SLOT, Slot};
use crate::program::{Action, ActionKind, Delete, Filter, Layer, Producer, Program, Run, Translate, ZoneSource};
use crate::template::{Env, Fail, Outside, Val, literal, methods_put};
use crate::time;

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
        Ok(()) if !original || matches!(state.slots[root as usize], Some(Value::Dict(_) | Value::List(_))) => Ok(true),
        Ok(()) => Err(Refused("the record is JSON but no object")),
        Err(error) if original => Err(Refused(state.arena.alloc_str(&error.to_string()))),
        Err(_) => {
            forget(root, program, state);
            Ok(false)
        }
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

/// A text that spells a Python list or dictionary is one.
#[inline]
fn parsed<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    match value {
        Value::Str(text) if text.trim_start().starts_with(['[', '{']) => {
            literal::parse(text.trim(), arena).unwrap_or(value)
        }
        value => value,
    }
}

fn coercer<'r, 'a>(program: &'r Program, state: &State<'a>) -> Coercer<'r, 'a> {
    Coercer { arena: state.arena, fields: &program.fields, ignored: &program.ignored, received: state.received }
}

/// Stores a value in a slot by the rules of its field. Empty values never overwrite.
#[inline]
fn store<'a>(value: Value<'a>, target: FieldSlot, layer: u16, program: &Program, state: &mut State<'a>) {
    let field = &program.fields.list[usize::from(target)];
    let value = parsed(value, state.arena);
    let coercer = coercer(program, state);
    if coercer.is_empty(value) {
        return;
    }
    let stored = match field.kind {
        Kind::Declared(FieldType::Dict) | Kind::Hidden => {
            if let Value::Dict(entries) = value {
                spread(entries, field.branch, program, state);
            }
            Some(value)
        }
        Kind::Declared(kind) => coercer.coerce(kind, value, field.branch),
        Kind::Inside => Some(value),
    };
    if let Some(stored) = stored {
        state.fields[usize::from(target)] = Some(stored);
        keep(stored, target, layer, program, state);
    }
}

/// Stores the members of a dictionary in the slots below a branch.
fn spread<'a>(entries: &'a [(&'a str, Value<'a>)], branch: Branch, program: &Program, state: &mut State<'a>) {
    let node = &program.fields.branches[branch as usize];
    for (key, value) in entries {
        let Some(child) = node.children.get(*key) else {
            continue;
        };
        match (program.fields.branches[*child as usize].slot, value) {
            (Some(slot), _) => store_member(*value, slot, program, state),
            (None, Value::Dict(inner)) => spread(inner, *child, program, state),
            (None, _) => {}
        }
    }
}

/// A member of a dictionary: as [`store`], but its text is data and no literal.
fn store_member<'a>(value: Value<'a>, target: FieldSlot, program: &Program, state: &mut State<'a>) {
    let coercer = coercer(program, state);
    if coercer.is_empty(value) {
        return;
    }
    let field = &program.fields.list[usize::from(target)];
    match (field.kind, value) {
        (Kind::Declared(FieldType::Dict) | Kind::Hidden, Value::Dict(entries)) => {
            spread(entries, field.branch, program, state);
        }
        (Kind::Declared(kind), value) => {
            if let Some(value) = coercer.coerce(kind, value, field.branch) {
                state.fields[usize::from(target)] = Some(value);
            }
        }
        (_, value) => state.fields[usize::from(target)] = Some(value),
    }
}

/// Keeps a value in the layer of its stage, when some template reads that.
#[inline]
fn keep<'a>(value: Value<'a>, target: FieldSlot, layer: u16, program: &Program, state: &mut State<'a>) {
    if program.layers[usize::from(layer)].read {
        keep_in_layer(value, target, layer, program, state);
    }
}

#[cold]
fn keep_in_layer<'a>(value: Value<'a>, target: FieldSlot, layer: u16, program: &Program, state: &mut State<'a>) {
    let Some(mut at) = state.custom[usize::from(layer)] else {
        return;
    };
    let segments = &program.fields.list[usize::from(target)].segments;
    for (index, segment) in segments.iter().enumerate() {
        let Val::Dict(pairs) = at else {
            return;
        };
        let key = Val::str(state.arena.alloc_str(segment));
        if index + 1 == segments.len() {
            // a dictionary that is too long keeps what it has
            let _ = methods_put(&mut pairs.borrow_mut(), key, Val::Data(value));
            return;
        }
        at = match at.lookup(key) {
            Some(inner @ Val::Dict(_)) => inner,
            _ => {
                let inner = Val::dict(BumpVec::new_in(state.arena), state.arena);
                let _ = methods_put(&mut pairs.borrow_mut(), key, inner);
                inner
            }
        };
    }
}

fn delete(path: &Delete, state: &mut State<'_>) {
    for slot in path.range.0..path.range.1 {
        state.fields[usize::from(slot)] = None;
    }
    for (slot, keys) in &path.above {
        if let Some(value @ Value::Dict(_)) = state.fields[usize::from(*slot)] {
            state.fields[usize::from(*slot)] = without(value, keys, state.arena);
        }
    }
}

/// A dictionary without the value at a path; `None` when nothing is left.
fn without<'a>(value: Value<'a>, keys: &[Box<str>], arena: &'a Bump) -> Option<Value<'a>> {
    let (Value::Dict(entries), Some((first, rest))) = (value, keys.split_first()) else {
        return Some(value);
    };
    let mut out = BumpVec::with_capacity_in(entries.len(), arena);
    for (key, inner) in entries {
        if **key != **first {
            out.push((*key, *inner));
        } else if !rest.is_empty() {
            out.extend(without(*inner, rest, arena).map(|inner| (*key, inner)));
        }
    }
    (!out.is_empty()).then(|| Value::Dict(out.into_bump_slice()))
}

/// What templates see.
struct View<'r, 'a> {
    program: &'r Program,
    state: &'r State<'a>,
}

impl<'a> View<'_, 'a> {
    /// Whether there is something above a path that it could be a member of.
    #[inline]
    fn is_above(&self, slot: Slot) -> bool {
        let parent = self.program.paths.parents[slot as usize];
        self.state.slots.get(parent as usize).is_some_and(|value| matches!(value, Some(Value::Dict(_))))
    }

    /// A path that holds nothing: undefined, or an error when what is above it is missing or null.
    #[cold]
    fn missing(&self, slot: Slot) -> Result<Val<'a>, Fail> {
        let parent = self.program.paths.parents[slot as usize];
        if parent != NO_SLOT {
            return match self.state.slots[parent as usize] {
                None => Err(Fail("attribute of an undefined value")),
                Some(Value::Null) => Err(Fail("attribute of None")),
                Some(_) => Ok(Val::Undefined),
            };
        }
        let is_root = |layer: &Layer| layer.external.as_ref().is_some_and(|(_, root)| *root == slot);
        match self.program.layers.iter().position(is_root).map(|layer| self.state.layers[layer]) {
            Some(Presence::Absent) | None => Err(Fail("attribute of an undefined value")),
            Some(_) => Ok(Val::Undefined),
        }
    }

    /// The values of a range of slots as a dictionary, paths shortened by `depth` segments.
    fn tree(&self, range: (FieldSlot, FieldSlot), depth: usize) -> Option<Value<'a>> {
        let arena = self.state.arena;
        let mut entries: BumpVec<'a, (&'a str, Value<'a>)> = BumpVec::new_in(arena);
        let mut at = range.0;
        while at < range.1 {
            let field = &self.program.fields.list[usize::from(at)];
            let Some(key) = field.segments.get(depth) else {
                at += 1;
                continue;
            };
            let group = (at..range.1)
                .find(|other| self.program.fields.list[usize::from(*other)].segments.get(depth) != Some(key))
                .unwrap_or(range.1);
            let own = (field.segments.len() == depth + 1).then(|| self.state.fields[usize::from(at)]).flatten();
            let value = match own {
                Some(value) => Some(value),
                None => self.tree((at, group), depth + 1),
            };
            entries.extend(value.map(|value| (&*arena.alloc_str(key), value)));
            at = group;
        }
        (!entries.is_empty()).then(|| Value::Dict(entries.into_bump_slice()))
    }

    fn any(&self, range: (FieldSlot, FieldSlot)) -> bool {
        self.state.fields[usize::from(range.0)..usize::from(range.1)].iter().any(Option::is_some)
    }
}

impl<'a> Outside<'a> for View<'_, 'a> {
    #[inline]
    fn slot(&self, slot: u32) -> Result<Val<'a>, Fail> {
        match self.state.slots[slot as usize] {
            Some(value) => Ok(Val::Data(value)),
            None => self.missing(slot),
        }
    }

    fn slot_get(&self, dict: u32, value: u32) -> Result<Option<Val<'a>>, Fail> {
        match self.state.slots[dict as usize] {
            Some(Value::Dict(_)) => Ok(self.state.slots[value as usize].map(Val::Data)),
            _ => Err(Fail("value has no method `get`")),
        }
    }

    fn slot_has(&self, dict: u32, value: u32) -> Result<bool, Fail> {
        let key = &self.program.paths.nodes[value as usize].key;
        match self.state.slots[dict as usize] {
            Some(Value::Dict(_)) => Ok(self.state.slots[value as usize].is_some()),
            Some(Value::Str(text)) => Ok(text.contains(&**key)),
            Some(Value::List(items)) => Ok(items.iter().any(|item| item.as_str() == Some(key))),
            Some(_) => Err(Fail("nothing can be in this value")),
            None => self.missing(dict).map(|_| false),
        }
    }

    fn message(&self) -> Val<'a> {
        self.state.message.map_or(Val::Undefined, Val::str)
    }

    fn original(&self) -> Val<'a> {
        match (self.state.original, self.state.message) {
            (Some(original), _) => Val::Data(original),
            (None, Some(message)) => {
                Val::Data(Value::Dict(self.state.arena.alloc_slice_copy(&[("message", Value::Str(message))])))
            }
            (None, None) => Val::Data(Value::Dict(&[])),
        }
    }

    fn layer(&self, layer: u16) -> Val<'a> {
        let index = usize::from(layer);
        if let Some(custom) = self.state.custom.get(index).copied().flatten() {
            return custom;
        }
        match (self.state.layers[index], &self.program.layers[index].external) {
            (Presence::Absent, _) => Val::Undefined,
            (Presence::Present, Some((output, root))) => match self.state.slots[*root as usize] {
                Some(value) => {
                    let key = &*self.state.arena.alloc_str(output);
                    Val::Data(Value::Dict(self.state.arena.alloc_slice_copy(&[(key, value)])))
                }
                None => Val::Data(Value::Dict(&[])),
            },
            _ => Val::Data(Value::Dict(&[])),
        }
    }

    fn final_path(&self, path: u16) -> Result<Val<'a>, Fail> {
        let path = &self.program.final_paths[usize::from(path)];
        if let Some(value) = path.slot.and_then(|slot| self.state.fields[usize::from(slot)]) {
            return Ok(Val::Data(value));
        }
        if let Some(tree) = self.tree(path.range, path.depth) {
            return Ok(Val::Data(tree));
        }
        for (slot, keys) in &path.above {
            if let Some(value) = self.state.fields[usize::from(*slot)] {
                let found = keys.iter().try_fold(value, |value, key| value.get(key));
                return Ok(found.map_or(Val::Undefined, Val::Data));
            }
        }
        match path.parent {
            Some(parent) if !self.any(parent) => Err(Fail("attribute of an undefined value")),
            _ => Ok(Val::Undefined),
        }
    }

    fn final_all(&self) -> Val<'a> {
        let end = self.state.fields.len();
        let tree = FieldSlot::try_from(end).ok().and_then(|end| self.tree((0, end), 0));
        Val::Data(tree.unwrap_or(Value::Dict(&[])))
    }

    fn received(&self) -> Option<Timestamp> {
        self.state.received
    }
}
