use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bumpalo::Bump;
use deltalake::arrow::array::cast::AsArray;
use deltalake::arrow::array::{Array, RecordBatch};
use deltalake::arrow::datatypes::TimestampMicrosecondType;
use tempfile::TempDir;
use tidegate_event::{Event, EventId, IntakeId, RegistryBuilder, Status, Timestamp, Value};
use uuid::Uuid;

use super::*;
use crate::datafile::DataFileReader;
use crate::encode::Meta;
use crate::file::Range;
use crate::layout::data_files;

const NODE: NodeId = NodeId(Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef));
const DAY_MICROS: i64 = 86_400_000_000;
/// 2023-11-14T22:13:20Z.
const START: i64 = 1_700_000_000_000_000;

fn schema_of(targets: &[&str]) -> (Arc<tidegate_event::Registry>, Schema) {
    let registry = RegistryBuilder::with_ecs().freeze();
    let schema = Schema::from_fields(&registry, targets.iter().map(|name| registry.id(name).expect("a field")));
    (registry, schema)
}

/// Flushes by hand only, unless a test says otherwise.
fn options() -> Options {
    Options {
        flush_age: Duration::from_secs(3600),
        maintenance_interval: Duration::from_secs(3600),
        compact_files: 4,
        file_bytes: 64 << 20,
        row_group_rows: 1000,
        ..Options::default()
    }
}

fn open(dir: &TempDir, options: Options) -> Store {
    let (_, schema) = schema_of(&["dns.question.name", "source.ip", "tags", "user.email"]);
    Store::open(dir.path(), schema, NODE, options).expect("the store opens")
}

/// `rows` events from `start` on, a second apart, each with a name made of its number.
fn batch(store: &Store, position: u64, rows: u32, start: i64) -> EncodedBatch {
    let (registry, _) = schema_of(&[]);
    let arena = Bump::new();
    let mut encoder = store.encoder();
    for index in 0..rows {
        let time = Timestamp::from_micros(start + i64::from(index) * 1_000_000);
        let mut event = Event::with_capacity_in(4, &arena);
        let name = arena.alloc_str(&format!("Host-{position}-{index}.example.com"));
        event.set(registry.id("dns.question.name").expect("a field"), Value::Str(name));
        if index % 2 == 0 {
            event.set(registry.id("source.ip").expect("a field"), Value::Str("192.0.2.1"));
        }
        let meta = Meta {
            event_id: EventId::new(NODE, Position(position), Timestamp::from_micros(START), index),
            ingested: Timestamp::from_micros(START),
            timestamp: time,
            intake_id: IntakeId(Uuid::from_u128(1)),
            intake_name: "test",
            format: "cloudflare-gateway-dns",
            status: Status::Valid,
            reason: None,
            raw: r#"{"QueryName":"host"}"#,
        };
        encoder.append(&event, &meta);
    }
    encoder.finish()
}

fn publish(store: &Store, position: u64, rows: u32) {
    publish_at(store, position, rows, START);
}

fn publish_at(store: &Store, position: u64, rows: u32, start: i64) {
    store.publish(batch(store, position, rows, start), Position(position)).expect("the store takes events");
}

/// The ids of all events of a snapshot, counted.
fn ids(snapshot: &Snapshot) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for batch in table(snapshot).iter().map(|(_, batch)| batch).chain(&snapshot.tail) {
        assert_eq!(batch.schema(), snapshot.arrow_schema, "table and tail have one schema");
        for id in batch.column_by_name("event.id").expect("a column").as_string_view().iter().flatten() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// The rows of the table of a snapshot, each batch with the day that its file is of.
fn table(snapshot: &Snapshot) -> Vec<(i32, RecordBatch)> {
    let mut rows = Vec::new();
    for file in snapshot.data.iter() {
        let reader = DataFileReader::open(&snapshot.dir, &file.path).expect("the table is readable");
        assert_eq!(file.rows, (0..reader.row_groups()).map(|group| reader.rows(group) as u64).sum::<u64>());
        for group in 0..reader.row_groups() {
            let batches = reader.decode(group, &snapshot.schema).expect("the table is readable");
            rows.extend(batches.into_iter().map(|batch| (file.day, batch)));
        }
    }
    rows
}

/// The times of a batch.
fn times(batch: &RecordBatch) -> Vec<i64> {
    let times = batch.column_by_name("@timestamp").expect("a column");
    times.as_primitive::<TimestampMicrosecondType>().values().to_vec()
}

fn assert_holds(store: &Store, count: usize) {
    let ids = ids(&store.snapshot());
    assert_eq!(ids.len(), count);
    assert!(ids.values().all(|count| *count == 1), "every event once");
}

#[test]
fn what_is_published_is_seen_before_and_after_the_flush() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    publish(&store, 1, 10);
    assert_eq!(store.snapshot().tail.iter().map(|batch| batch.num_rows()).sum::<usize>(), 10);
    assert_holds(&store, 10);
    let told = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&told);
    store.on_commit(Box::new(move |position| heard.store(position.0, Ordering::SeqCst)));
    publish(&store, 2, 5);
    store.flush().expect("the flush works");
    assert_eq!(store.committed(), Position(2));
    assert!(store.snapshot().tail.is_empty());
    assert_holds(&store, 15);
    let stats = store.stats();
    assert_eq!((stats.table_rows, stats.tail_rows, stats.tail_bytes, stats.table_files), (15, 0, 0, 1));
    drop(store);
    assert_eq!(told.load(Ordering::SeqCst), 2);
}

#[test]
fn a_reopened_store_knows_its_position_and_takes_no_batch_twice() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    assert_eq!(store.committed(), Position(0));
    publish(&store, 1, 10);
    publish(&store, 2, 10);
    store.flush().expect("the flush works");
    publish(&store, 3, 10);
    drop(store);
    // Position 3 was in the tail only; the journal brings it again, and 2 too when its acknowledgement was lost.
    let store = open(&dir, options());
    assert_eq!(store.committed(), Position(2));
    assert_holds(&store, 20);
    for position in [2, 3] {
        publish(&store, position, 10);
    }
    store.flush().expect("the flush works");
    assert_holds(&store, 30);
    assert_eq!(store.committed(), Position(3));
}

#[test]
fn a_snapshot_never_misses_or_doubles_a_row_while_flushes_run() {
    let dir = TempDir::new().expect("a folder");
    let store =
        Arc::new(open(&dir, Options { flush_rows: 150, maintenance_interval: Duration::from_millis(1), ..options() }));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for position in 1..=60 {
                publish(&store, position, 50);
            }
            store.flush().expect("the flush works");
            done.store(true, Ordering::SeqCst);
        });
        let mut last = 0;
        while !done.load(Ordering::SeqCst) {
            let snapshot = store.snapshot();
            let ids = ids(&snapshot);
            assert!(ids.values().all(|count| *count == 1), "every event once");
            assert_eq!(ids.len() as u64, snapshot.rows);
            assert!(ids.len() >= last && ids.len().is_multiple_of(50), "{last} events, then {}", ids.len());
            last = ids.len();
        }
    });
    assert_holds(&store, 3000);
    let stats = store.stats();
    assert!(stats.flushes > 1 && stats.maintenance_failure.is_none(), "{stats:?}");
}

#[test]
fn rows_are_filed_by_day_and_sorted_by_time() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    publish_at(&store, 1, 10, START + DAY_MICROS);
    publish_at(&store, 2, 10, START);
    publish_at(&store, 3, 10, START - 5_000_000);
    store.flush().expect("the flush works");
    let mut files = data_files(dir.path()).expect("a readable folder");
    files.sort();
    assert_eq!(files.iter().map(|file| &file[..14]).collect::<Vec<_>>(), ["day=2023-11-14", "day=2023-11-15"]);
    let (first, _) = files[0].split_at(14);
    let day = crate::layout::day_of(&first[4..]).expect("a day");
    let rows = table(&store.snapshot());
    let times: Vec<i64> = rows.iter().filter(|(of, _)| *of == day).flat_map(|(_, batch)| times(batch)).collect();
    assert_eq!(times.len(), 20);
    assert!(times.is_sorted());
}

#[test]
fn records_of_many_days_do_not_make_as_many_files() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, Options { flush_days_max: 20, ..options() });
    let mut all = EncodedBatch::default();
    for day in 0..500 {
        let part = batch(&store, 1, 1, day * DAY_MICROS);
        all.append(part);
    }
    store.publish(all, Position(1)).expect("the store takes events");
    store.flush().expect("the flush works");
    assert_eq!(store.stats().table_files, 20);
    let snapshot = store.snapshot();
    let early = 334 * DAY_MICROS;
    let found: usize =
        table(&snapshot).iter().map(|(_, batch)| times(batch).iter().filter(|at| **at < early).count()).sum();
    assert_eq!(found, 334, "a row is filed under some day");
    for file in snapshot.data.iter() {
        let Some(Range::Time(first, last)) = file.range("@timestamp") else { panic!("{file:?} has no times") };
        let reader = DataFileReader::open(&snapshot.dir, &file.path).expect("a readable file");
        for at in reader.decode(0, &snapshot.schema).expect("rows").iter().flat_map(times) {
            assert!((first..=last).contains(&&at), "a row is found by its time wherever it is filed");
        }
    }
}

#[test]
fn new_fields_become_new_columns() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    publish(&store, 1, 10);
    store.flush().expect("the flush works");
    drop(store);
    let (registry, schema) = schema_of(&["dns.question.name", "destination.ip"]);
    let store = Store::open(dir.path(), schema, NODE, options()).expect("the store opens");
    assert!(store.schema().column("source.ip").is_some(), "old columns stay");
    let arena = Bump::new();
    let mut encoder = store.encoder();
    let mut event = Event::with_capacity_in(1, &arena);
    event.set(registry.id("destination.ip").expect("a field"), Value::Str("192.0.2.7"));
    event.set(registry.id("source.ip").expect("a field"), Value::Str("192.0.2.8"));
    let old = batch(&store, 2, 1, START);
    let template = Meta {
        event_id: EventId::new(NODE, Position(2), Timestamp::from_micros(START), 7),
        ingested: Timestamp::from_micros(START),
        timestamp: Timestamp::from_micros(START),
        intake_id: IntakeId(Uuid::from_u128(1)),
        intake_name: "test",
        format: "f",
        status: Status::Valid,
        reason: None,
        raw: "",
    };
    encoder.append(&event, &template);
    let mut new = encoder.finish();
    new.append(old);
    store.publish(new, Position(2)).expect("the store takes events");
    store.flush().expect("the flush works");
    assert_holds(&store, 12);
    let found = table(&store.snapshot());
    let held = |name: &str| {
        let column = |batch: &RecordBatch| batch.column_by_name(name).expect("a column").clone();
        found.iter().map(|(_, batch)| batch.num_rows() - column(batch).null_count()).sum::<usize>()
    };
    let counts = [held("destination.ip"), held("source.ip"), held("event.id")];
    assert_eq!(counts, [1, 7, 12]);
    drop(store);
    let store = Store::open_read_only(dir.path()).expect("the table opens");
    assert_holds(&store, 12);
    assert!(store.schema().column("destination.ip").is_some());
    assert!(matches!(store.publish(EncodedBatch::default(), Position(9)), Err(StoreError::Closed)));
}

#[test]
fn reading_needs_a_table() {
    let dir = TempDir::new().expect("a folder");
    let error = Store::open_read_only(dir.path()).expect_err("there is nothing");
    assert!(error.to_string().ends_with("holds no event table"), "{error}");
}

#[test]
fn compaction_keeps_every_row_and_vacuum_every_live_file() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, Options { vacuum_after: Duration::ZERO, checkpoint_commits: 3, ..options() });
    // Full row groups, which are taken over, between small ones, which are decoded.
    let sizes = [1000, 30, 1000, 7, 1, 900];
    for (position, rows) in (1..).zip(sizes) {
        publish_at(&store, position, rows, START + i64::from(rows));
        store.flush().expect("the flush works");
    }
    let before = store.snapshot();
    assert_eq!(before.files, 6);
    store.maintain().expect("maintenance works");
    let stats = store.stats();
    assert_eq!((stats.table_files, stats.table_rows), (1, 2938));
    assert_eq!((stats.compactions, stats.compacted_files, stats.vacuumed_files), (1, 6, 6));
    assert_eq!(stats.checkpoints, 1);
    assert_eq!(data_files(dir.path()).expect("a readable folder").len(), 1);
    assert_holds(&store, 2938);
    // The log that the checkpoint replaced is gone, and what follows works all the same.
    publish(&store, 7, 10);
    store.flush().expect("the flush works");
    store.maintain().expect("maintenance works");
    assert_holds(&store, 2948);
    drop(store);
    let store = open(&dir, options());
    assert_holds(&store, 2948);
    assert_eq!(store.committed(), Position(7));
    let named = |(_, batch): &(i32, RecordBatch)| {
        let names = batch.column_by_name("dns.question.name").expect("a column").clone();
        names.as_string_view().iter().flatten().filter(|name| *name == "host-3-999.example.com").count()
    };
    assert_eq!(table(&store.snapshot()).iter().map(named).sum::<usize>(), 1);
}

#[test]
fn days_expire() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, Options { retention_days: Some(2), vacuum_after: Duration::ZERO, ..options() });
    let now = Timestamp::now().as_micros() - DAY_MICROS;
    publish_at(&store, 1, 10, START);
    publish_at(&store, 2, 1, now);
    store.flush().expect("the flush works");
    assert_holds(&store, 11);
    store.maintain().expect("maintenance works");
    assert_holds(&store, 1);
    assert_eq!(data_files(dir.path()).expect("a readable folder").len(), 1);
    assert_eq!(store.stats().expired_files, 1);
    assert!(!dir.path().join("day=2023-11-14").exists());
}

#[test]
fn files_of_a_crashed_process_are_swept_up() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    publish(&store, 1, 10);
    store.flush().expect("the flush works");
    drop(store);
    let orphan = dir.path().join("day=2023-11-14/part-never-committed.parquet");
    std::fs::write(&orphan, b"half a file").expect("a writable folder");
    let store = open(&dir, Options { vacuum_after: Duration::ZERO, ..options() });
    assert_holds(&store, 10);
    store.maintain().expect("maintenance works");
    assert!(!orphan.exists());
    assert_holds(&store, 10);
}

#[test]
fn a_commit_torn_by_a_power_failure_is_dropped() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    publish(&store, 1, 10);
    store.flush().expect("the flush works");
    let version = store.stats().version;
    drop(store);
    for torn in ["", "{\"commitInfo\":{\"timest"] {
        std::fs::write(crate::layout::commit_file(dir.path(), version + 1), torn).expect("a writable folder");
        let store = open(&dir, options());
        assert_eq!(store.stats().version, version);
        assert_eq!(store.committed(), Position(1));
    }
}

#[test]
fn a_full_tail_holds_the_publisher_back_and_lets_it_go() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, Options { tail_bytes_max: 1, ..options() });
    for position in 1..=5 {
        publish(&store, position, 10);
    }
    store.flush().expect("the flush works");
    assert_holds(&store, 50);
    assert!(store.stats().publish_waits >= 4);
}

#[test]
fn a_disk_that_fails_is_tried_again() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    // A file stands where the day's folder belongs.
    let obstacle = dir.path().join("day=2023-11-14");
    std::fs::write(&obstacle, b"").expect("a writable folder");
    publish(&store, 1, 10);
    let error = store.flush().expect_err("no file can be written");
    assert!(error.to_string().contains("day=2023-11-14"), "{error}");
    assert_holds(&store, 10);
    assert!(store.stats().flush_failure.is_some());
    std::fs::remove_file(&obstacle).expect("it was there");
    while store.flush().is_err() {}
    assert_holds(&store, 10);
    assert_eq!(store.stats().flush_failure, None);
    assert_eq!(store.stats().tail_rows, 0);
}

#[test]
fn a_commit_that_nobody_was_told_of_is_found_and_not_repeated() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, Options { compact_files: 2, ..options() });
    publish(&store, 1, 10);
    store.flush().expect("the flush works");
    publish(&store, 2, 10);
    // The flush gets as far as the log, then its thread fails before anyone sees it.
    let shared = &store.shared;
    let parts = shared.lock().tail.begin_flush(1, 1);
    let adds = crate::flush::write_files(shared, &parts).expect("files can be written");
    let change = crate::commit::Change {
        actions: adds.into_iter().map(deltalake::kernel::Action::Add).collect(),
        operation: deltalake::protocol::DeltaOperation::Write {
            mode: deltalake::protocol::SaveMode::Append,
            partition_by: None,
            predicate: None,
        },
        position: Some((NODE, Position(2))),
    };
    let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shared.commit(change, |_| panic!("lost"))));
    assert!(lost.is_err());
    assert_holds(&store, 20);
    // Maintenance must not show the table with rows that are in the tail too.
    assert!(matches!(store.maintain(), Err(StoreError::Unsettled)));
    assert_holds(&store, 20);
    publish(&store, 3, 10);
    store.flush().expect("the flush works");
    assert_holds(&store, 30);
    assert_eq!(store.stats().flushed_rows, 30);
    store.maintain().expect("maintenance works");
    assert_eq!(store.stats().table_files, 1);
    assert_holds(&store, 30);
}

#[test]
fn a_store_works_inside_another_runtime() {
    let dir = TempDir::new().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let store = open(&dir, options());
        publish(&store, 1, 10);
        store.flush().expect("the flush works");
        store.maintain().expect("maintenance works");
        assert_eq!(store.committed(), Position(1));
    });
}

#[test]
fn rows_that_another_program_deleted_are_known_and_stay_deleted() {
    let dir = TempDir::new().expect("a folder");
    let store = open(&dir, options());
    publish(&store, 1, 10);
    store.flush().expect("the flush works");
    let (version, path) = (store.stats().version, store.snapshot().data[0].path.clone());
    assert!(!store.snapshot().data[0].has_deletions);
    drop(store);
    // What such a program commits: the features it uses, and the file once more with a deletion vector.
    let features = r#"["deletionVectors","appendOnly","invariants"]"#;
    let protocol = format!(
        r#"{{"protocol":{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":{features}}}}}"#
    );
    let remove = format!(r#"{{"remove":{{"path":"{path}","deletionTimestamp":1,"dataChange":true}}}}"#);
    let vector =
        r#"{"storageType":"u","pathOrInlineDv":"vBn[lx{q8@P<9BNH/isA","offset":1,"sizeInBytes":36,"cardinality":2}"#;
    let add = format!(
        r#"{{"add":{{"path":"{path}","partitionValues":{{"day":"2023-11-14"}},"size":9,"modificationTime":1,"dataChange":true,"stats":"{{\"numRecords\":10}}","deletionVector":{vector}}}}}"#
    );
    let commit = [protocol, remove, add].join("\n");
    std::fs::write(crate::layout::commit_file(dir.path(), version + 1), commit).expect("a writable folder");
    let store = Store::open_read_only(dir.path()).expect("the table opens");
    let snapshot = store.snapshot();
    assert_eq!(snapshot.data.len(), 1);
    assert!(snapshot.data[0].has_deletions);
}
