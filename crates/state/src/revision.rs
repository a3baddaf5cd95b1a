//! Numbers that move with every change of what others keep in memory: compiled rules and filters, assets, targets.

use rusqlite::{Connection, params};

use crate::error::StateError;
use crate::state::State;

/// What is kept in memory elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Rule settings and the organisation's effort level.
    Rules,
    /// Alert filters.
    AlertFilters,
    /// Assets.
    Assets,
    /// Notification targets.
    Targets,
}

impl Topic {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::AlertFilters => "alert_filters",
            Self::Assets => "assets",
            Self::Targets => "targets",
        }
    }
}

impl State {
    /// The revision of a topic; when it differs from the one you know, read the topic again. Cheap: ask once a batch.
    ///
    /// # Errors
    /// When the database fails.
    pub fn revision(&self, topic: Topic) -> Result<i64, StateError> {
        self.read(|connection| revision(connection, topic))
    }
}

pub(crate) fn revision(connection: &Connection, topic: Topic) -> Result<i64, StateError> {
    let mut statement = connection.prepare_cached("SELECT number FROM revisions WHERE topic = ?1")?;
    Ok(statement.query_row([topic.as_str()], |row| row.get(0))?)
}

pub(crate) fn bump(connection: &Connection, topic: Topic) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached("UPDATE revisions SET number = number + 1 WHERE topic = ?1")?;
    statement.execute(params![topic.as_str()])?;
    Ok(())
}
