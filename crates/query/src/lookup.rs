//! Events by their ids.

use std::collections::{BTreeSet, HashMap};

use datafusion::prelude::ident;
use serde_json::{Map, Value};
use tidegate_event::{EventId, Timestamp, names};
use uuid::Uuid;

use crate::engine::Engine;
use crate::error::Error;
use crate::language::TimeRange;
use crate::predicate::{text, time};
use crate::run::{Reading, gather};
use crate::scope::{conjunction, within};
use crate::search::{Row, Writer, columns_of};

/// Events read at a time: more lie further apart, in more files.
const EVENTS_A_READ: usize = 200;

impl Engine {
    /// The event with that `event.id`. The id says when the event was received, so only files of that moment are read.
    ///
    /// # Errors
    /// When the id is no UUID, or the table cannot be read.
    pub async fn event(&self, id: &str) -> Result<Option<Row>, Error> {
        let job = self.job();
        let uuid =
            Uuid::parse_str(id).map_err(|_| Error::Request(format!("`{}` is no event id", id.escape_debug())))?;
        let received = EventId::received(uuid);
        let after = Timestamp::from_micros(received.as_micros().saturating_add(1_000));
        let condition = conjunction([
            Some(ident(names::EVENT_INGESTED).gt_eq(time(received))),
            Some(ident(names::EVENT_INGESTED).lt(time(after))),
            Some(ident(names::EVENT_ID).eq(text(&uuid.hyphenated().to_string()))),
        ]);
        let describe = self.describe();
        self.run(async move {
            let answer = gather(job.frame(Reading::Lookup, condition)?.limit(0, Some(1))?).await?;
            let writer = Writer { schema: &job.snapshot.schema, fields: None, describe: describe.as_ref() };
            Ok(writer.rows(&answer.batches)?.into_iter().next())
        })
        .await
    }

    /// These fields of events that are known by id and time, as far as the events are stored: by id, a map of fields to
    /// values as [`matches`](crate::language::matches) takes it.
    ///
    /// # Errors
    /// When the table cannot be read, or it took too long.
    pub async fn events(
        &self,
        mut wanted: Vec<(Timestamp, Uuid)>,
        fields: &BTreeSet<String>,
    ) -> Result<HashMap<Uuid, Map<String, Value>>, Error> {
        let (job, fields) = (self.job(), fields.clone());
        let names: Vec<String> = fields.iter().cloned().collect();
        let columns = columns_of(&names, &job.fields)?;
        // What lies close in time lies in the same files.
        wanted.sort_unstable();
        wanted.dedup();
        self.run(async move {
            let mut events = HashMap::with_capacity(wanted.len());
            for chunk in wanted.chunks(EVENTS_A_READ) {
                let (Some((first, _)), Some((last, _))) = (chunk.first(), chunk.last()) else { continue };
                let end = Timestamp::from_micros(last.as_micros().saturating_add(1));
                let ids = chunk.iter().map(|(_, id)| text(&id.hyphenated().to_string())).collect();
                let condition = conjunction([
                    within(&TimeRange { start: Some(*first), end: Some(end) }),
                    Some(ident(names::EVENT_ID).in_list(ids, false)),
                ]);
                let answer = gather(job.frame(Reading::Lookup, condition)?.select(columns.iter().map(ident))?).await?;
                let writer = Writer { schema: &job.snapshot.schema, fields: Some(&names), describe: None };
                for row in writer.rows(&answer.batches)? {
                    events.extend(Uuid::parse_str(&row.id).ok().map(|id| (id, flat(row.event.get(), &fields))));
                }
            }
            Ok(events)
        })
        .await
    }
}

/// The values of these fields in an event's nested JSON.
fn flat(event: &str, fields: &BTreeSet<String>) -> Map<String, Value> {
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let value = |name: &String| name.split('.').try_fold(&event, |value, part| value.get(part)).cloned();
    fields.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
}
