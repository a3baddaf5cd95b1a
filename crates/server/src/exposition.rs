//! Writes the text format that Prometheus reads (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write as _};

/// A document being written, a family at a time.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    family: String,
}

/// What a family's samples mean.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Exposition {
    /// Begins a family. Its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: Kind, help: &str) -> &mut Self {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        name.clone_into(&mut self.family);
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        self
    }

    /// One sample of the family.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.suffixed("", labels, value)
    }

    /// One sample of the family whose name goes on with `suffix`, as histograms need.
    pub(crate) fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.text.push_str(&self.family);
        self.text.push_str(suffix);
        for (index, (name, text)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.escaped(text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.line(format_args!(" {value}"));
        self
    }

    /// The whole document.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, text: impl Display) {
        writeln!(self.text, "{text}").expect("writing to a string cannot fail");
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let mut out = Exposition::default();
        out.family("a_total", Kind::Counter, "How many.").sample(&[], 1).sample(&[("x", "a\"b\\c\nd"), ("y", "")], 2.5);
        out.family("h", Kind::Histogram, "How long.").suffixed("_bucket", &[("le", "+Inf")], 3);
        let expected = "# HELP a_total How many.\n# TYPE a_total counter\na_total 1\n\
            a_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 2.5\n\
            # HELP h How long.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\n";
        assert_eq!(out.into_text(), expected);
    }
}
