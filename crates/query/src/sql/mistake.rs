//! What is wrong with a statement, at which character, and what to write instead.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectName, Query, Spanned, Visit, Visitor};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Location, Span as Place};

use super::{names, refused};
use crate::error::Error;
use crate::language::{Fields, Mistake, QueryError, Span, nearest_of, quoted};

/// The names that a statement uses, with their places: what is planned has lost them.
pub(super) struct Written {
    text: String,
    columns: Vec<Name>,
    tables: Vec<Name>,
    /// Tables that the statement itself makes.
    made: HashSet<String>,
}

/// A name as the planner knows it, and where it stands.
struct Name {
    name: String,
    /// As it was written.
    shown: String,
    place: Place,
    /// No planner finds it: its parts are neither a field nor a column of a table.
    unknown: bool,
}

impl Written {
    /// Those of a statement whose fields were joined.
    pub(super) fn of(text: &str, statement: &Statement) -> Self {
        let mut written = Self { text: text.to_owned(), columns: Vec::new(), tables: Vec::new(), made: HashSet::new() };
        written.read(statement);
        written
    }

    fn read(&mut self, statement: &Statement) {
        match statement {
            Statement::Statement(inner) => {
                let _ = inner.visit(self);
            }
            Statement::Explain(explain) => self.read(&explain.statement),
            _ => {}
        }
    }

    /// A failure to plan: with its place, when a name is at fault.
    pub(super) fn explain(&self, error: DataFusionError, fields: &Fields) -> Error {
        let found = match error.find_root() {
            DataFusionError::SchemaError(cause, _) => match cause.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    let known: Vec<&str> = valid_fields.iter().map(|field| field.name.as_str()).collect();
                    self.column(&field.flat_name(), &field.name).map(|name| (name, missing(&name.shown, &known)))
                }
                _ => None,
            },
            DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) => self.table().or_else(|| {
                let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                let name = self.columns.iter().find(|name| name.unknown)?;
                Some((name, missing(&name.shown, &known)))
            }),
            _ => None,
        };
        match found {
            Some((name, message)) => self.at(name.place, message),
            None => refused(error),
        }
    }

    /// The column that the planner did not find; it may have put a table before the name.
    fn column(&self, flat: &str, name: &str) -> Option<&Name> {
        let called = |wanted: &str| self.columns.iter().find(|column| column.name == wanted);
        called(flat).or_else(|| called(name))
    }

    /// A table that is none.
    fn table(&self) -> Option<(&Name, String)> {
        let table = self.tables.iter().find(|table| table.name != EVENTS && !self.made.contains(&table.name))?;
        let shown = quoted(&table.shown);
        Some((
            table,
            match nearest_of(&table.name, [EVENTS].into_iter()) {
                Some(near) => format!("there is no table {shown}; did you mean `{near}`?"),
                None => format!("there is no table {shown}; the only one is `{EVENTS}`"),
            },
        ))
    }

    fn at(&self, place: Place, message: String) -> Error {
        let span = Span::new(byte_at(&self.text, place.start), byte_at(&self.text, place.end));
        Error::Statement(QueryError::new(&self.text, Mistake::at(span, message)))
    }

    fn keep(&mut self, idents: &[Ident], unknown: bool) {
        let name = idents.iter().map(folded).collect::<Vec<_>>().join(".");
        let shown = idents.iter().map(|ident| ident.value.as_str()).collect::<Vec<_>>().join(".");
        let place = Place::union_iter(idents.iter().map(|ident| ident.span));
        self.columns.push(Name { name, shown, place, unknown });
    }
}

const EVENTS: &str = "events";

impl Visitor for Written {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let made = query.with.iter().flat_map(|with| &with.cte_tables);
        self.made.extend(made.map(|table| folded(&table.alias.name)));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let Some(last) = relation.0.last().and_then(|part| part.as_ident()) {
            self.tables.push(Name {
                name: folded(last),
                shown: last.value.clone(),
                place: relation.span(),
                unknown: false,
            });
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => {
                let unknown = name.value.starts_with('@') && name.quote_style.is_none();
                self.keep(std::slice::from_ref(name), unknown);
            }
            // A table and its column are two.
            Expr::CompoundIdentifier(segments) => self.keep(segments, segments.len() > 2),
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let Some(segments) = names::path(root, access_chain) {
                    self.keep(&segments, true);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A name as the planner takes it: in small letters, unless it was quoted.
fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

fn missing(name: &str, known: &[&str]) -> String {
    let shown = quoted(name);
    if known.is_empty() {
        return format!("there is no column {shown} here: nothing says `FROM {EVENTS}`");
    }
    let below =
        || known.iter().copied().find(|known| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    match nearest_of(name, known.iter().copied()).or_else(below) {
        Some(near) => format!("there is no column {shown}; did you mean `{near}`?"),
        None => format!("there is no column {shown}"),
    }
}

/// A statement that is none, and where it stops being one.
pub(super) fn unparsed(text: &str, error: DataFusionError) -> Error {
    let said = match error.find_root() {
        DataFusionError::SQL(cause, _) => match cause.as_ref() {
            ParserError::ParserError(said) | ParserError::TokenizerError(said) => said.clone(),
            ParserError::RecursionLimitExceeded => return Error::Sql("the statement is nested too deeply".to_owned()),
        },
        _ => return refused(error),
    };
    let place = said.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((message, Location { line: line.parse().ok()?, column: column.parse().ok()? }))
    });
    let Some((message, location)) = place else { return Error::Sql(small(&said)) };
    let start = byte_at(text, location);
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '$');
    let rest = &text[start..];
    let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
    let end = start + length.max(rest.chars().next().map_or(0, char::len_utf8));
    Error::Statement(QueryError::new(text, Mistake::at(Span::new(start, end), small(message))))
}

/// A sentence of the parser in our words' case: `Expected: a, found: b` begins small.
fn small(said: &str) -> String {
    let said = said.replacen("Expected: ", "expected ", 1).replacen(", found: ", ", found ", 1);
    let mut chars = said.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Where a place of the parser is, in bytes. It counts lines and characters from 1; line 0 is no place.
fn byte_at(text: &str, at: Location) -> usize {
    let before = usize::try_from(at.line).unwrap_or(0).saturating_sub(1);
    let line: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let column = usize::try_from(at.column).unwrap_or(0).saturating_sub(1);
    text[line..].char_indices().nth(column).map_or(text.len(), |(at, _)| line + at)
}
