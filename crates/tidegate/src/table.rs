//! Rows for people: aligned columns, or a JSON line each for machines.

use std::io::{self, Write};

use serde_json::Value;

/// A column: its title and where its value stands in a row.
pub(crate) type Column = (&'static str, &'static str);

/// Prints rows as a table with these columns (value paths as JSON pointers), or each row whole as a JSON line.
pub(crate) fn print(rows: &[Value], columns: &[Column], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return rows.iter().try_for_each(|row| writeln!(out, "{row}"));
    }
    out.write_all(render(rows, columns).as_bytes())
}

/// Prints rows of cells under their names as a table.
pub(crate) fn print_cells(names: &[String], rows: &[Vec<Value>]) -> io::Result<()> {
    let mut lines = vec![names.iter().map(|name| printable(name)).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| row.iter().map(|value| cell(Some(value))).collect()));
    io::stdout().lock().write_all(align(&lines).as_bytes())
}

/// Text without the characters that move a terminal's cursor or reorder its line.
pub(crate) fn printable(text: &str) -> String {
    let unsafe_to_show = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if unsafe_to_show(c) { '\u{fffd}' } else { c }).collect()
}

fn render(rows: &[Value], columns: &[Column]) -> String {
    let mut lines = vec![columns.iter().map(|(title, _)| (*title).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(_, pointer)| cell(row.pointer(pointer))).collect()));
    align(&lines)
}

fn align(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..lines.first().map_or(0, Vec::len)).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<_> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A value in a cell. Control characters stay out of terminals.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(truth)) => if *truth { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) => printable(text),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_and_harmless() {
        let rows = [json!({"name": "a\u{1b}[31m", "n": {"x": 1}}), json!({"name": "longer", "on": true})];
        let text = render(&rows, &[("NAME", "/name"), ("X", "/n/x"), ("ON", "/on")]);
        assert_eq!(text, "NAME    X  ON\na\u{fffd}[31m  1  -\nlonger  -  yes\n");
    }
}
