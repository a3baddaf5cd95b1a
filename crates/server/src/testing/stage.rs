//! A store with made-up events, and an engine over it.

use std::path::Path;
use std::sync::Arc;

use bumpalo::Bump;
use tidegate_event::{Event, EventId, IntakeId, NodeId, Position, Registry, RegistryBuilder, Status, Timestamp, Value};
use tidegate_query::Engine;
use tidegate_store::{Meta, Options, Schema, Store};

/// When all made-up events were received: 2026-05-04T00:00:00Z.
pub(crate) const RECEIVED: Timestamp = Timestamp::from_micros(1_777_852_800_000_000);

const NODE: NodeId = NodeId(uuid::Uuid::from_u128(7));

pub(crate) struct Stage {
    pub(crate) store: Arc<Store>,
    registry: Arc<Registry>,
}

impl Stage {
    pub(crate) fn new(directory: &Path) -> (Self, Engine) {
        let registry = RegistryBuilder::with_ecs().freeze();
        let targets = ["dns.question.name", "source.ip"].map(|name| registry.id(name).expect("an ECS field"));
        let schema = Schema::from_fields(&registry, targets.into_iter());
        let store = Store::open(&directory.join("table"), schema, NODE, Options::default()).expect("a store");
        let store = Arc::new(store);
        let engine = Engine::new(Arc::clone(&store), tidegate_query::Options::default()).expect("an engine");
        (Self { store, registry }, engine)
    }

    /// Publishes one event a name, one second apart; their ids.
    pub(crate) fn publish(&self, names: &[&str]) -> Vec<String> {
        let mut encoder = self.store.encoder();
        let mut ids = Vec::new();
        for (index, name) in (0..).zip(names) {
            let arena = Bump::new();
            let mut event = Event::with_capacity_in(2, &arena);
            event.set(self.registry.id("dns.question.name").expect("a field"), Value::Str(name));
            let id = EventId::new(NODE, Position(1), RECEIVED, index);
            encoder.append(
                &event,
                &Meta {
                    event_id: id,
                    ingested: RECEIVED,
                    timestamp: Timestamp::from_micros(RECEIVED.as_micros() + i64::from(index) * 1_000_000),
                    intake_id: IntakeId(uuid::Uuid::nil()),
                    intake_name: "gateway",
                    format: super::FORMAT,
                    status: Status::Valid,
                    reason: None,
                    raw: name,
                },
            );
            ids.push(id.to_string());
        }
        self.store.publish(encoder.finish(), Position(1)).expect("published");
        ids
    }
}
