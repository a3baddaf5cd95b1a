//! The conditions of a step in the events query language, in as many questions as its bounds want.

use std::fmt::Display;

use tidegate_detect::intel::Conditions;
use tidegate_query::language::Fields;

/// Bytes of one question, well below what the language takes.
const QUESTION_BYTES_MAX: usize = 12 << 10;
/// Values in one question, well below what the language takes.
const VALUES_MAX: usize = 900;

pub(super) const NAME: &str = "dns.question.name";
pub(super) const REGISTERED: &str = "dns.question.registered_domain";
/// Where addresses are looked at when events come in.
pub(super) const ADDRESSES: [&str; 3] = ["dns.resolved_ip", "source.ip", "destination.ip"];

/// The questions that find everything that meets any of the conditions. Fields that no format declares are left out.
pub(super) fn questions(conditions: &Conditions, fields: &Fields) -> Vec<String> {
    let mut packer = Packer::default();
    let known = |field: &str| fields.get(field).is_some();
    if known(NAME) {
        conditions.names.iter().for_each(|name| packer.add(NAME, &quoted(name)));
        conditions.parents.iter().for_each(|name| packer.add(NAME, &below(name)));
    }
    if known(REGISTERED) {
        conditions.registered_domains.iter().for_each(|name| packer.add(REGISTERED, &quoted(name)));
    }
    for field in ADDRESSES.into_iter().filter(|field| known(field)) {
        conditions.addresses.iter().for_each(|address| packer.add(field, &quoted(address)));
        conditions.networks.iter().for_each(|network| packer.add(field, &network.to_string()));
    }
    packer.finish()
}

/// Fills question after question.
#[derive(Default)]
struct Packer {
    full: Vec<String>,
    open: String,
    field: &'static str,
    values: usize,
}

impl Packer {
    fn add(&mut self, field: &'static str, value: &str) {
        let more = field.len() + value.len() + 16;
        if self.values >= VALUES_MAX || self.open.len() + more > QUESTION_BYTES_MAX {
            self.close();
        }
        if self.field == field {
            self.open.push_str(" OR ");
        } else {
            if !self.open.is_empty() {
                self.open.push_str(") OR ");
            }
            self.open.push_str(field);
            self.open.push_str(":(");
            self.field = field;
        }
        self.open.push_str(value);
        self.values += 1;
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.open.push(')');
            self.full.push(std::mem::take(&mut self.open));
        }
        self.field = "";
        self.values = 0;
    }

    fn finish(mut self) -> Vec<String> {
        self.close();
        self.full
    }
}

/// A value as it is, whatever it holds.
fn quoted(value: &impl Display) -> String {
    format!("\"{}\"", value.to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

/// Every name below this one.
fn below(name: &str) -> String {
    let mut out = "*.".to_owned();
    for c in name.chars() {
        if !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use tidegate_query::language::{Field, Kind, QUERY_BYTES_MAX, Query, TERMS_MAX};

    use super::*;

    fn fields() -> Fields {
        let field = |(name, kind): (&str, Kind)| Field { name: name.to_owned(), kind, folded: false };
        [(NAME, Kind::Text), (REGISTERED, Kind::Text), ("dns.resolved_ip", Kind::IpList), ("source.ip", Kind::Ip)]
            .map(field)
            .into_iter()
            .collect()
    }

    #[test]
    fn a_few_conditions_are_one_question() {
        let conditions = Conditions {
            names: vec!["evil.example".to_owned(), "o\"dd.example".to_owned()],
            registered_domains: vec!["evil.example".to_owned()],
            parents: vec!["sub.evil.example".to_owned()],
            addresses: vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            networks: vec![],
        };
        let found = questions(&conditions, &fields());
        assert_eq!(
            found,
            [concat!(
                "dns.question.name:(\"evil.example\" OR \"o\\\"dd.example\" OR *.sub.evil.example) OR ",
                "dns.question.registered_domain:(\"evil.example\") OR ",
                "dns.resolved_ip:(\"192.0.2.1\" OR \"2001:db8::1\") OR source.ip:(\"192.0.2.1\" OR \"2001:db8::1\")"
            )]
        );
        let query = Query::parse(&found[0]).unwrap();
        assert!(query.resolve(&fields(), tidegate_event::Timestamp::from_micros(0)).is_ok());
    }

    #[test]
    fn many_conditions_stay_within_the_bounds() {
        let names: Vec<String> = (0..500).map(|number| format!("{number:0>60}.{number:0>60}.example")).collect();
        let conditions = Conditions { names: names.clone(), registered_domains: names, ..Conditions::default() };
        let found = questions(&conditions, &fields());
        assert!(found.len() > 5);
        let mut values = 0;
        for question in &found {
            assert!(question.len() < QUERY_BYTES_MAX);
            values += question.matches('"').count() / 2;
            assert!(question.matches('"').count() / 2 < TERMS_MAX);
            assert!(Query::parse(question).is_ok());
        }
        assert_eq!(values, 1_000);
    }
}
