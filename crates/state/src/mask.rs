//! Hides secrets in text that is about to be logged or shown: our own keys anywhere, keys in URLs.

use std::borrow::Cow;

use zeroize::Zeroize;

const PREFIXES: [&str; 3] = ["tgi_", "tgt_", "tgs_"];
/// A run of characters after a prefix is taken for a secret from this length on.
const SECRET_CHARS_MIN: usize = 16;
/// A query parameter is hidden when its name holds one of these. `header_*` parameters of a Logpush destination carry
/// the intake key as `header_X-SEKOIAIO-INTAKE-KEY=…`.
const HIDDEN_NAMES: [&str; 7] = ["key", "token", "secret", "password", "authorization", "credential", "signature"];

/// `text` with every secret replaced by a mask: Tidegate's own keys and tokens wherever they stand, the values of URL
/// parameters whose name says that they are secret, and passwords before the `@` of a URL.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let spans = spans(text);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in spans {
        if start < done {
            continue;
        }
        out.push_str(&text[done..start]);
        out.push_str(&masked(&text[start..end]));
        done = end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// One secret, masked: its prefix and last four characters when it is one of ours, else nothing but `…`.
pub(crate) fn masked(secret: &str) -> String {
    let ours = PREFIXES.iter().find(|prefix| secret.starts_with(**prefix));
    let Some(prefix) = ours.filter(|prefix| secret.len() >= prefix.len() + SECRET_CHARS_MIN) else {
        return "…".to_owned();
    };
    let mut tail: String = secret.chars().rev().take(4).collect();
    let hint: String = tail.chars().rev().collect();
    tail.zeroize();
    format!("{prefix}…{hint}")
}

/// The byte ranges of all secrets in `text`, by start, the longer one first.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for prefix in PREFIXES {
        for (start, _) in text.match_indices(prefix) {
            let end = end_of(text, start + prefix.len(), |c| c.is_ascii_alphanumeric());
            if end - start >= prefix.len() + SECRET_CHARS_MIN {
                spans.push((start, end));
            }
        }
    }
    for (equals, _) in text.match_indices('=') {
        let name_start = text[..equals].rfind(|c: char| !is_name(c)).map_or(0, |at| at + char_len(text, at));
        let name = text[name_start..equals].to_ascii_lowercase();
        if HIDDEN_NAMES.iter().any(|hidden| name.contains(hidden)) {
            let end = end_of(text, equals + 1, |c| !matches!(c, '&' | '#' | '"' | '\'' | '`') && !c.is_whitespace());
            spans.push((equals + 1, end));
        }
    }
    for (scheme, _) in text.match_indices("://") {
        let start = scheme + 3;
        let end = end_of(text, start, |c| !matches!(c, '/' | '?' | '#' | '"' | '\'') && !c.is_whitespace());
        if let Some(at) = text[start..end].rfind('@')
            && let Some(colon) = text[start..start + at].find(':')
        {
            spans.push((start + colon + 1, start + at));
        }
    }
    spans.retain(|(start, end)| start < end);
    spans.sort_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
    spans
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '%')
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn end_of(text: &str, start: usize, inside: impl Fn(char) -> bool) -> usize {
    text[start..].find(|c| !inside(c)).map_or(text.len(), |at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_is_kept() {
        let key = "tgi_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
        for (text, expected) in [
            ("nothing here", "nothing here"),
            (&*format!("key {key} refused"), "key tgi_…defg refused"),
            (&*format!("/plain?intake_key={key}&x=1"), "/plain?intake_key=tgi_…defg&x=1"),
            (
                "https://h/?header_X-SEKOIAIO-INTAKE-KEY=abcdEFGH1234&tags=a:b",
                "https://h/?header_X-SEKOIAIO-INTAKE-KEY=…&tags=a:b",
            ),
            ("POST https://user:p4ss@example.net/x", "POST https://user:…@example.net/x"),
            ("https://example.net/a@b:c", "https://example.net/a@b:c"),
            ("é?Password=é&y", "é?Password=…&y"),
            ("intake_key=", "intake_key="),
            ("tgi_short", "tgi_short"),
        ] {
            assert_eq!(mask(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_key_survives_in_any_text(before in ".{0,20}", after in ".{0,20}", key in "tg[its]_[0-9A-Za-z]{43}") {
            let text = format!("{before} {key} {after}");
            prop_assert!(!mask(&text).contains(&key));
        }

        #[test]
        fn any_text_can_be_masked(text in ".{0,80}") {
            let _ = mask(&text);
        }
    }
}
