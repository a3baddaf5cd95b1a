//! A mistake in a rule, and where it stands.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// How a mistake is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// The rule works; something about it deserves a look.
    Warning,
    /// The rule is left out.
    Error,
}

/// A mistake: file, line, column and a sentence a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as it was named when it was read.
    pub path: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// Whether the rule is left out because of it.
    pub grade: Grade,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Error => "error",
            Grade::Warning => "warning",
        };
        write!(f, "{}:{}:{}: {grade}: {}", self.path, self.line, self.column, self.message)
    }
}
