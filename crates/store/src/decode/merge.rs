//! What no column held exactly goes back to its place. Rare, so it may cost reading JSON again. Values are moved as
//! text: numbers come out digit for digit.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

/// The members of an object, each as JSON text.
type Members = BTreeMap<String, Box<RawValue>>;

/// Merges the `wanted` names of `extra`, a JSON object of dotted name -> value, into the object that stands in `out`
/// from `start` on.
pub(super) fn extra_into(extra: &str, start: usize, out: &mut Vec<u8>, wanted: impl Fn(&str) -> bool) {
    let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs>(extra) else { return };
    let Ok(mut row) = serde_json::from_slice::<Members>(&out[start..]) else { return };
    for (name, value) in pairs.into_iter().filter(|(name, _)| wanted(name)) {
        put(&mut row, &name, value);
    }
    out.truncate(start);
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(out, &row);
}

/// Sets a dotted name. What stands there already gives way, except that objects merge, the members of `row` winning.
fn put(row: &mut Members, name: &str, value: Box<RawValue>) {
    let Some((first, rest)) = name.split_once('.') else {
        let value = match (row.get(name).and_then(|old| members(old)), members(&value)) {
            (Some(old), Some(mut new)) => {
                new.extend(old);
                to_raw_value(&new).unwrap_or(value)
            }
            _ => value,
        };
        row.insert(name.to_owned(), value);
        return;
    };
    let inner = match row.get(first) {
        Some(old) => members(old),
        None => Some(Members::new()),
    };
    // Below a scalar or a list JSON has no place for more.
    if let Some(mut inner) = inner {
        put(&mut inner, rest, value);
        if let Ok(inner) = to_raw_value(&inner) {
            row.insert(first.to_owned(), inner);
        }
    }
}

/// The members of an object; nothing for any other value.
fn members(value: &RawValue) -> Option<Members> {
    if value.get().starts_with('{') { serde_json::from_str(value.get()).ok() } else { None }
}

/// The pairs of `extra` in their order: a name comes before those below it.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(row: &str, extra: &str) -> String {
        let mut out = row.as_bytes().to_vec();
        extra_into(extra, 0, &mut out, |_| true);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn values_return_to_their_place() {
        assert_eq!(merged(r#"{"a":{"b":1}}"#, r#"{"a.c":2,"d":[3]}"#), r#"{"a":{"b":1,"c":2},"d":[3]}"#);
        assert_eq!(merged(r#"{"a":{"b":"1"}}"#, r#"{"a.b":1}"#), r#"{"a":{"b":1}}"#);
        assert_eq!(merged(r#"{"a":{"b":1}}"#, r#"{"a":{"b":2,"c":3}}"#), r#"{"a":{"b":1,"c":3}}"#);
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(
            merged(r#"{"a":1.4626142860037646e+197}"#, r#"{"b":2.9137506969247327e-237}"#),
            r#"{"a":1.4626142860037646e+197,"b":2.9137506969247327e-237}"#
        );
    }

    #[test]
    fn a_scalar_keeps_what_is_below_it_out() {
        assert_eq!(merged(r#"{"a":1}"#, r#"{"a.b":2}"#), r#"{"a":1}"#);
    }
}
