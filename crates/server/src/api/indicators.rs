//! Indicators: what threat intelligence says about names and addresses.

pub(crate) mod collections;
pub(crate) mod edit;
pub(crate) mod import;
pub(crate) mod list;

use std::collections::HashMap;

use serde::Serialize;
use tidegate_event::Timestamp;
use tidegate_state::{CollectionId, IndicatorRow, Met, NewIndicator, State, StateError};
use utoipa::ToSchema;

use crate::error::ApiError;

/// An indicator.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct IndicatorView {
    /// Its number; empty in a dry run.
    id: String,
    /// `domain`, `ip` or `network`.
    kind: &'static str,
    /// What it is about.
    value: String,
    /// Which queries a name is found by: `exact` (itself), `domain` (what is registered, and all below) or `subtree`
    /// (itself and all below).
    scope: String,
    /// The name of its collection.
    collection: String,
    /// What it is said to be.
    tags: Vec<String>,
    /// How sure the source is, 0 to 100; absent when it does not say.
    confidence: Option<u8>,
    /// Events before this do not count.
    valid_from: Option<String>,
    /// Events at or after this do not count.
    valid_until: Option<String>,
    /// The feed it came from last, or `import`.
    source: String,
    /// When it was first brought in.
    added: Option<String>,
    /// What the source says about it.
    description: Option<String>,
    /// Where more is to be read.
    reference: Option<String>,
    /// Events behind alerts about it or, for a name, about one below it, whatever rule raised them.
    hits: u64,
    /// The time of the last of these events.
    last_hit: Option<String>,
    /// Whether its time is over.
    expired: bool,
}

/// Names of collections and feeds, which indicators know by their ids.
#[derive(Debug, Default)]
pub(crate) struct Names {
    collections: HashMap<CollectionId, String>,
    feeds: HashMap<String, String>,
}

impl Names {
    pub(crate) fn read(state: &State) -> Result<Self, StateError> {
        let collections = state.collections()?.into_iter().map(|collection| (collection.id, collection.name));
        let feeds = state.feeds()?.into_iter().map(|feed| (feed.id.to_string(), feed.name));
        Ok(Self { collections: collections.collect(), feeds: feeds.collect() })
    }

    pub(crate) fn collection(&self, id: CollectionId) -> String {
        self.collections.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn source(&self, feed: Option<String>) -> String {
        match feed {
            Some(feed) => self.feeds.get(&feed).cloned().unwrap_or(feed),
            None => "import".to_owned(),
        }
    }

    /// Indicators with how often alerts are about them.
    pub(crate) fn views(
        &self,
        state: &State,
        rows: Vec<IndicatorRow>,
        now: Timestamp,
    ) -> Result<Vec<IndicatorView>, StateError> {
        let values: Vec<&str> = rows.iter().map(|row| row.value.as_str()).collect();
        let met = state.alerts_about(&values)?;
        let met_of = |value: &str| met.get(value).copied().unwrap_or_default();
        Ok(rows.into_iter().map(|row| self.view(met_of(&row.value), row, now)).collect())
    }

    fn view(&self, met: Met, row: IndicatorRow, now: Timestamp) -> IndicatorView {
        IndicatorView {
            hits: met.events,
            last_hit: met.last.map(Timestamp::to_rfc3339),
            id: row.id.to_string(),
            kind: kind_for_people(&row.kind),
            value: row.value,
            scope: row.scope,
            collection: self.collection(row.collection),
            tags: row.tags,
            confidence: row.confidence,
            valid_from: row.valid_from.map(Timestamp::to_rfc3339),
            valid_until: row.valid_until.map(Timestamp::to_rfc3339),
            source: self.source(row.feed),
            added: Some(row.created.to_rfc3339()),
            description: row.description,
            reference: row.reference,
            expired: row.valid_until.is_some_and(|until| until <= now),
        }
    }
}

/// An indicator of which no more is known than that it was found: it was deleted since.
pub(crate) fn view_of_deleted(id: i64, value: &str) -> IndicatorView {
    let address = value.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok());
    IndicatorView {
        id: id.to_string(),
        kind: match (address, value.contains('/')) {
            (true, true) => "network",
            (true, false) => "ip",
            (false, _) => "domain",
        },
        value: value.to_owned(),
        scope: String::new(),
        collection: String::new(),
        tags: Vec::new(),
        confidence: None,
        valid_from: None,
        valid_until: None,
        source: "deleted".to_owned(),
        added: None,
        hits: 0,
        last_hit: None,
        description: None,
        reference: None,
        expired: true,
    }
}

/// An indicator that is not kept yet.
fn view_of_new(new: NewIndicator, collection: &str, now: Timestamp) -> IndicatorView {
    IndicatorView {
        id: String::new(),
        kind: kind_for_people(new.kind),
        value: new.value,
        scope: new.scope.to_owned(),
        collection: collection.to_owned(),
        tags: new.tags,
        confidence: new.confidence,
        valid_from: new.valid_from.map(Timestamp::to_rfc3339),
        valid_until: new.valid_until.map(Timestamp::to_rfc3339),
        source: "import".to_owned(),
        added: None,
        hits: 0,
        last_hit: None,
        description: new.description,
        reference: new.reference,
        expired: new.valid_until.is_some_and(|until| until <= now),
    }
}

fn kind_for_people(kind: &str) -> &'static str {
    match kind {
        "ip" => "ip",
        "network" => "network",
        _ => "domain",
    }
}

/// The number that a path or a list names.
pub(crate) fn number(id: &str) -> Result<i64, ApiError> {
    id.parse().map_err(|_| {
        let id: String = id.chars().take(64).collect();
        ApiError::bad_request(format!("`{id}` is no indicator's id"))
    })
}

#[cfg(test)]
mod tests;
