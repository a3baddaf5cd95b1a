//! Reads the text of a list.

use std::fmt;

use super::{Lists, NAMES_MAX, TAGS_MAX};
use crate::names::normalise;

/// Problems told of one file; a file with more is most likely no list at all.
pub const PROBLEMS_MAX: usize = 20;
const TAG_BYTES_MAX: usize = 64;

/// A line or a file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, or what stood for it.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

pub(super) fn add(lists: &mut Lists, stem: &str, text: &str, origin: &str) -> Vec<Problem> {
    let mut problems = Problems { file: origin, told: Vec::new(), untold: 0 };
    let (line, name) = head_tag(text).map_or((0, stem), |(line, tag)| (line, tag));
    if !is_tag(name) {
        problems
            .tell(line, format!("`{name}` is no tag: lower-case letters, digits and hyphens, at most {TAG_BYTES_MAX}"));
        return problems.told;
    }
    let Some(tag) = lists.tag_or_new(name) else {
        problems.tell(line, format!("tag `{name}` is one too many: lists may have {TAGS_MAX} tags together"));
        return problems.told;
    };
    for (number, line) in text.lines().enumerate() {
        let entry = line.split('#').next().unwrap_or_default().trim().trim_start_matches('\u{feff}');
        if entry.is_empty() {
            continue;
        }
        let (exact, written) = entry.strip_prefix('=').map_or((false, entry), |name| (true, name.trim_start()));
        let written = if exact { written } else { written.strip_prefix("*.").unwrap_or(written) };
        match normalise(written) {
            Ok(name) if lists.put(&name, exact, tag) => {}
            Ok(_) => {
                problems.tell(number + 1, format!("lists hold {NAMES_MAX} names already; the rest is left out"));
                break;
            }
            Err(error) => problems.tell(number + 1, error.to_string()),
        }
    }
    problems.finish()
}

/// The tag that the head of a file names: comment lines before the first name.
fn head_tag(text: &str) -> Option<(usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim_start_matches('\u{feff}').trim()))
        .take_while(|(_, line)| line.is_empty() || line.starts_with('#'))
        .find_map(|(number, line)| {
            Some((number, line.trim_start_matches('#').trim_start().strip_prefix("tag:")?.trim()))
        })
}

fn is_tag(name: &str) -> bool {
    (1..=TAG_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

struct Problems<'a> {
    file: &'a str,
    told: Vec<Problem>,
    untold: usize,
}

impl Problems<'_> {
    fn tell(&mut self, line: usize, message: String) {
        if self.told.len() < PROBLEMS_MAX {
            self.told.push(Problem { file: self.file.to_owned(), line, message });
        } else {
            self.untold += 1;
        }
    }

    fn finish(mut self) -> Vec<Problem> {
        if self.untold > 0 {
            let message = format!("{} more lines are no names", self.untold);
            self.told.push(Problem { file: self.file.to_owned(), line: 0, message });
        }
        self.told
    }
}
