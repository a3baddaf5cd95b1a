//! From [`Expr`] to [`Filter`]: looks fields up and reads values as the field's type wants them.

use std::sync::Arc;

use tidegate_event::Timestamp;

use super::ast::{Comparison, Expr, Literal, Range, Term, Test};
use super::error::{Mistake, quoted};
use super::fields::{Field, Fields, Kind};
use super::filter::{Condition, Filter, FloatRange, IntRange, TimeRange};
use super::ip::IpRange;
use super::moment::{MOMENT_FORMS, Moment};
use super::span::Span;
use super::text::TextTest;

/// Resolves a parsed query.
pub(super) fn resolve(expr: &Expr, fields: &Fields, now: Timestamp) -> Result<Filter, Mistake> {
    Resolver { fields, now, textual: fields.textual().cloned().collect() }.expr(expr)
}

struct Resolver<'a> {
    fields: &'a Fields,
    now: Timestamp,
    textual: Arc<[Arc<Field>]>,
}

/// One end of a range: the value and whether it belongs to the range.
type End<'a> = Option<(&'a Literal, bool)>;

impl Resolver<'_> {
    fn expr(&self, expr: &Expr) -> Result<Filter, Mistake> {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.expr(part)).collect::<Result<Vec<_>, _>>();
        Ok(match expr {
            Expr::All => Filter::All,
            Expr::And(parts) => Filter::And(all(parts)?),
            Expr::Or(parts) => Filter::Or(all(parts)?),
            Expr::Not(inner) => Filter::Not(Box::new(self.expr(inner)?)),
            Expr::Term(term) => self.term(term)?,
        })
    }

    fn term(&self, term: &Term) -> Result<Filter, Mistake> {
        let Some(name) = &term.field else {
            return Ok(Filter::AnyText(self.textual.clone(), text_test(&term.test, true, term.span)?));
        };
        let Some(field) = self.fields.get(&name.name) else {
            return Err(Mistake::at(name.span, self.fields.explain_missing(&name.name)));
        };
        let condition = match &term.test {
            Test::Exists => Condition::Exists,
            Test::Compare(comparison, literal) => {
                let (low, high) = match comparison {
                    Comparison::Above => (Some((literal, false)), None),
                    Comparison::AtLeast => (Some((literal, true)), None),
                    Comparison::Below => (None, Some((literal, false))),
                    Comparison::AtMost => (None, Some((literal, true))),
                };
                self.range(field, low, high, term.span)?
            }
            Test::Range(Range { low, low_included, high, high_included }) => {
                let low = low.as_ref().map(|literal| (literal, *low_included));
                let high = high.as_ref().map(|literal| (literal, *high_included));
                self.range(field, low, high, term.span)?
            }
            test => self.value(field, test, term.span)?,
        };
        Ok(Filter::Test(field.clone(), condition))
    }

    /// A word, phrase, pattern or regex.
    fn value(&self, field: &Field, test: &Test, span: Span) -> Result<Condition, Mistake> {
        if field.kind.is_textual() {
            return match (field.kind, test) {
                (Kind::Ip | Kind::IpList, Test::Text(text)) => address(field, text, span),
                _ => Ok(Condition::Text(text_test(test, field.is_sentence(), span)?)),
            };
        }
        let Test::Text(text) = test else {
            let (name, holds) = (&field.name, field.kind.holds());
            let message = format!("wildcards and regular expressions match text, but `{name}` holds {holds}");
            return Err(Mistake::at(span, message));
        };
        let literal = Literal { text: text.clone(), span };
        match field.kind {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Condition::Bool(true)),
                "false" => Ok(Condition::Bool(false)),
                _ => Err(wrong_value(field, &literal)),
            },
            // A fraction is no whole number, so it is a mistake here and not a range without numbers.
            Kind::Int | Kind::IntList if text.parse::<i64>().is_err() => Err(wrong_value(field, &literal)),
            _ => self.range(field, Some((&literal, true)), Some((&literal, true)), span),
        }
    }

    fn range(&self, field: &Field, low: End<'_>, high: End<'_>, span: Span) -> Result<Condition, Mistake> {
        if low.is_none() && high.is_none() {
            return Ok(Condition::Exists);
        }
        match field.kind {
            Kind::Int | Kind::IntList => int_range(field, low, high).map(Condition::Int),
            Kind::Float | Kind::FloatList => float_range(field, low, high).map(Condition::Float),
            Kind::Time => self.time_range(field, low, high).map(Condition::Time),
            Kind::Ip | Kind::IpList => ip_range(field, low, high, span).map(Condition::Ip),
            Kind::Text | Kind::TextList | Kind::Json | Kind::Bool => {
                let (name, holds) = (&field.name, field.kind.holds());
                let message =
                    format!("a range or comparison needs numbers, times or addresses, but `{name}` holds {holds}");
                Err(Mistake::at(span, message))
            }
        }
    }

    fn time_range(&self, field: &Field, low: End<'_>, high: End<'_>) -> Result<TimeRange, Mistake> {
        let moment = |(literal, included): (&Literal, bool)| {
            Moment::parse(&literal.text, self.now)
                .map(|moment| (moment, included))
                .ok_or_else(|| wrong_value(field, literal))
        };
        let low = low.map(moment).transpose()?;
        let high = high.map(moment).transpose()?;
        Ok(TimeRange {
            start: low.map(|(moment, included)| if included { moment.start } else { moment.end }),
            end: high.map(|(moment, included)| if included { moment.end } else { moment.start }),
        })
    }
}

/// A test of text; `anywhere`: a part of the value may pass.
fn text_test(test: &Test, anywhere: bool, span: Span) -> Result<TextTest, Mistake> {
    match test {
        Test::Text(text) if anywhere => Ok(TextTest::contains(text)),
        Test::Text(text) => Ok(TextTest::equals(text)),
        Test::Wildcard(wildcard) => Ok(TextTest::wildcard(wildcard, anywhere)),
        Test::Regex(source) => TextTest::regex(source).map_err(|(message, within)| {
            // The expression starts behind its slash, and `\/` is two characters of the query but one of it.
            let offset = |at: usize| {
                let end = (0..=at).rev().find(|end| source.is_char_boundary(*end)).unwrap_or(0);
                (span.start + 1 + at + source[..end].matches('/').count()).min(span.end)
            };
            Mistake::at(Span::new(offset(within.start), offset(within.end)), message)
        }),
        Test::Exists | Test::Compare(..) | Test::Range(_) => Err(Mistake::at(span, "this needs a field before it")),
    }
}

fn wrong_value(field: &Field, literal: &Literal) -> Mistake {
    let (name, value) = (&field.name, quoted(&literal.text));
    let message = match field.kind {
        Kind::Time => format!("`{name}` holds times, but {value} is none; write {MOMENT_FORMS}"),
        Kind::Ip | Kind::IpList => {
            format!("`{name}` holds IP addresses, but {value} is neither an address nor a network such as `10.0.0.0/8`")
        }
        kind => format!("`{name}` holds {}, but the value is {value}", kind.holds()),
    };
    Mistake::at(literal.span, message)
}

/// An address or a network.
fn address(field: &Field, text: &str, span: Span) -> Result<Condition, Mistake> {
    match IpRange::parse(text) {
        // One address has one canonical text, which bloom filters know.
        Some(range) => Ok(match range.single() {
            Some(address) => Condition::Text(TextTest::equals(&address.to_string())),
            None => Condition::Ip(range),
        }),
        None => Err(wrong_value(field, &Literal { text: text.to_owned(), span })),
    }
}

fn ip_range(field: &Field, low: End<'_>, high: End<'_>, span: Span) -> Result<IpRange, Mistake> {
    let end = |(literal, included): (&Literal, bool)| {
        IpRange::parse(&literal.text).map(|range| (range, included)).ok_or_else(|| wrong_value(field, literal))
    };
    let low = low.map(end).transpose()?;
    let high = high.map(end).transpose()?;
    IpRange::between(low, high)
        .ok_or_else(|| Mistake::at(span, "both ends of a range must be IPv4 addresses or both IPv6 addresses"))
}

fn int_range(field: &Field, low: End<'_>, high: End<'_>) -> Result<IntRange, Mistake> {
    const EMPTY: IntRange = IntRange { low: 1, high: 0 };
    let low = match low {
        None => i64::MIN,
        Some((literal, included)) => match literal.text.parse::<i64>() {
            Ok(number) if included => number,
            Ok(i64::MAX) => return Ok(EMPTY),
            Ok(number) => number + 1,
            // Above 2.5 and from 2.5 on both start at 3; the cast saturates.
            Err(_) => {
                let number = float(field, literal)?;
                if number > i64::MAX as f64 {
                    return Ok(EMPTY);
                }
                (number.ceil() as i64).saturating_add(i64::from(!included && number.fract() == 0.0))
            }
        },
    };
    let high = match high {
        None => i64::MAX,
        Some((literal, included)) => match literal.text.parse::<i64>() {
            Ok(number) if included => number,
            Ok(i64::MIN) => return Ok(EMPTY),
            Ok(number) => number - 1,
            Err(_) => {
                let number = float(field, literal)?;
                if number < i64::MIN as f64 {
                    return Ok(EMPTY);
                }
                (number.floor() as i64).saturating_sub(i64::from(!included && number.fract() == 0.0))
            }
        },
    };
    Ok(IntRange { low, high })
}

fn float_range(field: &Field, low: End<'_>, high: End<'_>) -> Result<FloatRange, Mistake> {
    let end = |(literal, included): (&Literal, bool)| float(field, literal).map(|number| (number, included));
    Ok(FloatRange { low: low.map(end).transpose()?, high: high.map(end).transpose()? })
}

/// A finite number, as people write one: neither `inf` nor `nan`.
fn float(field: &Field, literal: &Literal) -> Result<f64, Mistake> {
    let number = literal.text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| wrong_value(field, literal))
}
