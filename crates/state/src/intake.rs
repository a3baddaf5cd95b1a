//! Intakes: where logs come in, each with a name, a format and a key.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};
use tidegate_event::{IntakeId, Timestamp};
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::clock::{after, rfc3339, rfc3339_or_null};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::name::{check_handle, check_title, fold};
use crate::principal::Actor;
use crate::secret::{Purpose, SECRET_BYTES_MAX, Secret};
use crate::state::{State, write};
use crate::watch::{self, IntakeLimits};

mod memory;

pub(crate) use memory::Memory;

const INTAKES_MAX: i64 = 1_000;
/// A key brought along from elsewhere must be this long …
const KEY_CHARS_MIN: usize = 16;
/// … and hold this many different characters: `aaaaaaaaaaaaaaaa` is no key.
const KEY_DISTINCT_MIN: usize = 6;
/// A replaced key may go on for this long.
const GRACE_MAX: Duration = Duration::from_hours(30 * 24);

/// Where logs come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intake {
    /// Its id, which events carry.
    pub id: IntakeId,
    /// Its name, unique among the intakes that are not deleted.
    pub name: String,
    /// The name of the format that parses its records.
    pub format: String,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// The last four characters of its present key.
    pub key_hint: String,
    /// Whether its keys are accepted.
    pub enabled: bool,
    /// When it was deleted; the name stays for the events it received.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub deleted: Option<Timestamp>,
}

/// What to change of an intake; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct IntakeChange {
    /// Its new name.
    pub name: Option<String>,
    /// Its new format, for records received from now on.
    pub format: Option<String>,
    /// Whether its keys are accepted.
    pub enabled: Option<bool>,
}

impl State {
    /// Creates an intake with a new key, which is shown this once. Whether the format exists is for the caller to check.
    ///
    /// # Errors
    /// [`StateError::Invalid`] or [`StateError::Duplicate`] for the name.
    pub fn create_intake(&self, name: &str, format: &str, actor: &Actor) -> Result<(Arc<Intake>, Secret), StateError> {
        let key = Purpose::IntakeKey.draw()?;
        Ok((self.insert_intake(name, format, &key, "intake.create", actor)?, key))
    }

    /// Creates an intake with a key that senders already use, so that a Logpush destination can move here unchanged.
    ///
    /// # Errors
    /// As [`State::create_intake`]; [`StateError::Invalid`] for a key that is shorter than 16 characters, easy to guess
    /// or in use.
    pub fn create_intake_with_key(
        &self,
        name: &str,
        format: &str,
        key: &Secret,
        actor: &Actor,
    ) -> Result<Arc<Intake>, StateError> {
        check_key(key.reveal())?;
        self.insert_intake(name, format, key, "intake.create_with_key", actor)
    }

    /// The intakes that are not deleted, by name.
    #[must_use]
    pub fn intakes(&self) -> Vec<Arc<Intake>> {
        self.refresh_memory(memory::MISS_POLL);
        let mut intakes: Vec<_> = self.memory().intakes().filter(|intake| intake.deleted.is_none()).cloned().collect();
        intakes.sort_by_key(|intake| fold(&intake.name));
        intakes
    }

    /// The intake with this id, also a deleted one. Answers from memory.
    #[must_use]
    pub fn intake(&self, id: IntakeId) -> Option<Arc<Intake>> {
        self.recall(|memory| memory.by_id(id))
    }

    /// The intake of this name (in any case) that is not deleted. Answers from memory.
    #[must_use]
    pub fn intake_by_name(&self, name: &str) -> Option<Arc<Intake>> {
        self.recall(|memory| memory.by_name(&fold(name)))
    }

    /// The intake that this key belongs to: not a deleted one, but maybe one that is disabled. Answers from memory and goes on answering when the
    /// database fails; what another process changes is seen within a second, a key that it added at once.
    #[must_use]
    pub fn intake_by_key(&self, key: &str) -> Option<Arc<Intake>> {
        if key.is_empty() || key.len() > SECRET_BYTES_MAX {
            return None;
        }
        let digest = Purpose::IntakeKey.digest(key);
        let now = self.now();
        self.recall(|memory| memory.by_key(&digest, now))
    }

    /// Renames an intake, gives it another format, enables or disables it.
    ///
    /// # Errors
    /// [`StateError::NotFound`], [`StateError::Invalid`] or [`StateError::Duplicate`].
    pub fn change_intake(&self, id: IntakeId, change: &IntakeChange, actor: &Actor) -> Result<Arc<Intake>, StateError> {
        if let Some(name) = &change.name {
            check_title("intake name", name)?;
        }
        if let Some(format) = &change.format {
            check_handle("format name", format)?;
        }
        self.write_intakes(|transaction, now| {
            let old = live(transaction, id)?;
            let name = change.name.as_ref().unwrap_or(&old.name);
            if fold(name) != fold(&old.name) {
                check_free(transaction, name)?;
            }
            transaction.execute(
                "UPDATE intakes SET name = ?2, folded = ?3, format = ?4, enabled = ?5 WHERE id = ?1",
                params![
                    Id(id.0),
                    name,
                    fold(name),
                    change.format.as_ref().unwrap_or(&old.format),
                    change.enabled.unwrap_or(old.enabled)
                ],
            )?;
            let detail = json!({"name": change.name, "format": change.format, "enabled": change.enabled});
            audit(transaction, now, actor, "intake.change", &old.name, detail)
        })?;
        self.intake(id).ok_or_else(|| StateError::not_found("intake", id))
    }

    /// Gives an intake a new key, shown this once. The old one ends now, or after `grace` (30 days at most), so that a
    /// sender can be changed without a gap; a key that an earlier rotation left over does not live longer by it.
    ///
    /// # Errors
    /// [`StateError::NotFound`]; [`StateError::Invalid`] for a longer grace.
    pub fn rotate_intake_key(
        &self,
        id: IntakeId,
        grace: Option<Duration>,
        actor: &Actor,
    ) -> Result<Secret, StateError> {
        let grace = grace.unwrap_or_default();
        if grace > GRACE_MAX {
            return Err(StateError::invalid("grace period", "is longer than 30 days"));
        }
        let key = Purpose::IntakeKey.draw()?;
        self.write_intakes(|transaction, now| {
            let intake = live(transaction, id)?;
            transaction.execute(
                "UPDATE intake_keys SET expires = min(coalesce(expires, ?2), ?2) WHERE intake = ?1",
                params![Id(id.0), Time(after(now, grace))],
            )?;
            transaction
                .execute("DELETE FROM intake_keys WHERE intake = ?1 AND expires <= ?2", params![Id(id.0), Time(now)])?;
            insert_key(transaction, id, &key, now)?;
            transaction.execute("UPDATE intakes SET key_hint = ?2 WHERE id = ?1", params![Id(id.0), key.hint()])?;
            let detail = json!({"grace_s": grace.as_secs(), "key_hint": key.hint()});
            audit(transaction, now, actor, "intake.rotate", &intake.name, detail)
        })?;
        Ok(key)
    }

    /// Deletes an intake: its keys end at once, its name is free again, its events keep the name.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn delete_intake(&self, id: IntakeId, actor: &Actor) -> Result<(), StateError> {
        self.write_intakes(|transaction, now| {
            let intake = live(transaction, id)?;
            transaction.execute("DELETE FROM intake_keys WHERE intake = ?1", [Id(id.0)])?;
            transaction
                .execute("UPDATE intakes SET deleted = ?2, enabled = 0 WHERE id = ?1", params![Id(id.0), Time(now)])?;
            audit(transaction, now, actor, "intake.delete", &intake.name, json!({"id": id}))
        })
    }

    fn insert_intake(
        &self,
        name: &str,
        format: &str,
        key: &Secret,
        action: &'static str,
        actor: &Actor,
    ) -> Result<Arc<Intake>, StateError> {
        check_title("intake name", name)?;
        check_handle("format name", format)?;
        let id = IntakeId(Uuid::new_v4());
        self.write_intakes(|transaction, now| {
            check_free(transaction, name)?;
            let count: i64 =
                transaction.query_row("SELECT count(*) FROM intakes WHERE deleted IS NULL", [], |row| row.get(0))?;
            if count >= INTAKES_MAX {
                return Err(StateError::invalid("intake", format!("is one too many: there are {INTAKES_MAX} already")));
            }
            transaction.execute(
                "INSERT INTO intakes (id, name, folded, format, created, key_hint, enabled)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
                params![Id(id.0), name, fold(name), format, Time(now), key.hint()],
            )?;
            insert_key(transaction, id, key, now)?;
            watch::begin(transaction, id, IntakeLimits::USUAL, now)?;
            let detail = json!({"id": id, "format": format, "key_hint": key.hint()});
            audit(transaction, now, actor, action, name, detail)
        })?;
        self.intake(id).ok_or_else(|| StateError::not_found("intake", id))
    }

    /// Changes intakes: writes, tells other processes by the revision, and renews our memory before anybody else can
    /// write again.
    fn write_intakes(
        &self,
        work: impl FnOnce(&Transaction<'_>, Timestamp) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let now = self.now();
        let mut database = self.database();
        write(&mut database.connection, |transaction| {
            work(transaction, now)?;
            transaction.execute("UPDATE revision SET intakes = intakes + 1", [])?;
            Ok(())
        })?;
        self.remember(Memory::load(&database.connection)?);
        Ok(())
    }
}

fn audit(
    transaction: &Transaction<'_>,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: Value,
) -> Result<(), StateError> {
    audit::append(transaction, now, &Audit { actor, action, target, detail })
}

fn check_key(key: &str) -> Result<(), StateError> {
    let what = "intake key";
    if key.len() > SECRET_BYTES_MAX {
        return Err(StateError::invalid(what, format!("is longer than {SECRET_BYTES_MAX} bytes")));
    }
    // It travels in a header, in the password of HTTP Basic or in a URL.
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StateError::invalid(what, "must be printable ASCII without spaces"));
    }
    if key.len() < KEY_CHARS_MIN {
        return Err(StateError::invalid(what, format!("is shorter than {KEY_CHARS_MIN} characters")));
    }
    let mut distinct: Vec<u8> = key.bytes().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < KEY_DISTINCT_MIN {
        return Err(StateError::invalid(what, format!("has fewer than {KEY_DISTINCT_MIN} different characters")));
    }
    Ok(())
}

fn check_free(connection: &Connection, name: &str) -> Result<(), StateError> {
    let sql = "SELECT 1 FROM intakes WHERE folded = ?1 AND deleted IS NULL";
    match connection.query_row(sql, [fold(name)], |_| Ok(())).optional()? {
        Some(()) => Err(StateError::duplicate("intake", name)),
        None => Ok(()),
    }
}

fn insert_key(connection: &Connection, id: IntakeId, key: &Secret, now: Timestamp) -> Result<(), StateError> {
    let digest = Purpose::IntakeKey.digest(key.reveal());
    let added = connection.execute(
        "INSERT INTO intake_keys (digest, intake, created) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![digest, Id(id.0), Time(now)],
    )?;
    if added == 0 { Err(StateError::invalid("intake key", "is in use by another intake")) } else { Ok(()) }
}

fn live(connection: &Connection, id: IntakeId) -> Result<Intake, StateError> {
    let sql = format!("{SELECT} WHERE id = ?1 AND deleted IS NULL");
    let intake = connection.query_row(&sql, [Id(id.0)], read).optional()?;
    intake.ok_or_else(|| StateError::not_found("intake", id))
}

const SELECT: &str = "SELECT id, name, format, created, key_hint, enabled, deleted FROM intakes";

fn read(row: &Row<'_>) -> rusqlite::Result<Intake> {
    Ok(Intake {
        id: IntakeId(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        format: row.get(2)?,
        created: row.get::<_, Time>(3)?.0,
        key_hint: row.get(4)?,
        enabled: row.get(5)?,
        deleted: row.get::<_, Option<Time>>(6)?.map(|time| time.0),
    })
}

#[cfg(test)]
mod tests;
