//! Columns of nothing but nulls: one allocation a type, whatever the number of columns and batches.

use std::collections::HashMap;

use deltalake::arrow::array::{Array, ArrayRef, new_null_array};
use deltalake::arrow::datatypes::DataType;

/// The longest column of nulls that was asked for of each type, and slices of it.
#[derive(Debug, Default)]
pub(crate) struct Nulls {
    longest: HashMap<DataType, ArrayRef>,
    /// Slices of `rows` rows, as most columns of a batch ask for the same.
    sliced: HashMap<DataType, ArrayRef>,
    rows: usize,
}

impl Nulls {
    /// A column of `rows` nulls.
    pub(crate) fn of(&mut self, kind: &DataType, rows: usize) -> ArrayRef {
        if rows != self.rows {
            self.sliced.clear();
            self.rows = rows;
        }
        if let Some(array) = self.sliced.get(kind) {
            return array.clone();
        }
        let longest = match self.longest.get(kind) {
            Some(array) if array.len() >= rows => array.clone(),
            _ => {
                let array = new_null_array(kind, rows.next_power_of_two());
                self.longest.insert(kind.clone(), array.clone());
                array
            }
        };
        let array = longest.slice(0, rows);
        self.sliced.insert(kind.clone(), array.clone());
        array
    }
}
