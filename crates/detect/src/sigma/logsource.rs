//! Log sources: which rules an event is for. A rule says category, product and service; an event tells them by the
//! fields it carries, `observer.vendor` and `event.dataset`.

use rsigma_parser::LogSource;
use tidegate_event::{Event, FieldId, Registry, Value};

/// What kind of activity an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A DNS query.
    Dns,
    /// An HTTP request.
    Web,
    /// A connection.
    Network,
    /// Anything else, such as a change of configuration.
    Other,
}

/// Sigma categories that name a kind of activity we may have events of.
const CATEGORIES: &[(&str, Kind)] = &[
    ("dns", Kind::Dns),
    ("dns_query", Kind::Dns),
    ("proxy", Kind::Web),
    ("webserver", Kind::Web),
    ("web", Kind::Web),
    ("firewall", Kind::Network),
    ("network_connection", Kind::Network),
    ("network", Kind::Network),
    ("network_traffic", Kind::Network),
];

/// Where an event comes from, as log sources have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) kind: Kind,
    /// `observer.vendor`, folded.
    pub(crate) vendor: String,
    /// `event.dataset`, folded.
    pub(crate) dataset: String,
}

/// Lower case with dashes and blanks as underscores: `Gateway-DNS` is `gateway_dns`.
fn fold(text: &str) -> String {
    text.chars().map(|letter| if matches!(letter, '-' | ' ') { '_' } else { letter.to_ascii_lowercase() }).collect()
}

/// Reads the origin of events.
#[derive(Debug)]
pub(crate) struct OriginFields {
    name: Option<FieldId>,
    method: Option<FieldId>,
    url: Option<FieldId>,
    destination: Option<FieldId>,
    vendor: Option<FieldId>,
    dataset: Option<FieldId>,
}

impl OriginFields {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self {
            name: registry.id("dns.question.name"),
            method: registry.id("http.request.method"),
            url: registry.id("url.domain"),
            destination: registry.id("destination.ip"),
            vendor: registry.id("observer.vendor"),
            dataset: registry.id("event.dataset"),
        }
    }

    /// Kind, vendor and dataset of an event, borrowed.
    pub(crate) fn of<'a>(&self, event: &Event<'a>) -> (Kind, &'a str, &'a str) {
        let get = |field: Option<FieldId>| field.and_then(|field| event.get(field));
        let text = |field| get(field).and_then(Value::as_str).unwrap_or("");
        let kind = if get(self.name).is_some() {
            Kind::Dns
        } else if get(self.method).is_some() || get(self.url).is_some() {
            Kind::Web
        } else if get(self.destination).is_some() {
            Kind::Network
        } else {
            Kind::Other
        };
        (kind, text(self.vendor), text(self.dataset))
    }
}

impl Origin {
    pub(crate) fn new(kind: Kind, vendor: &str, dataset: &str) -> Self {
        Self { kind, vendor: fold(vendor), dataset: fold(dataset) }
    }

    /// Whether a rule with this log source is for events of this origin: what the rule names must agree.
    pub(crate) fn suits(&self, source: &LogSource) -> bool {
        let category = source.category.as_deref().map(fold);
        if let Some(category) = &category
            && !CATEGORIES.iter().any(|(name, kind)| name == category && *kind == self.kind)
        {
            return false;
        }
        let product = source.product.as_deref().map(fold);
        let service = source.service.as_deref().map(fold);
        product.as_ref().is_none_or(|product| matches!(product.as_str(), "any") || *product == self.vendor)
            && service.as_ref().is_none_or(|service| {
                *service == self.dataset || (service == "dns" && self.kind == Kind::Dns && category.is_none())
            })
    }
}

/// Operating systems and the like, whose events never come here.
const FOREIGN: &[&str] = &["windows", "linux", "macos", "zeek", "aws", "azure", "gcp", "m365", "okta", "github"];

/// Whether any event of ours could have this log source.
pub(crate) fn applicable(source: &LogSource) -> bool {
    let category_fits = source
        .category
        .as_deref()
        .map(fold)
        .is_none_or(|category| CATEGORIES.iter().any(|(name, _)| *name == category));
    let product_fits = source.product.as_deref().map(fold).is_none_or(|product| !FOREIGN.contains(&product.as_str()));
    category_fits && product_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(category: &str, product: &str, service: &str) -> LogSource {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        LogSource { category: some(category), product: some(product), service: some(service), ..LogSource::default() }
    }

    #[test]
    fn what_a_rule_names_must_agree() {
        let origin = Origin::new(Kind::Dns, "Cloudflare", "gateway_dns");
        for (category, product, service) in [
            ("dns", "", ""),
            ("dns_query", "", ""),
            ("dns", "cloudflare", ""),
            ("", "cloudflare", "gateway-dns"),
            ("", "", ""),
            ("dns", "any", ""),
        ] {
            assert!(origin.suits(&source(category, product, service)), "{category} {product} {service}");
        }
        for (category, product, service) in [
            ("dns_query", "windows", ""),
            ("", "zeek", "dns"),
            ("proxy", "", ""),
            ("process_creation", "", ""),
            ("dns", "cloudflare", "dns_logs"),
        ] {
            assert!(!origin.suits(&source(category, product, service)), "{category} {product} {service}");
        }
    }
}
