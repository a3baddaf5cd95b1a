//! A small store with made-up events, and an engine over it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage must fail")]
#![allow(dead_code, reason = "each test file uses its part of the stage")]

use std::sync::Arc;

use bumpalo::Bump;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use tidegate_event::{
    Event, EventId, FieldId, FieldType, IntakeId, NodeId, Position, Registry, RegistryBuilder, Status, Timestamp,
    Value, names,
};
use tidegate_query::{Engine, Options, Scope};
use tidegate_store::{Meta, Schema, Store};

/// 2026-05-04T00:00:00Z.
pub(crate) const START: i64 = 1_777_852_800_000_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;

/// Fields of the made-up events beside our own.
const TARGETS: [&str; 11] = [
    "dns.question.name",
    "dns.question.type",
    "dns.resolved_ip",
    "source.ip",
    "source.port",
    "user.name",
    "tls.established",
    "event.start",
    "labels",
    "test.numbers",
    "test.score",
];

pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<Store>,
    pub(crate) dir: TempDir,
    registry: Arc<Registry>,
    node: NodeId,
    position: u64,
}

/// A flat event: dotted names, `@timestamp` as RFC 3339.
pub(crate) type Flat = Map<String, Json>;

impl Stage {
    pub(crate) fn new(options: Options) -> Self {
        Self::over(quiet(), options)
    }

    /// A store whose flushes keep only so many days apart; the rest of the rows lies under the day of receipt.
    pub(crate) fn with_flush_days_max(flush_days_max: usize) -> Self {
        Self::over(tidegate_store::Options { flush_days_max, ..quiet() }, Options::default())
    }

    fn over(store: tidegate_store::Options, options: Options) -> Self {
        let mut builder = RegistryBuilder::with_ecs();
        builder.declare("test.numbers", FieldType::Long, true);
        builder.declare("test.score", FieldType::Float, false);
        let registry = builder.freeze();
        let targets: Vec<FieldId> = TARGETS.iter().map(|name| registry.id(name).unwrap()).collect();
        let schema = Schema::from_fields(&registry, targets.into_iter());
        let dir = tempfile::tempdir().unwrap();
        let node = NodeId(uuid::Uuid::from_u128(7));
        let store = Arc::new(Store::open(dir.path(), schema, node, store).unwrap());
        let engine = Engine::new(Arc::clone(&store), options).unwrap();
        Self { engine, store, dir, registry, node, position: 0 }
    }

    /// Publishes events as one batch; their ids.
    pub(crate) fn publish(&mut self, events: &[Flat]) -> Vec<String> {
        self.position += 1;
        let position = Position(self.position);
        let received = Timestamp::from_micros(START + i64::try_from(self.position).unwrap() * SECOND);
        let mut encoder = self.store.encoder();
        let mut ids = Vec::new();
        for (index, flat) in events.iter().enumerate() {
            let arena = Bump::new();
            let mut event = Event::with_capacity_in(flat.len(), &arena);
            for (name, value) in flat {
                if let Some(id) = self.registry.id(name)
                    && !matches!(name.as_str(), names::TIMESTAMP | names::MESSAGE)
                {
                    event.set(id, value_in(value, &arena));
                }
            }
            let id = EventId::new(self.node, position, received, u32::try_from(index).unwrap());
            ids.push(id.to_string());
            encoder.append(
                &event,
                &Meta {
                    event_id: id,
                    ingested: received,
                    timestamp: Timestamp::parse_rfc3339(flat[names::TIMESTAMP].as_str().unwrap()).unwrap(),
                    intake_id: IntakeId(uuid::Uuid::from_u128(9)),
                    intake_name: "test intake",
                    format: "test-format",
                    status: Status::Valid,
                    reason: None,
                    raw: flat.get(names::MESSAGE).and_then(Json::as_str).unwrap_or("raw"),
                },
            );
        }
        self.store.publish(encoder.finish(), position).unwrap();
        ids
    }

    pub(crate) fn flush(&self) {
        self.store.flush().unwrap();
    }

    /// All rows that match a query.
    pub(crate) fn scope(&self, query: &str) -> Scope {
        Scope { query: query.to_owned(), now: Timestamp::from_micros(START), ..Scope::default() }
    }
}

/// A store that flushes only when asked to.
fn quiet() -> tidegate_store::Options {
    tidegate_store::Options {
        flush_age: std::time::Duration::from_secs(3_600),
        maintenance_interval: std::time::Duration::from_secs(3_600),
        ..tidegate_store::Options::default()
    }
}

fn value_in<'a>(value: &Json, arena: &'a Bump) -> Value<'a> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap()),
        },
        Json::String(text) => Value::Str(arena.alloc_str(text)),
        Json::Array(items) => Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| value_in(item, arena)))),
        Json::Object(members) => Value::Dict(arena.alloc_slice_fill_iter(
            members.iter().map(|(key, value)| (&*arena.alloc_str(key), value_in(value, arena))),
        )),
    }
}

/// An event at so many microseconds after the start, with more fields given as JSON.
pub(crate) fn event(micros: i64, fields: Json) -> Flat {
    let Json::Object(mut flat) = fields else { panic!("an event is an object") };
    flat.insert(names::TIMESTAMP.to_owned(), Timestamp::from_micros(START + micros).to_rfc3339().into());
    flat
}

/// Runs a future to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
