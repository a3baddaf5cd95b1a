//! A query that can run: fields are known, values have the type of their field.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tidegate_event::Timestamp;

use super::fields::Field;
use super::ip::IpRange;
use super::moment::Moment;
use super::text::TextTest;

const DAY_MICROS: i64 = 86_400_000_000;

/// A resolved query or a part of one. Logic is two-valued: a test of a field that an event lacks is false, and NOT of
/// it is true.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every event.
    All,
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Every event that the inner filter does not match.
    Not(Box<Filter>),
    /// One test of one field. A list passes when one of its items does.
    Test(Arc<Field>, Condition),
    /// A test of all textual fields: one of them passes.
    AnyText(Arc<[Arc<Field>]>, TextTest),
}

impl Filter {
    /// The names of the fields that it tests.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<String> {
        let mut fields = BTreeSet::new();
        self.collect_fields(&mut fields);
        fields
    }

    fn collect_fields(&self, out: &mut BTreeSet<String>) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.collect_fields(out)),
            Self::Not(inner) => inner.collect_fields(out),
            Self::Test(field, _) => drop(out.insert(field.name.clone())),
            Self::AnyText(fields, _) => out.extend(fields.iter().map(|field| field.name.clone())),
        }
    }
}

/// What a value must be. Numbers and times are ranges: one value is a range of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// There is a value; a list has an item.
    Exists,
    /// The text passes.
    Text(TextTest),
    /// The address lies in the range.
    Ip(IpRange),
    /// The whole number lies in the range.
    Int(IntRange),
    /// The number lies in the range.
    Float(FloatRange),
    /// The truth value is this one.
    Bool(bool),
    /// The moment lies in the range.
    Time(TimeRange),
}

/// Whole numbers from `low` to `high`, both included; empty when they are crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntRange {
    /// The lowest.
    pub low: i64,
    /// The highest.
    pub high: i64,
}

/// An end of a [`FloatRange`]: the number and whether it belongs to the range.
pub type FloatEnd = Option<(f64, bool)>;

/// Numbers between two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatRange {
    /// The lower end; `None` when open.
    pub low: FloatEnd,
    /// The upper end; `None` when open.
    pub high: FloatEnd,
}

/// Moments from `start`, which belongs to the range, to `end`, which does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// First moment of the range; `None` when open.
    pub start: Option<Timestamp>,
    /// First moment after the range; `None` when open.
    pub end: Option<Timestamp>,
}

impl IntRange {
    /// Whether the number lies in the range.
    #[must_use]
    pub fn contains(&self, number: i64) -> bool {
        (self.low..=self.high).contains(&number)
    }
}

impl FloatRange {
    /// Whether the number lies in the range. What is no number lies in none.
    #[must_use]
    pub fn contains(&self, number: f64) -> bool {
        !number.is_nan()
            && self.low.is_none_or(|(low, included)| number > low || included && number == low)
            && self.high.is_none_or(|(high, included)| number < high || included && number == high)
    }
}

impl TimeRange {
    /// From the start of `from` to the start of `to`; a day, month or year as `to` belongs to the range whole.
    ///
    /// # Errors
    /// The starts of both when `from` comes after `to`.
    pub fn between(from: Option<Moment>, to: Option<Moment>) -> Result<Self, (Timestamp, Timestamp)> {
        let is_whole = |to: Moment| to.end.as_micros() - to.start.as_micros() >= DAY_MICROS;
        if let (Some(from), Some(to)) = (from, to) {
            let is_after = if is_whole(to) { from.start >= to.end } else { from.start > to.start };
            if is_after {
                return Err((from.start, to.start));
            }
        }
        let end = to.map(|to| if is_whole(to) { to.end } else { to.start });
        Ok(Self { start: from.map(|from| from.start), end })
    }

    /// Whether the moment lies in the range.
    #[must_use]
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start.is_none_or(|start| moment >= start) && self.end.is_none_or(|end| moment < end)
    }
}

/// The form that the case files hold: prefix notation.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, parts: &[Self]| {
            write!(f, "({word}")?;
            parts.iter().try_for_each(|part| write!(f, " {part}"))?;
            f.write_str(")")
        };
        match self {
            Self::All => f.write_str("all"),
            Self::And(parts) => list(f, "and", parts),
            Self::Or(parts) => list(f, "or", parts),
            Self::Not(inner) => write!(f, "(not {inner})"),
            Self::Test(field, condition) => write!(f, "({} {condition})", field.name),
            Self::AnyText(_, test) => write!(f, "(any text {test})"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("exists"),
            Self::Text(test) => test.fmt(f),
            Self::Ip(range) => write!(f, "in {range}"),
            Self::Int(IntRange { low, high }) if low == high => write!(f, "= {low}"),
            Self::Int(IntRange { low, high }) => write!(f, "in {low}..={high}"),
            Self::Float(FloatRange { low, high }) => {
                let end = |end: &FloatEnd| end.map_or("open".to_owned(), |(at, _)| at.to_string());
                let mark = |end: &FloatEnd, yes, no| if end.is_some_and(|(_, included)| included) { yes } else { no };
                write!(f, "in {}{}, {}{}", mark(low, '[', '('), end(low), end(high), mark(high, ']', ')'))
            }
            Self::Bool(value) => write!(f, "= {value}"),
            Self::Time(TimeRange { start, end }) => {
                let shown = |end: &Option<Timestamp>| end.map_or("open".to_owned(), Timestamp::to_rfc3339);
                write!(f, "in {}..{}", shown(start), shown(end))
            }
        }
    }
}
