//! Field names of rules and the event fields they stand for.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_event::{Event, FieldId, Registry, Value};

/// Names of Sigma's DNS, proxy, web server and network categories, and the ECS field each stands for.
/// ECS names stand for themselves.
const NAMES: &[(&str, &str)] = &[
    ("QueryName", "dns.question.name"),
    ("query", "dns.question.name"),
    ("Query", "dns.question.name"),
    ("query_name", "dns.question.name"),
    ("dns_query", "dns.question.name"),
    ("DNSQuery", "dns.question.name"),
    ("domain", "dns.question.name"),
    ("dns.query.name", "dns.question.name"),
    ("parent_domain", "dns.question.registered_domain"),
    ("record_type", "dns.question.type"),
    ("QueryType", "dns.question.type"),
    ("query_type", "dns.question.type"),
    ("qtype_name", "dns.question.type"),
    ("QueryTypeName", "dns.question.type"),
    ("rcode", "dns.response_code"),
    ("rcode_name", "dns.response_code"),
    ("QueryStatus", "dns.response_code"),
    ("response_code", "dns.response_code"),
    ("answer", "dns.answers.data"),
    ("answers", "dns.answers.data"),
    ("Answer", "dns.answers.data"),
    ("QueryResults", "dns.answers.data"),
    ("resolved_ip", "dns.resolved_ip"),
    ("ResolvedIPs", "dns.resolved_ip"),
    ("ResolverDecision", "cloudflare.ResolverDecision"),
    ("QueryCategoryNames", "cloudflare.QueryCategoryNames"),
    ("QueryCategoryIDs", "cloudflare.QueryCategoryIDs"),
    ("src_ip", "source.ip"),
    ("SourceIp", "source.ip"),
    ("SrcIP", "source.ip"),
    ("src", "source.ip"),
    ("c-ip", "source.ip"),
    ("ClientIP", "source.ip"),
    ("client_ip", "source.ip"),
    ("ClientAddress", "source.ip"),
    ("id.orig_h", "source.ip"),
    ("src_port", "source.port"),
    ("SourcePort", "source.port"),
    ("SrcPort", "source.port"),
    ("id.orig_p", "source.port"),
    ("dst_ip", "destination.ip"),
    ("DestinationIp", "destination.ip"),
    ("DstIP", "destination.ip"),
    ("dst", "destination.ip"),
    ("r-ip", "destination.ip"),
    ("id.resp_h", "destination.ip"),
    ("dst_port", "destination.port"),
    ("DestinationPort", "destination.port"),
    ("DstPort", "destination.port"),
    ("r-port", "destination.port"),
    ("id.resp_p", "destination.port"),
    ("DestinationHostname", "destination.domain"),
    ("dst_host", "destination.domain"),
    ("Protocol", "network.transport"),
    ("proto", "network.transport"),
    ("protocol", "network.transport"),
    ("c-uri", "url.original"),
    ("cs-uri", "url.original"),
    ("url", "url.original"),
    ("c-uri-query", "url.query"),
    ("cs-uri-query", "url.query"),
    ("c-uri-stem", "url.path"),
    ("cs-uri-stem", "url.path"),
    ("c-uri-path", "url.path"),
    ("c-uri-extension", "url.extension"),
    ("cs-host", "url.domain"),
    ("r-dns", "url.domain"),
    ("cs-uri-scheme", "url.scheme"),
    ("cs-method", "http.request.method"),
    ("c-useragent", "user_agent.original"),
    ("cs-user-agent", "user_agent.original"),
    ("cs(User-Agent)", "user_agent.original"),
    ("UserAgent", "user_agent.original"),
    ("user_agent", "user_agent.original"),
    ("cs-referer", "http.request.referrer"),
    ("cs-referrer", "http.request.referrer"),
    ("sc-status", "http.response.status_code"),
    ("cs-version", "http.version"),
    ("sc-bytes", "http.response.bytes"),
    ("cs-bytes", "http.request.bytes"),
    ("cs-username", "user.name"),
    ("User", "user.name"),
    ("UserName", "user.name"),
    ("user", "user.name"),
    ("Email", "user.email"),
    ("DeviceID", "device.id"),
    ("Computer", "host.name"),
    ("ComputerName", "host.name"),
    ("hostname", "host.hostname"),
    ("DeviceName", "host.hostname"),
    ("Action", "event.action"),
    ("action", "event.action"),
];

/// The ECS name of a rule's field.
pub(crate) fn ecs_name(name: &str) -> &str {
    NAMES.iter().find(|(sigma, _)| *sigma == name).map_or(name, |(_, ecs)| ecs)
}

/// A field that some rule reads: where its value may be found in an event.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The ECS name.
    pub(crate) name: Arc<str>,
    /// Declared fields whose name begins this one's, longest first, each with the members below it.
    ways: Vec<(FieldId, Vec<Box<str>>)>,
}

impl Slot {
    /// Whether any event can have the field.
    pub(crate) fn exists(&self) -> bool {
        !self.ways.is_empty()
    }

    /// The field itself, when it is declared by its whole name.
    pub(crate) fn whole(&self) -> Option<FieldId> {
        self.ways.first().filter(|(_, below)| below.is_empty()).map(|(field, _)| *field)
    }

    /// The value, and the members that must still be taken of it.
    pub(crate) fn get<'a>(&self, event: &Event<'a>) -> Option<(Value<'a>, &[Box<str>])> {
        self.ways.iter().find_map(|(field, below)| Some((event.get(*field)?, &**below)))
    }
}

/// All fields that rules read. Rules name a slot by its number, so that a look-up costs no search by name.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    list: Vec<Slot>,
    by_name: HashMap<Arc<str>, usize>,
}

impl Slots {
    /// The slot of a rule's field.
    pub(crate) fn add(&mut self, name: &str, registry: &Registry) -> usize {
        let name = ecs_name(name);
        if let Some(slot) = self.by_name.get(name) {
            return *slot;
        }
        let mut ways = Vec::new();
        let mut end = name.len();
        loop {
            if let Some(field) = registry.id(&name[..end]) {
                let below = name[end..].split('.').filter(|member| !member.is_empty()).map(Into::into).collect();
                ways.push((field, below));
            }
            match name[..end].rfind('.') {
                Some(dot) => end = dot,
                None => break,
            }
        }
        let name: Arc<str> = name.into();
        self.by_name.insert(Arc::clone(&name), self.list.len());
        self.list.push(Slot { name, ways });
        self.list.len() - 1
    }

    /// The names of all slots.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|slot| &*slot.name)
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Slot> {
        self.list.get(slot)
    }

    /// The slot that a prepared rule's field name stands for.
    pub(crate) fn named(&self, number: &str) -> Option<&Slot> {
        self.get(number.parse().ok()?)
    }
}
