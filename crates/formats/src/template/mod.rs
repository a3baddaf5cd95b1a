//! The template language of intake formats: Jinja 3 expressions with `for`, `if` and `set`, the filters of the format
//! language, and Python's notion of text, truth and equality.

mod access;
pub(crate) mod ast;
pub(crate) mod builtins;
mod checks;
mod eval;
mod expression;
mod filters;
mod lex;
pub(crate) mod literal;
mod methods;
mod ops;
pub(crate) mod parse;
mod printf;
pub(crate) mod python;
pub(crate) mod resolve;
mod sequences;
#[cfg(test)]
mod tests;
pub(crate) mod value;

pub(crate) use eval::{Env, Outside};
pub(crate) use methods::put as methods_put;
pub(crate) use value::{Fail, Val};

/// Why a template does not parse: the byte and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl ParseError {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}
