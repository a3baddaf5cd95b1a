//! Names as DNS logs hold them: lower case, punycode, no final dot.

use std::borrow::Cow;

use thiserror::Error;

const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Why a text is no domain name that an indicator can be about.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// One label only, such as `localhost`: it would match nothing on the public internet.
    #[error("has only one label")]
    SingleLabel,
    /// Longer than DNS allows.
    #[error("is longer than DNS allows")]
    TooLong,
    /// Not a name at all.
    #[error("is not a domain name")]
    Malformed,
}

/// The name as DNS logs hold it. International names become punycode.
///
/// # Errors
/// [`NameError`] when it is none.
pub fn normalise_name(text: &str) -> Result<String, NameError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    // A name of 253 bytes cannot come from more than four times as many in another spelling.
    if text.len() > 4 * NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    let name: Cow<'_, str> = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(idna::domain_to_ascii(text).map_err(|_| NameError::Malformed)?)
    };
    let name = name.strip_suffix('.').unwrap_or(&name);
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    let mut labels = 0;
    let mut last = "";
    for label in name.split('.') {
        check_label(label)?;
        labels += 1;
        last = label;
    }
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameError::Malformed);
    }
    if labels < 2 {
        return Err(NameError::SingleLabel);
    }
    Ok(name.to_ascii_lowercase())
}

fn check_label(label: &str) -> Result<(), NameError> {
    if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
        return Err(NameError::Malformed);
    }
    if label.len() > LABEL_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    let good = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if good { Ok(()) } else { Err(NameError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_logs_hold() {
        for (text, name) in [
            ("Evil.EXAMPLE.", "evil.example"),
            ("_dmarc.evil.example", "_dmarc.evil.example"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}", "xn--e1afmkfd.xn--p1ai"),
        ] {
            assert_eq!(normalise_name(text).as_deref(), Ok(name), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_told() {
        for (text, why) in [
            ("", NameError::Malformed),
            ("localhost", NameError::SingleLabel),
            ("1.2.3", NameError::Malformed),
            ("a..b", NameError::Malformed),
            ("-a.example", NameError::Malformed),
            ("a b.example", NameError::Malformed),
            (&format!("{}.example", "x".repeat(64)), NameError::TooLong),
            (&"abc.".repeat(64), NameError::TooLong),
        ] {
            assert_eq!(normalise_name(text), Err(why), "{text}");
        }
    }
}
