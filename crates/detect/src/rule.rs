//! What is known of a rule beside its logic: who it is, how bad its findings are, whether it is on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::effort::Effort;
use crate::settings::SettingValue;
use crate::severity::Severity;

/// Identifies a rule for ever: the `id` of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub Uuid);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What decides whether a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// A Sigma detection over one event.
    Sigma,
    /// A Sigma correlation over the matches of other rules.
    Correlation,
    /// A behavioural detector that is code; the file holds its description and settings.
    Native,
}

/// A rule as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct RuleInfo {
    /// The rule's id.
    pub id: RuleId,
    /// Its title.
    pub name: Arc<str>,
    /// Its short name: the Sigma `name`, or the file's name without ending. Settings may use it instead of the id.
    pub slug: Arc<str>,
    /// What it finds and why that matters.
    pub description: String,
    /// What it costs its users.
    pub effort: Effort,
    /// How bad its findings are.
    pub severity: Severity,
    /// ATT&CK techniques, `T1071.004`.
    pub attack: Vec<String>,
    /// Its tags as written.
    pub tags: Vec<String>,
    /// Where its facts come from.
    pub references: Vec<String>,
    /// What else makes it fire.
    pub false_positives: Vec<String>,
    /// Whether it raises findings under the present settings.
    pub enabled: bool,
    /// Whether it would if nobody had said anything about it.
    pub default_enabled: bool,
    /// It cannot be switched off.
    pub always: bool,
    /// Whether an event of ours can ever match it: a rule for Windows processes cannot.
    pub applicable: bool,
    /// What decides whether it fires.
    pub kind: RuleKind,
    /// The native detector behind it.
    pub detector: Option<String>,
    /// Fields whose values make two findings the same alert; empty for the default.
    pub similarity: Vec<String>,
    /// Its settings, with the user's changes.
    pub settings: BTreeMap<String, SettingValue>,
    /// Its settings as the file has them.
    pub defaults: BTreeMap<String, SettingValue>,
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was written, as the file says.
    pub date: Option<String>,
    /// When it was changed, as the file says.
    pub modified: Option<String>,
    /// The file it comes from.
    pub path: Arc<str>,
    /// The file's text.
    #[serde(skip)]
    pub yaml: Arc<str>,
}

impl RuleInfo {
    /// The line of `tidegate rules list --json`.
    #[must_use]
    pub fn list_line(&self) -> String {
        serde_json::json!({
            "id": self.id,
            "name": self.name,
            "effort": self.effort,
            "severity": self.severity,
            "attack": self.attack,
            "enabled": self.enabled,
        })
        .to_string()
    }
}

/// The technique that a Sigma tag such as `attack.t1071.004` names.
pub(crate) fn technique(tag: &str) -> Option<String> {
    let rest = tag.to_ascii_lowercase();
    let rest = rest.strip_prefix("attack.t")?;
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let known = match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    };
    known.then(|| format!("T{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_are_told_from_tactics() {
        assert_eq!(technique("attack.t1071.004").as_deref(), Some("T1071.004"));
        assert_eq!(technique("attack.T1048").as_deref(), Some("T1048"));
        for tag in ["attack.exfiltration", "attack.t10", "cve.2020-1472", "attack.t1071.4", "attack.s0154"] {
            assert_eq!(technique(tag), None, "{tag}");
        }
    }
}
