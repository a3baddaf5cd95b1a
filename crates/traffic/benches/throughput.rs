//! Records a second on one core, by field set, and packed as Logpush batches.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tidegate_event::Timestamp;
use tidegate_traffic::{Config, FieldSet, Generator, Packer};

const RECORDS: usize = 20_000;
const EVER: Timestamp = Timestamp::from_micros(i64::MAX);

fn main() {
    divan::main();
}

fn warm(fields: FieldSet) -> Generator {
    let config = Config { rate_eps: 60_000.0, fields, ..Config::default() };
    let mut generator = Generator::new(config).unwrap_or_else(|error| panic!("{error}"));
    let mut out = Vec::new();
    for _ in 0..20 {
        out.clear();
        generator.next_batch(EVER, RECORDS, &mut out);
    }
    generator
}

#[divan::bench(args = [FieldSet::Documented, FieldSet::Default, FieldSet::Full], sample_count = 30)]
fn generate(bencher: Bencher<'_, '_>, fields: FieldSet) {
    let mut generator = warm(fields);
    let mut out = Vec::new();
    generator.next_batch(EVER, RECORDS, &mut out);
    let bytes = out.len();
    bencher.counter(ItemsCount::new(RECORDS)).counter(BytesCount::new(bytes)).bench_local(|| {
        out.clear();
        generator.next_batch(EVER, RECORDS, &mut out)
    });
}

#[divan::bench(args = [1, 6], sample_count = 20)]
fn pack_batches_of_1000(bencher: Bencher<'_, '_>, level: u32) {
    let mut generator = warm(FieldSet::Default);
    let mut packer = Packer::new(1_000, level);
    bencher.counter(ItemsCount::new(1_000_usize)).bench_local(|| packer.next(&mut generator, EVER));
}
