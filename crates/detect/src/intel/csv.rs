//! Tables: which column holds what, and row after row.

mod columns;
mod row;

use std::io::BufRead;

use super::error::IntelError;
use super::indicator::{Indicator, add_tag};
use super::lines::{Line, Lines};
use super::moment::parse_moment;
use super::read::{FEED_BYTES_MAX, Taker};
use super::report::Refusal;
pub use columns::{Column, Columns};
use columns::{Places, is_header};
use row::{Split, split};

/// A quoted field may go on over so many lines; a quote that is never closed costs no more than these.
const ROW_LINES_MAX: usize = 32;
/// And so many bytes.
const ROW_BYTES_MAX: usize = 64 << 10;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// Whether these lines are a table: they have a header we know, or the same number of columns in every line.
pub(super) fn looks_like_table(lines: &[&str]) -> bool {
    if lines.iter().any(|line| delimiter_of_header(line).is_some()) {
        return true;
    }
    let rows: Vec<&&str> = lines.iter().filter(|line| !is_remark(line) && !line.trim().is_empty()).take(20).collect();
    let count = |line: &str| line.matches(',').count();
    rows.len() >= 2 && count(rows[0]) > 0 && rows[..rows.len() - 1].iter().all(|line| count(line) == count(rows[0]))
}

/// By what the columns of a header are parted; `None` when it is no header that we know.
fn delimiter_of_header(line: &str) -> Option<char> {
    let line = line.trim_start_matches(['#', ' ', '\t']);
    DELIMITERS.into_iter().find(|delimiter| {
        let mut fields = Vec::new();
        line.contains(*delimiter) && split(line, *delimiter, &mut fields) == Split::Whole && is_header(&fields)
    })
}

fn is_remark(line: &str) -> bool {
    line.starts_with('#') || line.starts_with("//")
}

/// Reads the table to its end, or until nothing more is wanted.
pub(super) fn read(input: impl BufRead, taker: &mut Taker<'_, '_>) -> Result<(), IntelError> {
    let mut table =
        Table { lines: Lines::new(input), fields: Vec::new(), delimiter: taker.options.columns.delimiter, at: 0 };
    let mut places: Option<Places> = None;
    while !taker.ended() {
        match table.next() {
            Ok(Row::End) => break,
            Ok(Row::Remark) => {}
            Ok(Row::Header) => places = Some(Places::find(taker.options.columns, &table.fields)?),
            Ok(Row::Bad(why)) => {
                taker.record();
                taker.report.problem(table.at, why);
                taker.barren();
            }
            Ok(Row::Fields) => {
                if places.is_none() && taker.options.columns.header {
                    places = Some(Places::find(taker.options.columns, &table.fields)?);
                    continue;
                }
                let places = match &mut places {
                    Some(places) => places,
                    none => none.insert(Places::find(taker.options.columns, &[])?),
                };
                take(table.at, &table.fields, places, taker);
            }
            Err(error) => taker.end(format!("reading failed at line {}: {error}", table.at)),
        }
        if table.lines.bytes() > FEED_BYTES_MAX {
            taker.end(format!("it is larger than {} MiB", FEED_BYTES_MAX >> 20));
        }
    }
    super::json::nothing_known(taker, "no column of the table holds names, addresses or URLs")
}

fn take(at: u64, fields: &[String], places: &mut Places, taker: &mut Taker<'_, '_>) {
    taker.record();
    let Some(place) = places.value_in(fields) else {
        taker.report.problem(at, "the row holds no name, address or URL");
        return taker.barren();
    };
    let text = fields.get(place).map_or("", String::as_str);
    let Some(mut indicator) = taker.value(at, text) else { return };
    let unwanted = places.to_ids.and_then(|place| fields.get(place)).is_some_and(|text| is_no(text));
    if unwanted && !taker.options.all_attributes {
        return taker.report.refuse(&indicator.value.to_string(), Refusal::NotForDetection);
    }
    complete(&mut indicator, fields, places);
    taker.take(indicator);
}

fn complete(indicator: &mut Indicator, fields: &[String], places: &Places) {
    let field = |place: Option<usize>| place.and_then(|place| fields.get(place)).filter(|text| !is_nothing(text));
    for place in &places.tags {
        for tag in field(Some(*place)).into_iter().flat_map(|text| text.split([',', ';', '|'])) {
            add_tag(&mut indicator.tags, tag);
        }
    }
    indicator.confidence = field(places.confidence).and_then(|text| text.trim_end_matches('%').trim().parse().ok());
    indicator.valid_from = field(places.valid_from).and_then(|text| parse_moment(text));
    indicator.valid_until = field(places.valid_until).and_then(|text| parse_moment(text));
    indicator.description = field(places.description).cloned();
    indicator.reference = field(places.reference).cloned();
}

fn is_nothing(text: &str) -> bool {
    matches!(text.trim(), "" | "None" | "none" | "null" | "NULL" | "-" | "N/A" | "n/a")
}

fn is_no(text: &str) -> bool {
    matches!(text.trim(), "0" | "false" | "False" | "no")
}

enum Row {
    Fields,
    Header,
    Remark,
    Bad(&'static str),
    End,
}

struct Table<R> {
    lines: Lines<R>,
    fields: Vec<String>,
    delimiter: Option<char>,
    at: u64,
}

impl<R: BufRead> Table<R> {
    fn next(&mut self) -> std::io::Result<Row> {
        let mut row = String::new();
        for number in 0..ROW_LINES_MAX {
            self.at += 1;
            match self.lines.next()? {
                Line::End if row.is_empty() => return Ok(Row::End),
                Line::End => return Ok(Row::Bad("a quoted field is never closed")),
                Line::NotText => return Ok(Row::Bad("the row is not UTF-8")),
                Line::TooLong => return Ok(Row::Bad("the row is too long")),
                Line::Text(line) if number == 0 => {
                    if line.trim().is_empty() {
                        return Ok(Row::Remark);
                    }
                    if let Some(known) = first_row(line, self.delimiter, &mut self.fields) {
                        self.delimiter = Some(known);
                        return Ok(Row::Header);
                    }
                    if is_remark(line) {
                        return Ok(Row::Remark);
                    }
                    row.push_str(line);
                }
                Line::Text(line) => {
                    row.push('\n');
                    row.push_str(line);
                }
            }
            if row.len() > ROW_BYTES_MAX {
                return Ok(Row::Bad("the row is too long"));
            }
            let delimiter = *self.delimiter.get_or_insert_with(|| delimiter_of_row(&row));
            match split(&row, delimiter, &mut self.fields) {
                Split::Whole => return Ok(Row::Fields),
                Split::Open => {}
            }
        }
        Ok(Row::Bad("a quoted field is never closed"))
    }
}

/// The delimiter, when the line is a header; its fields are then in `fields`.
fn first_row(line: &str, delimiter: Option<char>, fields: &mut Vec<String>) -> Option<char> {
    let bare = line.trim_start_matches(['#', ' ', '\t']);
    let known = match delimiter {
        Some(delimiter) => (split(bare, delimiter, fields) == Split::Whole && is_header(fields)).then_some(delimiter),
        None => delimiter_of_header(line),
    }?;
    (split(bare, known, fields) == Split::Whole).then_some(known)
}

fn delimiter_of_row(row: &str) -> char {
    DELIMITERS.into_iter().max_by_key(|delimiter| row.matches(*delimiter).count()).unwrap_or(',')
}
