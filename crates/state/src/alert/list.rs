//! Looking at alerts: lists with filters, order and pages.

use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, params_from_iter};
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use uuid::Uuid;

use super::{Alert, AlertId, AlertStatus, OPEN, SELECT, Urgency, Verdict, by_id, events, read};
use crate::database::Id;
use crate::error::StateError;
use crate::finding::EventRef;
use crate::principal::UserId;
use crate::state::State;

/// Alerts on one page.
const PAGE_MAX: usize = 1_000;
/// Values of one filter, and events asked about at once.
const VALUES_MAX: usize = 1_000;
const TEXT_BYTES_MAX: usize = 1 << 10;
const WORDS_MAX: usize = 16;

/// Which alerts; an empty query finds all. Lists match when one of their items does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Only these.
    pub ids: Vec<AlertId>,
    /// Of these statuses.
    pub statuses: Vec<AlertStatus>,
    /// Of these verdicts.
    pub verdicts: Vec<Verdict>,
    /// Of these urgencies.
    pub urgencies: Vec<Urgency>,
    /// Of at least this severity.
    pub severity_min: Option<u8>,
    /// Of one of these severities.
    pub severities: Vec<u8>,
    /// Of these rules.
    pub rules: Vec<Uuid>,
    /// With this ATT&CK technique or one of its sub-techniques.
    pub technique: Option<String>,
    /// From this source, in any case.
    pub source: Option<String>,
    /// To this target, in any case.
    pub target: Option<String>,
    /// About this name or one below it, in any case.
    pub name: Option<String>,
    /// Of one of these users.
    pub assignees: Vec<UserId>,
    /// Of nobody.
    pub unassigned: bool,
    /// With an event at or after this time.
    pub from: Option<Timestamp>,
    /// With an event before this time.
    pub to: Option<Timestamp>,
    /// Whose rule, source, target, name, note or matched values hold each of these words, in any case; or whose number
    /// it is.
    pub text: Option<String>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSort {
    /// The most urgent first.
    #[default]
    MostUrgent,
    /// Those with the most occurrences first.
    MostFrequent,
    /// The last raised first.
    Newest,
    /// The last changed or grown first.
    Updated,
}

impl AlertSort {
    const fn column(self) -> &'static str {
        match self {
            Self::MostUrgent => "urgency",
            Self::MostFrequent => "occurrences",
            Self::Newest => "number",
            Self::Updated => "updated",
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// How many alerts the query finds in all.
    pub total: u64,
    /// Give it back for the next page; none on the last.
    pub next: Option<String>,
}

/// How many alerts wait, by urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AlertCounts {
    /// Open ones of low urgency.
    pub low: u64,
    /// Open ones of medium urgency.
    pub medium: u64,
    /// Open ones of high urgency.
    pub high: u64,
    /// Open ones that nobody looked at.
    pub pending: u64,
    /// All that are kept, closed ones too.
    pub all: u64,
}

impl State {
    /// The alert with this id.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn alert(&self, id: AlertId) -> Result<Alert, StateError> {
        self.read(|connection| by_id(connection, id))
    }

    /// The events behind an alert by time: the first fifty and the last fifty; [`Alert::occurrences`] counts all.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn alert_events(&self, id: AlertId) -> Result<Vec<EventRef>, StateError> {
        self.read(|connection| events(connection, by_id(connection, id)?.number))
    }

    /// Which of these events (1,000 at most) are behind alerts, and behind which.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alerts_of_events(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, AlertId)>, StateError> {
        let sql = "SELECT alerts.id FROM alert_events JOIN alerts ON number = alert WHERE event = ?1 ORDER BY number";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut found = Vec::new();
            for id in ids.iter().take(VALUES_MAX) {
                for alert in statement.query_map([Id(*id)], |row| row.get::<_, Id>(0))? {
                    found.push((*id, AlertId(alert?.0)));
                }
            }
            Ok(found)
        })
    }

    /// A page of at most `limit` alerts (1,000 at most), after the page that gave `after`.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for a cursor that no page gave, or a filter that is too long.
    pub fn alerts(
        &self,
        query: &AlertQuery,
        sort: AlertSort,
        limit: usize,
        after: Option<&str>,
    ) -> Result<AlertPage, StateError> {
        let filter = Filter::of(query)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let after = after.map(cursor).transpose()?;
        let column = sort.column();
        self.read(|connection| {
            let count = format!("SELECT count(*) FROM alerts WHERE {}", filter.sql);
            let total: i64 =
                connection.prepare(&count)?.query_row(params_from_iter(&filter.values), |row| row.get(0))?;
            let mut values = filter.values.clone();
            let mut wanted = filter.sql.clone();
            if let Some((value, number)) = after {
                wanted.push_str(&format!(" AND (alerts.{column}, number) < (?, ?)"));
                values.extend([Sql::Integer(value), Sql::Integer(number)]);
            }
            let sql = format!("{SELECT} WHERE {wanted} ORDER BY alerts.{column} DESC, number DESC LIMIT {}", limit + 1);
            let mut statement = connection.prepare(&sql)?;
            let mut alerts: Vec<_> = statement.query_map(params_from_iter(&values), read)?.collect::<Result<_, _>>()?;
            let more = alerts.len() > limit;
            alerts.truncate(limit);
            let next = alerts.last().filter(|_| more).map(|last| place(last, sort));
            Ok(AlertPage { alerts, total: u64::try_from(total).unwrap_or(0), next })
        })
    }

    /// How many alerts are open, by urgency.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alert_counts(&self) -> Result<AlertCounts, StateError> {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE urgency < 50), count(*) FILTER (WHERE urgency BETWEEN 50 AND 74),
                    count(*) FILTER (WHERE urgency > 74), count(*) FILTER (WHERE status = 'pending'),
                    (SELECT count(*) FROM alerts) FROM alerts WHERE {OPEN}"
        );
        self.read(|connection| {
            let counts = connection.prepare_cached(&sql)?.query_row([], |row| {
                let number = |index| row.get::<_, i64>(index).map(crate::bounds::unstored);
                let (low, medium, high) = (number(0)?, number(1)?, number(2)?);
                Ok(AlertCounts { low, medium, high, pending: number(3)?, all: number(4)? })
            });
            Ok(counts.optional()?.unwrap_or_default())
        })
    }
}

/// A query as SQL with its values in order.
pub(super) struct Filter {
    pub(super) sql: String,
    pub(super) values: Vec<Sql>,
}

impl Filter {
    pub(super) fn of(query: &AlertQuery) -> Result<Self, StateError> {
        let mut filter = Self { sql: "1".to_owned(), values: Vec::new() };
        filter.any_of("alerts.id", query.ids.iter().map(|id| id.to_string()))?;
        filter.any_of("status", query.statuses.iter().map(|status| status.as_str().to_owned()))?;
        filter.any_of("verdict", query.verdicts.iter().map(|verdict| verdict.as_str().to_owned()))?;
        filter.any_of("rule", query.rules.iter().map(Uuid::to_string))?;
        filter.urgencies(&query.urgencies);
        if let Some(severity) = query.severity_min {
            filter.and("severity >= ?", [Sql::Integer(severity.into())]);
        }
        filter.any_of("severity", query.severities.iter().map(|severity| Sql::Integer((*severity).into())))?;
        if let Some(technique) = &query.technique {
            check_length("technique", technique)?;
            let sql = "EXISTS (SELECT 1 FROM json_each(attack) WHERE upper(value) = upper(?)
                       OR upper(substr(value, 1, length(?) + 1)) = upper(?) || '.')";
            filter.and(sql, std::iter::repeat_n(Sql::Text(technique.clone()), 3));
        }
        if let Some(name) = &query.name {
            check_length("filter", name)?;
            let sql = "(alerts.name = ? COLLATE NOCASE OR lower(substr(alerts.name, -length(?))) = lower(?))";
            let below = format!(".{name}");
            filter.and(sql, [name.clone(), below.clone(), below].map(Sql::Text));
        }
        for (column, wanted) in [("source", &query.source), ("target", &query.target)] {
            if let Some(wanted) = wanted {
                check_length("filter", wanted)?;
                filter.and(&format!("{column} = ? COLLATE NOCASE"), [Sql::Text(wanted.clone())]);
            }
        }
        if query.unassigned {
            filter.and("assignee IS NULL", []);
        }
        filter.any_of("assignee", query.assignees.iter().map(|user| user.to_string()))?;
        if let Some(from) = query.from {
            filter.and("last_seen >= ?", [Sql::Integer(from.as_micros())]);
        }
        if let Some(to) = query.to {
            filter.and("first_seen < ?", [Sql::Integer(to.as_micros())]);
        }
        if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            check_length("text", text)?;
            let text = text.to_lowercase();
            let words: Vec<_> = text.split_whitespace().take(WORDS_MAX).collect();
            let holds = "instr(lower(concat_ws(char(10), rule_name, source, target, alerts.name, note, matched)), ?)";
            let number = text.trim_start_matches(['#']).parse().unwrap_or(-1);
            let values = words.iter().map(|word| Sql::Text((*word).to_owned())).chain([Sql::Integer(number)]);
            filter.and(&format!("({} OR number = ?)", vec![holds; words.len()].join(" AND ")), values);
        }
        Ok(filter)
    }

    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Sql>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    fn any_of(
        &mut self,
        column: &str,
        wanted: impl ExactSizeIterator<Item = impl Into<Sql>>,
    ) -> Result<(), StateError> {
        if wanted.len() == 0 {
            return Ok(());
        }
        if wanted.len() > VALUES_MAX {
            return Err(StateError::invalid("filter", format!("has more than {VALUES_MAX} values")));
        }
        let marks = vec!["?"; wanted.len()].join(", ");
        self.and(&format!("{column} IN ({marks})"), wanted.map(Into::into));
        Ok(())
    }

    fn urgencies(&mut self, wanted: &[Urgency]) {
        if wanted.is_empty() {
            return;
        }
        let all = [Urgency::Low, Urgency::Medium, Urgency::High];
        let ranges: Vec<_> = all.iter().filter(|level| wanted.contains(level)).map(|level| level.range()).collect();
        let sql = vec!["urgency BETWEEN ? AND ?"; ranges.len()].join(" OR ");
        let ends = ranges.into_iter().flat_map(|(low, high)| [Sql::Integer(low.into()), Sql::Integer(high.into())]);
        self.and(&format!("({sql})"), ends);
    }
}

fn check_length(what: &'static str, text: &str) -> Result<(), StateError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(StateError::invalid(what, format!("is longer than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Where a page ended: the value it is sorted by, and the number that settles ties.
fn place(alert: &Alert, sort: AlertSort) -> String {
    let value = match sort {
        AlertSort::MostUrgent => alert.urgency.into(),
        AlertSort::MostFrequent => crate::bounds::stored(alert.occurrences),
        AlertSort::Newest => alert.number,
        AlertSort::Updated => alert.updated.as_micros(),
    };
    format!("{value}~{}", alert.number)
}

fn cursor(text: &str) -> Result<(i64, i64), StateError> {
    let parts = text.split_once('~').and_then(|(value, number)| Some((value.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| StateError::invalid("cursor", "was not given by a page of alerts"))
}
