//! Entry points for fuzzers: each takes foreign text, must come back, and must not panic.

use bumpalo::Bump;
use tidegate_event::{Timestamp, Value};

use crate::catalog::Catalog;
use crate::json;
use crate::load::{File, Files};
use crate::time;

/// Reads a record as JSON.
pub fn json(text: &str) {
    // damaged text is an answer, too
    let _ = json::read_value(text, &Bump::new());
}

/// Reads a time, by a format when there is one.
pub fn time(text: &str, format: Option<&str>) {
    let options = time::Options { format, zone: None, received: Some(Timestamp::from_micros(0)) };
    let _ = time::parse(Value::Str(text), &options);
}

/// Loads a parser file and gives it a record.
pub fn format(parser_yml: &str, record: &str) {
    let parser = File { path: "ingest/parser.yml".into(), text: parser_yml.to_owned() };
    let files = Files { parser: Some(parser), ..Files::default() };
    if let Ok(format) = Catalog::alone(&files) {
        let arena = Bump::new();
        let _ = format.parser().parse(record, &arena);
    }
}

/// Evaluates a template over a record that is JSON.
pub fn template(source: &str, record: &str) {
    let quoted = Value::Str(source).to_json();
    let parser = format!(
        "pipeline: [{{name: r, external: {{name: json.parse-json}}}}, {{name: s}}]\n\
         stages: {{s: {{actions: [{{set: {{event.reason: {quoted}, labels: {quoted}}}}}]}}}}\n"
    );
    format(&parser, record);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        // Each of them compiles four formats; the targets in `fuzz/` go on for longer.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn foreign_text_is_survived(source in "[{}%|r.message\\[\\]()'a-c0-9 +=-]{0,50}", record in "[{}\\[\\]\":,a-c0-9]{0,40}") {
            super::template(&format!("{{{{ {source} }}}}"), &record);
            super::template(&source, "{\"a\":[1,{\"b\":null}],\"c\":\"x\"}");
            super::format(&source, &record);
            super::json(&record);
            super::time(&record, Some(&source));
        }
    }
}
