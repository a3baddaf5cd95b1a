//! What an alert resembles, and how that ended.

use rusqlite::params;
use serde::Serialize;

use super::{Alert, AlertId, AlertStatus, SELECT, Verdict, by_id, read};
use crate::bounds::unstored;
use crate::database::{Id, Parsed};
use crate::error::StateError;
use crate::state::State;

const SIMILAR_MAX: usize = 100;

/// A past or present alert of the same rule that shares something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimilarAlert {
    /// The alert.
    pub alert: Alert,
    /// It would be the same alert, were the older one not closed.
    pub same: bool,
    /// The same source.
    pub same_source: bool,
    /// The same target.
    pub same_target: bool,
    /// The same name.
    pub same_name: bool,
}

/// How many other alerts of a rule ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Endings {
    /// The status.
    pub status: AlertStatus,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// How many.
    pub count: u64,
}

impl State {
    /// Alerts of the same rule that share likeness, source, target or name: what shares more comes first, then what is
    /// newer; at most `limit` (100 at most).
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn similar_alerts(&self, id: AlertId, limit: usize) -> Result<Vec<SimilarAlert>, StateError> {
        self.read(|connection| {
            let alert = by_id(connection, id)?;
            let likeness = "(SELECT likeness FROM alerts WHERE number = ?1)";
            let sql = format!(
                "SELECT found.*, (likeness = {likeness}) AS same FROM ({SELECT}) AS found JOIN alerts USING (number)
                 WHERE alerts.rule = ?2 AND number <> ?1
                   AND (same OR alerts.source = ?3 OR alerts.target = ?4 OR alerts.name = ?5)
                 ORDER BY same * 8 + coalesce(alerts.source = ?3, 0) * 2 + coalesce(alerts.target = ?4, 0) * 2
                   + coalesce(alerts.name = ?5, 0) DESC, number DESC LIMIT ?6"
            );
            let limit = i64::try_from(limit.min(SIMILAR_MAX)).unwrap_or(i64::MAX);
            let mut statement = connection.prepare_cached(&sql)?;
            let values = params![alert.number, Id(alert.rule.id), alert.source, alert.target, alert.name, limit];
            let rows = statement.query_map(values, |row| {
                let other = read(row)?;
                let shares = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
                Ok(SimilarAlert {
                    same: row.get("same")?,
                    same_source: shares(&alert.source, &other.source),
                    same_target: shares(&alert.target, &other.target),
                    same_name: shares(&alert.name, &other.name),
                    alert: other,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How the other alerts of the same rule ended, the commonest way first; those that are still open are counted too.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn endings(&self, id: AlertId) -> Result<Vec<Endings>, StateError> {
        self.read(|connection| {
            let alert = by_id(connection, id)?;
            let sql = "SELECT status, verdict, count(*) FROM alerts WHERE rule = ?1 AND number <> ?2
                       GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![Id(alert.rule.id), alert.number], |row| {
                Ok(Endings {
                    status: row.get::<_, Parsed<_>>(0)?.0,
                    verdict: row.get::<_, Option<Parsed<_>>>(1)?.map(|verdict| verdict.0),
                    count: unstored(row.get(2)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
