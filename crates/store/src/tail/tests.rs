use std::sync::Arc;

use deltalake::arrow::array::{Int64Array, StringViewArray};
use deltalake::arrow::datatypes::{DataType, Field, Schema};

use super::*;

fn batch(first: i64, rows: i64) -> EncodedBatch {
    let fields = vec![Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8View, true)];
    let numbers: Vec<i64> = (first..first + rows).collect();
    let texts: StringViewArray = numbers.iter().map(|n| Some(format!("a text longer than twelve bytes {n}"))).collect();
    let columns: Vec<deltalake::arrow::array::ArrayRef> = vec![Arc::new(Int64Array::from(numbers)), Arc::new(texts)];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns fit");
    let bytes = touched_bytes(&batch);
    EncodedBatch::of(batch, bytes)
}

fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
    use deltalake::arrow::array::cast::AsArray;
    use deltalake::arrow::datatypes::Int64Type;
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn small_parts_are_merged_and_keep_their_order() {
    let mut tail = Tail::default();
    for index in 0..1000 {
        tail.push(batch(index, 1), Position(index as u64 + 1), Instant::now());
    }
    assert_eq!(tail.rows(), 1000);
    assert!(tail.parts.len() <= 16, "{} parts", tail.parts.len());
    assert_eq!(numbers(&tail.batches()), (0..1000).collect::<Vec<_>>());
    assert_eq!(tail.parts.last().map(|part| part.position), Some(Position(1000)));
    assert_eq!(tail.bytes(), tail.parts.iter().map(|part| part.bytes).sum::<usize>());
    assert!(tail.bytes() < 200_000, "{} bytes", tail.bytes());
}

#[test]
fn a_flush_takes_whole_parts_and_nothing_merges_into_them() {
    let mut tail = Tail::default();
    for position in 1..=3 {
        tail.push(batch(position * 5000, 5000), Position(position as u64), Instant::now());
    }
    tail.begin_flush(6000, usize::MAX);
    let parts = tail.begin_flush(1, usize::MAX);
    assert_eq!(parts.iter().map(|part| part.position).collect::<Vec<_>>(), [Position(1), Position(2)]);
    tail.push(batch(0, 1), Position(4), Instant::now());
    tail.landed();
    assert_eq!(tail.rows(), 5001);
    assert_eq!(tail.begin_flush(usize::MAX, usize::MAX).last().map(|part| part.position), Some(Position(4)));
    assert_eq!(tail.rows(), 5001);
}

#[test]
fn a_position_without_rows_is_still_a_position() {
    let mut tail = Tail::default();
    tail.push(EncodedBatch::default(), Position(1), Instant::now());
    tail.push(EncodedBatch::default(), Position(2), Instant::now());
    let parts = tail.begin_flush(1, 1);
    assert_eq!(parts.last().map(|part| (part.position, part.rows)), Some((Position(2), 0)));
}
