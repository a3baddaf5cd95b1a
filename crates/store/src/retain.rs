//! Retention: days that are too old leave the table, and the oldest ones when the table takes too much room.

use deltalake::kernel::{Action, LogicalFileView};
use deltalake::protocol::DeltaOperation;
use tidegate_event::Timestamp;

use crate::commit::Change;
use crate::error::StoreError;
use crate::layout::day_text;
use crate::options::Options;
use crate::store::Shared;
use crate::table::{day, files};

/// What the choice needs of a file.
#[derive(Clone, Copy, Debug)]
struct Sized {
    day: i32,
    bytes: u64,
    written: i64,
}

/// Takes expired files out of the table; gives how many.
pub(crate) fn run(shared: &Shared) -> Result<u64, StoreError> {
    let table = shared.committer.table();
    let views = files(&table)?;
    let sizes: Vec<Sized> = views.iter().map(size).collect();
    let expired = choose(&sizes, Timestamp::now().day(), &shared.options);
    let (Some(first), Some(last)) = (expired.first(), expired.last()) else { return Ok(0) };
    let (first, last) = (day_text(sizes[*first].day), day_text(sizes[*last].day));
    tracing::info!(files = expired.len(), "retention drops {} files of {first} to {last}", expired.len());
    let change = Change {
        actions: expired.iter().map(|index| Action::Remove(views[*index].remove_action(true))).collect(),
        operation: DeltaOperation::Delete { predicate: Some(format!("day between '{first}' and '{last}'")) },
        position: None,
    };
    shared.commit(change, |table| {
        let mut state = shared.lock();
        state.show(table);
        state.commits += 1;
        state.stats.expired_files += expired.len() as u64;
    })?;
    shared.graveyard().bury(expired.iter().map(|index| views[*index].path().into_owned()));
    Ok(expired.len() as u64)
}

fn size(view: &LogicalFileView) -> Sized {
    Sized { day: day(view), bytes: u64::try_from(view.size()).unwrap_or_default(), written: view.modification_time() }
}

/// The files to drop, oldest day first. The room that is asked for is found in whole days; only when the last day alone
/// takes more do its first written files go.
fn choose(files: &[Sized], today: i32, options: &Options) -> Vec<usize> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|index| (files[*index].day, files[*index].written));
    let oldest = options.retention_days.map(|days| today.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)));
    let newest = order.last().map(|index| files[*index].day);
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    let bound = options.retention_bytes.unwrap_or(u64::MAX);
    let mut expired = Vec::new();
    for day in order.chunk_by(|a, b| files[*a].day == files[*b].day) {
        let this = files[day[0]].day;
        let whole = oldest.is_some_and(|oldest| this < oldest) || (total > bound && Some(this) != newest);
        for index in day {
            if whole || total > bound {
                total -= files[*index].bytes;
                expired.push(*index);
            }
        }
    }
    expired
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(days: Option<u32>, bytes: Option<u64>) -> Options {
        Options { retention_days: days, retention_bytes: bytes, ..Options::default() }
    }

    fn file(day: i32, bytes: u64, written: i64) -> Sized {
        Sized { day, bytes, written }
    }

    #[test]
    fn old_days_go() {
        let files = [file(10, 1, 5), file(7, 1, 9), file(6, 1, 9), file(8, 1, 1)];
        assert_eq!(choose(&files, 10, &options(Some(3), None)), [2]);
        assert_eq!(choose(&files, 10, &options(Some(2), None)), [2, 1]);
        assert!(choose(&files, 10, &options(None, None)).is_empty());
    }

    #[test]
    fn whole_days_go_until_the_rest_fits() {
        let files = [file(1, 10, 0), file(1, 10, 1), file(2, 10, 2), file(3, 10, 3)];
        assert_eq!(choose(&files, 3, &options(None, Some(35))), [0, 1]);
        assert_eq!(choose(&files, 3, &options(None, Some(20))), [0, 1]);
        assert_eq!(choose(&files, 3, &options(None, Some(19))), [0, 1, 2]);
    }

    #[test]
    fn a_last_day_that_is_too_large_loses_its_first_files() {
        let files = [file(3, 10, 2), file(3, 10, 1), file(3, 10, 3)];
        assert_eq!(choose(&files, 3, &options(None, Some(15))), [1, 0]);
    }
}
