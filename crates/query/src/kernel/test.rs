//! Runs a [`Condition`] over a column.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, ListArray, StringArrayType,
};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::arrow::datatypes::{ArrowNativeType, DataType, Float64Type, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::ident;

use super::same_by_name;
use crate::language::{Condition, Field, TextTest};

/// Whether the field's value, or an item of its list, meets the condition. Never null.
pub(crate) fn passes(field: &Field, condition: &Condition) -> Expr {
    ScalarUDF::new_from_impl(Passes::new(condition.clone(), field.folded)).call(vec![ident(&field.name)])
}

/// A condition as a function of one column.
#[derive(Debug)]
struct Passes {
    name: String,
    condition: Condition,
    folded: bool,
    signature: Signature,
}

same_by_name!(Passes);

impl Passes {
    fn new(condition: Condition, folded: bool) -> Self {
        let name = format!("[{condition}{}]", if folded { ", folded" } else { "" });
        Self { name, condition, folded, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Passes {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [argument] = args.args.as_slice() else { return exec_err!("`{}` takes one column", self.name) };
        let array = argument.to_array(rows)?;
        let values = match array.data_type() {
            DataType::List(_) => any_item(array.as_list::<i32>(), |items| self.flat(items))?,
            _ => self.flat(&array)?,
        };
        Ok(ColumnarValue::Array(std::sync::Arc::new(BooleanArray::new(values, None))))
    }
}

impl Passes {
    /// One bit a value; a null never passes.
    fn flat(&self, array: &ArrayRef) -> Result<BooleanBuffer> {
        let passed = match (&self.condition, array.data_type()) {
            (Condition::Exists, _) => BooleanBuffer::new_set(array.len()),
            (Condition::Text(test), DataType::Utf8View) => text(test, self.folded, array.as_string_view()),
            (Condition::Text(test), DataType::Utf8) => text(test, self.folded, array.as_string::<i32>()),
            (Condition::Ip(range), DataType::Utf8View) => {
                strings(array.as_string_view(), |value| range.contains(value))
            }
            (Condition::Ip(range), DataType::Utf8) => strings(array.as_string::<i32>(), |value| range.contains(value)),
            (Condition::Int(range), DataType::Int64) => {
                let values = array.as_primitive::<Int64Type>().values();
                BooleanBuffer::collect_bool(values.len(), |row| range.contains(values[row]))
            }
            (Condition::Float(range), DataType::Float64) => {
                let values = array.as_primitive::<Float64Type>().values();
                BooleanBuffer::collect_bool(values.len(), |row| range.contains(values[row]))
            }
            // A column of nulls only, which a file may lack.
            (_, DataType::Null) => BooleanBuffer::new_unset(array.len()),
            (condition, kind) => return exec_err!("`{condition}` does not apply to a column of {kind}"),
        };
        Ok(match array.logical_nulls() {
            Some(nulls) => &passed & nulls.inner(),
            None => passed,
        })
    }
}

fn text<'a>(test: &TextTest, folded: bool, array: impl StringArrayType<'a>) -> BooleanBuffer {
    if folded {
        return strings(array, |value| test.is_match_folded(value));
    }
    let mut scratch = String::new();
    strings(array, |value| test.is_match(value, &mut scratch))
}

/// Tests every value that is not null.
fn strings<'a>(array: impl StringArrayType<'a>, mut test: impl FnMut(&str) -> bool) -> BooleanBuffer {
    let nulls = array.nulls().cloned().filter(|nulls| nulls.null_count() > 0);
    match nulls {
        None => BooleanBuffer::collect_bool(array.len(), |row| test(array.value(row))),
        Some(nulls) => BooleanBuffer::collect_bool(array.len(), |row| nulls.is_valid(row) && test(array.value(row))),
    }
}

/// Tests the items of all lists at once; a list passes when one of its items does.
fn any_item(lists: &ListArray, test: impl Fn(&ArrayRef) -> Result<BooleanBuffer>) -> Result<BooleanBuffer> {
    let offsets = lists.value_offsets();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return Ok(BooleanBuffer::new_unset(0));
    };
    let first = first.as_usize();
    let passed = test(&lists.values().slice(first, last.as_usize() - first))?;
    let mut rows = BooleanBufferBuilder::new(lists.len());
    for (row, ends) in offsets.windows(2).enumerate() {
        let (start, end) = (ends[0].as_usize() - first, ends[1].as_usize() - first);
        let is_list = lists.nulls().is_none_or(|nulls: &NullBuffer| nulls.is_valid(row));
        rows.append(is_list && (start..end).any(|item| passed.value(item)));
    }
    Ok(rows.finish())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ListBuilder, StringViewArray, StringViewBuilder};

    use super::*;
    use crate::language::IpRange;

    fn bits(buffer: &BooleanBuffer) -> Vec<bool> {
        buffer.iter().collect()
    }

    #[test]
    fn nulls_never_pass() {
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![Some("A"), None, Some("b")]));
        let equals = Passes::new(Condition::Text(TextTest::equals("a")), false);
        assert_eq!(bits(&equals.flat(&array).unwrap()), [true, false, false]);
        let exists = Passes::new(Condition::Exists, false);
        assert_eq!(bits(&exists.flat(&array).unwrap()), [true, false, true]);
    }

    #[test]
    fn a_list_passes_when_an_item_does() {
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        lists.append_value([Some("8.8.8.8"), Some("10.0.0.1")]);
        lists.append_null();
        lists.append_value([None::<&str>]);
        lists.append_value(Vec::<Option<&str>>::new());
        lists.append_value([Some("10.1.1.1")]);
        let lists = lists.finish();
        let range = IpRange::parse("10.0.0.0/8").unwrap();
        let inside = Passes::new(Condition::Ip(range), false);
        let test = |lists: &ListArray| bits(&any_item(lists, |items| inside.flat(items)).unwrap());
        assert_eq!(test(&lists), [true, false, false, false, true]);
        assert_eq!(test(&lists.slice(1, 4)), [false, false, false, true]);
        let exists = Passes::new(Condition::Exists, false);
        let existing = bits(&any_item(&lists, |items| exists.flat(items)).unwrap());
        assert_eq!(existing, [true, false, false, false, true]);
    }
}
