//! One run of a feed: fetch, read, keep, end what is gone, and hunt for what is new.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use thiserror::Error;
use tidegate_detect::intel::{Columns, Indicator, ReadOptions, Report};
use tidegate_event::Timestamp;
use tidegate_feeds::{Auth, Body, FeedError, Fetched, Pull, Request};
use tidegate_state::{
    Actor, Feed, FeedKind, FeedRun, NewIndicator, NewRetrohunt, StateError, UPSERT_ROWS_MAX, Upserted,
};

use super::Feeds;
use super::settings::{ReadSettings, auth};
use crate::detection::intelligence::{is_benign, to_keep};
use crate::detection::retrohunt::{all_time, name_of};

const DAY_MICROS: i64 = 86_400_000_000;
/// Sentences of a report that are kept.
const SENTENCES_MAX: usize = 50;

/// Why a run brought nothing.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{0}")]
    Settings(String),
    #[error("the server was stopped while it was read")]
    Stopped,
}

/// What a run has brought so far.
#[derive(Debug, Default)]
struct Brought {
    upserted: Upserted,
    accepted: u64,
    refused: u64,
    sentences: Vec<String>,
    cut_short: bool,
}

/// How a feed is read, made ready.
struct Reading {
    settings: ReadSettings,
    columns: Columns,
    format: Option<tidegate_detect::intel::Format>,
}

impl Feeds {
    /// Fetches a feed and keeps what it brings.
    pub(super) async fn fetch(&self, feed: &Feed) -> Result<FeedRun, RunError> {
        let mut settings = ReadSettings::of(&feed.settings).map_err(RunError::Settings)?;
        let (format, columns) = (settings.format().map_err(RunError::Settings)?, settings.columns());
        let reading = Reading { settings, columns, format };
        let auth = auth(self.state.feed_auth(feed.id)?);
        let (before, began) = (self.state.last_indicator()?, Timestamp::now());
        let mut brought = Brought::default();
        let (etag, last_modified, added_after) = match feed.kind {
            FeedKind::Http => match self.fetch_file(feed, &auth, &reading, &mut brought).await? {
                Some((etag, last_modified)) => (etag, last_modified, None),
                None => return Ok(FeedRun::Unchanged),
            },
            FeedKind::Taxii => (None, None, self.pull(feed, &auth, &reading, &mut brought).await?),
        };
        // What a whole file does not list any more has ended, unless it counts for some days of its own.
        let whole = feed.kind == FeedKind::Http && !brought.cut_short && brought.accepted > 0;
        let ended = match whole && reading.settings.valid_days == 0 {
            true => self.state.expire_unseen(&feed.id.to_string(), began)?,
            false => 0,
        };
        // What broke off is read anew the next time.
        let (etag, last_modified) = if brought.cut_short { (None, None) } else { (etag, last_modified) };
        let hunt = self.hunt(feed, before, brought.upserted.added)?;
        let Upserted { added, updated, unchanged } = brought.upserted;
        Ok(FeedRun::Read {
            etag,
            last_modified,
            added_after,
            accepted: brought.accepted,
            refused: brought.refused,
            report: json!({
                "added": added, "updated": updated, "unchanged": unchanged, "ended": ended,
                "retrohunt": hunt, "sentences": brought.sentences,
            }),
        })
    }

    /// One file behind an address; nothing when it is the one that we have.
    async fn fetch_file(
        &self,
        feed: &Feed,
        auth: &Auth,
        reading: &Reading,
        brought: &mut Brought,
    ) -> Result<Option<(Option<String>, Option<String>)>, RunError> {
        let (etag, last_modified) = (feed.etag.as_deref(), feed.last_modified.as_deref());
        let request = Request { url: &feed.url, auth, etag, last_modified };
        let Fetched::Body(mut body) = self.fetcher.fetch(&request).await? else { return Ok(None) };
        self.keep(feed, &mut body, reading, brought)?;
        Ok(Some((body.etag, body.last_modified)))
    }

    /// What was added to a TAXII collection since the last run; gives where the next one begins.
    async fn pull(
        &self,
        feed: &Feed,
        auth: &Auth,
        reading: &Reading,
        brought: &mut Brought,
    ) -> Result<Option<String>, RunError> {
        let mut pull = Pull::new(&self.fetcher, &feed.url, auth, feed.added_after.as_deref())?;
        while let Some(mut body) = pull.page().await? {
            let report = self.keep(feed, &mut body, reading, brought)?;
            pull.turn(&report.page);
        }
        Ok(pull.added_after().map(str::to_owned))
    }

    /// Reads what was fetched and keeps it, some thousand indicators at a time.
    fn keep(&self, feed: &Feed, body: &mut Body, reading: &Reading, brought: &mut Brought) -> Result<Report, RunError> {
        let lists = (self.lists)();
        let now = Timestamp::now();
        let options = ReadOptions {
            format: reading.format,
            columns: &reading.columns,
            tags: &reading.settings.tags,
            confidence: reading.settings.confidence.map(|sure| sure.min(100)),
            now: Some(now),
            all_attributes: reading.settings.all_attributes,
            benign: &|name| is_benign(&lists, name),
            ..ReadOptions::default()
        };
        let until = end_of(now, reading.settings.valid_days);
        let mut keeper = Keeper { feeds: self, feed, part: Vec::new(), brought, failed: None };
        let report = body.read(&options, &mut |mut indicator: Indicator| {
            indicator.valid_until = indicator.valid_until.or(until);
            keeper.take(to_keep(indicator))
        })?;
        keeper.flush();
        if let Some(error) = keeper.failed.take() {
            return Err(error.into());
        }
        if self.bell.stops() {
            return Err(RunError::Stopped);
        }
        brought.accepted += report.accepted;
        brought.refused += report.refused.values().sum::<u64>();
        brought.cut_short |= report.cut_short.is_some();
        let room = SENTENCES_MAX.saturating_sub(brought.sentences.len());
        brought.sentences.extend(report.sentences().into_iter().take(room));
        Ok(report)
    }

    /// Looks for what is new in stored events; gives the hunt.
    fn hunt(&self, feed: &Feed, before: i64, added: u64) -> Result<Option<String>, StateError> {
        if added == 0 {
            return Ok(None);
        }
        let (from, until) = all_time();
        let selection = json!({"collection": feed.collection, "feed": feed.id.to_string(), "count": added});
        let new = NewRetrohunt {
            name: &name_of(&feed.name),
            selection,
            first_id: before,
            last_id: self.state.last_indicator()?,
            from,
            until,
        };
        Ok(Some(self.state.create_retrohunt(&new, &Actor::system())?.id.to_string()))
    }
}

/// Gathers indicators and writes them part by part.
struct Keeper<'a> {
    feeds: &'a Feeds,
    feed: &'a Feed,
    part: Vec<NewIndicator>,
    brought: &'a mut Brought,
    failed: Option<StateError>,
}

impl Keeper<'_> {
    fn take(&mut self, indicator: NewIndicator) -> ControlFlow<()> {
        self.part.push(indicator);
        if self.part.len() >= UPSERT_ROWS_MAX {
            self.flush();
        }
        if self.failed.is_some() || self.feeds.bell.stops() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn flush(&mut self) {
        if self.failed.is_some() {
            return;
        }
        let source = self.feed.id.to_string();
        match self.feeds.state.upsert_indicators(self.feed.collection, Some(&source), &self.part) {
            Ok(Upserted { added, updated, unchanged }) => {
                let all = &mut self.brought.upserted;
                all.added += added;
                all.updated += updated;
                all.unchanged += unchanged;
            }
            Err(error) => self.failed = Some(error),
        }
        self.part.clear();
    }
}

/// Until when an indicator counts that was listed now: to the end of the day after so many days, so that a feed that is
/// fetched every hour changes its indicators once a day.
fn end_of(now: Timestamp, days: u16) -> Option<Timestamp> {
    let until = (now.as_micros().div_euclid(DAY_MICROS) + 1 + i64::from(days)) * DAY_MICROS;
    (days > 0).then_some(Timestamp::from_micros(until))
}

/// What a run says in a report, for people.
pub(crate) fn sentences(report: &Value) -> Vec<String> {
    let texts = report.get("sentences").and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
