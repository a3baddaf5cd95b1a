//! JSON of any size: walks down to the objects that can be indicators and holds one of them at a time.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::detection::Format;
use super::error::IntelError;
use super::misp::Event;
use super::read::{FEED_BYTES_MAX, Taker};
use super::{misp, relay, stix};

/// One object of a feed must not be larger, since it is held whole; what it contains of other objects does not count.
const OBJECT_BYTES_MAX: usize = 1 << 20;
/// Objects that are held one inside the other.
const DEPTH_MAX: usize = 8;
/// An object that is none we know is collected up to so many members.
const MEMBERS_MAX: usize = 256;

/// Reads the documents to their end, or until nothing more is wanted.
pub(super) fn read(input: impl BufRead, taker: &mut Taker<'_, '_>) -> Result<(), IntelError> {
    let budget = Budget { left: Cell::new(OBJECT_BYTES_MAX), total: Cell::new(0), why: Cell::new(None) };
    let mut json = serde_json::Deserializer::from_reader(Bounded { input, budget: &budget });
    let mut walk = Walk { taker, budget: &budget, event: None, known: false, depth: 0 };
    while !walk.taker.ended() {
        budget.renew();
        if json.end().is_ok() {
            break;
        }
        if let Err(error) = walk.node(Place::Top).deserialize(&mut json) {
            misp::finish(&mut walk);
            let why = budget.why.take().map_or_else(|| format!("not JSON any more: {error}"), str::to_owned);
            walk.taker.end(why);
        }
    }
    if !walk.known && walk.taker.report.cut_short.is_none() {
        let why = "this is JSON, but it holds no STIX objects, no MISP events and no list of values".to_owned();
        return Err(IntelError::NothingKnown { why });
    }
    nothing_known(taker, "nothing in it could be read")
}

/// A feed that broke off before anything in it was understood is no feed.
pub(super) fn nothing_known(taker: &Taker<'_, '_>, why: &str) -> Result<(), IntelError> {
    let report = &taker.report;
    let nothing = report.accepted == 0 && report.refused.is_empty() && report.passed_over.is_empty();
    match &report.cut_short {
        Some(cut) if nothing => Err(IntelError::NothingKnown { why: cut.clone() }),
        None if nothing && report.problems_total > 0 => {
            let first = report.problems.first().map(ToString::to_string).unwrap_or_default();
            Err(IntelError::NothingKnown { why: format!("{why}; record {first}") })
        }
        _ => Ok(()),
    }
}

/// How much may still be read for the object at hand.
pub(super) struct Budget {
    left: Cell<usize>,
    total: Cell<u64>,
    why: Cell<Option<&'static str>>,
}

impl Budget {
    fn renew(&self) {
        self.left.set(OBJECT_BYTES_MAX);
    }

    /// Does what does not count against the object at hand.
    fn apart<T>(&self, bytes_max: usize, work: impl FnOnce() -> T) -> T {
        let kept = self.left.replace(bytes_max);
        let done = work();
        self.left.set(kept);
        done
    }
}

struct Bounded<'a, R> {
    input: R,
    budget: &'a Budget,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.left.get();
        if left == 0 {
            self.budget.why.set(Some("one object is larger than 1 MiB"));
            return Err(io::Error::other("object too large"));
        }
        if self.budget.total.get() > FEED_BYTES_MAX {
            self.budget.why.set(Some("it is larger than 1024 MiB"));
            return Err(io::Error::other("feed too large"));
        }
        let wanted = buffer.len().min(left);
        let got = self.input.read(&mut buffer[..wanted])?;
        self.budget.left.set(left - got);
        self.budget.total.set(self.budget.total.get() + got as u64);
        Ok(got)
    }
}

/// The way through the documents.
pub(super) struct Walk<'w, 'a, 'b> {
    pub(super) taker: &'w mut Taker<'a, 'b>,
    budget: &'w Budget,
    /// The MISP event we are in.
    pub(super) event: Option<Event>,
    known: bool,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    /// The members of a map stand for the items of a list: STIX 2.0 numbers what was observed.
    Objects,
    Event,
    Attributes,
    Relays,
}

struct Node<'n, 'w, 'a, 'b> {
    walk: &'n mut Walk<'w, 'a, 'b>,
    place: Place,
}

impl<'w, 'a, 'b> Walk<'w, 'a, 'b> {
    const fn node(&mut self, place: Place) -> Node<'_, 'w, 'a, 'b> {
        Node { walk: self, place }
    }

    fn is(&mut self, format: Format) {
        self.known = true;
        self.taker.report.format = format;
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        loop {
            self.walk.budget.renew();
            if self.walk.taker.ended() {
                // The rest is not read: it may be half a gigabyte.
                return Err(A::Error::custom("enough"));
            }
            let place = if self.place == Place::Objects { Place::Top } else { self.place };
            if items.next_element_seed(self.walk.node(place))?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.place == Place::Top {
            self.walk.known = true;
            let at = self.walk.taker.record();
            if let Some(indicator) = self.walk.taker.value(at, text) {
                self.walk.taker.take(indicator);
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { walk, place } = self;
        if place == Place::Objects {
            while members.next_key::<IgnoredAny>()?.is_some() {
                walk.budget.renew();
                members.next_value_seed(walk.node(Place::Top))?;
            }
            return Ok(());
        }
        walk.depth += 1;
        if walk.depth > DEPTH_MAX {
            return Err(A::Error::custom("objects are nested too deeply"));
        }
        let budget = walk.budget;
        let outer = if place == Place::Event { walk.event.replace(Event::default()) } else { None };
        let mut own = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if let Some((inner, format)) = inner(place, &key) {
                if let Some(format) = format {
                    walk.is(format);
                }
                budget.apart(OBJECT_BYTES_MAX, || members.next_value_seed(walk.node(inner)))?;
            } else if own.len() < MEMBERS_MAX && (place != Place::Event || Event::wants(&key)) {
                own.insert(key, members.next_value::<Json>()?);
            } else {
                budget.apart(usize::MAX, || members.next_value::<IgnoredAny>())?;
            }
        }
        walk.object(place, &own);
        if place == Place::Event {
            walk.event = outer;
        }
        walk.depth -= 1;
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Where a member leads on to other objects, and what having it says about the feed.
fn inner(place: Place, key: &str) -> Option<(Place, Option<Format>)> {
    match (place, key) {
        // A bundle or an envelope has a list of objects; an observation has a map of them.
        (Place::Top, "objects") => Some((Place::Objects, Some(Format::Stix))),
        (Place::Top, "Event") => Some((Place::Event, Some(Format::Misp))),
        (Place::Top, "response") => Some((Place::Top, None)),
        (Place::Top | Place::Event, "Attribute") => Some((Place::Attributes, Some(Format::Misp))),
        // An object of MISP: a map with its own attributes.
        (Place::Event, "Object") => Some((Place::Top, None)),
        (Place::Top, "relays") => Some((Place::Relays, Some(Format::Onionoo))),
        _ => None,
    }
}

impl Walk<'_, '_, '_> {
    /// One object is complete.
    fn object(&mut self, place: Place, own: &Map<String, Json>) {
        match place {
            Place::Top | Place::Objects => self.free_object(own),
            Place::Attributes => misp::attribute(own, self),
            Place::Relays => relay::relay(own, self.taker),
            Place::Event => {
                if let Some(event) = &mut self.event {
                    event.complete(own);
                }
                misp::finish(self);
            }
        }
    }

    /// An object that stands in a list or alone: STIX by its type, or the rest of a bundle or an envelope.
    fn free_object(&mut self, own: &Map<String, Json>) {
        // An empty object is how TAXII says that there is nothing new.
        self.known |= own.is_empty();
        if let Some(more) = own.get("more").and_then(Json::as_bool) {
            self.known = true;
            self.taker.report.page.more = more;
            self.taker.report.page.next = match own.get("next") {
                Some(Json::String(next)) => Some(next.clone()),
                Some(Json::Number(next)) => Some(next.to_string()),
                _ => None,
            };
        }
        match own.get("type").and_then(Json::as_str) {
            Some("bundle") => self.is(Format::Stix),
            // An attribute or an object of MISP has a type as well, but it has no id of STIX's shape. In a bundle, ids may lack.
            Some(kind)
                if own.get("id").and_then(Json::as_str).is_some_and(|id| id.contains("--"))
                    || stix::is_observable(kind)
                    || self.known && self.taker.report.format == Format::Stix =>
            {
                self.is(Format::Stix);
                stix::object(kind, own, self.taker);
            }
            _ if own.contains_key("value") && own.contains_key("type") => {
                self.is(Format::Misp);
                misp::attribute(own, self);
            }
            _ => {}
        }
    }
}
