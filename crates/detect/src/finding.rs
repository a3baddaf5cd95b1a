//! What detection reports.

use std::fmt::Write;
use std::sync::Arc;

use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::rule::RuleInfo;

/// Most events that a finding names.
pub const EVIDENCE_MAX: usize = 10;

/// An event behind a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The event.
    pub event_id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Who asked.
    pub source_ip: String,
    /// The name asked for.
    pub name: String,
}

/// Something a rule found.
///
/// A finding with an id seen before replaces the earlier one: its count and times have grown. Ids are a function of
/// rule, group and the event that made the rule fire, so a replay reports the same findings again and nothing doubles.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Identifies the finding.
    pub id: Uuid,
    /// The rule that found it.
    pub rule: Arc<RuleInfo>,
    /// Time of the first event.
    pub first_seen: Timestamp,
    /// Time of the last event.
    pub last_seen: Timestamp,
    /// Number of events.
    pub count: u64,
    /// The fields it was grouped by, with their values.
    pub group: Vec<(Arc<str>, String)>,
    /// Who: `source.ip`, when the events agree.
    pub source: Option<String>,
    /// To whom: `destination.ip`, or the registered domain of a DNS query.
    pub target: Option<String>,
    /// The name asked for, of the first event.
    pub name: Option<String>,
    /// The first events behind it.
    pub events: Vec<Evidence>,
    /// Fields and values that matched, of the first event.
    pub matched: Vec<(Arc<str>, String)>,
    /// Why it fired, one sentence with the figures; empty when the rule's title says it all.
    pub note: String,
}

impl Finding {
    /// Values of the group, as one text: findings of one rule with the same key are alike.
    #[must_use]
    pub fn group_key(&self) -> String {
        let mut key = String::new();
        for (_, value) in &self.group {
            push_part(&mut key, value);
        }
        key
    }
}

/// Appends one value to a key so that no two lists of values give the same key.
pub(crate) fn push_part(key: &mut String, value: &str) {
    let _ = write!(key, "{}:", value.len());
    key.push_str(value);
}

/// The values that a key was made of.
pub(crate) fn parts(key: &str) -> Vec<String> {
    let (mut rest, mut out) = (key, Vec::new());
    while let Some((length, tail)) = rest.split_once(':') {
        let Some((value, next)) = length.parse().ok().and_then(|length| tail.split_at_checked(length)) else {
            break;
        };
        out.push(value.to_owned());
        rest = next;
    }
    out
}

/// The id of the finding of a rule that this event triggered, in the group of this key ([`Finding::group_key`]): the same
/// whoever finds it, and when.
#[must_use]
pub fn finding_id(rule: &RuleInfo, group_key: &str, trigger: Uuid) -> Uuid {
    let mut name = Vec::with_capacity(group_key.len() + 16);
    name.extend_from_slice(trigger.as_bytes());
    name.extend_from_slice(group_key.as_bytes());
    Uuid::new_v5(&rule.id.0, &name)
}

/// `1 event`, `2 events`, `3 matches`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let end = match noun {
        _ if count == 1 => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let said = [(1, "event"), (0, "event"), (1, "match"), (2, "match")].map(|(count, noun)| counted(count, noun));
        assert_eq!(said, ["1 event", "0 events", "1 match", "2 matches"]);
    }

    #[test]
    fn keys_give_their_values_back() {
        let mut key = String::new();
        for value in ["a:b", "", "3:x", "ü"] {
            push_part(&mut key, value);
        }
        assert_eq!(parts(&key), ["a:b", "", "3:x", "ü"]);
    }
}
