//! Counts the items of lists: how many events hold each.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use hashbrown::HashMap;

/// What a counted value takes beside its text.
const ENTRY_BYTES: usize = 64;

/// How many events hold each value, for the lists seen so far.
pub(super) struct Items {
    texts: HashMap<Box<str>, i64>,
    ints: HashMap<i64, i64>,
    /// By their bits.
    floats: HashMap<u64, i64>,
    /// Lists seen.
    pub(super) rows: u64,
    /// Those that hold a value.
    pub(super) having: u64,
    memory: MemoryReservation,
    /// Of one batch: where a value was seen first, and how often. Texts go by their views, which are cheaper to hash, so a
    /// value may stand here more than once.
    batch: HashMap<u128, (usize, i64)>,
}

impl Items {
    /// `memory` pays for the values.
    pub(super) fn new(memory: MemoryReservation) -> Self {
        Self {
            texts: HashMap::new(),
            ints: HashMap::new(),
            floats: HashMap::new(),
            rows: 0,
            having: 0,
            memory,
            batch: HashMap::new(),
        }
    }

    /// Counts a column of lists.
    pub(super) fn add(&mut self, column: &ArrayRef) -> Result<()> {
        let Some(lists) = column.as_list_opt::<i32>() else {
            return exec_err!("items are counted of lists, not of {}", column.data_type());
        };
        let items = lists.values();
        self.batch.clear();
        match items.data_type() {
            DataType::Utf8View => {
                let items = items.as_string_view();
                let views = items.views();
                self.count(lists, |item| views[item], |a, b| same_text(items, a, b));
                self.take_texts(items)?;
            }
            DataType::Int64 => {
                let values = items.as_primitive::<Int64Type>().values();
                self.count(lists, |item| u128::from(values[item].cast_unsigned()), |a, b| values[a] == values[b]);
                for &(first, events) in self.batch.values() {
                    *self.ints.entry(values[first]).or_default() += events;
                }
            }
            DataType::Float64 => {
                let values = items.as_primitive::<Float64Type>().values();
                let bits = |item: usize| values[item].to_bits();
                self.count(lists, |item| u128::from(bits(item)), |a, b| bits(a) == bits(b));
                for &(first, events) in self.batch.values() {
                    *self.floats.entry(bits(first)).or_default() += events;
                }
            }
            kind => return exec_err!("items of {kind} cannot be counted"),
        }
        let numbers = (self.ints.len() + self.floats.len()) * ENTRY_BYTES;
        if self.texts.is_empty() { self.memory.try_resize(numbers) } else { Ok(()) }
    }

    /// Fills the batch's counts. A value counts once a list, however often the list holds it: lists are short, so comparing
    /// each item with those before it beats hashing.
    fn count(&mut self, lists: &ListArray, key: impl Fn(usize) -> u128, same: impl Fn(usize, usize) -> bool) {
        let items = lists.values().nulls();
        for (row, ends) in lists.value_offsets().windows(2).enumerate() {
            self.rows += 1;
            if lists.is_null(row) {
                continue;
            }
            let (start, end) = (ends[0] as usize, ends[1] as usize);
            let valid = |item: usize| items.is_none_or(|nulls| nulls.is_valid(item));
            let mut held = false;
            for item in start..end {
                if !valid(item) {
                    continue;
                }
                held = true;
                if !(start..item).any(|before| valid(before) && same(before, item)) {
                    self.batch.entry(key(item)).or_insert((item, 0)).1 += 1;
                }
            }
            self.having += u64::from(held);
        }
    }

    fn take_texts(&mut self, items: &StringViewArray) -> Result<()> {
        let mut grown = 0;
        for &(first, events) in self.batch.values() {
            let text = items.value(first);
            if let Some(known) = self.texts.get_mut(text) {
                *known += events;
            } else {
                self.texts.insert(text.into(), events);
                grown += text.len() + ENTRY_BYTES;
            }
        }
        self.memory.try_grow(grown)
    }

    /// Takes over what another counted.
    pub(super) fn join(&mut self, other: Self) -> Result<()> {
        self.rows += other.rows;
        self.having += other.having;
        self.memory.try_grow(other.memory.size())?;
        for (text, events) in other.texts {
            *self.texts.entry(text).or_default() += events;
        }
        for (value, events) in other.ints {
            *self.ints.entry(value).or_default() += events;
        }
        for (bits, events) in other.floats {
            *self.floats.entry(bits).or_default() += events;
        }
        Ok(())
    }

    /// The values, each once, and how many events hold each.
    pub(super) fn groups(&self) -> [(ArrayRef, Int64Array); 3] {
        let texts = StringViewArray::from_iter_values(self.texts.keys());
        let ints = Int64Array::from_iter_values(self.ints.keys().copied());
        let floats = Float64Array::from_iter_values(self.floats.keys().map(|bits| f64::from_bits(*bits)));
        [
            (Arc::new(texts), self.texts.values().copied().collect()),
            (Arc::new(ints), self.ints.values().copied().collect()),
            (Arc::new(floats), self.floats.values().copied().collect()),
        ]
    }
}

/// Whether two texts of a column are the same; their views, which hold length and beginning, mostly tell.
fn same_text(items: &StringViewArray, a: usize, b: usize) -> bool {
    let (one, other) = (items.views()[a], items.views()[b]);
    one == other || (one as u64 == other as u64 && items.value(a) == items.value(b))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Builder, ListBuilder, StringViewBuilder};
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};

    use super::*;

    fn counted(bytes_max: usize, columns: &[ArrayRef]) -> Result<Items> {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes_max));
        let mut items = Items::new(MemoryConsumer::new("items").register(&pool));
        for column in columns {
            let mut part = Items::new(MemoryConsumer::new("part").register(&pool));
            part.add(column)?;
            items.join(part)?;
        }
        Ok(items)
    }

    fn texts() -> ArrayRef {
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        lists.append_value([Some("a"), Some("a text too long for its view"), Some("a"), None]);
        lists.append_null();
        lists.append_value([None::<&str>]);
        lists.append_value([Some("a text too long for its view"), Some("a text too long for its view")]);
        lists.append_value([Some("a text too long to differ early")]);
        Arc::new(lists.finish())
    }

    #[test]
    fn a_value_counts_once_a_list() {
        let items = counted(10_000, &[texts(), texts().slice(3, 2)]).unwrap();
        let mut texts: Vec<_> = items.texts.iter().map(|(text, events)| (&**text, *events)).collect();
        texts.sort_unstable();
        assert_eq!(texts, [("a", 1), ("a text too long for its view", 3), ("a text too long to differ early", 2)]);
        assert_eq!((items.rows, items.having), (7, 5));
        let [(values, counts), (ints, _), (floats, _)] = items.groups();
        assert_eq!((values.len(), counts.len(), ints.len(), floats.len()), (3, 3, 0, 0));
    }

    #[test]
    fn numbers_count_too() {
        let mut lists = ListBuilder::new(Int64Builder::new());
        lists.append_value([Some(-1), Some(7), Some(-1)]);
        lists.append_value([Some(7), None]);
        let items = counted(10_000, &[Arc::new(lists.finish())]).unwrap();
        assert_eq!((items.ints[&-1], items.ints[&7], items.having), (1, 2, 2));
    }

    #[test]
    fn values_beyond_the_memory_are_refused() {
        assert!(counted(100, &[texts()]).is_err());
    }
}
