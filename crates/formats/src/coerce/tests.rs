//! Values to types.

use bumpalo::Bump;

use super::*;

fn coerced(kind: FieldType, json: &str) -> String {
    let arena = Bump::new();
    let mut fields = Fields::default();
    fields.branches.push(Default::default());
    let coercer = Coercer { arena: &arena, fields: &fields, ignored: &[], received: None };
    let value = crate::json::read_value(arena.alloc_str(json), &arena).unwrap();
    coercer.coerce(kind, value, 0).map_or_else(|| "dropped".to_owned(), Value::to_json)
}

#[test]
fn values_take_the_type_of_their_field() {
    use FieldType::*;
    for (kind, value, expected) in [
        (Keyword, r#"" text ""#, r#"" text ""#),
        (Keyword, "1", r#""1""#),
        (Keyword, "-1234567890123456789", r#""-1234567890123456789""#),
        (Keyword, "8.0", r#""8.0""#),
        (Keyword, "true", r#""true""#),
        (Keyword, r#"{"b":"é","a":{"d":1,"c":2}}"#, r#""{\"a\":{\"c\":2,\"d\":1},\"b\":\"é\"}""#),
        (Keyword, r#"["a",1,null,{"k":1}]"#, r#"["a","1","{\"k\":1}"]"#),
        (String, r#"["a",1]"#, r#"["a","1"]"#),
        (String, r#"[{"k":1}]"#, r#"[{"k":1}]"#),
        (Long, r#"" 42 ""#, "42"),
        (Long, r#""000""#, "0"),
        (Long, r#""4.5""#, "4.5"),
        (Long, "8080.0", "8080.0"),
        (Long, r#""x""#, "dropped"),
        (Long, r#""inf""#, "dropped"),
        (Long, "18446744073709551615", "9223372036854775807"),
        (Long, r#""18446744073709551615""#, "9223372036854775807"),
        (Long, r#"["1",2,"x"]"#, "[1,2]"),
        (Float, r#""59.328700""#, "59.3287"),
        (Any, r#""001""#, r#""001""#),
        (Boolean, r#""Yes""#, "true"),
        (Boolean, "0", "false"),
        (Boolean, r#""maybe""#, "dropped"),
        (Ip, r#""104.18.4.35""#, r#""104.18.4.35""#),
        (Ip, r#""0000:111:0:0:0:0:0:1""#, r#""0:111::1""#),
        (Ip, r#""::ffff:102:304""#, r#""::ffff:1.2.3.4""#),
        (Ip, r#""2001:DB8::1""#, r#""2001:db8::1""#),
        (Ip, r#""1.2.3.256""#, "dropped"),
        (Ip, r#""1.2.3.04""#, "dropped"),
        (Ip, r#""1.2.3.4/32""#, "dropped"),
        (Ip, r#""fe80::1%eth0""#, r#""fe80::1%eth0""#),
        (Ip, r#"["1.2.3.4","no"]"#, r#"["1.2.3.4"]"#),
        (Ip, "[]", "[]"),
        (Date, r#""2023-05-02T12:43:26+02:00""#, r#""2023-05-02T10:43:26Z""#),
        (Date, "1657233726004", r#""2022-07-07T22:42:06.004000Z""#),
        (Date, r#""later""#, "dropped"),
        (List, "1", "[1]"),
        (List, "[1]", "[1]"),
        (Object, r#"{"a":"","b":null}"#, r#"{"a":"","b":null}"#),
    ] {
        assert_eq!(coerced(kind, value), expected, "{kind:?} {value}");
    }
}

#[test]
fn blank_texts() {
    for (text, blank) in
        [("", true), (" \n", true), ("None", true), (" None ", true), ("none", false), ("No", false), ("0", false)]
    {
        assert_eq!(is_blank(text), blank, "{text:?}");
    }
}
