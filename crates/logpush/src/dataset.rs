//! The datasets of Logpush for which we have a format, and the fields of them that the format reads.

use std::fmt;

/// What every field of a record is called in our parser definitions.
const FIELD_PATH: &str = "json_event.message.";

/// Whether a dataset belongs to accounts or to zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Jobs live below `accounts/{id}`.
    Account,
    /// Jobs live below `zones/{id}`.
    Zone,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "an account",
            Self::Zone => "a zone",
        })
    }
}

/// A dataset that we can receive.
#[derive(Debug)]
pub struct Dataset {
    /// Cloudflare's name: `gateway_dns`.
    pub name: &'static str,
    /// The name of our format: `cloudflare-gateway-dns`.
    pub format: &'static str,
    /// Where its jobs live.
    pub level: Level,
    /// Whether it holds people's data, so that the token wants `Zero Trust: PII Read` beside `Logs: Edit`.
    pub personal: bool,
    /// The field that holds the time of the event: without it the receipt time stands in.
    pub time: &'static str,
    /// Fields without which events lose their use, the time apart; the first is the unique id where there is one.
    pub essential: &'static [&'static str],
    /// Deprecated fields and what replaced them. Both together are the same bytes twice.
    pub replaced: &'static [(&'static str, &'static str)],
    parser: &'static str,
}

/// The text of a format's parser definition.
macro_rules! parser {
    ($folder:literal) => {
        include_str!(concat!("../../../formats/cloudflare/", $folder, "/ingest/parser.yml"))
    };
}

/// All of them, by name. Fields and their successors: `https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/`.
pub static DATASETS: [Dataset; 9] = [
    Dataset {
        name: "access_requests",
        format: "cloudflare-access-requests",
        level: Level::Account,
        personal: true,
        time: "CreatedAt",
        essential: &["RayID", "Email", "IPAddress", "Allowed"],
        replaced: &[],
        parser: parser!("access_requests"),
    },
    Dataset {
        name: "audit_logs",
        format: "cloudflare-audit-logs",
        level: Level::Account,
        personal: false,
        time: "When",
        essential: &["ID", "ActionType", "ActorEmail"],
        replaced: &[],
        parser: parser!("audit_logs"),
    },
    Dataset {
        name: "dns_logs",
        format: "cloudflare-dns-logs",
        level: Level::Zone,
        personal: false,
        time: "Timestamp",
        essential: &["QueryName", "QueryType", "SourceIP"],
        replaced: &[],
        parser: parser!("dns_logs"),
    },
    Dataset {
        name: "firewall_events",
        format: "cloudflare-firewall-events",
        level: Level::Zone,
        personal: false,
        time: "Datetime",
        essential: &["RayID", "Action", "ClientIP"],
        replaced: &[],
        parser: parser!("firewall_events"),
    },
    Dataset {
        name: "gateway_dns",
        format: "cloudflare-gateway-dns",
        level: Level::Account,
        personal: true,
        time: "Datetime",
        essential: &["QueryID", "QueryName", "QueryTypeName", "RCode", "ResolverDecision", "SrcIP"],
        replaced: &[
            ("CustomResolverPolicyID", "ResolverPolicyID"),
            ("CustomResolverPolicyName", "ResolverPolicyName"),
            ("Policy", "PolicyName"),
            ("RData", "ResourceRecords"),
        ],
        parser: parser!("gateway_dns"),
    },
    Dataset {
        name: "gateway_http",
        format: "cloudflare-gateway-http",
        level: Level::Account,
        personal: true,
        time: "Datetime",
        essential: &["RequestID", "URL", "Action", "SourceIP"],
        replaced: &[],
        parser: parser!("gateway_http"),
    },
    Dataset {
        name: "gateway_network",
        format: "cloudflare-gateway-network",
        level: Level::Account,
        personal: true,
        time: "Datetime",
        essential: &["SessionID", "Action", "SourceIP", "DestinationIP"],
        replaced: &[("Transport", "TransportProtocol")],
        parser: parser!("gateway_network"),
    },
    Dataset {
        name: "http_requests",
        format: "cloudflare-http-requests",
        level: Level::Zone,
        personal: false,
        time: "EdgeStartTimestamp",
        essential: &["ClientIP", "ClientRequestHost", "ClientRequestURI"],
        replaced: &[],
        parser: parser!("http_requests"),
    },
    Dataset {
        name: "zero_trust_network_sessions",
        format: "cloudflare-zero-trust-network-sessions",
        level: Level::Account,
        personal: true,
        time: "SessionStartTime",
        essential: &["SessionID", "SourceIP", "OriginIP"],
        replaced: &[],
        parser: parser!("zero_trust_network_sessions"),
    },
];

/// The dataset of this name; dashes and the format's own name do as well.
#[must_use]
pub fn dataset(name: &str) -> Option<&'static Dataset> {
    let plain = name.trim().to_ascii_lowercase().replace('-', "_");
    DATASETS.iter().find(|dataset| dataset.name == plain).or_else(|| dataset_of_format(name))
}

/// The dataset that a format reads.
#[must_use]
pub fn dataset_of_format(format: &str) -> Option<&'static Dataset> {
    DATASETS.iter().find(|dataset| dataset.format == format)
}

impl Dataset {
    /// The fields that our format reads, deprecated ones included, in alphabetical order.
    #[must_use]
    pub fn known_fields(&self) -> Vec<&'static str> {
        let mut fields: Vec<&'static str> = self
            .parser
            .match_indices(FIELD_PATH)
            .filter_map(|(at, path)| name_at(&self.parser[at + path.len()..]))
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The fields that a job should ask for: all that our format reads and Cloudflare offers, without deprecated ones
    /// whose successor is there. `offered` is empty when it is not known what Cloudflare offers.
    #[must_use]
    pub fn wanted_fields<'a>(&self, offered: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let offered: Vec<&str> = offered.into_iter().collect();
        let known = self.known_fields();
        let is_there = |field: &str| if offered.is_empty() { known.contains(&field) } else { offered.contains(&field) };
        let is_wanted = |field: &&&str| is_there(field) && !self.successor(field).is_some_and(is_there);
        known.iter().filter(is_wanted).map(|field| (*field).to_owned()).collect()
    }

    /// What replaced a deprecated field.
    #[must_use]
    pub fn successor(&self, field: &str) -> Option<&'static str> {
        self.replaced.iter().find(|(old, _)| *old == field).map(|(_, new)| *new)
    }

    /// Whether events are of little use without this field.
    #[must_use]
    pub fn is_essential(&self, field: &str) -> bool {
        self.time == field || self.essential.contains(&field)
    }
}

/// The field name that a path goes on with. Cloudflare's begin with a capital letter.
fn name_at(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    Some(&text[..end]).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests;
