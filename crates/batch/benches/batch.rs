//! Throughput of undoing compression and of splitting, in text bytes, on records of the usual size.

use std::io::Write;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate_batch::{Framing, Limits, count, decode_into, split};

fn main() {
    divan::main();
}

/// About 1 KB a record, with the repetition that logs have.
fn lines(records: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for at in 0..records as u64 {
        let noise = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let _ = write!(
            text,
            "{{\"Datetime\":\"2026-05-04T10:{:02}:{:02}Z\",\"QueryID\":\"{noise:016x}\"",
            at / 60 % 60,
            at % 60
        );
        for field in 0..24_u32 {
            let _ = write!(text, ",\"FieldNumber{field}\":\"value {:x}\"", noise.rotate_left(field) & 0xffff);
        }
        let _ = writeln!(text, ",\"QueryName\":\"host-{:x}.example.org\",\"Answers\":[{{\"type\":1}}]}}", noise >> 40);
    }
    text
}

fn array(records: usize) -> Vec<u8> {
    let mut text = lines(records);
    text.pop();
    let mut out = vec![b'['];
    out.extend(
        text.iter().flat_map(|byte| if *byte == b'\n' { b",\n".as_slice() } else { std::slice::from_ref(byte) }),
    );
    out.push(b']');
    out
}

const RECORDS: usize = 20_000;

#[divan::bench]
fn gunzip(bencher: Bencher<'_, '_>) {
    let text = lines(RECORDS);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text).expect("memory takes it");
    let body = encoder.finish().expect("memory takes it");
    let mut output = Vec::new();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| decode_into(black_box(&body), None, &Limits::default(), &mut output).is_ok());
}

#[divan::bench]
fn unzstd(bencher: Bencher<'_, '_>) {
    let text = lines(RECORDS);
    let body = zstd::encode_all(text.as_slice(), 3).expect("memory takes it");
    let mut output = Vec::new();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| decode_into(black_box(&body), None, &Limits::default(), &mut output).is_ok());
}

#[divan::bench]
fn split_lines(bencher: Bencher<'_, '_>) {
    let text = lines(RECORDS);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| split(&Framing::Lines, black_box(&text), &Limits::default()).is_ok());
}

#[divan::bench]
fn count_lines(bencher: Bencher<'_, '_>) {
    let text = lines(RECORDS);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| count(&Framing::Lines, black_box(&text), &Limits::default()));
}

#[divan::bench]
fn split_array(bencher: Bencher<'_, '_>) {
    let text = array(RECORDS);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| split(&Framing::Array { intake_key: None }, black_box(&text), &Limits::default()).is_ok());
}

#[divan::bench]
fn read_gzip_file(bencher: Bencher<'_, '_>) {
    let text = lines(RECORDS);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text).expect("memory takes it");
    let body = encoder.finish().expect("memory takes it");
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        let reader = Box::new(std::io::Cursor::new(body.clone()));
        let mut records = tidegate_batch::file::from_reader(reader, "bench", None, &Limits::default());
        let mut chunk = tidegate_batch::file::Chunk::default();
        let mut found = 0;
        while records.read_chunk(&mut chunk).expect("whole data") {
            found += chunk.records().len();
        }
        assert_eq!(found, RECORDS);
    });
}

/// What a hostile sender can make of it: members that hold nothing.
#[divan::bench(sample_count = 5)]
fn gunzip_empty_members(bencher: Bencher<'_, '_>) {
    let member = GzEncoder::new(Vec::new(), Compression::default()).finish().expect("memory takes it");
    let body = member.repeat((1 << 20) / member.len());
    let mut output = Vec::new();
    bencher
        .counter(BytesCount::new(body.len()))
        .bench_local(|| decode_into(black_box(&body), None, &Limits::default(), &mut output).is_ok());
}
