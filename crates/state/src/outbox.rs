//! The outbox: what is to be told to whom, kept on disk until it was told or given up.
//!
//! A notice is queued in the transaction of the change that it tells of, under a key that cannot be queued twice for one
//! target; so it is told at least once, and its key lets a receiver drop the rare second copy.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use tidegate_event::Timestamp;

use crate::alert::{Alert, json as read_json};
use crate::bounds::clip;
use crate::clock::{after, before, rfc3339, rfc3339_or_null};
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::finding::EventRef;
use crate::mask::mask;
use crate::secret::Secret;
use crate::state::State;
use crate::target::{self, Target, TargetId, targets};

/// Notices that may wait for one target.
const WAITING_MAX: i64 = 10_000;
/// Notices handed out at once.
const LEASE_MAX: usize = 100;
/// Who took a notice and never came back (a crash) has it taken from him after so long.
const LEASE: Duration = Duration::from_mins(5);
const ATTEMPTS_MAX: u32 = 12;
const BACKOFF_MIN: Duration = Duration::from_secs(15);
const BACKOFF_MAX: Duration = Duration::from_hours(1);
const ERROR_BYTES_MAX: usize = 1 << 10;
/// Notices that are done stay for a look for so long.
const DONE_KEPT: Duration = Duration::from_hours(14 * 24);
const LIST_MAX: usize = 1_000;
/// Events in a notice.
const EVENTS_MAX: usize = 10;

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum NoticeKind {
    /// A new alert.
    #[serde(rename = "alert.raised")]
    AlertRaised,
    /// An alert that became more urgent: medium or high.
    #[serde(rename = "alert.escalated")]
    AlertEscalated,
    /// Nothing came in for too long.
    #[serde(rename = "intake.silent")]
    IntakeSilent,
    /// What comes in is too old.
    #[serde(rename = "intake.lagging")]
    IntakeLagging,
    /// An intake is as it should be again.
    #[serde(rename = "intake.recovered")]
    IntakeRecovered,
    /// Something is wrong with a job at Cloudflare that sends here.
    #[serde(rename = "logpush.warning")]
    LogpushWarning,
    /// That is over.
    #[serde(rename = "logpush.recovered")]
    LogpushRecovered,
    /// A try.
    #[serde(rename = "test")]
    Test,
}

impl NoticeKind {
    const ALL: [Self; 8] = [
        Self::AlertRaised,
        Self::AlertEscalated,
        Self::IntakeSilent,
        Self::IntakeLagging,
        Self::IntakeRecovered,
        Self::LogpushWarning,
        Self::LogpushRecovered,
        Self::Test,
    ];

    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlertRaised => "alert.raised",
            Self::AlertEscalated => "alert.escalated",
            Self::IntakeSilent => "intake.silent",
            Self::IntakeLagging => "intake.lagging",
            Self::IntakeRecovered => "intake.recovered",
            Self::LogpushWarning => "logpush.warning",
            Self::LogpushRecovered => "logpush.recovered",
            Self::Test => "test",
        }
    }

    pub(crate) const fn is_of_intake(self) -> bool {
        matches!(
            self,
            Self::IntakeSilent
                | Self::IntakeLagging
                | Self::IntakeRecovered
                | Self::LogpushWarning
                | Self::LogpushRecovered
        )
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for NoticeKind {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| StateError::invalid("notice", format!("`{text}` is not known")))
    }
}

/// How far a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It will be tried, or tried again.
    Waiting,
    /// It was told.
    Delivered,
    /// It could not be told.
    GivenUp,
}

impl FromStr for Delivery {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        match text {
            "waiting" => Ok(Self::Waiting),
            "delivered" => Ok(Self::Delivered),
            "given_up" => Ok(Self::GivenUp),
            _ => Err(StateError::invalid("delivery", format!("`{text}` is not known"))),
        }
    }
}

/// A notice for one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// Its id in the outbox.
    pub id: i64,
    /// The target.
    pub target: TargetId,
    /// The same however often the same is told: alert id and kind.
    pub key: String,
    /// What it tells.
    pub kind: NoticeKind,
    /// What there is to tell, as it was when the notice was queued.
    pub payload: Value,
    /// When it was queued.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it is tried next.
    #[serde(serialize_with = "rfc3339")]
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// How far it is.
    pub delivery: Delivery,
    /// When it was told or given up.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub done: Option<Timestamp>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// A notice to deliver now, with all that is needed for it.
#[derive(Debug)]
pub struct Due {
    /// The notice.
    pub notice: Notice,
    /// Where to.
    pub target: Target,
    /// The target's secret.
    pub secret: Option<Secret>,
}

impl State {
    /// Takes notices that are due, the oldest first, at most `limit` (100 at most). Each must be answered with
    /// [`State::notice_delivered`] or [`State::notice_failed`] within five minutes; else it is handed out again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn take_due(&self, limit: usize) -> Result<Vec<Due>, StateError> {
        let now = self.now();
        let limit = i64::try_from(limit.min(LEASE_MAX)).unwrap_or(i64::MAX);
        let sql = format!(
            "{SELECT} JOIN notification_targets ON notification_targets.id = target
             WHERE outcome = 'waiting' AND due <= ?1 AND enabled = 1 ORDER BY due, outbox.id LIMIT ?2"
        );
        self.write(|transaction| {
            give_up_unanswered(transaction, now)?;
            let mut statement = transaction.prepare_cached(&sql)?;
            let notices: Vec<_> = statement.query_map(params![Time(now), limit], read)?.collect::<Result<_, _>>()?;
            let mut taken = Vec::with_capacity(notices.len());
            for notice in notices {
                let until = Time(after(now, LEASE));
                transaction
                    .prepare_cached("UPDATE outbox SET due = ?2, attempts = attempts + 1 WHERE id = ?1")?
                    .execute(params![notice.id, until])?;
                let mut statement =
                    transaction.prepare_cached("SELECT secret FROM notification_targets WHERE id = ?1")?;
                let secret: Option<String> = statement.query_row([Id(notice.target.0)], |row| row.get(0))?;
                let target = target::by_id(transaction, notice.target)?;
                taken.push(Due { notice, target, secret: secret.map(Secret::new) });
            }
            Ok(taken)
        })
    }

    /// Queues a notice of a job at Cloudflare for every target that wants to know of intakes, once for each `key`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tell_of_job(&self, kind: NoticeKind, key: &str, payload: &Value) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| queue(transaction, now, kind, key, payload))
    }

    /// When the next notice is due; none when nothing waits.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StateError> {
        let sql = "SELECT min(due) FROM outbox JOIN notification_targets ON notification_targets.id = target
                   WHERE outcome = 'waiting' AND enabled = 1";
        self.read(|connection| {
            let due: Option<Time> = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(due.map(|due| due.0))
        })
    }

    /// The notice was told.
    ///
    /// # Errors
    /// When the database fails.
    pub fn notice_delivered(&self, id: i64) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "UPDATE outbox SET outcome = 'delivered', done = ?2, error = NULL
                       WHERE id = ?1 AND outcome = 'waiting' RETURNING target";
            let target: Option<String> =
                transaction.query_row(sql, params![id, Time(now)], |row| row.get(0)).optional()?;
            let sql = "UPDATE notification_targets SET delivered = delivered + 1, last_ok = ?2, last_error = NULL
                       WHERE id = ?1";
            transaction.execute(sql, params![target, Time(now)])?;
            Ok(())
        })
    }

    /// The notice could not be told. It is tried again later, each time after twice as long (or after `retry_after`, if
    /// that is longer), up to an hour; after twelve tries, or at once when `retry` is false, it is given up. Secrets in
    /// `error` are masked.
    ///
    /// # Errors
    /// When the database fails.
    pub fn notice_failed(
        &self,
        id: i64,
        error: &str,
        retry: bool,
        retry_after: Option<Duration>,
    ) -> Result<Delivery, StateError> {
        let mut error = mask(error).into_owned();
        clip(&mut error, ERROR_BYTES_MAX);
        let now = self.now();
        self.write(|transaction| {
            let sql = "SELECT attempts, target FROM outbox WHERE id = ?1 AND outcome = 'waiting'";
            let found = transaction
                .query_row(sql, [id], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))
                .optional()?;
            let Some((attempts, target)) = found else { return Ok(Delivery::Delivered) };
            let again = retry && attempts < ATTEMPTS_MAX;
            if again {
                let wait = backoff(attempts).max(retry_after.unwrap_or_default().min(BACKOFF_MAX));
                let sql = "UPDATE outbox SET due = ?2, error = ?3 WHERE id = ?1";
                transaction.execute(sql, params![id, Time(after(now, wait)), error])?;
            } else {
                let sql = "UPDATE outbox SET outcome = 'given_up', done = ?2, error = ?3 WHERE id = ?1";
                transaction.execute(sql, params![id, Time(now), error])?;
            }
            let sql = "UPDATE notification_targets SET last_error = ?2, failed_at = ?3, given_up = given_up + ?4
                       WHERE id = ?1";
            transaction.execute(sql, params![target, error, Time(now), i64::from(!again)])?;
            Ok(if again { Delivery::Waiting } else { Delivery::GivenUp })
        })
    }

    /// The last notices of a target or of all, newest first, at most `limit` (1,000 at most).
    ///
    /// # Errors
    /// When the database fails.
    pub fn notices(&self, target: Option<TargetId>, limit: usize) -> Result<Vec<Notice>, StateError> {
        let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(i64::MAX);
        let sql = format!("{SELECT} WHERE ?1 IS NULL OR target = ?1 ORDER BY outbox.id DESC LIMIT ?2");
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![target.map(|target| Id(target.0)), limit], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Gives up what was taken as often as may be and never answered: a notice that brings its sender down each time.
fn give_up_unanswered(connection: &Connection, now: Timestamp) -> Result<(), StateError> {
    let sql = "UPDATE outbox SET outcome = 'given_up', done = ?1, error = 'it was taken and never answered'
               WHERE outcome = 'waiting' AND due <= ?1 AND attempts >= ?2 RETURNING target";
    let mut statement = connection.prepare_cached(sql)?;
    let targets: Vec<String> =
        statement.query_map(params![Time(now), ATTEMPTS_MAX], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for target in targets {
        let sql = "UPDATE notification_targets SET given_up = given_up + 1 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute([target])?;
    }
    Ok(())
}

/// How long to wait after so many tries.
fn backoff(attempts: u32) -> Duration {
    BACKOFF_MIN.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(BACKOFF_MAX)
}

/// Queues what is to be told of an alert.
pub(crate) fn queue_alert(
    connection: &Connection,
    now: Timestamp,
    kind: NoticeKind,
    alert: &Alert,
    events: &[EventRef],
) -> Result<(), StateError> {
    let mut payload = None;
    for target in targets(connection)? {
        if target.enabled && target.routing.wants_alert(alert) {
            let events = &events[..events.len().min(EVENTS_MAX)];
            let payload = payload.get_or_insert_with(|| json!({"alert": alert, "events": events}));
            let mut key = format!("{}:{kind}", alert.id);
            if kind == NoticeKind::AlertEscalated {
                key = format!("{key}:{}", json!(alert.urgency_level).as_str().unwrap_or_default());
            }
            put(connection, now, &target, &key, kind, payload)?;
        }
    }
    Ok(())
}

/// Queues what is to be told to every target that wants it.
pub(crate) fn queue(
    connection: &Connection,
    now: Timestamp,
    kind: NoticeKind,
    key: &str,
    payload: &Value,
) -> Result<(), StateError> {
    for target in targets(connection)? {
        if target.enabled && target.routing.wants(kind) {
            put(connection, now, &target, key, kind, payload)?;
        }
    }
    Ok(())
}

fn put(
    connection: &Connection,
    now: Timestamp,
    target: &Target,
    key: &str,
    kind: NoticeKind,
    payload: &Value,
) -> Result<(), StateError> {
    let waiting: i64 = connection
        .prepare_cached("SELECT count(*) FROM outbox WHERE target = ?1 AND outcome = 'waiting'")?
        .query_row([Id(target.id.0)], |row| row.get(0))?;
    let hour_ago = Time(before(now, Duration::from_hours(1)));
    let lately: i64 = connection
        .prepare_cached("SELECT count(*) FROM outbox WHERE target = ?1 AND created > ?2")?
        .query_row(params![Id(target.id.0), hour_ago], |row| row.get(0))?;
    if waiting >= WAITING_MAX || target.routing.per_hour_max.is_some_and(|max| lately >= i64::from(max)) {
        let sql = "UPDATE notification_targets SET held_back = held_back + 1 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute([Id(target.id.0)])?;
        return Ok(());
    }
    let sql = "INSERT INTO outbox (target, key, kind, payload, created, due, attempts, outcome)
               VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, 'waiting') ON CONFLICT DO NOTHING";
    let values = params![Id(target.id.0), key, kind.as_str(), payload.to_string(), Time(now)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Drops notices that were done long ago.
pub(crate) fn prune(connection: &Connection, now: Timestamp) -> Result<(), StateError> {
    connection.execute("DELETE FROM outbox WHERE done < ?1", [Time(before(now, DONE_KEPT))])?;
    Ok(())
}

const SELECT: &str =
    "SELECT outbox.id, target, key, outbox.kind, payload, outbox.created, due, attempts, outcome, done,
    error FROM outbox";

fn read(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        id: row.get(0)?,
        target: TargetId(row.get::<_, Id>(1)?.0),
        key: row.get(2)?,
        kind: row.get::<_, Parsed<_>>(3)?.0,
        payload: read_json(row, 4)?,
        created: row.get::<_, Time>(5)?.0,
        due: row.get::<_, Time>(6)?.0,
        attempts: row.get(7)?,
        delivery: row.get::<_, Parsed<_>>(8)?.0,
        done: row.get::<_, Option<Time>>(9)?.map(|time| time.0),
        error: row.get(10)?,
    })
}

#[cfg(test)]
mod tests;
