//! One event by its id.

use datafusion::prelude::ident;
use tidegate_event::{EventId, Timestamp, names};
use uuid::Uuid;

use crate::engine::Engine;
use crate::error::Error;
use crate::predicate::{text, time};
use crate::run::{Reading, gather};
use crate::scope::conjunction;
use crate::search::{Row, Writer};

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
}
