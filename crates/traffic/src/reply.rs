//! One question with its answer: everything a record says that does not depend on who asked.

use std::net::IpAddr;

use crate::application;
use crate::category::Categories;
use crate::field::Field;
use crate::policy::{Policies, Verdict};
use crate::wire::Record;
use crate::{json, rtype};

/// Response codes; 0 is an answer.
pub(crate) const SERV_FAIL: u8 = 2;
pub(crate) const NX_DOMAIN: u8 = 3;
pub(crate) const REFUSED: u8 = 5;

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    /// The public DNS.
    #[default]
    Public,
    /// The organisation's own name server, by a resolver policy.
    Custom { server: &'static str, milliseconds: u64 },
    /// A zone the resolver hosts itself.
    Internal { milliseconds: u64 },
}

/// A question and its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub name: String,
    pub qtype: u16,
    pub rcode: u8,
    pub records: Vec<Record>,
    pub categories: Vec<u8>,
    /// Categories of the names in between, and of the addresses.
    pub alias_categories: Vec<u8>,
    pub address_categories: Vec<u8>,
    pub verdict: Verdict,
    pub application: u16,
    pub ede: Vec<u16>,
    pub cached: bool,
    pub servers: Vec<IpAddr>,
    pub route: Route,
    /// Name of the threat feed the name is on.
    pub feed: Option<&'static str>,
}

/// What the reply's fields are written with.
#[derive(Debug)]
pub(crate) struct Desk {
    pub categories: Categories,
    pub policies: Policies,
    pub resolver_policy: String,
    pub view: String,
    pub zone: String,
}

const RESOLVER_POLICY: &str = "Internal names to the directory";
const FEED_ID: u64 = 4711;

/// Appends a name with its labels in reverse order.
fn reversed(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    for (at, label) in name.rsplit('.').enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        json::escaped(out, label.as_bytes());
    }
    out.push(b'"');
}

impl Reply {
    fn aliases(&self) -> impl Iterator<Item = &str> {
        self.records.iter().filter_map(Record::alias)
    }

    /// Writes one field of the reply's part of a record.
    pub(crate) fn write_field(&self, out: &mut Vec<u8>, field: Field, desk: &Desk) {
        let policy = self.verdict.policy;
        let application = application::about(self.application);
        match field {
            Field::ApplicationID => json::number(out, application.map_or(0, |(id, _)| u64::from(id))),
            Field::ApplicationName => json::string(out, application.map_or("", |(_, name)| name)),
            Field::QueryApplicationIDs => json::array(out, application, |out, (id, _)| json::number(out, id.into())),
            Field::QueryApplicationNames => json::array(out, application, |out, (_, name)| json::string(out, name)),
            Field::CNAMEs => json::array(out, self.aliases(), json::string),
            Field::CNAMEsReversed => json::array(out, self.aliases(), reversed),
            Field::EDEErrors => json::array(out, &self.ede, |out, code| json::number(out, u64::from(*code))),
            Field::IsResponseCached => out.extend_from_slice(if self.cached { b"true" } else { b"false" }),
            Field::AuthoritativeNameServerIPs => {
                let servers = if self.cached { &[][..] } else { &self.servers };
                json::array(out, servers, |out, server| json::quoted_address(out, *server));
            }
            Field::Policy | Field::PolicyName => json::string(out, policy.map_or("", |policy| policy.name())),
            Field::PolicyID => json::string(out, policy.map_or("", |policy| desk.policies.id(policy))),
            Field::QueryName if self.name.is_empty() => json::string(out, "."),
            Field::QueryNameReversed if self.name.is_empty() => json::string(out, "."),
            Field::QueryName => json::string(out, &self.name),
            Field::QueryNameReversed => reversed(out, &self.name),
            Field::QueryType => json::number(out, u64::from(self.qtype)),
            Field::QueryTypeName => json::string(out, rtype::name(self.qtype)),
            Field::RCode => json::number(out, u64::from(self.rcode)),
            Field::ResolverDecision => json::string(out, self.verdict.decision().name()),
            Field::TimeZone => json::string(out, policy.and_then(|policy| policy.zone()).unwrap_or("")),
            Field::TimeZoneInferredMethod => {
                let scheduled = policy.and_then(|policy| policy.zone()).is_some();
                json::string(out, if scheduled { "fromRule" } else { "noScheduleConfigured" });
            }
            Field::QueryIndicatorFeedIDs => json::array(out, self.feed, |out, _| json::number(out, FEED_ID)),
            Field::QueryIndicatorFeedNames => json::array(out, self.feed, json::string),
            Field::AppliedMaxTTL => out.push(b'0'),
            Field::RedirectTargetURI => json::string(out, ""),
            _ => self.write_answer_field(out, field, desk),
        }
    }

    fn write_answer_field(&self, out: &mut Vec<u8>, field: Field, desk: &Desk) {
        let addresses = || self.records.iter().filter_map(Record::address);
        match field {
            Field::ResolvedIPs => json::array(out, addresses(), |out, (ip, _)| json::quoted_address(out, ip)),
            Field::ResolvedIPContinentCodes => {
                json::array(out, addresses(), |out, (_, place)| json::string(out, place.continent));
            }
            Field::ResolvedIPCountryCodes => {
                json::array(out, addresses(), |out, (_, place)| json::string(out, place.country));
            }
            Field::RData | Field::ResourceRecords => self.write_records(out),
            Field::ResourceRecordsJSON => self.write_records_text(out),
            Field::UpstreamRecordTTLs => {
                json::array(out, &self.records, |out, record| json::number(out, u64::from(record.ttl)));
            }
            _ => self.write_category_field(out, field, desk),
        }
    }

    fn write_category_field(&self, out: &mut Vec<u8>, field: Field, desk: &Desk) {
        let mut ids = Vec::new();
        let mut gather = |of: &[u8]| desk.categories.with_parents(of, &mut ids);
        match field {
            Field::InitialCategoryIDs | Field::InitialCategoryNames => gather(&self.categories),
            Field::CNAMECategoryIDs | Field::CNAMECategoryNames => gather(&self.alias_categories),
            Field::ResolvedIPCategoryIDs | Field::ResolvedIPCategoryNames => gather(&self.address_categories),
            Field::MatchedCategoryIDs | Field::MatchedCategoryNames => gather(&self.verdict.matched),
            Field::QueryCategoryIDs | Field::QueryCategoryNames => {
                gather(&self.categories);
                gather(&self.address_categories);
                gather(&self.alias_categories);
            }
            Field::RequestContextCategoryIDs
            | Field::RequestContextCategoryNames
            | Field::MatchedIndicatorFeedIDs
            | Field::MatchedIndicatorFeedNames
            | Field::InitialResolvedIPs => {}
            _ => return self.write_route_field(out, field, desk),
        }
        if field.name().ends_with("IDs") {
            json::array(out, ids, |out, id| json::number(out, u64::from(id)));
        } else {
            json::array(out, ids, |out, id| json::string(out, desk.categories.name(id)));
        }
    }

    fn write_route_field(&self, out: &mut Vec<u8>, field: Field, desk: &Desk) {
        let custom = match self.route {
            Route::Custom { server, milliseconds } => Some((server, milliseconds)),
            _ => None,
        };
        let internal = match self.route {
            Route::Internal { milliseconds } => Some(milliseconds),
            _ => None,
        };
        let when = |condition: bool, text: &'static str| if condition { text } else { "" };
        match field {
            Field::CustomResolveDurationMs => json::number(out, custom.map_or(0, |(_, milliseconds)| milliseconds)),
            Field::CustomResolverAddress => json::string(out, custom.map_or("", |(server, _)| server)),
            Field::CustomResolverResponse => json::string(out, when(custom.is_some(), "success")),
            Field::CustomResolverPolicyID | Field::ResolverPolicyID => {
                json::string(out, if custom.is_some() { &desk.resolver_policy } else { "" });
            }
            Field::CustomResolverPolicyName | Field::ResolverPolicyName => {
                json::string(out, when(custom.is_some(), RESOLVER_POLICY));
            }
            Field::InternalDNSDurationMs => json::number(out, internal.unwrap_or(0)),
            Field::InternalDNSRCode => json::number(out, internal.map_or(0, |_| u64::from(self.rcode))),
            Field::InternalDNSViewID => json::string(out, internal.map_or("", |_| &desk.view)),
            Field::InternalDNSZoneID => json::string(out, internal.map_or("", |_| &desk.zone)),
            _ => json::string(out, ""),
        }
    }

    fn write_records(&self, out: &mut Vec<u8>) {
        let mut wire = Vec::with_capacity(256);
        json::array(out, &self.records, |out, record| {
            wire.clear();
            record.wire(&mut wire);
            out.extend_from_slice(b"{\"type\":\"");
            json::number(out, u64::from(record.rtype));
            out.extend_from_slice(b"\",\"data\":\"");
            json::base64(out, &wire);
            out.extend_from_slice(b"\"}");
        });
    }

    fn write_records_text(&self, out: &mut Vec<u8>) {
        let mut text = Vec::with_capacity(512);
        json::array(&mut text, &self.records, |text, record| record.text(text));
        out.push(b'"');
        json::escaped(out, &text);
        out.push(b'"');
    }
}
