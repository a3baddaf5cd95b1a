//! The items of a list, each once: an event counts once for a value, however often its list holds it.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The same lists without repeated items and without nulls.
pub(crate) fn distinct_items(list: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(DistinctItems { signature }).call(vec![list])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DistinctItems {
    signature: Signature,
}

impl ScalarUDFImpl for DistinctItems {
    fn name(&self) -> &str {
        "[distinct items]"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match kinds {
            [kind] => Ok(kind.clone()),
            _ => exec_err!("distinct items are taken from one list"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = args.args.as_slice() else { return exec_err!("distinct items are taken from one list") };
        let array = argument.to_array(args.number_rows)?;
        let Some(lists) = array.as_list_opt::<i32>() else {
            return exec_err!("distinct items are taken from a list, not from {}", array.data_type());
        };
        Ok(ColumnarValue::Array(Arc::new(distinct(lists)?)))
    }
}

fn distinct(lists: &ListArray) -> Result<ListArray> {
    let items = lists.values();
    // Lists are short: comparing each item with those before it beats hashing.
    let same: Box<dyn Fn(usize, usize) -> bool + '_> = match items.data_type() {
        DataType::Utf8View => {
            let items = items.as_string_view();
            Box::new(|a, b| items.value(a) == items.value(b))
        }
        DataType::Utf8 => {
            let items = items.as_string::<i32>();
            Box::new(|a, b| items.value(a) == items.value(b))
        }
        DataType::Int64 => {
            let items = items.as_primitive::<Int64Type>();
            Box::new(|a, b| items.value(a) == items.value(b))
        }
        DataType::Float64 => {
            let items = items.as_primitive::<Float64Type>();
            Box::new(|a, b| items.value(a).total_cmp(&items.value(b)).is_eq())
        }
        kind => return exec_err!("items of {kind} cannot be compared"),
    };
    let mut kept: Vec<u32> = Vec::with_capacity(items.len());
    let mut lengths = Vec::with_capacity(lists.len());
    for (row, ends) in lists.value_offsets().windows(2).enumerate() {
        let before = kept.len();
        if lists.is_valid(row) {
            for item in ends[0] as usize..ends[1] as usize {
                let repeated = kept[before..].iter().any(|&known| same(known as usize, item));
                if items.is_valid(item) && !repeated {
                    kept.push(item as u32);
                }
            }
        }
        lengths.push(kept.len() - before);
    }
    drop(same);
    // Most lists hold nothing twice.
    if kept.len() == items.len() {
        return Ok(lists.clone());
    }
    let values: ArrayRef = take(items, &UInt32Array::from(kept), None)?;
    let DataType::List(field) = lists.data_type() else { return exec_err!("not a list") };
    let field = Arc::new(field.as_ref().clone().with_nullable(true));
    Ok(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, lists.nulls().cloned())?)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ListBuilder, StringViewBuilder};

    use super::*;

    #[test]
    fn each_item_once() {
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        lists.append_value([Some("a"), Some("b"), Some("a"), None]);
        lists.append_null();
        lists.append_value([Some("a")]);
        let made = distinct(&lists.finish()).unwrap();
        let row = |row: usize| {
            let items = made.value(row);
            items.as_string_view().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row(0), ["a", "b"]);
        assert!(made.is_null(1));
        assert_eq!(row(2), ["a"]);
    }
}
