//! A user agent's text in; browser, system and device out. Our own patterns for what traffic holds; the names are those
//! that uap-core gives, so that the public formats' expectations hold. What no pattern knows is `Other`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use tidegate_event::Value;

use super::Scene;
use crate::fields::{FieldSlot, Fields};

/// Lines of `pattern<tab>name`, first match wins. `$1` in a name is the first group; `VERSION` in a pattern is the version.
const BROWSERS: &str = include_str!("agents/browsers.tsv");
const SYSTEMS: &str = include_str!("agents/systems.tsv");
const DEVICES: &str = include_str!("agents/devices.tsv");

/// Most texts remembered by one parser.
const REMEMBERED_MAX: usize = 4096;
/// Longest text looked at.
const AGENT_BYTES_MAX: usize = 2048;

/// The slots of `user_agent.*`: original, device, name, version, system, its version.
#[derive(Debug)]
pub(super) struct UserAgentRule([FieldSlot; 6]);

impl UserAgentRule {
    pub(super) fn new(fields: &Fields) -> Option<Self> {
        let slot = |name: &str| fields.slot(&format!("user_agent.{name}"));
        Some(Self([
            slot("original")?,
            slot("device.name")?,
            slot("name")?,
            slot("version")?,
            slot("os.name")?,
            slot("os.version")?,
        ]))
    }

    pub(super) fn run(&self, scene: &mut Scene<'_, '_>) {
        let [original, targets @ ..] = self.0;
        let Some(text) = scene.text(original) else {
            return;
        };
        scene.agents.with(text, |agent| {
            for (slot, part) in targets.into_iter().zip(&agent.0) {
                if !part.is_empty() {
                    let part = scene.arena.alloc_str(part);
                    let place = &mut scene.slots[usize::from(slot)];
                    if place.is_none() {
                        *place = Some(Value::Str(part));
                    }
                }
            }
        });
    }
}

/// Device, browser, its version, system, its version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agent(pub(crate) [String; 5]);

/// The agents seen lately.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    known: RefCell<HashMap<Box<str>, Agent>>,
}

impl Agents {
    fn with(&self, text: &str, act: impl FnOnce(&Agent)) {
        let mut known = self.known.borrow_mut();
        if let Some(agent) = known.get(text) {
            return act(agent);
        }
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        act(known.entry(text.into()).or_insert_with(|| recognise(text)));
    }
}

/// Finds browser, system and device.
pub(crate) fn recognise(text: &str) -> Agent {
    let end = (0..=text.len().min(AGENT_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let text = &text[..end];
    static TABLES: LazyLock<[Table; 3]> = LazyLock::new(|| [BROWSERS, SYSTEMS, DEVICES].map(Table::new));
    let (browser, version) = TABLES[0].find(text, 3);
    let (system, system_version) = TABLES[1].find(text, 4);
    let (device, _) = TABLES[2].find(text, 0);
    Agent([device, browser, version, system, system_version])
}

/// One table of patterns.
#[derive(Debug)]
struct Table {
    rules: Vec<(Regex, &'static str)>,
}

impl Table {
    fn new(lines: &'static str) -> Self {
        let rules = lines
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .filter_map(|line| {
                let (pattern, name) = line.split_once('\t')?;
                let pattern = pattern.replace("VERSION", r"(?P<version>\d+(?:[._]\d+)*)");
                Some((RegexBuilder::new(&pattern).case_insensitive(false).build().ok()?, name))
            })
            .collect();
        Self { rules }
    }

    /// Name and version, the version cut to `parts` numbers.
    fn find(&self, text: &str, parts: usize) -> (String, String) {
        for (regex, name) in &self.rules {
            let Some(found) = regex.captures(text) else {
                continue;
            };
            // `Windows 10` spells the version in the name column: `Windows|10`
            let (name, fixed) = name.split_once('|').map_or((*name, None), |(name, fixed)| (name, Some(fixed)));
            let mut expanded = String::new();
            found.expand(name, &mut expanded);
            let version = match fixed {
                Some(fixed) => fixed.to_owned(),
                None => found.name("version").map_or_else(String::new, |version| {
                    version.as_str().replace('_', ".").split('.').take(parts).collect::<Vec<_>>().join(".")
                }),
            };
            return (expanded.trim().to_owned(), version);
        }
        ("Other".to_owned(), String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_pattern() {
        for lines in [BROWSERS, SYSTEMS, DEVICES] {
            let count = lines.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
            assert_eq!(Table::new(lines).rules.len(), count);
        }
    }

    #[test]
    fn common_agents_are_known() {
        for line in include_str!("agents/cases.tsv").lines().filter(|line| !line.is_empty()) {
            let columns: Vec<&str> = line.split('\t').collect();
            let Agent(found) = recognise(columns[5]);
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), columns[..5], "{}", columns[5]);
        }
    }
}
