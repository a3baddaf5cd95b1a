//! A name as a person writes it, into the form names have in events: lower case, wire labels, no trailing dot.

use thiserror::Error;

use super::{NAME_BYTES_MAX, punycode};

const LABEL_BYTES_MAX: usize = 63;

/// Why a text is no domain name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing there.
    #[error("the name is empty")]
    Empty,
    /// Two dots in a row, or a dot at the start.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// A label of more than 63 bytes on the wire.
    #[error("a label is longer than 63 bytes")]
    LabelLength,
    /// More than 253 bytes on the wire.
    #[error("the name is longer than 253 bytes")]
    Length,
    /// Something else than letters, digits, hyphen and underscore.
    #[error("`{0}` cannot stand in a domain name")]
    Character(char),
}

/// Lower-cases a name, writes international labels in their wire form and takes a trailing dot off.
///
/// # Errors
/// [`NameError`] when it is no domain name.
pub fn normalise(text: &str) -> Result<String, NameError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let mut name = String::with_capacity(text.len());
    for label in text.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']) {
        if !name.is_empty() {
            name.push('.');
        }
        push_label(label, &mut name)?;
        if name.len() > NAME_BYTES_MAX {
            return Err(NameError::Length);
        }
    }
    Ok(name)
}

fn push_label(label: &str, name: &mut String) -> Result<(), NameError> {
    let label = label.to_lowercase();
    let label = if label.is_ascii() { label } else { punycode::encode(&label).ok_or(NameError::LabelLength)? };
    if label.is_empty() {
        return Err(NameError::EmptyLabel);
    }
    if label.len() > LABEL_BYTES_MAX {
        return Err(NameError::LabelLength);
    }
    if let Some(bad) = label.chars().find(|byte| !matches!(byte, 'a'..='z' | '0'..='9' | '-' | '_')) {
        return Err(NameError::Character(bad));
    }
    name.push_str(&label);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_mistakes() {
        assert_eq!(normalise("WWW.Example.COM.").unwrap(), "www.example.com");
        assert_eq!(normalise("Bücher.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(normalise("_dmarc.example").unwrap(), "_dmarc.example");
        for (text, error) in [
            ("", NameError::Empty),
            (".", NameError::Empty),
            ("a..b", NameError::EmptyLabel),
            (".a", NameError::EmptyLabel),
            ("a/b", NameError::Character('/')),
            ("a b", NameError::Character(' ')),
        ] {
            assert_eq!(normalise(text), Err(error), "{text}");
        }
        assert_eq!(normalise(&"a".repeat(64)), Err(NameError::LabelLength));
        assert_eq!(normalise(&"a.".repeat(140)), Err(NameError::Length));
    }
}
