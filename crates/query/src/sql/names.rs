//! Lets dotted field names stand in SQL without quotes: `dns.question.name` is one column, not a path.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, FunctionArguments, Ident, Statement, visit_expressions_mut};
use datafusion::sql::sqlparser::tokenizer::Span;

use crate::language::Fields;

/// Joins the segments of dotted names that are fields, alone or behind the alias of a table.
pub(super) fn join(statement: &mut Statement, fields: &Fields) {
    // The visitor never breaks, so there is nothing to hear from it.
    let _ = visit_expressions_mut(statement, |expr| {
        match expr {
            Expr::CompoundIdentifier(segments) => {
                if let Some(joined) = joined(segments, fields) {
                    *expr = joined;
                }
            }
            // Without quotes, SQL takes the start of `user.name` for the function `user`.
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let Some(joined) = path(root, access_chain).and_then(|segments| joined(&segments, fields)) {
                    *expr = joined;
                }
            }
            // Without quotes, SQL takes `@timestamp` for a variable.
            Expr::Identifier(name) if name.value.starts_with('@') && fields.get(&name.value).is_some() => {
                name.quote_style = Some('"');
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
}

/// The segments of a path, some of which were taken for functions without parentheses.
pub(super) fn path(root: &Expr, chain: &[AccessExpr]) -> Option<Vec<Ident>> {
    let dotted = chain.iter().map(|access| match access {
        AccessExpr::Dot(name) => segment(name),
        AccessExpr::Subscript(_) => None,
    });
    std::iter::once(segment(root)).chain(dotted).collect()
}

fn segment(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::Function(function) if function.args == FunctionArguments::None => match function.name.0.as_slice() {
            [name] => name.as_ident().cloned(),
            _ => None,
        },
        _ => None,
    }
}

fn joined(segments: &[Ident], fields: &Fields) -> Option<Expr> {
    if let Some(name) = field(segments, fields) {
        return Some(Expr::Identifier(name));
    }
    let (table, rest) = segments.split_first()?;
    let name = field(rest, fields)?;
    Some(Expr::CompoundIdentifier(vec![table.clone(), name]))
}

/// The field that the segments name, whatever their case when they were not quoted.
fn field(segments: &[Ident], fields: &Fields) -> Option<Ident> {
    if segments.len() < 2 {
        return None;
    }
    let name = segments.iter().map(|segment| segment.value.as_str()).collect::<Vec<_>>().join(".");
    let quoted = segments.iter().any(|segment| segment.quote_style.is_some());
    let known = fields.get(&name).or_else(|| {
        let same = |known: &str| !quoted && known.eq_ignore_ascii_case(&name);
        fields.iter().find(|field| same(&field.name))
    })?;
    let place = Span::union_iter(segments.iter().map(|segment| segment.span));
    Some(Ident::with_quote_and_span('"', place, known.name.as_str()))
}
