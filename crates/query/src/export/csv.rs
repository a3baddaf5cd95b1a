//! Rows as RFC 4180 comma-separated values.

use serde_json::Value;

/// Writes the names of the columns.
pub(super) fn write_header(columns: &[String], out: &mut Vec<u8>) {
    for (index, name) in columns.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(name, false, out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes one event, given as nested JSON. `spreadsheet`: no text may be taken for a formula.
pub(super) fn write_row(columns: &[String], json: &[u8], spreadsheet: bool, out: &mut Vec<u8>) {
    let event: Value = serde_json::from_slice(json).unwrap_or_default();
    for (index, name) in columns.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match find(&event, name) {
            Value::Null => {}
            Value::String(text) => write_text(&text, spreadsheet, out),
            other => write_text(&other.to_string(), false, out),
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// The value of a dotted name. In a list of objects it is the list of their values, as for `dns.answers.data`.
fn find(value: &Value, name: &str) -> Value {
    match value {
        Value::Object(members) => match members.get(name) {
            Some(value) => value.clone(),
            None => match name.split_once('.').and_then(|(first, rest)| Some((members.get(first)?, rest))) {
                Some((inner, rest)) => find(inner, rest),
                None => Value::Null,
            },
        },
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().map(|item| find(item, name)).collect()
        }
        _ => Value::Null,
    }
}

fn write_text(text: &str, spreadsheet: bool, out: &mut Vec<u8>) {
    // https://owasp.org/www-community/attacks/CSV_Injection
    let guard = spreadsheet && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quote = text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
    if quote {
        out.push(b'"');
    }
    if guard {
        out.push(b'\'');
    }
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    if quote {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(columns: &[&str], json: &str, spreadsheet: bool) -> String {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let mut out = Vec::new();
        write_row(&columns, json.as_bytes(), spreadsheet, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_quoted_when_they_must_be() {
        let json = r#"{"a":{"b":"x, \"y\"\n","c":5,"d":["p","q"]},"e":true}"#;
        assert_eq!(
            line(&["a.b", "a.c", "a.d", "none", "e"], json, false),
            "\"x, \"\"y\"\"\n\",5,\"[\"\"p\"\",\"\"q\"\"]\",,true\r\n"
        );
    }

    #[test]
    fn lists_of_objects_give_lists() {
        let json = r#"{"dns":{"answers":[{"data":"1.1.1.1","ttl":5},{"data":"::1"}]}}"#;
        assert_eq!(
            line(&["dns.answers.data", "dns.answers.ttl"], json, false),
            "\"[\"\"1.1.1.1\"\",\"\"::1\"\"]\",\"[5,null]\"\r\n"
        );
    }

    #[test]
    fn formulas_are_defused_for_spreadsheets_only() {
        let json = r#"{"a":"=1+1","b":-5,"c":"@x,"}"#;
        assert_eq!(line(&["a", "b", "c"], json, false), "=1+1,-5,\"@x,\"\r\n");
        assert_eq!(line(&["a", "b", "c"], json, true), "'=1+1,-5,\"'@x,\"\r\n");
    }
}
