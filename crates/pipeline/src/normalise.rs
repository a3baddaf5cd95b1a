//! The trip of a batch on a worker thread: undo the compression, split, parse, enrich, encode.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bumpalo::Bump;
use tidegate_batch::{Head, Limits, Record};
use tidegate_detect::{Judge, Row, Sightings};
use tidegate_event::{Event, EventId, FieldId, IntakeId, NodeId, Position, Registry, Status, Timestamp, names};
use tidegate_formats::enrich::{EnrichOptions, Enricher};
use tidegate_formats::{Catalog, Format, NO_TIME, Parser, Verdict};
use tidegate_journal::Batch;
use tidegate_store::{EncodedBatch, Encoder, Meta, Store};

use crate::counters::Counts;
use crate::detection::Rules;
use crate::moment::{event_time, tells_lag};
use crate::unique::UniqueKey;

/// Records whose events are in memory at once: enough to amortise, few enough to stay in the cache.
const CHUNK_RECORDS: usize = 256;
/// Rows of one encoded part; larger journal batches become several parts of one publication.
const PART_ROWS: usize = 16_384;
/// Bytes kept of a record that is too long to be parsed.
const OVERSIZE_KEPT_BYTES: usize = 64 << 10;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;

/// The intake a batch came in by, as its records' events name it.
#[derive(Clone, Debug)]
pub struct IntakeInfo {
    /// Name of the intake.
    pub name: String,
    /// Name of the format its records have.
    pub format: String,
}

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) node: NodeId,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Limits,
    pub(crate) enrich: Option<EnrichOptions>,
    pub(crate) rules: Option<Arc<Rules>>,
}

/// One batch as it leaves a worker.
pub(crate) struct Normalised {
    pub(crate) position: Position,
    pub(crate) intake: IntakeId,
    pub(crate) received: Timestamp,
    pub(crate) events: EncodedBatch,
    /// The unique ids of the rows that have one, ascending by row.
    pub(crate) keys: Vec<(usize, UniqueKey, Status)>,
    /// What detection saw in the rows.
    pub(crate) sightings: Option<Sightings>,
    pub(crate) counts: Counts,
}

/// One worker: scratch memory that lives from batch to batch.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    encoder: Encoder,
    arena: Bump,
    text: Vec<u8>,
    tools: HashMap<String, Option<Tools>>,
    judge: Option<Judge>,
}

/// What turns the records of one format into events.
struct Tools {
    format: Arc<Format>,
    parser: Parser,
    enricher: Option<Enricher>,
    unique_id: Option<FieldId>,
    timestamp: Option<FieldId>,
}

impl Tools {
    fn new(format: &Arc<Format>, registry: &Registry, enrich: Option<&EnrichOptions>) -> Self {
        let enricher = enrich.and_then(|options| match Enricher::new(registry, format.manifest(), options) {
            Ok(enricher) => Some(enricher),
            Err(error) => {
                tracing::error!(format = format.name(), "events are not enriched: {error}");
                None
            }
        });
        Self {
            format: Arc::clone(format),
            parser: format.parser(),
            enricher,
            unique_id: format.manifest().unique_id.as_deref().and_then(|name| registry.id(name)),
            timestamp: registry.id(names::TIMESTAMP),
        }
    }
}

/// A batch under way: where the rows go and what is counted.
struct Trip<'b> {
    batch: &'b Batch,
    info: &'b IntakeInfo,
    sent: Option<Timestamp>,
    node: NodeId,
    counts: Counts,
    events: EncodedBatch,
    keys: Vec<(usize, UniqueKey, Status)>,
    sightings: Option<Sightings>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let encoder = shared.store.encoder();
        let judge = shared.rules.as_ref().map(|rules| Judge::new(rules.current()));
        Self { shared, encoder, arena: Bump::new(), text: Vec::new(), tools: HashMap::new(), judge }
    }

    /// Turns a batch into encoded events. Every record becomes a row, whatever is wrong with it.
    pub(crate) fn normalise(&mut self, batch: &Batch, info: &IntakeInfo) -> Normalised {
        // A panic here is a mistake of ours. The batch was acknowledged, so its records are kept as raw text.
        catch_unwind(AssertUnwindSafe(|| self.run(batch, info, true))).unwrap_or_else(|_| {
            tracing::error!(
                batch.position = batch.position.0,
                intake = info.name,
                "a batch made the parser panic; its records are kept unparsed, please report this"
            );
            *self = Self::new(Arc::clone(&self.shared));
            self.run(batch, info, false)
        })
    }

    fn run(&mut self, batch: &Batch, info: &IntakeInfo, parse: bool) -> Normalised {
        if let (Some(judge), Some(rules)) = (&mut self.judge, &self.shared.rules) {
            judge.swap(rules.current());
        }
        let mut trip = Trip {
            batch,
            info,
            sent: None,
            node: self.shared.node,
            counts: Counts {
                batches: 1,
                bytes: batch.body.len() as u64,
                last_batch: Some(batch.received),
                ..Counts::default()
            },
            events: EncodedBatch::default(),
            keys: Vec::new(),
            sightings: self.judge.as_ref().map(|judge| Sightings::new(Arc::clone(judge.catalogue()))),
        };
        let mut text = std::mem::take(&mut self.text);
        self.records(&mut trip, &mut text, parse);
        text.truncate(0);
        text.shrink_to(4 << 20);
        self.text = text;
        trip.events.append(self.encoder.finish());
        trip.counts.lag_micros = trip.counts.last_event.map(|last| batch.received.as_micros() - last.as_micros());
        Normalised {
            position: batch.position,
            intake: batch.intake,
            received: batch.received,
            events: trip.events,
            keys: trip.keys,
            sightings: trip.sightings,
            counts: trip.counts,
        }
    }

    fn records(&mut self, trip: &mut Trip<'_>, text: &mut Vec<u8>, parse: bool) {
        let head = Head::from_bytes(&trip.batch.head);
        trip.sent = head.as_ref().and_then(|head| head.event_time);
        let split = head.ok_or_else(|| "its head is of an unknown kind".to_owned()).and_then(|head| {
            let coding =
                tidegate_batch::decode_into(&trip.batch.body, head.coding.as_deref(), &self.shared.limits, text)
                    .map_err(|error| error.to_string())?;
            let text: &[u8] = if coding == tidegate_batch::Coding::Identity { &trip.batch.body } else { text };
            tidegate_batch::split(&head.framing, text, &self.shared.limits).map_err(|error| error.to_string())
        });
        match split {
            Ok(split) => self.chunks(trip, &split.records, parse),
            // The intake read this very body before it said yes: only a changed limit or a damaged disk comes here.
            Err(error) => {
                let reason = format!("the batch can no longer be read: {error}");
                tracing::error!(batch.position = trip.batch.position.0, intake = trip.info.name, "{reason}");
                let kept = &trip.batch.body[..trip.batch.body.len().min(OVERSIZE_KEPT_BYTES)];
                self.reject(trip, 0, &String::from_utf8_lossy(kept), &reason);
            }
        }
    }

    fn chunks(&mut self, trip: &mut Trip<'_>, records: &[Record<'_>], parse: bool) {
        let mut tools = self.take_tools(&trip.info.format);
        let mut arena = std::mem::take(&mut self.arena);
        for (chunk_index, chunk) in records.chunks(CHUNK_RECORDS).enumerate() {
            for (index, record) in chunk.iter().enumerate() {
                let index =
                    u32::try_from(chunk_index * CHUNK_RECORDS + index).expect("a batch holds at most 2^26 records");
                self.record(trip, tools.as_mut(), &arena, index, record, parse);
            }
            arena.reset();
            if self.encoder.rows() >= PART_ROWS {
                trip.events.append(self.encoder.finish());
            }
        }
        self.arena = arena;
        self.tools.insert(trip.info.format.clone(), tools);
    }

    fn take_tools(&mut self, format: &str) -> Option<Tools> {
        self.tools.remove(format).unwrap_or_else(|| {
            let format = self.shared.catalog.get(format)?;
            Some(Tools::new(format, self.shared.catalog.registry(), self.shared.enrich.as_ref()))
        })
    }

    fn record(
        &mut self,
        trip: &mut Trip<'_>,
        tools: Option<&mut Tools>,
        arena: &Bump,
        index: u32,
        record: &Record<'_>,
        parse: bool,
    ) {
        if record.oversize {
            let kept = String::from_utf8_lossy(&record.raw[..record.raw.len().min(OVERSIZE_KEPT_BYTES)]).into_owned();
            let reason = format!(
                "the record is {} bytes long, above the bound of {}; its first {} bytes are kept",
                record.raw.len(),
                self.shared.limits.record_bytes_max,
                record.raw.len().min(OVERSIZE_KEPT_BYTES)
            );
            return self.reject(trip, index, &kept, &reason);
        }
        let raw = match std::str::from_utf8(&record.raw) {
            Ok(raw) => raw,
            Err(error) => {
                let reason = format!("the record is not UTF-8: byte {} is damaged", error.valid_up_to());
                return self.reject(trip, index, &String::from_utf8_lossy(&record.raw), &reason);
            }
        };
        if !parse {
            return self.reject(trip, index, raw, "an error inside tidegate kept this batch from being parsed");
        }
        let Some(tools) = tools else {
            let reason = format!("the format `{}` of this intake is not loaded", trip.info.format);
            return self.reject(trip, index, raw, &reason);
        };
        tools.parser.set_received(trip.batch.received);
        match tools.parser.parse(raw, arena) {
            Verdict::Reject { reason } => {
                let reason = reason.to_owned();
                self.reject(trip, index, raw, &reason);
            }
            Verdict::Event { mut event, warnings } => {
                let own = tools.timestamp.and_then(|id| event.get(id));
                let (time, remark) = event_time(own, trip.sent, trip.batch.received);
                if let Some(enricher) = &tools.enricher {
                    enricher.enrich(&mut event, arena);
                }
                let remarks: Vec<&str> = warnings
                    .iter()
                    .copied()
                    // Said better, or not at all, by who knows the sender's time.
                    .filter(|warning| *warning != NO_TIME)
                    .chain(remark.as_deref())
                    .collect();
                let reason = (!remarks.is_empty()).then(|| cut(&remarks.join("; ")));
                let status = if reason.is_some() { Status::Warning } else { Status::Valid };
                let row = trip.events.rows() + self.encoder.rows();
                let place = Row { row, event: trip.event_id(index), at: time, received: trip.batch.received };
                if let (Some(judge), Some(sightings)) = (&mut self.judge, &mut trip.sightings) {
                    judge.judge(&mut event, place, arena, sightings);
                }
                if let Some(id) = tools.unique_id.and_then(|id| event.get(id)).and_then(|value| value.as_str()) {
                    trip.keys.push((row, UniqueKey::new(trip.batch.intake.0, id), status));
                }
                // a receipt that stands in for a wrong time says nothing either
                if remark.is_none() && tells_lag(time, trip.batch.received) {
                    trip.counts.last_event = trip.counts.last_event.max(Some(time));
                }
                let meta = trip.meta(index, raw, tools.format.name(), time, status, reason.as_deref());
                self.encoder.append(&event, &meta);
            }
        }
    }

    /// Keeps a record as raw text with the reason.
    fn reject(&mut self, trip: &mut Trip<'_>, index: u32, raw: &str, reason: &str) {
        let time = trip.sent.unwrap_or(trip.batch.received);
        let (time, _) = event_time(None, Some(time), trip.batch.received);
        let reason = cut(reason);
        let info = trip.info;
        let meta = trip.meta(index, raw, &info.format, time, Status::Invalid, Some(&reason));
        self.encoder.append(&Event::with_capacity_in(0, &self.arena), &meta);
    }
}

impl<'b> Trip<'b> {
    fn event_id(&self, index: u32) -> EventId {
        EventId::new(self.node, self.batch.position, self.batch.received, index)
    }

    fn meta<'m>(
        &mut self,
        index: u32,
        raw: &'m str,
        format: &'m str,
        timestamp: Timestamp,
        status: Status,
        reason: Option<&'m str>,
    ) -> Meta<'m>
    where
        'b: 'm,
    {
        let info: &'b IntakeInfo = self.info;
        match status {
            Status::Valid => self.counts.valid += 1,
            Status::Warning => self.counts.warning += 1,
            Status::Invalid => self.counts.invalid += 1,
        }
        Meta {
            event_id: self.event_id(index),
            ingested: self.batch.received,
            timestamp,
            intake_id: self.batch.intake,
            intake_name: &info.name,
            format,
            status,
            reason,
            raw,
        }
    }
}

fn cut(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}
