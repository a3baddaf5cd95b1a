use bumpalo::Bump;
use deltalake::arrow::array::Array;
use deltalake::arrow::array::cast::AsArray;
use tidegate_event::{NodeId, Position, Registry, RegistryBuilder};
use uuid::Uuid;

use super::*;

fn encoder(registry: &Registry) -> Encoder {
    let targets = ["dns.question.name", "dns.question.type", "source.port", "tags", "dns.resolved_ip"];
    let targets = targets.iter().map(|name| registry.id(name).expect("a declared field"));
    Encoder::new(Arc::new(Schema::from_fields(registry, targets)))
}

fn meta(index: u32) -> Meta<'static> {
    let time = Timestamp::from_micros(1_700_000_000_000_000 + i64::from(index));
    Meta {
        event_id: EventId::new(NodeId(Uuid::from_u128(1)), Position(1), time, index),
        ingested: time,
        timestamp: time,
        intake_id: IntakeId(Uuid::from_u128(2)),
        intake_name: if index < 3 { "first" } else { "second" },
        format: "f",
        status: Status::Warning,
        reason: Some("odd"),
        raw: "raw",
    }
}

#[test]
fn untouched_columns_share_one_allocation() {
    let registry = RegistryBuilder::with_ecs().freeze();
    let mut encoder = encoder(&registry);
    let arena = Bump::new();
    encoder.append(&Event::with_capacity_in(0, &arena), &meta(0));
    let batch = encoder.finish();
    let batch = &batch.batches()[0];
    let name = batch.column_by_name("dns.question.name").expect("a column");
    let kind = batch.column_by_name("dns.question.type").expect("a column");
    assert_eq!((name.null_count(), kind.null_count()), (1, 1));
    assert!(Arc::ptr_eq(name, kind));
}

#[test]
fn columns_are_padded_and_values_that_repeat_are_right() {
    let registry = RegistryBuilder::with_ecs().freeze();
    let mut encoder = encoder(&registry);
    let arena = Bump::new();
    for round in 0..2 {
        for index in 0..6 {
            let mut event = Event::with_capacity_in(1, &arena);
            if index == 3 {
                event.set(registry.id("source.port").expect("a declared field"), Value::Int(53));
            }
            encoder.append(&event, &meta(index));
        }
        let batch = encoder.finish();
        assert_eq!(batch.rows(), 6, "round {round}");
        let batch = &batch.batches()[0];
        let ports = batch.column_by_name("source.port").expect("a column");
        assert_eq!((0..6).filter(|row| ports.is_valid(*row)).collect::<Vec<_>>(), [3]);
        let intakes = batch.column_by_name("tidegate.intake.name").expect("a column").as_string_view();
        let intakes: Vec<&str> = intakes.iter().flatten().collect();
        assert_eq!(intakes, ["first", "first", "first", "second", "second", "second"]);
    }
}

#[test]
fn one_record_takes_little_memory() {
    let registry = RegistryBuilder::with_ecs().freeze();
    let mut encoder = encoder(&registry);
    let arena = Bump::new();
    let mut bytes = 0;
    for index in 0..3 {
        encoder.append(&Event::with_capacity_in(0, &arena), &meta(index));
        bytes = encoder.finish().bytes();
    }
    assert!(bytes < 8 << 10, "{bytes} bytes for one small record");
}

#[test]
fn nothing_appended_is_an_empty_batch() {
    let registry = RegistryBuilder::with_ecs().freeze();
    let batch = encoder(&registry).finish();
    assert_eq!((batch.rows(), batch.bytes(), batch.batches().len()), (0, 0, 0));
}

#[test]
fn rows_can_be_left_out() {
    let registry = RegistryBuilder::with_ecs().freeze();
    let mut encoder = encoder(&registry);
    let arena = Bump::new();
    let mut all = EncodedBatch::default();
    for part in [0..3, 3..5] {
        for index in part {
            let mut event = Event::with_capacity_in(1, &arena);
            event.set(registry.id("source.port").expect("a declared field"), Value::Int(i64::from(index)));
            encoder.append(&event, &meta(index));
        }
        all.append(encoder.finish());
    }
    all.retain(&[true, false, true, false, false]);
    assert_eq!((all.rows(), all.batches().len()), (2, 1));
    let ports = all.batches()[0].column_by_name("source.port").expect("a column");
    assert_eq!(ports.as_primitive::<deltalake::arrow::datatypes::Int64Type>().values(), &[0, 2]);
    let names = all.batches()[0].column_by_name("dns.question.name").expect("a column");
    assert_eq!((names.len(), names.null_count()), (2, 2));
}
