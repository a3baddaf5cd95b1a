//! Stand-in for the behavioural detectors; replaced at the merge.

use std::sync::Arc;

use tidegate_event::{EventId, Timestamp};

use crate::lists::Lists;
use crate::names::HashKey;

/// Settings of the detectors.
pub type NativeSettings = serde_json::Value;

/// One DNS query, as a detector sees it.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When.
    pub at: Timestamp,
    /// The event.
    pub event: EventId,
    /// `device.id`, else `user.email`, else `source.ip`.
    pub device: &'a str,
    /// `source.ip`.
    pub source_ip: &'a str,
    /// The name, lower case, without final dot.
    pub name: &'a str,
    /// Its registered domain.
    pub registered_domain: &'a str,
    /// `A`, `TXT` …
    pub query_type: &'a str,
    /// The name does not exist.
    pub nxdomain: bool,
    /// Gateway blocked the query.
    pub blocked: bool,
}

/// What a detector saw.
#[derive(Clone, Debug)]
pub struct Raised {
    /// The detector, as rules name it.
    pub detector: &'static str,
    /// What it was grouped by.
    pub group: Vec<(&'static str, String)>,
    /// First event.
    pub first: Timestamp,
    /// Last event.
    pub last: Timestamp,
    /// Number of events.
    pub count: u64,
    /// The first events.
    pub events: Vec<(EventId, Timestamp, String)>,
    /// Why.
    pub note: String,
    /// It must never become an alert by itself.
    pub informational: bool,
}

/// A snapshot that cannot be read.
#[derive(Debug)]
pub struct SnapshotError;

/// All detectors.
#[derive(Debug, Default)]
pub struct Natives;

impl Natives {
    /// Detectors with these settings.
    #[must_use]
    pub fn with_lists(_settings: &NativeSettings, _lists: Arc<Lists>, _key: HashKey) -> Self {
        Self
    }

    /// Takes one query in.
    pub fn observe(&mut self, _look: &Look<'_>, _out: &mut Vec<Raised>) {}

    /// Appends the state.
    pub fn snapshot(&self, _out: &mut Vec<u8>) {}

    /// Takes a state back.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes are no snapshot.
    pub fn restore(&mut self, _bytes: &[u8]) -> Result<(), SnapshotError> {
        Ok(())
    }
}

/// Grammars of single labels.
pub mod labels {
    /// A decoded Sliver message.
    #[derive(Clone, Copy, Debug)]
    pub struct SliverMessage;
    /// A name of Cobalt Strike's shape.
    #[derive(Clone, Copy, Debug)]
    pub struct CobaltShape;

    /// Reads a Sliver message out of a name.
    #[must_use]
    pub fn sliver(_name: &str) -> Option<SliverMessage> {
        None
    }

    /// Recognises Cobalt Strike's names.
    #[must_use]
    pub fn cobalt_strike(_name: &str) -> Option<CobaltShape> {
        None
    }

    /// Recognises EvilProxy's names.
    #[must_use]
    pub fn evilproxy(_name: &str, _registered_domain: &str) -> bool {
        false
    }
}
