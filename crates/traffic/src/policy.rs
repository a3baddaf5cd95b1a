//! The organisation's DNS policies, and what each decides about a question.

use crate::category::{self, Categories};
use crate::device::GROUP_GUEST;
use crate::rng::{Rng, mix};

/// What the resolver did, as `ResolverDecision` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    BlockedByCategory,
    AllowedOnNoLocation,
    AllowedOnNoPolicyMatch,
    BlockedAlwaysCategory,
    OverrideForSafeSearch,
    OverrideApplied,
    BlockedRule,
    AllowedRule,
}

impl Decision {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BlockedByCategory => "blockedByCategory",
            Self::AllowedOnNoLocation => "allowedOnNoLocation",
            Self::AllowedOnNoPolicyMatch => "allowedOnNoPolicyMatch",
            Self::BlockedAlwaysCategory => "blockedAlwaysCategory",
            Self::OverrideForSafeSearch => "overrideForSafeSearch",
            Self::OverrideApplied => "overrideApplied",
            Self::BlockedRule => "blockedRule",
            Self::AllowedRule => "allowedRule",
        }
    }

    /// Whether the asker got no real answer.
    pub(crate) const fn blocks(self) -> bool {
        matches!(self, Self::BlockedByCategory | Self::BlockedAlwaysCategory | Self::BlockedRule)
    }
}

/// A policy of the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Threats,
    Acceptable,
    GuestAds,
    SafeSearch,
    Finance,
    Countries,
    Portal,
    Partner,
}

const POLICIES: usize = 8;

impl Policy {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Threats => "Block security threats",
            Self::Acceptable => "Block adult, gambling and peer-to-peer",
            Self::GuestAds => "No advertising on guest Wi-Fi",
            Self::SafeSearch => "Safe search on guest Wi-Fi",
            Self::Finance => "Allow \"finance\" partners",
            Self::Countries => "Block countries without business",
            Self::Portal => "Portal override",
            Self::Partner => "Allow partner test range",
        }
    }

    /// The time zone of a policy with a schedule.
    pub(crate) const fn zone(self) -> Option<&'static str> {
        match self {
            Self::Acceptable => Some("Europe/Paris"),
            _ => None,
        }
    }
}

/// Decision, the policy behind it and the categories that matched it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub decision: Option<Decision>,
    pub policy: Option<Policy>,
    pub matched: Vec<u8>,
}

impl Verdict {
    pub(crate) fn new(decision: Decision, policy: Option<Policy>, matched: &[u8]) -> Self {
        Self { decision: Some(decision), policy, matched: matched.to_vec() }
    }

    pub(crate) fn decision(&self) -> Decision {
        self.decision.unwrap_or(Decision::AllowedOnNoPolicyMatch)
    }

    pub(crate) fn blocks(&self) -> bool {
        self.decision().blocks()
    }
}

/// Ids of the policies.
#[derive(Debug)]
pub(crate) struct Policies([String; POLICIES]);

impl Policies {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(mix(seed ^ 0x706f_6c69));
        Self(std::array::from_fn(|_| rng.uuid()))
    }

    pub(crate) fn id(&self, policy: Policy) -> &str {
        &self.0[policy as usize]
    }
}

/// Names the resolver answers with their safe variant for guests.
const SEARCHES: [(&str, &str); 4] = [
    ("www.google.", "forcesafesearch.google.com"),
    ("www.bing.com", "strict.bing.com"),
    ("duckduckgo.com", "safe.duckduckgo.com"),
    ("www.youtube.com", "restrict.youtube.com"),
];

/// The safe variant of a search engine's name.
pub(crate) fn safe_search(name: &str) -> Option<&'static str> {
    SEARCHES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, safe)| *safe)
}

/// Whether the answer to this name depends on who asks.
pub(crate) fn depends_on_group(name: &str, categories: &[u8]) -> bool {
    categories.contains(&category::ADVERTISEMENTS) || safe_search(name).is_some()
}

/// What the policies say about a name of these categories, whose addresses stand in this country.
pub(crate) fn judge(
    table: &Categories,
    name: &str,
    categories: &[u8],
    group: u8,
    country: &str,
    application: u16,
) -> Verdict {
    let all = |keep: fn(&Categories, u8) -> bool| -> Vec<u8> {
        categories.iter().copied().filter(|id| keep(table, *id)).collect()
    };
    if categories.contains(&category::ALWAYS_BLOCKED) {
        return Verdict::new(Decision::BlockedAlwaysCategory, None, &[category::ALWAYS_BLOCKED]);
    }
    let threats = all(|table, id| table.is_threat(id));
    if !threats.is_empty() {
        return Verdict::new(Decision::BlockedByCategory, Some(Policy::Threats), &threats);
    }
    let unwanted = all(|_, id| matches!(id, 67 | 125 | 133 | 99 | 126));
    if !unwanted.is_empty() {
        return Verdict::new(Decision::BlockedByCategory, Some(Policy::Acceptable), &unwanted);
    }
    if group == GROUP_GUEST && categories.contains(&category::ADVERTISEMENTS) {
        return Verdict::new(Decision::BlockedByCategory, Some(Policy::GuestAds), &[category::ADVERTISEMENTS]);
    }
    if group == GROUP_GUEST && safe_search(name).is_some() {
        return Verdict::new(Decision::OverrideForSafeSearch, Some(Policy::SafeSearch), &[]);
    }
    if country == "RU" && !categories.contains(&145) {
        return Verdict::new(Decision::BlockedRule, Some(Policy::Countries), &[]);
    }
    if application != 0 && categories.contains(&89) {
        return Verdict::new(Decision::AllowedRule, Some(Policy::Finance), &[89]);
    }
    Verdict::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_in_order() {
        let table = Categories::new();
        let decide = |name: &str, categories: &[u8], group| judge(&table, name, categories, group, "US", 0).decision();
        assert_eq!(decide("a.example", &[category::MALWARE], 0), Decision::BlockedByCategory);
        assert_eq!(decide("a.example", &[category::ALWAYS_BLOCKED], 0), Decision::BlockedAlwaysCategory);
        assert_eq!(decide("ad.example", &[66], 0), Decision::AllowedOnNoPolicyMatch);
        assert_eq!(decide("ad.example", &[66], GROUP_GUEST), Decision::BlockedByCategory);
        assert_eq!(decide("www.google.com", &[145], GROUP_GUEST), Decision::OverrideForSafeSearch);
        assert_eq!(judge(&table, "a.example", &[75], 0, "RU", 0).decision(), Decision::BlockedRule);
    }
}
