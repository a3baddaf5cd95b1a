//! Values that do not fit the type of their field: the event lacks them, so a sentence says which.

use tidegate_event::{FieldType, Value};

use super::State;
use super::store::coercer;
use crate::fields::FieldSlot;
use crate::program::Program;

/// Values of one record that are named; the others are counted.
const NAMED_MAX: usize = 8;
/// Characters shown of a value.
const SHOWN_CHARS_MAX: usize = 64;

/// Remarks on a value that was left out, or on the items of a list that were. What is empty misses nothing.
#[cold]
pub(super) fn remark<'a>(
    kind: FieldType,
    value: Value<'a>,
    target: FieldSlot,
    program: &Program,
    state: &mut State<'a>,
) {
    let expected = match kind {
        FieldType::Ip => "an IP address",
        FieldType::Long | FieldType::Float => "a number",
        FieldType::Boolean => "`true` or `false`",
        FieldType::Date => "a time",
        _ => return,
    };
    let field = &program.fields.list[usize::from(target)];
    let items = match &value {
        Value::List(items) => items,
        value => std::slice::from_ref(value),
    };
    let coercer = coercer(program, state);
    for item in items {
        if is_nothing(*item) || coercer.is_empty(*item) || coercer.coerce(kind, *item, field.branch).is_some() {
            continue;
        }
        if state.misfits.len() >= NAMED_MAX {
            state.misfits_more += 1;
            continue;
        }
        let shown: String = match item {
            Value::Str(text) => text.chars().take(SHOWN_CHARS_MAX).collect(),
            other => other.to_json().chars().take(SHOWN_CHARS_MAX).collect(),
        };
        let sentence = format!("`{}`: `{shown}` is not {expected}", field.segments.join("."));
        let sentence = state.arena.alloc_str(&sentence);
        if program.timestamp == Some(target) {
            state.warnings.push(sentence);
        } else {
            state.misfits.push(sentence);
        }
    }
}

fn is_nothing(value: Value<'_>) -> bool {
    matches!(value, Value::Dict([]) | Value::List([]))
}
