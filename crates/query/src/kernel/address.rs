//! Addresses as bytes that sort as numbers do: IPv4 before IPv6, and what is no address after both.

use std::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BinaryArray, BinaryBuilder, StringArrayType};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::lit;
use datafusion::scalar::ScalarValue;

/// The sort key of a column of addresses; null where the column is.
pub(crate) fn address_key(address: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(AddressKey { signature }).call(vec![address])
}

/// The sort key of one address.
pub(crate) fn address_key_of(address: &str) -> Expr {
    let mut key = Vec::new();
    write_key(address, &mut key);
    lit(ScalarValue::Binary(Some(key)))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AddressKey {
    signature: Signature,
}

impl ScalarUDFImpl for AddressKey {
    fn name(&self) -> &str {
        "[address key]"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = args.args.as_slice() else { return exec_err!("an address key takes one column") };
        let array = argument.to_array(args.number_rows)?;
        let keys = match array.data_type() {
            DataType::Utf8View => keys(array.as_string_view()),
            DataType::Utf8 => keys(array.as_string::<i32>()),
            // A column of nulls only, which a file may lack.
            DataType::Null => BinaryArray::new_null(array.len()),
            kind => return exec_err!("an address key takes text, not {kind}"),
        };
        Ok(ColumnarValue::Array(Arc::new(keys)))
    }
}

fn keys<'a>(addresses: impl StringArrayType<'a>) -> BinaryArray {
    let mut keys = BinaryBuilder::with_capacity(addresses.len(), addresses.len() * 5);
    let mut key = Vec::new();
    for row in 0..addresses.len() {
        if addresses.is_null(row) {
            keys.append_null();
            continue;
        }
        key.clear();
        write_key(addresses.value(row), &mut key);
        keys.append_value(&key);
    }
    keys.finish()
}

/// The family, the number with its highest byte first, and a scope (`fe80::1%eth0`).
fn write_key(text: &str, key: &mut Vec<u8>) {
    let (plain, scope) = text.split_once('%').unwrap_or((text, ""));
    match plain.parse() {
        Ok(IpAddr::V4(address)) => {
            key.push(4);
            key.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            key.push(6);
            key.extend_from_slice(&address.octets());
        }
        Err(_) => {
            key.push(u8::MAX);
            key.extend_from_slice(plain.as_bytes());
        }
    }
    key.extend_from_slice(scope.as_bytes());
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn addresses_sort_as_numbers() {
        let sorted =
            ["0.0.0.0", "9.255.255.255", "10.0.0.2", "198.51.100.7", "::", "::1", "2001:db8::1", "fe80::1", "no"];
        let keys = keys(&StringViewArray::from(sorted.to_vec()));
        assert!((1..sorted.len()).all(|row| keys.value(row - 1) < keys.value(row)));
        let scoped = super::keys(&StringViewArray::from(vec![Some("fe80::1"), Some("fe80::1%eth0"), None]));
        assert!(scoped.value(0) < scoped.value(1));
        assert!(scoped.is_null(2));
    }
}
