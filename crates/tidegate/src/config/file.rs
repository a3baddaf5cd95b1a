//! The configuration file: TOML to raw values with their places.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Origin, Problem};
use super::sections::sections;
use super::value::Raw;
use super::{Written, buckets, nearest};

const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads the file into `written`; whatever is wrong becomes a problem.
pub(super) fn read(path: &Path, written: &mut Written) {
    let text = match load(path) {
        Ok(text) => text,
        Err(why) => {
            let origin = Origin::File { path: path.to_owned(), line: 1, column: 1 };
            return written.problems.push(Problem::new(origin, why));
        }
    };
    let place = |span: Range<usize>| {
        let (line, column) = line_and_column(&text, span.start);
        Origin::File { path: path.to_owned(), line, column }
    };
    let (table, errors) = DeTable::parse_recoverable(&text);
    // Later errors of syntax mostly follow from the first.
    match errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start)) {
        None => take_sections(table.get_ref(), &place, written),
        Some(error) => {
            written.problems.push(Problem::new(place(error.span().unwrap_or(0..0)), error.message()));
        }
    }
}

fn load(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| format!("is not UTF-8 from byte {}", error.utf8_error().valid_up_to()))
}

fn take_sections(table: &DeTable<'_>, place: &impl Fn(Range<usize>) -> Origin, written: &mut Written) {
    let known = sections();
    for (name, value) in table.iter() {
        let section = name.get_ref().as_ref();
        match value.get_ref() {
            DeValue::Array(items) if section == buckets::NAME => {
                buckets::take(items, place, raw, written);
                continue;
            }
            _ => {}
        }
        let mut wrong = |message: String| written.problems.push(Problem::new(place(name.span()), message));
        match (known.iter().find(|known| known.name == section), value.get_ref()) {
            (Some(section), DeValue::Table(keys)) => {
                for (key, value) in keys.iter() {
                    if section.settings.iter().any(|setting| setting.key == key.get_ref().as_ref()) {
                        let place = place(value.span());
                        let key = (section.name.to_owned(), key.get_ref().to_string());
                        written.values.insert(key, (raw(value), place));
                    } else {
                        let message = nearest::unknown_key(section.name, key.get_ref());
                        written.problems.push(Problem::new(place(key.span()), message));
                    }
                }
            }
            (Some(_), _) => wrong(format!("`{section}` must be a section: write `[{section}]`")),
            (None, _) if section == buckets::NAME => {
                wrong(format!("`{section}` must be a list of tables: write `[[{section}]]`"));
            }
            (None, DeValue::Table(_)) => wrong(nearest::unknown_section(section)),
            (None, _) => wrong(nearest::outside(section)),
        }
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other("a number that is too large"),
        },
        DeValue::Float(_) => Raw::Other("a fraction"),
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(items) => Raw::List(items.iter().map(raw).collect()),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
