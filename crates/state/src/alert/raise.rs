//! Findings in, alerts out: folded, counted once, and told to those who want to know.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::json;
use tidegate_event::Timestamp;
use uuid::Uuid;

use super::{Alert, AlertId, OPEN, SELECT, Urgency, by_id, events, read};
use crate::asset::Assets;
use crate::bounds::{stored, unstored};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::exception;
use crate::finding::{EventRef, NewFinding};
use crate::fold::{Lead, Tally, alert_id, growth, likeness, overflow_likeness, urgency};
use crate::outbox::{self, NoticeKind};
use crate::state::State;

/// Beyond so many open alerts of one rule, what else it finds is folded into one more: a rule that is wrong about the
/// house must not bury what others find.
pub(super) const OPEN_OF_A_RULE_MAX: i64 = 500;
/// The most findings that are remembered for replays.
pub(super) const FINDINGS_KNOWN_MAX: i64 = 1_000_000;
const HOUR_MICROS: i64 = 3_600_000_000;

/// What became of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Folded {
    /// The finding.
    pub finding: Uuid,
    /// Its alert; none when it is hidden.
    pub alert: Option<AlertId>,
    /// What it did there.
    pub outcome: Outcome,
}

/// What a finding did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It began an alert.
    Raised,
    /// It was added to an open alert.
    Grown,
    /// It was known in full, so it did nothing.
    Known,
    /// An alert filter hides it.
    Hidden,
}

impl State {
    /// Folds findings into alerts: all or none. Safe to repeat: a finding that comes again does nothing, one that comes
    /// with a larger count adds the difference. What is alike goes to the open alert; where the last one is closed or
    /// rejected, a new one begins. New alerts, and those that became more urgent, are queued for the notification
    /// targets that want them.
    ///
    /// # Errors
    /// When the database fails; nothing is changed then, and the caller must bring the findings again.
    pub fn raise(&self, findings: &[NewFinding]) -> Result<Vec<Folded>, StateError> {
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.now();
        let assets = self.assets_in_memory()?;
        self.write(|transaction| {
            let mut desk =
                Desk { transaction, now, assets: &assets, drafts: HashMap::new(), open_of_rule: HashMap::new() };
            let mut done = Vec::with_capacity(findings.len());
            for finding in findings {
                done.push(desk.take(&finding.bounded())?);
            }
            let mut drafts: Vec<_> = desk.drafts.drain().map(|(_, draft)| draft).collect();
            drafts.sort_by_key(|draft| draft.place);
            for draft in drafts {
                draft.put_away(transaction, now)?;
            }
            Ok(done)
        })
    }
}

/// Where findings are sorted into alerts, within one transaction.
struct Desk<'a> {
    transaction: &'a Transaction<'a>,
    now: Timestamp,
    assets: &'a Assets,
    drafts: HashMap<[u8; 32], Draft>,
    open_of_rule: HashMap<Uuid, i64>,
}

impl Desk<'_> {
    fn take(&mut self, finding: &NewFinding) -> Result<Folded, StateError> {
        let known = known(self.transaction, finding.id)?;
        let counted = known.map(|known| known.count);
        let more = growth(counted, finding.count);
        let mut done =
            Folded { finding: finding.id, alert: known.and_then(|known| known.alert), outcome: Outcome::Known };
        if more == 0 {
            return Ok(done);
        }
        if let Some(filter) = finding.hidden_by
            && exception::hide(self.transaction, filter, finding.rule.id, more, self.now)?
        {
            done.outcome = Outcome::Hidden;
            done.alert = None;
        } else {
            let (key, began) = self.open_draft(finding, counted.unwrap_or(0), more)?;
            let draft = self.drafts.get_mut(&key).expect("just opened");
            done.outcome = if began { Outcome::Raised } else { Outcome::Grown };
            if !began {
                draft.absorb(finding, more, done.alert != Some(draft.id));
            }
            draft.criticality = draft.criticality.max(self.assets.criticality(finding.entities()));
            *draft.hours.entry(finding.last_seen.as_micros().div_euclid(HOUR_MICROS)).or_default() += more;
            done.alert = Some(draft.id);
        }
        let hidden = finding.hidden_by.filter(|_| done.outcome == Outcome::Hidden);
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO findings (id, count, alert, hidden, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                Id(finding.id),
                stored(finding.count),
                done.alert.map(|alert| Id(alert.0)),
                hidden.map(|filter| Id(filter.0)),
                Time(self.now)
            ])?;
        Ok(done)
    }

    /// Finds the draft that a finding belongs to, or begins it with this finding; the flag says that it was begun.
    fn open_draft(&mut self, finding: &NewFinding, counted: u64, more: u64) -> Result<([u8; 32], bool), StateError> {
        let key = likeness(finding);
        if self.find_draft(key)? {
            return Ok((key, false));
        }
        let overflow = self.open_of_rule(finding.rule.id)? >= OPEN_OF_A_RULE_MAX;
        let key = if overflow { overflow_likeness(finding.rule.id) } else { key };
        if overflow && self.find_draft(key)? {
            return Ok((key, false));
        }
        *self.open_of_rule.entry(finding.rule.id).or_default() += 1;
        let place = self.drafts.len();
        self.drafts.insert(key, Draft::begin(finding, key, counted, more, overflow, place));
        Ok((key, true))
    }

    /// Whether there is an open alert with this likeness; it is on the desk then.
    fn find_draft(&mut self, key: [u8; 32]) -> Result<bool, StateError> {
        if self.drafts.contains_key(&key) {
            return Ok(true);
        }
        let place = self.drafts.len();
        let found = Draft::load(self.transaction, key, place)?;
        Ok(found.map(|draft| self.drafts.insert(key, draft)).is_some())
    }

    fn open_of_rule(&mut self, rule: Uuid) -> Result<i64, StateError> {
        if let Some(count) = self.open_of_rule.get(&rule) {
            return Ok(*count);
        }
        let sql = format!("SELECT count(*) FROM alerts WHERE rule = ?1 AND {OPEN}");
        let count = self.transaction.prepare_cached(&sql)?.query_row([Id(rule)], |row| row.get(0))?;
        self.open_of_rule.insert(rule, count);
        Ok(count)
    }
}

/// An alert while findings are added to it.
struct Draft {
    place: usize,
    /// None while it is new.
    number: Option<i64>,
    id: AlertId,
    likeness: [u8; 32],
    overflow: bool,
    tally: Tally,
    /// The events that the database holds.
    events: Vec<EventRef>,
    /// The finding whose words the alert will bear; none when they stay as they are.
    words: Option<NewFinding>,
    criticality: Option<u8>,
    urgency: Option<u8>,
    hours: HashMap<i64, u64>,
}

impl Draft {
    fn begin(finding: &NewFinding, likeness: [u8; 32], counted: u64, more: u64, overflow: bool, place: usize) -> Self {
        Self {
            place,
            number: None,
            id: AlertId(alert_id(finding.id, counted)),
            likeness,
            overflow,
            tally: Tally::of(finding, more),
            events: Vec::new(),
            words: Some(finding.clone()),
            criticality: None,
            urgency: None,
            hours: HashMap::new(),
        }
    }

    fn load(connection: &Connection, likeness: [u8; 32], place: usize) -> Result<Option<Self>, StateError> {
        let sql = format!("{SELECT} WHERE likeness = ?1 AND {OPEN}");
        let found = connection.prepare_cached(&sql)?.query_row([likeness], read).optional()?;
        let Some(alert) = found else { return Ok(None) };
        let lead = connection
            .prepare_cached("SELECT lead_at, lead_finding, lead_count FROM alerts WHERE number = ?1")?
            .query_row([alert.number], |row| {
                let (at, finding) = (row.get::<_, Time>(0)?.0, row.get::<_, Id>(1)?.0);
                Ok(Lead { at, finding, count: unstored(row.get(2)?) })
            })?;
        let events = events(connection, alert.number)?;
        Ok(Some(Self::of(&alert, lead, events, likeness, place)))
    }

    fn of(alert: &Alert, lead: Lead, events: Vec<EventRef>, likeness: [u8; 32], place: usize) -> Self {
        Self {
            place,
            number: Some(alert.number),
            id: alert.id,
            likeness,
            overflow: alert.overflow,
            tally: Tally {
                findings: alert.findings,
                occurrences: alert.occurrences,
                first_seen: alert.first_seen,
                last_seen: alert.last_seen,
                severity: alert.severity,
                lead,
                events: events.clone(),
            },
            events,
            words: None,
            criticality: alert.criticality,
            urgency: Some(alert.urgency),
            hours: HashMap::new(),
        }
    }

    fn absorb(&mut self, finding: &NewFinding, more: u64, new: bool) {
        if self.tally.absorb(finding, more, new) {
            self.words = Some(finding.clone());
        }
    }

    fn put_away(self, connection: &Connection, now: Timestamp) -> Result<(), StateError> {
        let urgency = urgency(self.tally.severity, self.criticality);
        let number = self.write_row(connection, now, urgency)?;
        self.write_events(connection, number)?;
        let sql = "INSERT INTO alert_hours (alert, hour, hits) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET hits = hits + excluded.hits";
        for (hour, hits) in &self.hours {
            connection.prepare_cached(sql)?.execute(params![number, hour, stored(*hits)])?;
        }
        let kind = match self.urgency {
            None => NoticeKind::AlertRaised,
            Some(before) if Urgency::of(before) < Urgency::of(urgency) => NoticeKind::AlertEscalated,
            Some(_) => return Ok(()),
        };
        outbox::queue_alert(connection, now, kind, &by_id(connection, self.id)?, &self.tally.events)
    }

    fn write_row(&self, connection: &Connection, now: Timestamp, urgency: u8) -> Result<i64, StateError> {
        let number = match (self.number, &self.words) {
            (Some(number), _) => number,
            (None, Some(words)) => self.insert(connection, now, words)?,
            (None, None) => unreachable!("a new draft has the words of its first finding"),
        };
        let Tally { findings, occurrences, first_seen, last_seen, severity, .. } = &self.tally;
        let sql = "UPDATE alerts SET findings = ?2, occurrences = ?3, first_seen = ?4, last_seen = ?5, severity = ?6,
                   criticality = ?7, urgency = ?8, updated = ?9 WHERE number = ?1";
        connection.prepare_cached(sql)?.execute(params![
            number,
            stored(*findings),
            stored(*occurrences),
            Time(*first_seen),
            Time(*last_seen),
            severity,
            self.criticality,
            urgency,
            Time(now)
        ])?;
        if let Some(words) = &self.words {
            write_words(connection, number, words)?;
        }
        Ok(number)
    }

    fn insert(&self, connection: &Connection, now: Timestamp, words: &NewFinding) -> Result<i64, StateError> {
        let sql = "INSERT INTO alerts (id, likeness, similarity, overflow, rule, rule_name, effort, attack, grouped,
            matched, note, lead_at, lead_finding, lead_count, severity, urgency, status, created, updated, first_seen,
            last_seen, findings, occurrences)
            VALUES (?1, ?2, ?3, ?4, ?5, '', '', '', '', '', '', 0, '', 0, 0, 0, 'pending', ?6, ?6, 0, 0, 0, 0)";
        connection.prepare_cached(sql)?.execute(params![
            Id(self.id.0),
            self.likeness,
            words.similarity.as_str(),
            self.overflow,
            Id(words.rule.id),
            Time(now)
        ])?;
        Ok(connection.last_insert_rowid())
    }

    fn write_events(&self, connection: &Connection, number: i64) -> Result<(), StateError> {
        for gone in self.events.iter().filter(|event| !self.tally.events.contains(event)) {
            let sql = "DELETE FROM alert_events WHERE alert = ?1 AND event = ?2";
            connection.prepare_cached(sql)?.execute(params![number, Id(gone.id)])?;
        }
        for event in self.tally.events.iter().filter(|event| !self.events.contains(event)) {
            let sql =
                "INSERT OR REPLACE INTO alert_events (alert, event, at, source_ip, name) VALUES (?1, ?2, ?3, ?4, ?5)";
            let EventRef { at, id, source_ip, name } = event;
            connection.prepare_cached(sql)?.execute(params![number, Id(*id), Time(*at), source_ip, name])?;
        }
        Ok(())
    }
}

fn write_words(connection: &Connection, number: i64, words: &NewFinding) -> Result<(), StateError> {
    let sql = "UPDATE alerts SET rule_name = ?2, effort = ?3, attack = ?4, source = ?5, target = ?6, name = ?7,
        grouped = ?8, matched = ?9, note = ?10, lead_at = ?11, lead_finding = ?12, lead_count = ?13 WHERE number = ?1";
    let lead = Lead::of(words);
    connection.prepare_cached(sql)?.execute(params![
        number,
        words.rule.name,
        words.rule.effort.as_str(),
        json!(words.rule.attack).to_string(),
        words.source,
        words.target,
        words.name,
        json!(words.group).to_string(),
        json!(words.matched).to_string(),
        words.note,
        Time(lead.at),
        Id(lead.finding),
        stored(lead.count)
    ])?;
    Ok(())
}

/// What an earlier raise remembered of a finding.
#[derive(Clone, Copy)]
struct Known {
    count: u64,
    alert: Option<AlertId>,
}

fn known(connection: &Connection, finding: Uuid) -> Result<Option<Known>, StateError> {
    let mut statement = connection.prepare_cached("SELECT count, alert FROM findings WHERE id = ?1")?;
    let found = statement.query_row([Id(finding)], |row| {
        let alert = row.get::<_, Option<Id>>(1)?.map(|id| AlertId(id.0));
        Ok(Known { count: unstored(row.get(0)?), alert })
    });
    Ok(found.optional()?)
}
