//! Which column of a table holds what.

use crate::intel::error::IntelError;
use crate::intel::report::excerpt;
use crate::intel::value::parse_value;

/// A column, by the name in the header or by its number from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// As the header has it; capital letters do not matter.
    Name(String),
    /// From 0.
    Number(usize),
}

/// Where a table holds what; what is not said is found out from the header, or else from the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// What parts the columns.
    pub delimiter: Option<char>,
    /// Whether the first row is a header, although it holds no name that we know.
    pub header: bool,
    /// The name, address or URL.
    pub value: Option<Column>,
    /// Tags.
    pub tags: Vec<Column>,
    /// Confidence, 0 to 100.
    pub confidence: Option<Column>,
    /// From when it counts.
    pub valid_from: Option<Column>,
    /// Until when it counts.
    pub valid_until: Option<Column>,
    /// A description.
    pub description: Option<Column>,
    /// A reference.
    pub reference: Option<Column>,
}

impl Columns {
    /// All found out.
    #[must_use]
    pub const fn found_out() -> Self {
        Self {
            delimiter: None,
            header: false,
            value: None,
            tags: Vec::new(),
            confidence: None,
            valid_from: None,
            valid_until: None,
            description: None,
            reference: None,
        }
    }
}

// The names under which feeds that we know of have their columns, the most telling first.
const VALUE: [&str; 21] = [
    "ioc_value",
    "indicator",
    "indicator_value",
    "ioc",
    "observable",
    "value",
    "domain",
    "domain_name",
    "hostname",
    "host",
    "fqdn",
    "dst_ip",
    "dest_ip",
    "ip",
    "ip_address",
    "ipaddress",
    "address",
    "url",
    "network",
    "cidr",
    "query",
];
const TAGS: [&str; 11] = [
    "tags",
    "tag",
    "labels",
    "attribute_tag",
    "threat",
    "threat_type",
    "malware",
    "malware_printable",
    "malware_family",
    "family",
    "category",
];
const CONFIDENCE: [&str; 2] = ["confidence", "confidence_level"];
const VALID_FROM: [&str; 10] = [
    "valid_from",
    "first_seen",
    "first_seen_utc",
    "firstseen",
    "date_added",
    "dateadded",
    "submission_time",
    "created",
    "date",
    "timestamp",
];
const VALID_UNTIL: [&str; 6] = ["valid_until", "valid_to", "expires", "expiration", "expiration_date", "expiry"];
const DESCRIPTION: [&str; 5] = ["description", "comment", "comments", "notes", "event_info"];
const REFERENCE: [&str; 8] =
    ["reference", "references", "urlhaus_link", "phish_detail_url", "link", "source_url", "event_id", "source"];
const TO_IDS: [&str; 1] = ["to_ids"];

/// Whether these fields are a header: one is the name of a value column, and none is itself a name or an address.
pub(super) fn is_header(fields: &[String]) -> bool {
    let named = |names: &[&str]| fields.iter().any(|field| names.contains(&folded(field).as_str()));
    fields.len() > 1 && named(&VALUE) && !fields.iter().any(|field| parse_value(field).is_ok())
}

fn folded(field: &str) -> String {
    field.trim().trim_matches('"').trim_end_matches(" (utc)").replace([' ', '-'], "_").to_lowercase()
}

/// The columns, found.
#[derive(Debug)]
pub(super) struct Places {
    value: Option<usize>,
    pub(super) tags: Vec<usize>,
    pub(super) confidence: Option<usize>,
    pub(super) valid_from: Option<usize>,
    pub(super) valid_until: Option<usize>,
    pub(super) description: Option<usize>,
    pub(super) reference: Option<usize>,
    pub(super) to_ids: Option<usize>,
}

impl Places {
    /// Finds the columns in a header (none: only numbers can be found).
    pub(super) fn find(columns: &Columns, header: &[String]) -> Result<Self, IntelError> {
        let header: Vec<String> = header.iter().map(|field| folded(field)).collect();
        let known = |names: &[&str]| names.iter().find_map(|name| header.iter().position(|field| field == name));
        let one = |asked: &Option<Column>, names: &[&str]| match asked {
            Some(asked) => place(asked, &header).map(Some),
            None => Ok(known(names)),
        };
        let tags = if columns.tags.is_empty() {
            TAGS.iter().filter_map(|name| header.iter().position(|field| field == name)).collect()
        } else {
            columns.tags.iter().map(|asked| place(asked, &header)).collect::<Result<_, _>>()?
        };
        Ok(Self {
            value: one(&columns.value, &VALUE)?,
            tags,
            confidence: one(&columns.confidence, &CONFIDENCE)?,
            valid_from: one(&columns.valid_from, &VALID_FROM)?,
            valid_until: one(&columns.valid_until, &VALID_UNTIL)?,
            description: one(&columns.description, &DESCRIPTION)?,
            reference: one(&columns.reference, &REFERENCE)?,
            to_ids: one(&None, &TO_IDS)?,
        })
    }

    /// The column of the value. Without a header: the first that holds one, from then on always that.
    pub(super) fn value_in(&mut self, fields: &[String]) -> Option<usize> {
        if self.value.is_none() {
            self.value = fields.iter().position(|field| parse_value(field).is_ok());
        }
        self.value
    }
}

fn place(asked: &Column, header: &[String]) -> Result<usize, IntelError> {
    match asked {
        Column::Number(number) => Ok(*number),
        Column::Name(name) => header.iter().position(|field| *field == folded(name)).ok_or_else(|| {
            let found = if header.is_empty() { "no header".to_owned() } else { excerpt(&header.join(", "), 200) };
            IntelError::NoColumn { name: excerpt(name, 60), found }
        }),
    }
}
