//! What an event says beyond its format: decoded DNS answers, statistics of the queried name, where an address is.
//! Parsing stays exact; everything here only adds fields, and bad input costs a reason, never the event.

mod answers;
mod damage;
mod geoip;
mod json;
mod name;
mod presentation;
mod rdata;
mod rrtype;
mod svcb;
mod textual;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bumpalo::Bump;
use thiserror::Error;
use tidegate_event::{Event, FieldId, Registry};

pub use geoip::GeoIp;

use crate::manifest::Manifest;
use answers::Answers;
use geoip::Places;
use name::NameFields;

/// Most answers decoded of one event; an answer over UDP holds about forty.
pub const ANSWERS_MAX: usize = 512;
/// Most bytes of records, as on the wire, decoded of one event: a DNS message over TCP is at most 64 KiB.
pub const ANSWER_BYTES_MAX: usize = 256 << 10;

/// What enrichment does and how much of it.
#[derive(Clone, Debug)]
pub struct EnrichOptions {
    /// The user's MMDB files, opened once and shared by all enrichers.
    pub geoip: Option<Arc<GeoIp>>,
    /// Most answers decoded of one event.
    pub answers_max: usize,
    /// Most bytes of records, as on the wire, decoded of one event.
    pub answer_bytes_max: usize,
}

impl Default for EnrichOptions {
    fn default() -> Self {
        Self { geoip: None, answers_max: ANSWERS_MAX, answer_bytes_max: ANSWER_BYTES_MAX }
    }
}

/// Why enrichment cannot start.
#[derive(Debug, Error)]
pub enum EnrichError {
    /// The manifest names a field that no table declares.
    #[error("field `{0}` is not declared")]
    UnknownField(String),
    /// An MMDB file is missing or damaged.
    #[error("cannot use `{path}` as MMDB file: {cause}")]
    GeoIp {
        /// The file.
        path: String,
        /// What the reader said.
        cause: String,
    },
}

/// Adds fields to the events of one format.
#[derive(Debug)]
pub struct Enricher {
    name: NameFields,
    answers: Option<Answers>,
    places: Option<Places>,
}

impl Enricher {
    /// Resolves the fields once, so that events need no look-up by name.
    ///
    /// # Errors
    /// [`EnrichError::UnknownField`] when `registry` lacks a field that `manifest` names or that enrichment writes.
    pub fn new(registry: &Registry, manifest: &Manifest, options: &EnrichOptions) -> Result<Self, EnrichError> {
        Ok(Self {
            name: NameFields::new(registry)?,
            answers: manifest.answers.as_ref().map(|fields| Answers::new(registry, fields, options)).transpose()?,
            places: options.geoip.clone().map(|geoip| Places::new(registry, geoip)).transpose()?,
        })
    }

    /// Adds what can be told of the event. What the format has set itself is never changed.
    pub fn enrich<'a>(&self, event: &mut Event<'a>, arena: &'a Bump) {
        if let Some(answers) = &self.answers {
            answers.add(event, arena);
        }
        if let Some(places) = &self.places {
            places.add(event, arena);
        }
        self.name.add(event);
    }

    /// Every field that enrichment may set.
    #[must_use]
    pub fn targets(&self) -> Vec<FieldId> {
        let mut targets = self.name.targets().to_vec();
        targets.extend(self.answers.iter().flat_map(Answers::targets));
        targets.extend(self.places.iter().flat_map(Places::targets));
        targets.sort_unstable();
        targets
    }
}

/// The id of a field that must be declared.
fn field(registry: &Registry, name: &str) -> Result<FieldId, EnrichError> {
    registry.id(name).ok_or_else(|| EnrichError::UnknownField(name.to_owned()))
}
