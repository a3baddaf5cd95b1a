//! Judges one event on its own: tags it by lists, labels and indicators, and matches the Sigma rules.

use std::net::IpAddr;
use std::sync::Arc;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use rsigma_eval::EventValue;
use tidegate_event::{Event, EventId, FieldId, Timestamp, Value};

use crate::catalogue::Catalogue;
use crate::intel::IndicatorId;
use crate::lists::TagSet;
use crate::native::labels;
use crate::sightings::{Datum, Hit, Sighting, Sightings};
use crate::sigma::{Engine, Facts, Kind, Match, Origin, View};

/// Most tags that judging adds to one event.
pub(crate) const TAGS_MAX: usize = 64;
/// Most addresses of one answer that are looked up among the indicators.
pub(crate) const ADDRESSES_MAX: usize = 64;
/// Lists that detectors ask themselves. As tags they would stand on nearly every event and tell an analyst nothing.
const QUIET: [&str; 2] = ["benign", "browser-probe"];
/// Longest name that is judged, in bytes; DNS allows 253 characters. A longer one is cut.
pub(crate) const NAME_BYTES_MAX: usize = 1_024;

/// Where an event stands in its batch.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its row, for [`Sightings::retain`].
    pub row: usize,
    /// Its id.
    pub event: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// When its batch was received: an event that claims to be later is drawn back to it.
    pub received: Timestamp,
}

/// One worker's judge. Cheap to make; keeps scratch memory and the rules of the last log source.
#[derive(Debug)]
pub struct Judge {
    catalogue: Arc<Catalogue>,
    /// The log source of the last event, as its fields spell it, and its rules.
    last: Option<(Kind, String, String, Arc<Engine>)>,
    matches: Vec<Match>,
    tags: Vec<String>,
}

impl Judge {
    /// A judge by this catalogue.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue, last: None, matches: Vec::new(), tags: Vec::new() }
    }

    /// The catalogue it judges by.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Judges by another catalogue from now on. Nothing happens when it is the same one.
    pub fn swap(&mut self, catalogue: Arc<Catalogue>) {
        if !Arc::ptr_eq(&self.catalogue, &catalogue) {
            self.catalogue = catalogue;
            self.last = None;
        }
    }

    /// Judges an event: its `tags` grow, and `out` gets what the memory must know. `out` must have been made for this
    /// judge's catalogue.
    pub fn judge<'a>(&mut self, event: &mut Event<'a>, row: Row, arena: &'a Bump, out: &mut Sightings) {
        debug_assert!(Arc::ptr_eq(&self.catalogue, &out.catalogue), "sightings are of another catalogue");
        let catalogue = Arc::clone(&self.catalogue);
        let at = moment(row, &catalogue, out);
        let name = catalogue.fact_fields.name.and_then(|field| event.get(field)).and_then(Value::as_str);
        let name = name.map_or("", |name| plain(name, arena));
        let registered = catalogue.fact_fields.registered.and_then(|field| event.get(field)).and_then(Value::as_str);
        let registered =
            registered.map_or_else(|| crate::names::last_two_labels(name), |registered| plain(registered, arena));
        self.tag(event, name, registered, at, arena);
        let facts = Facts { name, registered, fields: catalogue.fact_fields };
        let view = View { event, slots: &catalogue.slots, facts };
        let engine = self.engine(event);
        self.matches.clear();
        engine.matches(&view, &mut self.matches);
        if name.is_empty() && self.matches.is_empty() {
            return;
        }
        self.record(&view, row, at, out);
    }

    /// The rules of the event's log source.
    fn engine(&mut self, event: &Event<'_>) -> Arc<Engine> {
        let (kind, vendor, dataset) = self.catalogue.origin_fields.of(event);
        if let Some((last_kind, last_vendor, last_dataset, engine)) = &self.last
            && *last_kind == kind
            && last_vendor == vendor
            && last_dataset == dataset
        {
            return Arc::clone(engine);
        }
        let engine = self.catalogue.engine(&Origin::new(kind, vendor, dataset));
        self.last = Some((kind, vendor.to_owned(), dataset.to_owned(), Arc::clone(&engine)));
        engine
    }

    /// Adds tags of lists, label grammars and indicators to the event's `tags`.
    fn tag<'a>(&mut self, event: &mut Event<'a>, name: &str, registered: &str, at: Timestamp, arena: &'a Bump) {
        let Some(field) = self.catalogue.event_fields.tags else { return };
        self.tags.clear();
        if !name.is_empty() {
            let mut lists = TagSet::default();
            self.catalogue.lists.tags_of(name, &mut lists);
            if !lists.is_empty() {
                let tags = lists.iter().map(|list| self.catalogue.lists.tag_name(list));
                self.tags.extend(tags.filter(|tag| !QUIET.contains(tag)).map(str::to_owned));
            }
            if labels::sliver(name).is_some() {
                self.tags.push("sliver-message".to_owned());
            }
            if labels::cobalt_strike(name).is_some() {
                self.tags.push("cobalt-strike-shape".to_owned());
            }
            if labels::evilproxy(name, registered) {
                self.tags.push("dashless-uuid".to_owned());
            }
        }
        self.look_up_indicators(event, name, registered, at);
        if !self.tags.is_empty() {
            add_tags(event, field, &self.tags, arena);
        }
    }

    fn look_up_indicators(&mut self, event: &Event<'_>, name: &str, registered: &str, at: Timestamp) {
        let catalogue = &self.catalogue;
        let indicators = &catalogue.indicators;
        let mut hits: Vec<IndicatorId> = Vec::new();
        if !name.is_empty() {
            hits.extend_from_slice(&indicators.match_name(name, registered, at));
        }
        let fields = catalogue.event_fields;
        for field in [fields.resolved_ip, fields.source_ip, fields.destination_ip].into_iter().flatten() {
            let value = event.get(field);
            let one;
            let items: &[Value<'_>] = match value {
                Some(Value::List(items)) => items,
                Some(value) => {
                    one = [value];
                    &one
                }
                None => continue,
            };
            for item in items.iter().take(ADDRESSES_MAX) {
                if let Some(address) = item.as_str().and_then(|text| text.parse::<IpAddr>().ok()) {
                    hits.extend_from_slice(&indicators.match_ip(address, at));
                }
            }
        }
        if hits.is_empty() {
            return;
        }
        self.tags.push("indicator".to_owned());
        for hit in hits {
            if let Some(known) = indicators.get(hit) {
                self.tags.extend(known.tags().map(str::to_lowercase));
            }
        }
    }

    /// Hands the event over to the memory.
    fn record(&mut self, view: &View<'_, '_>, row: Row, at: Timestamp, out: &mut Sightings) {
        let catalogue = &self.catalogue;
        let fields = catalogue.event_fields;
        let get = |field: Option<FieldId>| field.and_then(|field| view.event.get(field));
        let text = |field| get(field).and_then(Value::as_str).unwrap_or("");
        let source = text(fields.source_ip);
        let device =
            [fields.device, fields.email].into_iter().map(text).find(|text| !text.is_empty()).unwrap_or(source);
        let nxdomain = match get(fields.response_code) {
            Some(Value::Str(code)) => code.eq_ignore_ascii_case("nxdomain"),
            Some(Value::Int(code)) => code == 3,
            _ => false,
        };
        let (name, source_ip) = (out.keep(view.facts.name), out.keep(source));
        let first_hit = out.hits.len() as u32;
        for found in self.matches.drain(..) {
            let first_value = out.values.len() as u32;
            for slot in &catalogue.captures[found.rule as usize] {
                let value = catalogue.slots.get(*slot).and_then(|slot| view.value(slot));
                let datum = datum(value, out);
                out.values.push(datum);
            }
            let values = (first_value, out.values.len() as u32);
            out.hits.push(Hit { rule: found.rule, values, matched: found.fields });
        }
        let sighting = Sighting {
            row: row.row,
            event: row.event,
            at,
            name,
            registered: out.keep_tail(view.facts.registered, name),
            query_type: out.keep(text(fields.query_type)),
            source_ip,
            destination_ip: if view.facts.name.is_empty() {
                out.keep(text(fields.destination_ip))
            } else {
                out.keep("")
            },
            device: out.keep_tail(device, source_ip),
            nxdomain,
            blocked: text(fields.decision).starts_with("blocked"),
            hits: (first_hit, out.hits.len() as u32),
        };
        out.list.push(sighting);
    }
}

/// When the event happened: its own time, but not later than its receipt and a little; without one, its receipt.
fn moment(row: Row, catalogue: &Catalogue, out: &mut Sightings) -> Timestamp {
    let latest = row.received.as_micros().saturating_add(catalogue.skew_micros);
    if row.at.as_micros() > latest {
        out.clamped += 1;
        return Timestamp::from_micros(latest);
    }
    row.at
}

/// A name in lower case, without final dot, not longer than the bound.
fn plain<'a>(name: &'a str, arena: &'a Bump) -> &'a str {
    let mut name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > NAME_BYTES_MAX {
        name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let lower = arena.alloc_str(name);
        lower.make_ascii_lowercase();
        return lower;
    }
    name
}

fn add_tags<'a>(event: &mut Event<'a>, field: FieldId, tags: &[String], arena: &'a Bump) {
    let mut all: BumpVec<'a, Value<'a>> = BumpVec::new_in(arena);
    match event.get(field) {
        Some(Value::List(items)) => all.extend_from_slice(items),
        Some(Value::Null) | None => {}
        Some(value) => all.push(value),
    }
    for tag in tags.iter().take(TAGS_MAX) {
        if !all.iter().any(|have| have.as_str() == Some(tag)) {
            all.push(Value::Str(arena.alloc_str(tag)));
        }
    }
    event.set(field, Value::List(all.into_bump_slice()));
}

/// A captured value. Of a list, its items joined: they are grouped and counted as one value.
fn datum(value: Option<EventValue<'_>>, out: &mut Sightings) -> Datum {
    match value {
        None | Some(EventValue::Null | EventValue::Map(_)) => Datum::Absent,
        Some(EventValue::Int(number)) => Datum::Number(number as f64),
        Some(EventValue::Float(number)) => Datum::Number(number),
        Some(EventValue::Array(items)) => {
            let texts: Vec<String> =
                items.iter().filter_map(|item| item.as_str().map(std::borrow::Cow::into_owned)).collect();
            if texts.is_empty() { Datum::Absent } else { Datum::Text(out.keep(&texts.join(", "))) }
        }
        Some(other) => match other.as_str() {
            Some(text) if !text.is_empty() => Datum::Text(out.keep(&text)),
            _ => Datum::Absent,
        },
    }
}
