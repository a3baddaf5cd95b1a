//! One row: fields between delimiters, some of them in quotes.

/// More fields of a row are left out.
const FIELDS_MAX: usize = 256;

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// With its last field.
    Whole,
    /// Inside quotes: it goes on in the next line.
    Open,
}

/// Splits a row; `fields` keeps its buffers.
pub(super) fn split(row: &str, delimiter: char, fields: &mut Vec<String>) -> Split {
    let mut count = 0;
    let mut rest = row;
    loop {
        if count == FIELDS_MAX {
            break;
        }
        if fields.len() == count {
            fields.push(String::new());
        }
        fields[count].clear();
        let field = &mut fields[count];
        count += 1;
        let begin = rest.trim_start_matches([' ', '\t'].as_slice());
        // A tab may be the delimiter: what is trimmed must not be one.
        let begin = if delimiter == '\t' { rest.trim_start_matches(' ') } else { begin };
        let tail = if let Some(quoted) = begin.strip_prefix('"') {
            let Some(tail) = quoted_field(quoted, field) else {
                fields.truncate(count);
                return Split::Open;
            };
            tail
        } else {
            rest
        };
        // After a closing quote, what stands before the delimiter is dropped; without quotes it is the field.
        let end = tail.find(delimiter);
        if tail.len() == rest.len() {
            field.push_str(tail[..end.unwrap_or(tail.len())].trim());
        }
        match end {
            Some(end) => rest = &tail[end + delimiter.len_utf8()..],
            None => break,
        }
    }
    fields.truncate(count);
    Split::Whole
}

/// Reads up to the closing quote (`""` is a quote); what follows it, or `None` when there is none.
fn quoted_field<'a>(text: &'a str, field: &mut String) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let at = rest.find('"')?;
        field.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(row: &str, delimiter: char) -> Option<Vec<String>> {
        let mut fields = vec!["old".to_owned(); 9];
        (split(row, delimiter, &mut fields) == Split::Whole).then_some(fields)
    }

    #[test]
    fn rows_split_as_rfc_4180_says_and_a_bit_beyond() {
        for (row, delimiter, expected) in [
            ("a,b,c", ',', &["a", "b", "c"][..]),
            ("a, \"b, c\" ,d", ',', &["a", "b, c", "d"]),
            ("\"a \"\"x\"\"\",\"b\nc\"", ',', &["a \"x\"", "b\nc"]),
            ("a,,", ',', &["a", "", ""]),
            ("a\t\tb", '\t', &["a", "", "b"]),
            ("", ',', &[""]),
            ("a \"b\",c", ',', &["a \"b\"", "c"]),
        ] {
            assert_eq!(fields(row, delimiter).unwrap(), expected, "{row}");
        }
        assert_eq!(fields("a,\"b", ','), None);
        assert_eq!(fields(&",".repeat(1000), ',').unwrap().len(), FIELDS_MAX);
    }
}
