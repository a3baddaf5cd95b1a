//! Writes rows in the formats of an answer, a piece at a time.

use serde_json::{Map, Value};

use super::{ColumnView, SqlFormat};

/// Writes one answer.
#[derive(Debug)]
pub(super) struct Writer {
    format: SqlFormat,
    columns: Vec<String>,
    begun: bool,
}

impl Writer {
    pub(super) fn new(format: SqlFormat, columns: Vec<String>) -> Self {
        Self { format, columns, begun: false }
    }

    /// What stands before the first row.
    pub(super) fn begin(&mut self, columns: &[ColumnView]) -> Vec<u8> {
        let mut out = Vec::new();
        match self.format {
            SqlFormat::Json => {
                out.extend_from_slice(b"{\"columns\":");
                json(columns, &mut out);
                out.extend_from_slice(b",\"rows\":[");
            }
            SqlFormat::Ndjson => {}
            SqlFormat::Csv | SqlFormat::Spreadsheet => {
                let names: Vec<Value> = self.columns.iter().map(|name| Value::String(name.clone())).collect();
                csv_line(&names, self.format == SqlFormat::Spreadsheet, &mut out);
            }
        }
        out
    }

    /// Some rows.
    pub(super) fn rows(&mut self, rows: &[Vec<Value>]) -> Vec<u8> {
        let mut out = Vec::new();
        for row in rows {
            match self.format {
                SqlFormat::Json => {
                    if self.begun {
                        out.push(b',');
                    }
                    json(row, &mut out);
                }
                SqlFormat::Ndjson => {
                    let pairs = self.columns.iter().cloned().zip(row.iter().cloned());
                    json(&pairs.collect::<Map<String, Value>>(), &mut out);
                    out.push(b'\n');
                }
                SqlFormat::Csv | SqlFormat::Spreadsheet => {
                    csv_line(row, self.format == SqlFormat::Spreadsheet, &mut out);
                }
            }
            self.begun = true;
        }
        out
    }

    /// What stands behind the last row.
    pub(super) fn end(&self, truncated: bool) -> Vec<u8> {
        match self.format {
            SqlFormat::Json => format!("],\"truncated\":{truncated}}}").into_bytes(),
            _ => Vec::new(),
        }
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("JSON values are written to memory");
}

/// A line of RFC 4180.
fn csv_line(row: &[Value], guarded: bool, out: &mut Vec<u8>) {
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) if guarded && is_formula(text) => format!("'{text}"),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if text.contains(['"', ',', '\r', '\n']) {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a spreadsheet could take a text for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(format: SqlFormat, rows: &[Vec<Value>]) -> String {
        let names = vec!["name".to_owned(), "n".to_owned()];
        let view = names.iter().map(|name| ColumnView { name: name.clone(), kind: "Utf8".into() }).collect::<Vec<_>>();
        let mut writer = Writer::new(format, names);
        let mut out = writer.begin(&view);
        for row in rows {
            out.extend(writer.rows(std::slice::from_ref(row)));
        }
        out.extend(writer.end(true));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_format_is_whole() {
        let rows = [vec![json!("a,\"b"), json!(1)], vec![json!("=1+1"), Value::Null], vec![json!(["x"]), json!(1.5)]];
        let answer: Value = serde_json::from_str(&written(SqlFormat::Json, &rows)).unwrap();
        assert_eq!(answer["rows"], json!([["a,\"b", 1], ["=1+1", null], [["x"], 1.5]]));
        assert_eq!((&answer["truncated"], &answer["columns"][1]["name"]), (&json!(true), &json!("n")));
        let empty: Value = serde_json::from_str(&written(SqlFormat::Json, &[])).unwrap();
        assert_eq!(empty["rows"], json!([]));
        let lines = "{\"name\":\"a,\\\"b\",\"n\":1}\n{\"name\":\"=1+1\",\"n\":null}\n{\"name\":[\"x\"],\"n\":1.5}\n";
        assert_eq!(written(SqlFormat::Ndjson, &rows), lines);
        let csv = "name,n\r\n\"a,\"\"b\",1\r\n=1+1,\r\n\"[\"\"x\"\"]\",1.5\r\n";
        assert_eq!(written(SqlFormat::Csv, &rows), csv);
        assert_eq!(written(SqlFormat::Spreadsheet, &rows), csv.replace("=1+1", "'=1+1"));
    }
}
