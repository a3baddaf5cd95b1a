//! The index of the time bucket that a moment falls into.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, Int64Array};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::same_by_name;
use crate::interval::Interval;

/// How many intervals lie between the origin and the moment.
pub(crate) fn bucket(interval: Interval, moment: Expr) -> Expr {
    let name = format!("[bucket of {} µs from {}]", interval.micros(), interval.origin());
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Bucket { name, interval, signature }).call(vec![moment])
}

#[derive(Debug)]
struct Bucket {
    name: String,
    interval: Interval,
    signature: Signature,
}

same_by_name!(Bucket);

impl ScalarUDFImpl for Bucket {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = args.args.as_slice() else { return exec_err!("a bucket takes one moment") };
        let array = argument.to_array(args.number_rows)?;
        let Some(moments) = array.as_primitive_opt::<TimestampMicrosecondType>() else {
            return exec_err!("a bucket takes microseconds, not {}", array.data_type());
        };
        let buckets: Int64Array = moments.unary(|micros| self.interval.index(micros));
        Ok(ColumnarValue::Array(Arc::new(buckets)))
    }
}
