//! Well-known public feeds, ready to be turned on. None is fetched until somebody does: each has terms of its own, and
//! fetching tells the feed's operator that we exist. The same files work when they are brought in by hand.

/// Whether a feed wants us to register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresetAuth {
    /// It is open to all.
    None,
    /// A free key of one's own, as a parameter of the address with this name.
    Query(&'static str),
}

/// A feed, ready to be turned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// By what it is referred to.
    pub id: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Where it is.
    pub url: &'static str,
    /// How it is read: a name of [`tidegate_detect::intel::Format`].
    pub format: &'static str,
    /// What its indicators are tagged with.
    pub tags: &'static [&'static str],
    /// How sure we are of it when it does not say.
    pub confidence: u8,
    /// How often it may be fetched, in minutes.
    pub interval_min: u32,
    /// For how many days an indicator counts after it was listed; 0: as long as it is listed.
    pub valid_days: u16,
    /// Whether it wants us to register.
    pub auth: PresetAuth,
    /// What its operator allows, as far as we know; read their page before you turn it on.
    pub terms: &'static str,
    /// Their page.
    pub page: &'static str,
    /// What it is good for.
    pub about: &'static str,
}

const ABUSE_CH: &str = "free under fair use; commercial use may need a subscription";

/// All of them, off until turned on.
pub const PRESETS: &[Preset] = &[
    Preset {
        id: "urlhaus",
        name: "abuse.ch URLhaus",
        url: "https://urlhaus-api.abuse.ch/files/exports/recent.csv",
        format: "csv",
        tags: &["malware"],
        confidence: 80,
        interval_min: 60,
        valid_days: 30,
        auth: PresetAuth::Query("auth-key"),
        terms: ABUSE_CH,
        page: "https://urlhaus.abuse.ch/api/",
        about: "hosts that served malware in the last 30 days; a host may be a victim itself",
    },
    Preset {
        id: "urlhaus-hosts",
        name: "abuse.ch URLhaus hosts file",
        url: "https://urlhaus.abuse.ch/downloads/hostfile/",
        format: "text",
        tags: &["malware"],
        confidence: 80,
        interval_min: 60,
        valid_days: 0,
        auth: PresetAuth::None,
        terms: ABUSE_CH,
        page: "https://urlhaus.abuse.ch/api/",
        about: "names that serve malware now",
    },
    Preset {
        id: "threatfox",
        name: "abuse.ch ThreatFox",
        url: "https://threatfox.abuse.ch/export/csv/recent/",
        format: "csv",
        tags: &[],
        confidence: 75,
        interval_min: 60,
        valid_days: 180,
        auth: PresetAuth::None,
        terms: ABUSE_CH,
        page: "https://threatfox.abuse.ch/export/",
        about: "command and control and payload delivery, with family and confidence",
    },
    Preset {
        id: "feodo",
        name: "abuse.ch Feodo Tracker",
        url: "https://feodotracker.abuse.ch/downloads/ipblocklist.csv",
        format: "csv",
        tags: &["c2"],
        confidence: 90,
        interval_min: 60,
        valid_days: 30,
        auth: PresetAuth::None,
        terms: ABUSE_CH,
        page: "https://feodotracker.abuse.ch/blocklist/",
        about: "addresses of botnet command and control, few but sure",
    },
    Preset {
        id: "openphish",
        name: "OpenPhish community feed",
        url: "https://raw.githubusercontent.com/openphish/public_feed/refs/heads/main/feed.txt",
        format: "text",
        tags: &["phishing"],
        confidence: 70,
        interval_min: 720,
        valid_days: 14,
        auth: PresetAuth::None,
        terms: "free for personal and internal use, not for resale",
        page: "https://openphish.com/phishing_feeds.html",
        about: "hosts of phishing pages; many are on shared hosting, which the benign list refuses",
    },
    Preset {
        id: "phishtank",
        name: "PhishTank verified",
        url: "https://data.phishtank.com/data/online-valid.csv",
        format: "csv",
        tags: &["phishing"],
        confidence: 70,
        interval_min: 360,
        valid_days: 14,
        auth: PresetAuth::None,
        terms: "free, also commercially; fetched seldom without a key of one's own",
        page: "https://phishtank.org/developer_info.php",
        about: "phishing pages that people voted on",
    },
    Preset {
        id: "phishing-army",
        name: "Phishing Army",
        url: "https://phishing.army/download/phishing_army_blocklist.txt",
        format: "text",
        tags: &["phishing"],
        confidence: 60,
        interval_min: 360,
        valid_days: 0,
        auth: PresetAuth::None,
        terms: "CC BY-NC 4.0: not for commercial use",
        page: "https://phishing.army/",
        about: "names of phishing sites, gathered from several sources",
    },
    Preset {
        id: "digitalside",
        name: "DigitalSide Threat-Intel domains",
        url: "https://osint.digitalside.it/Threat-Intel/lists/latestdomains.txt",
        format: "text",
        tags: &["malware"],
        confidence: 60,
        interval_min: 360,
        valid_days: 7,
        auth: PresetAuth::None,
        terms: "MIT",
        page: "https://osint.digitalside.it/",
        about: "names met in malware analysis in the last week",
    },
    Preset {
        id: "spamhaus-drop",
        name: "Spamhaus DROP",
        url: "https://www.spamhaus.org/drop/drop.txt",
        format: "text",
        tags: &["hijacked-network"],
        confidence: 80,
        interval_min: 1440,
        valid_days: 0,
        auth: PresetAuth::None,
        terms: "free with the operator named; at most once a day",
        page: "https://www.spamhaus.org/blocklists/do-not-route-or-peer/",
        about: "networks in the hands of criminals",
    },
    Preset {
        id: "cins-army",
        name: "CINS Army",
        url: "https://cinsscore.com/list/ci-badguys.txt",
        format: "text",
        tags: &["scanner"],
        confidence: 40,
        interval_min: 720,
        valid_days: 0,
        auth: PresetAuth::None,
        terms: "free; see their page",
        page: "https://cinsscore.com/",
        about: "addresses with a bad name; a name that resolves to one is a weak sign",
    },
    Preset {
        id: "tor-relays",
        name: "Tor relays (Onionoo)",
        url: "https://onionoo.torproject.org/details?type=relay&running=true&fields=nickname,or_addresses,exit_addresses,flags",
        format: "onionoo",
        tags: &["tor-relay"],
        confidence: 100,
        interval_min: 180,
        valid_days: 0,
        auth: PresetAuth::None,
        terms: "CC0",
        page: "https://metrics.torproject.org/onionoo.html",
        about: "every address of a running relay: no threat, but the rules for Tor match the tag",
    },
    Preset {
        id: "tor-exits",
        name: "Tor exit addresses",
        url: "https://check.torproject.org/torbulkexitlist",
        format: "text",
        tags: &["tor-exit", "tor-relay"],
        confidence: 100,
        interval_min: 180,
        valid_days: 0,
        auth: PresetAuth::None,
        terms: "free; see their page",
        page: "https://check.torproject.org/",
        about: "addresses from which traffic leaves Tor",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::str::FromStr;

    use super::*;

    #[test]
    fn presets_can_be_used_as_they_are() {
        let ids: HashSet<&str> = PRESETS.iter().map(|preset| preset.id).collect();
        assert_eq!(ids.len(), PRESETS.len());
        for preset in PRESETS {
            assert!(crate::fetch::address(preset.url).is_ok_and(|url| url.scheme() == "https"), "{}", preset.id);
            assert!(tidegate_detect::intel::Format::from_str(preset.format).is_ok(), "{}", preset.id);
            assert!(preset.interval_min >= 5 && preset.confidence <= 100, "{}", preset.id);
            assert!(!preset.terms.is_empty() && preset.page.starts_with("https://") && !preset.about.is_empty());
        }
        assert!(PRESETS.iter().any(|preset| preset.tags.contains(&"tor-relay")));
    }
}
