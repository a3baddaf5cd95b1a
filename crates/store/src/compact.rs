//! Compaction: many small files of a day become few large ones. Full row groups are taken over as they are encoded,
//! without decoding a value; only the rows of small ones are decoded, sorted together and encoded again.

use deltalake::arrow::array::RecordBatch;
use deltalake::kernel::{Action, Add, LogicalFileView};
use deltalake::protocol::DeltaOperation;
use tidegate_event::{Timestamp, names};

use crate::commit::Change;
use crate::datafile::{DataFileReader, DataFileWriter};
use crate::error::StoreError;
use crate::file::{DataFile, Range, has_deletions};
use crate::flush::order_by_day;
use crate::options::Options;
use crate::store::Shared;
use crate::table::files;

/// Files that one compaction reads at most.
const INPUTS_MAX: usize = 512;
/// Small files that make a past day worth compacting: it hardly gets more.
const PAST_DAY_FILES: usize = 8;

/// A row group of at least this share of a full one is taken over as it is: flushes that end at their bytes make such.
const FULL_SHARE: usize = 4;

/// A file of the table, as far as the choice needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    day: i32,
    bytes: u64,
    first: i64,
    index: usize,
}

/// Compacts until no day is worth it; gives the files that were replaced.
pub(crate) fn run(shared: &Shared) -> Result<u64, StoreError> {
    let mut replaced = 0;
    loop {
        let table = shared.committer.table();
        let views = files(&table)?;
        // To rewrite a file that another program deleted rows of would bring them back.
        let whole = views.iter().enumerate().filter(|(_, view)| !has_deletions(view));
        let candidates = whole.map(|(index, view)| candidate(index, view)).collect();
        let chosen = choose(candidates, Timestamp::now().day(), &shared.options);
        let Some(first) = chosen.first() else { return Ok(replaced) };
        let inputs: Vec<&LogicalFileView> = chosen.iter().map(|candidate| &views[candidate.index]).collect();
        let add = rewrite(shared, first.day, &inputs)?;
        let actions = inputs.iter().map(|view| Action::Remove(view.remove_action(false))).chain([Action::Add(add)]);
        let change = Change {
            actions: actions.collect(),
            operation: DeltaOperation::Optimize {
                predicate: None,
                target_size: i64::try_from(shared.options.file_bytes).unwrap_or(i64::MAX),
            },
            position: None,
        };
        shared.commit(change, |table| {
            let mut state = shared.lock();
            state.show(table);
            state.commits += 1;
            state.stats.compactions += 1;
            state.stats.compacted_files += inputs.len() as u64;
        })?;
        shared.graveyard().bury(inputs.iter().map(|view| view.path().into_owned()));
        replaced += inputs.len() as u64;
        if shared.lock().stop {
            return Ok(replaced);
        }
    }
}

fn candidate(index: usize, view: &LogicalFileView) -> Candidate {
    let file = DataFile::of(view);
    let first = match file.range(names::TIMESTAMP) {
        Some(Range::Time(first, _)) => *first,
        _ => i64::MIN,
    };
    Candidate { day: file.day, bytes: file.bytes, first, index }
}

/// The files to make one of, oldest rows first; none when nothing is worth it.
fn choose(mut candidates: Vec<Candidate>, today: i32, options: &Options) -> Vec<Candidate> {
    let crowded = candidates.len() > options.files_max;
    // Three quarters of the aim is large enough: what is left to gain is little.
    candidates.retain(|candidate| candidate.bytes < options.file_bytes / 4 * 3);
    candidates.sort_unstable_by_key(|one| (one.day, one.first, one.index));
    let needed = |day: i32| match day {
        _ if crowded => 2,
        day if day < today => PAST_DAY_FILES.min(options.compact_files).max(2),
        _ => options.compact_files.max(2),
    };
    let days = candidates.chunk_by(|a, b| a.day == b.day).filter(|files| files.len() >= needed(files[0].day));
    let Some(files) = days.max_by_key(|files| files.len()) else { return Vec::new() };
    let mut bytes = 0;
    let mut chosen: Vec<Candidate> = Vec::new();
    for file in files.iter().take(INPUTS_MAX) {
        if chosen.len() >= 2 && bytes + file.bytes > options.file_bytes {
            break;
        }
        bytes += file.bytes;
        chosen.push(file.clone());
    }
    chosen
}

/// Writes the rows of `inputs` as one file.
fn rewrite(shared: &Shared, day: i32, inputs: &[&LogicalFileView]) -> Result<Add, StoreError> {
    let schema = &shared.schema;
    let mut present = vec![false; schema.columns().len()];
    for input in inputs {
        let file = DataFileReader::open(&shared.dir, &input.path())?;
        file.names().filter_map(|name| schema.index(name)).for_each(|index| present[index] = true);
    }
    let rows = shared.options.row_group_rows.max(1);
    let mut output = DataFileWriter::create(&shared.dir, day, schema, &present, rows)?;
    let mut pending = Pending::default();
    for input in inputs {
        let file = DataFileReader::open(&shared.dir, &input.path())?;
        let same = output.can_copy(&file);
        for group in 0..file.row_groups() {
            if same && file.rows(group) >= rows / FULL_SHARE {
                output.copy(&file, group)?;
                continue;
            }
            pending.add(file.decode(group, schema)?);
            if pending.rows >= rows || pending.bytes >= shared.options.flush_bytes {
                pending.write(shared, &mut output)?;
            }
        }
    }
    pending.write(shared, &mut output)?;
    output.finish(false)
}

/// Rows that wait for a row group to fill.
#[derive(Default)]
struct Pending {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Pending {
    fn add(&mut self, batches: Vec<RecordBatch>) {
        self.rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        self.bytes += batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
        self.batches.extend(batches);
    }

    fn write(&mut self, shared: &Shared, output: &mut DataFileWriter) -> Result<(), StoreError> {
        let Self { batches, .. } = std::mem::take(self);
        // The partition column is not in the files: all rows are of the one day.
        let order: Vec<(usize, usize)> = order_by_day(&batches, &shared.schema, 1).into_values().flatten().collect();
        if order.is_empty() { Ok(()) } else { output.write(&batches, &order) }
    }
}

#[cfg(test)]
mod tests;
