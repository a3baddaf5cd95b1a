//! Watching intakes: a notice when nothing comes in, when what comes in is old, and when it is well again.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::{IntakeId, Timestamp};

use crate::audit::{self, Audit};
use crate::clock::{after, rfc3339_or_null};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::outbox::{NoticeKind, queue};
use crate::principal::Actor;
use crate::state::State;

/// Shorter spans would tell of pauses between two batches.
const SPAN_MIN: Duration = Duration::from_mins(1);
const SPAN_MAX: Duration = Duration::from_hours(30 * 24);

/// When an intake is not as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeLimits {
    /// No batch for so many seconds; not watched, if none.
    pub silence_s: Option<u64>,
    /// The latest event older than so many seconds when its batch came in; not watched, if none.
    pub lag_s: Option<u64>,
}

impl IntakeLimits {
    /// What a new intake is watched with: an hour without a batch, and events an hour old. Logpush sends every 30 seconds
    /// to 5 minutes while anybody asks for anything, and retries for less than an hour before somebody should look.
    pub const USUAL: Self = Self { silence_s: Some(3_600), lag_s: Some(3_600) };
}

/// An intake that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IntakeWatch {
    /// The intake.
    pub intake: IntakeId,
    /// What is too much.
    #[serde(flatten)]
    pub limits: IntakeLimits,
    /// Silent since its last batch at this time.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub silent_since: Option<Timestamp>,
    /// Lagging since a batch at this time.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub lagging_since: Option<Timestamp>,
    /// When a notice was last queued.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last_notice: Option<Timestamp>,
    /// Silence is counted from here while no batch came: when watching began.
    #[serde(skip)]
    since: Timestamp,
}

/// What a look at the intakes found new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IntakeNews {
    /// The intake.
    pub intake: IntakeId,
    /// What befell it.
    pub kind: NoticeKind,
}

impl State {
    /// Watches an intake from now on, or with neither limit no more.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] for a limit under a minute or over 30 days.
    pub fn watch_intake(&self, intake: IntakeId, limits: IntakeLimits, actor: &Actor) -> Result<(), StateError> {
        for span in [limits.silence_s, limits.lag_s].into_iter().flatten() {
            if !(SPAN_MIN.as_secs()..=SPAN_MAX.as_secs()).contains(&span) {
                return Err(StateError::invalid("limit of an intake", "must be between 1 minute and 30 days"));
            }
        }
        let known = self.intake(intake).filter(|intake| intake.deleted.is_none());
        let name = known.ok_or_else(|| StateError::not_found("intake", intake))?.name.clone();
        let now = self.now();
        self.write(|transaction| {
            transaction.execute("DELETE FROM intake_watch WHERE intake = ?1", [Id(intake.0)])?;
            if limits != IntakeLimits::default() {
                begin(transaction, intake, limits, now)?;
            }
            let detail = json!(limits);
            audit::append(transaction, now, &Audit { actor, action: "intake.watch", target: &name, detail })
        })
    }

    /// Changes limits of an intake, and watches it from now on; `None` leaves a limit, `Some(None)` takes it away.
    ///
    /// # Errors
    /// As [`State::watch_intake`].
    pub fn change_intake_limits(
        &self,
        intake: IntakeId,
        silence_s: Option<Option<u64>>,
        lag_s: Option<Option<u64>>,
        actor: &Actor,
    ) -> Result<IntakeLimits, StateError> {
        let known = self.watched_intakes()?.into_iter().find(|watch| watch.intake == intake);
        let mut limits = known.map(|watch| watch.limits).unwrap_or_default();
        limits.silence_s = silence_s.unwrap_or(limits.silence_s);
        limits.lag_s = lag_s.unwrap_or(limits.lag_s);
        self.watch_intake(intake, limits, actor)?;
        Ok(limits)
    }

    /// The intakes that are watched.
    ///
    /// # Errors
    /// When the database fails.
    pub fn watched_intakes(&self) -> Result<Vec<IntakeWatch>, StateError> {
        self.read(watched)
    }

    /// Looks at all watched intakes and queues a notice for each whose condition changed: once when it falls silent or
    /// begins to lag, once when it is well again. Call it once a minute. A disabled or deleted intake is left alone.
    ///
    /// # Errors
    /// When the database fails.
    pub fn check_intakes(&self) -> Result<Vec<IntakeNews>, StateError> {
        let now = self.now();
        let watched: Vec<_> = self
            .watched_intakes()?
            .into_iter()
            .filter_map(|watch| Some((watch, self.intake(watch.intake).filter(|intake| intake.enabled)?.name.clone())))
            .collect();
        if watched.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|transaction| {
            let mut news = Vec::new();
            for (watch, name) in &watched {
                let last = last(transaction, watch.intake)?;
                for (kind, what, at) in judge(watch, last, now) {
                    let key = format!("{}:{kind}:{what}:{}", watch.intake, at.as_micros());
                    let payload = payload(watch, name, what, last, now);
                    queue(transaction, now, kind, &key, &payload)?;
                    note(transaction, watch.intake, what, (kind != NoticeKind::IntakeRecovered).then_some(at), now)?;
                    news.push(IntakeNews { intake: watch.intake, kind });
                }
            }
            Ok(news)
        })
    }
}

/// Watches an intake from now on.
pub(crate) fn begin(
    connection: &Connection,
    intake: IntakeId,
    limits: IntakeLimits,
    now: Timestamp,
) -> Result<(), StateError> {
    let sql = "INSERT INTO intake_watch (intake, silence_s, lag_s, since) VALUES (?1, ?2, ?3, ?4)";
    let seconds = |span: Option<u64>| span.and_then(|span| i64::try_from(span).ok());
    let values = params![Id(intake.0), seconds(limits.silence_s), seconds(limits.lag_s), Time(now)];
    connection.execute(sql, values)?;
    Ok(())
}

/// The time of the last batch, and of the latest event on its day.
type Last = Option<(Timestamp, Option<Timestamp>)>;

/// What changed for an intake: the kind of notice, `silence` or `lag`, and since when.
fn judge(watch: &IntakeWatch, last: Last, now: Timestamp) -> Vec<(NoticeKind, &'static str, Timestamp)> {
    let mut changes = Vec::new();
    let span = |seconds: u64| Duration::from_secs(seconds);
    if let Some(silence) = watch.limits.silence_s {
        let heard = last.map_or(watch.since, |(batch, _)| batch.max(watch.since));
        let silent = now >= after(heard, span(silence));
        match watch.silent_since {
            None if silent => changes.push((NoticeKind::IntakeSilent, "silence", heard)),
            Some(since) if !silent => changes.push((NoticeKind::IntakeRecovered, "silence", since)),
            _ => {}
        }
    }
    if let (Some(lag), Some((batch, Some(event)))) = (watch.limits.lag_s, last)
        && batch >= watch.since
    {
        let lagging = batch >= after(event, span(lag));
        match watch.lagging_since {
            None if lagging => changes.push((NoticeKind::IntakeLagging, "lag", batch)),
            Some(since) if !lagging => changes.push((NoticeKind::IntakeRecovered, "lag", since)),
            _ => {}
        }
    }
    changes
}

fn payload(watch: &IntakeWatch, name: &str, what: &str, last: Last, now: Timestamp) -> Value {
    json!({
        "intake": {
            "id": watch.intake,
            "name": name,
            "what": what,
            "silence_s": watch.limits.silence_s,
            "lag_s": watch.limits.lag_s,
            "last_batch": last.map(|(batch, _)| batch.to_rfc3339()),
            "last_event": last.and_then(|(_, event)| event).map(Timestamp::to_rfc3339),
        },
        "at": now.to_rfc3339(),
    })
}

fn note(
    connection: &Connection,
    intake: IntakeId,
    what: &str,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StateError> {
    let column = if what == "silence" { "silent_since" } else { "lagging_since" };
    let sql = format!("UPDATE intake_watch SET {column} = ?2, last_notice = ?3 WHERE intake = ?1");
    connection.prepare_cached(&sql)?.execute(params![Id(intake.0), since.map(Time), Time(now)])?;
    Ok(())
}

fn last(connection: &Connection, intake: IntakeId) -> Result<Last, StateError> {
    let sql = "SELECT last_batch, last_event FROM intake_days WHERE intake = ?1 AND last_batch IS NOT NULL
               ORDER BY day DESC LIMIT 1";
    let found = connection.prepare_cached(sql)?.query_row([Id(intake.0)], |row| {
        Ok((row.get::<_, Time>(0)?.0, row.get::<_, Option<Time>>(1)?.map(|time| time.0)))
    });
    Ok(found.optional()?)
}

fn watched(connection: &Connection) -> Result<Vec<IntakeWatch>, StateError> {
    let sql = "SELECT intake, silence_s, lag_s, since, silent_since, lagging_since, last_notice FROM intake_watch
               ORDER BY intake";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<IntakeWatch> {
    let span =
        |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.and_then(|span| u64::try_from(span).ok()));
    let time = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<Time>>(index)?.map(|time| time.0));
    Ok(IntakeWatch {
        intake: IntakeId(row.get::<_, Id>(0)?.0),
        limits: IntakeLimits { silence_s: span(1)?, lag_s: span(2)? },
        since: row.get::<_, Time>(3)?.0,
        silent_since: time(4)?,
        lagging_since: time(5)?,
        last_notice: time(6)?,
    })
}

#[cfg(test)]
mod tests;
