//! The cheapest way to a value: what a template is worth, known as far as it can be at load.

use bumpalo::Bump;

use crate::constant::Constant;
use crate::paths::Slot;
use crate::program::Producer;
use crate::template::ast::{Expr, Node, Template};
use crate::template::literal;

/// A path as an expression: segments that are no names go into brackets.
pub(super) fn bracketed(path: &str) -> String {
    if path.contains(['[', '(', ' ', '|']) {
        return path.to_owned();
    }
    let mut out = String::new();
    for (index, segment) in path.split('.').enumerate() {
        let plain = segment.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !segment.starts_with(|c: char| c.is_ascii_digit());
        if index == 0 {
            out.push_str(segment);
        } else if plain {
            out.push('.');
            out.push_str(segment);
        } else {
            out.push_str(&format!("['{}']", segment.replace('\\', "\\\\").replace('\'', "\\'")));
        }
    }
    out
}

/// A template that is one expression and nothing else gives that expression's own value.
pub(super) fn native(mut template: Template) -> Producer {
    // further line ends of a YAML block are harmless too
    while let Some(Node::Text(text)) = template.nodes.last()
        && template.nodes.len() > 1
        && text.bytes().all(|byte| byte == b'\n')
    {
        template.nodes.pop();
    }
    if let [Node::Print(_)] = &template.nodes[..]
        && let Some(Node::Print(expr)) = template.nodes.pop()
    {
        return Producer::Expr(expr);
    }
    Producer::Template(template)
}

/// The cheapest producer for an expression.
pub(super) fn simple(expr: Expr) -> Producer {
    match expr {
        Expr::Slot(slot) => Producer::Slot(slot),
        Expr::Const(Constant::Str(text)) => constant_text(&text),
        Expr::Const(Constant::Null) => Producer::Never,
        Expr::Const(constant) => Producer::Constant(constant),
        Expr::Or(..) => {
            let mut slots = Vec::new();
            match alternatives(&expr, &mut slots) {
                Some(or_none) => Producer::FirstTrue { slots: slots.into(), or_none },
                None => Producer::Expr(expr),
            }
        }
        other => Producer::Expr(other),
    }
}

/// The slots of `a or b or none`; whether it ends in `none`. `None` for any other expression.
fn alternatives(expr: &Expr, slots: &mut Vec<Slot>) -> Option<bool> {
    match expr {
        Expr::Or(left, right) => {
            if alternatives(left, slots)? {
                return None;
            }
            alternatives(right, slots)
        }
        Expr::Slot(slot) => {
            slots.push(*slot);
            Some(false)
        }
        Expr::Const(Constant::Null) => Some(true),
        _ => None,
    }
}

/// A constant text: white space around it goes, `None` and nothing are nothing, a Python list or dictionary is one.
pub(super) fn constant_text(text: &str) -> Producer {
    let text = text.trim();
    if crate::coerce::is_blank(text) {
        return Producer::Never;
    }
    let arena = Bump::new();
    match literal::parse(text, &arena) {
        Some(value) => Producer::Constant(Constant::keep(value)),
        None => Producer::Constant(Constant::Str(text.into())),
    }
}

pub(super) fn abridged(text: &str) -> String {
    const SHOWN_MAX: usize = 80;
    let line = text.trim().replace('\n', " ");
    if line.chars().count() <= SHOWN_MAX {
        return line;
    }
    format!("{}…", line.chars().take(SHOWN_MAX).collect::<String>())
}
