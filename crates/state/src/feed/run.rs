//! The runs of feeds: whose turn it is, and how it went.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use tidegate_event::Timestamp;

use super::{Feed, FeedId, FeedState, by_id};
use crate::clock::{after, before};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::state::State;

const HEADER_BYTES_MAX: usize = 1 << 10;
pub(super) const ERROR_CHARS_MAX: usize = 500;
const REPORT_BYTES_MAX: usize = 64 << 10;
/// A run that began so long ago died with its process.
const RUN_MAX: Duration = Duration::from_hours(2);
/// After a failure a feed is tried again sooner than usual, first after this long, then after twice as long each time.
const RETRY_FIRST: Duration = Duration::from_mins(5);

/// How a run ended.
#[derive(Clone, Debug)]
pub enum FeedRun {
    /// The feed has not changed.
    Unchanged,
    /// It brought indicators.
    Read {
        /// What the server called this version.
        etag: Option<String>,
        /// When the server changed it last, in its words.
        last_modified: Option<String>,
        /// TAXII: where it ended.
        added_after: Option<String>,
        /// How many it brought.
        accepted: u64,
        /// How many were refused.
        refused: u64,
        /// The details.
        report: Value,
    },
    /// It failed, for this reason. Never with a secret in it.
    Failed(String),
}

impl State {
    /// Takes the feed that is due the longest, so that no other process takes it too; `None` when none is due.
    ///
    /// # Errors
    /// When the database fails.
    pub fn take_due_feed(&self) -> Result<Option<Feed>, StateError> {
        let now = self.now();
        let dead = before(now, RUN_MAX);
        self.write(|transaction| {
            let sql = "SELECT id FROM feeds WHERE enabled = 1 AND due <= ?1
                       AND (state <> 'running' OR started <= ?2) ORDER BY due LIMIT 1";
            let id = transaction.query_row(sql, [Time(now), Time(dead)], |row| row.get::<_, Id>(0)).optional()?;
            id.map(|id| begin(transaction, FeedId(id.0), now)).transpose()
        })
    }

    /// Takes this feed now, due or not.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] when it is running.
    pub fn take_feed(&self, id: FeedId) -> Result<Feed, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let feed = by_id(transaction, id)?;
            let dead = before(now, RUN_MAX);
            if feed.state == FeedState::Running && feed.started.is_some_and(|started| started > dead) {
                return Err(StateError::invalid("feed", format!("`{}` is running", feed.name)));
            }
            begin(transaction, id, now)
        })
    }

    /// Writes down how a run ended, and when the feed is due again: after its interval, or sooner after a failure.
    ///
    /// # Errors
    /// [`StateError::NotFound`] when it was deleted meanwhile.
    pub fn finish_feed(&self, id: FeedId, run: &FeedRun) -> Result<Feed, StateError> {
        let now = self.now();
        self.write(|transaction| {
            let feed = by_id(transaction, id)?;
            match run {
                FeedRun::Unchanged => {
                    let sql = "UPDATE feeds SET state = 'unchanged', error = NULL, failures = 0, succeeded = ?2 WHERE id = ?1";
                    transaction.execute(sql, params![Id(id.0), Time(now)])?;
                }
                FeedRun::Read { etag, last_modified, added_after, accepted, refused, report } => {
                    let mut report = report.to_string();
                    if report.len() > REPORT_BYTES_MAX {
                        report = json!({"left_out": "the report was too large"}).to_string();
                    }
                    let short = |text: &Option<String>| text.clone().filter(|text| text.len() <= HEADER_BYTES_MAX);
                    transaction.execute(
                        "UPDATE feeds SET state = 'ok', error = NULL, failures = 0, succeeded = ?2, etag = ?3,
                           last_modified = ?4, added_after = coalesce(?5, added_after), accepted = ?6, refused = ?7,
                           report = ?8 WHERE id = ?1",
                        params![
                            Id(id.0), Time(now), short(etag), short(last_modified), short(added_after),
                            i64::try_from(*accepted).unwrap_or(i64::MAX), i64::try_from(*refused).unwrap_or(i64::MAX), report
                        ],
                    )?;
                }
                FeedRun::Failed(why) => {
                    let why: String = why.chars().take(ERROR_CHARS_MAX).collect();
                    let sql = "UPDATE feeds SET state = 'failed', error = ?2, failures = failures + 1 WHERE id = ?1";
                    transaction.execute(sql, params![Id(id.0), why])?;
                }
            }
            let due = after(now, wait(&feed, run));
            transaction.execute("UPDATE feeds SET finished = ?2, due = ?3 WHERE id = ?1", params![Id(id.0), Time(now), Time(due)])?;
            by_id(transaction, id)
        })
    }
}

fn wait(feed: &Feed, run: &FeedRun) -> Duration {
    let interval = Duration::from_secs(feed.interval_s);
    match run {
        FeedRun::Failed(_) => RETRY_FIRST.saturating_mul(1 << feed.failures.min(16)).min(interval),
        _ => interval,
    }
}

fn begin(connection: &Connection, id: FeedId, now: Timestamp) -> Result<Feed, StateError> {
    connection
        .execute("UPDATE feeds SET state = 'running', started = ?2 WHERE id = ?1", params![Id(id.0), Time(now)])?;
    by_id(connection, id)
}
