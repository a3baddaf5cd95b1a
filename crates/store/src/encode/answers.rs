//! `dns.answers`: a list of objects becomes one list a member, all of the same length.

use tidegate_event::Value;

use super::cells::Cells;
use crate::schema::{ANSWER_MEMBERS, ANSWERS, Schema};

/// Positions of the member columns.
pub(super) fn columns(schema: &Schema) -> [usize; 5] {
    ANSWER_MEMBERS.map(|(member, _)| schema.index(&format!("{ANSWERS}.{member}")).unwrap_or_default())
}

/// Sets the member columns of `row`. Returns whether the value comes back from them as it was; when it does not, they
/// hold what can be searched.
pub(super) fn append(cells: &mut [Cells], columns: &[usize; 5], row: usize, value: Value<'_>) -> bool {
    let items = match value {
        Value::Null => return true,
        Value::List(items) => items,
        _ => return false,
    };
    let mut exact = true;
    for (&column, (member, _)) in columns.iter().zip(ANSWER_MEMBERS) {
        for item in items {
            exact &= cells[column].list_item(row, item.get(member));
        }
        cells[column].end_list(row);
    }
    exact && items.iter().all(is_plain)
}

/// Whether an item is an object of known members only.
fn is_plain(item: &Value<'_>) -> bool {
    match item {
        Value::Dict(entries) => entries.iter().all(|(key, _)| ANSWER_MEMBERS.iter().any(|(member, _)| member == key)),
        _ => false,
    }
}
