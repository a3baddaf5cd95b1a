//! The reader against serde_json, and against hostile text.

use proptest::prelude::*;

use super::*;

/// Any JSON value, as serde_json has it.
fn arbitrary() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        // serde_json reads other floats a digit off
        any::<i32>().prop_map(|number| (f64::from(number) / 8.0).into()),
        any::<String>().prop_map(Into::into),
        "[a-z\"\\\\/\n\t]{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::hash_map("[a-c\"é]{0,3}", inner, 0..6)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn as_json(value: Value<'_>) -> serde_json::Value {
    serde_json::from_str(&value.to_json()).unwrap()
}

/// Reads the given paths; the value of each that is there.
fn read<'a>(text: &'a str, wanted: &[&str], arena: &'a Bump) -> Result<Vec<Option<Value<'a>>>, JsonError> {
    let mut paths = Paths::default();
    let root = paths.root();
    let slots: Vec<Slot> = wanted
        .iter()
        .map(|path| {
            let slot = path.split('.').filter(|key| !key.is_empty()).fold(root, |slot, key| paths.child(slot, key));
            paths.read(slot);
            slot
        })
        .collect();
    paths.finish();
    let mut values = vec![None; paths.nodes.len()];
    let mut hints = Hints::new(&paths);
    for round in 0..2 {
        // the second round knows the order of keys
        values.fill(None);
        let (mut items, mut entries) = (Vec::new(), Vec::new());
        let mut sink =
            Sink { paths: &paths, slots: &mut values, hints: &mut hints, items: &mut items, entries: &mut entries };
        let result = read_paths(text, root, &mut sink, arena);
        if round == 1 {
            result?;
        }
    }
    Ok(slots.iter().map(|slot| values[*slot as usize]).collect())
}

proptest! {
    #[test]
    fn values_are_read_as_serde_json_reads_them(value in arbitrary(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let arena = Bump::new();
        prop_assert_eq!(as_json(read_value(&text, &arena).unwrap()), value);
    }

    #[test]
    fn paths_are_read_as_serde_json_finds_them(value in arbitrary()) {
        let value = serde_json::json!({"a": value, "b": {"c": value, "d": 1}});
        let text = value.to_string();
        let arena = Bump::new();
        let paths = ["a", "a.a", "b.c", "b.c.b", "b", "x", ""];
        for (path, found) in paths.iter().zip(read(&text, &paths, &arena).unwrap()) {
            let expected = path.split('.').filter(|key| !key.is_empty()).try_fold(&value, |value, key| value.as_object()?.get(key));
            prop_assert_eq!(found.map(as_json), expected.cloned(), "{}", path);
        }
        let narrow = ["b.d", "a.b"];
        for (path, found) in narrow.iter().zip(read(&text, &narrow, &arena).unwrap()) {
            let expected = path.split('.').try_fold(&value, |value, key| value.as_object()?.get(key));
            prop_assert_eq!(found.map(as_json), expected.cloned(), "{}", path);
        }
    }

    #[test]
    fn damaged_text_is_refused_as_serde_json_refuses_it(text in "[\\[\\]{}:,\"a0-9.eE+\\-tfn \\\\u]{0,24}") {
        let arena = Bump::new();
        let judge = serde_json::from_str::<serde_json::Value>(&text);
        let found = read_value(&text, &arena);
        // half a surrogate pair is replaced here, refused there; huge exponents are infinite here
        if !text.contains("\\u") && !text.contains(['e', 'E']) {
            prop_assert_eq!(found.is_ok(), judge.is_ok(), "{:?}", found);
        }
        prop_assert_eq!(read(&text, &["a", "a.a"], &arena).is_ok(), found.is_ok());
    }
}

#[test]
fn mistakes_are_named_with_their_byte() {
    for (text, expected) in [
        ("", "invalid JSON at byte 0: the text ends too early"),
        ("{\"a\":1", "invalid JSON at byte 6: the text ends too early"),
        ("{\"a\" 1}", "invalid JSON at byte 5: expected `:` after a key"),
        ("{a:1}", "invalid JSON at byte 1: expected a key in quotes"),
        ("{\"a\":01}", "invalid JSON at byte 5: number with a leading zero"),
        ("{\"a\":1.}", "invalid JSON at byte 7: expected a digit"),
        ("{\"a\":tru}", "invalid JSON at byte 5: expected `true`, `false` or `null`"),
        ("{\"a\":\"\\x\"}", "invalid JSON at byte 6: unknown escape"),
        ("{} x", "invalid JSON at byte 3: unexpected text after the value"),
        ("{\"a\":1,}", "invalid JSON at byte 7: expected a key in quotes"),
        ("[1 2]", "invalid JSON at byte 3: expected `,` or `]` in a list"),
    ] {
        assert_eq!(read_value(text, &Bump::new()).unwrap_err().to_string(), expected, "{text}");
        if text != "[1 2]" {
            assert_eq!(read(text, &["zz"], &Bump::new()).unwrap_err().to_string(), expected, "skipping {text}");
        }
    }
}

#[test]
fn hostile_text_is_read_or_refused() {
    let arena = Bump::new();
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read_value(&deep(DEPTH_MAX), &arena).is_ok());
    assert_eq!(read_value(&deep(DEPTH_MAX + 1), &arena).unwrap_err().what, TOO_DEEP);
    let nested = format!("{{\"b\":{}}}", "{\"a\":".repeat(100_000));
    assert!(read(&nested, &["a"], &arena).is_err());
    assert!(read(&nested, &["b.a.a.a"], &arena).is_err());
    let value = |text: &str| read_value(arena.alloc_str(text), &arena).unwrap();
    assert_eq!(value("18446744073709551615"), Value::UInt(u64::MAX));
    assert_eq!(value("-9223372036854775808"), Value::Int(i64::MIN));
    assert_eq!(value("9223372036854775807"), Value::Int(i64::MAX));
    assert_eq!(value("18446744073709551616"), Value::Float(18_446_744_073_709_551_616.0));
    assert_eq!(value(&"9".repeat(5000)), Value::Float(f64::INFINITY));
    assert_eq!(value("-0"), Value::Int(0));
    assert_eq!(value("6.0"), Value::Float(6.0));
    assert_eq!(value(r#""\ud800x""#), Value::Str("\u{fffd}x"));
    assert_eq!(value(r#""\udc00\ud83d\ude00""#), Value::Str("\u{fffd}😀"));
    assert_eq!(value("\"a\0b\nc\""), Value::Str("a\0b\nc"), "control characters are tolerated");
}

#[test]
fn of_equal_keys_the_last_counts() {
    let arena = Bump::new();
    let text = r#"{"a":{"b":1},"c":0,"a":{"d":2},"c":3}"#;
    let found = read(text, &["a.b", "a.d", "c"], &arena).unwrap();
    assert_eq!(found, [None, Some(Value::Int(2)), Some(Value::Int(3))]);
    let found = read(r#"{"a":{"b":1},"a":5}"#, &["a.b", "a"], &arena).unwrap();
    assert_eq!(found, [None, Some(Value::Int(5))]);
}
