//! Bounds on texts and lists. What people type is refused when it is too long; what detection found is cut.

use serde_json::Value;

use crate::error::StateError;

/// The longest text that one field of a finding may bear: names have 253 characters, TXT values more.
pub(crate) const FIELD_BYTES_MAX: usize = 1 << 10;
/// The longest comment.
pub(crate) const COMMENT_BYTES_MAX: usize = 4 << 10;

/// Refuses text that is too long or holds control characters other than line ends and tabs.
pub(crate) fn check_text(what: &'static str, text: &str, bytes_max: usize) -> Result<(), StateError> {
    if text.len() > bytes_max {
        return Err(StateError::invalid(what, format!("is longer than {bytes_max} bytes")));
    }
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(c) => Err(StateError::invalid(what, format!("must not hold {c:?}"))),
        None => Ok(()),
    }
}

/// As [`check_text`], and it must say something.
pub(crate) fn check_filled(what: &'static str, text: &str, bytes_max: usize) -> Result<(), StateError> {
    if text.trim().is_empty() {
        return Err(StateError::invalid(what, "must not be empty"));
    }
    check_text(what, text, bytes_max)
}

/// Refuses JSON that is too large.
pub(crate) fn check_json(what: &'static str, value: &Value, bytes_max: usize) -> Result<String, StateError> {
    let text = value.to_string();
    if text.len() > bytes_max {
        return Err(StateError::invalid(what, format!("is larger than {bytes_max} bytes")));
    }
    Ok(text)
}

/// Refuses one more where there are enough.
pub(crate) fn check_room(what: &'static str, count: i64, count_max: i64) -> Result<(), StateError> {
    if count >= count_max {
        return Err(StateError::invalid(what, format!("is one too many: there are {count_max} already")));
    }
    Ok(())
}

/// `text` cut to `bytes_max` bytes, the cut marked.
pub(crate) fn clip(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
}

/// SQLite's integers are signed.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The other way.
pub(crate) fn unstored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_refused_or_cut() {
        check_text("comment", "two\nlines\tand ünïcode", 100).unwrap();
        for bad in ["a\u{1b}[2J", "nul\0", &"x".repeat(101)] {
            assert!(check_text("comment", bad, 100).is_err(), "{bad:?}");
        }
        assert!(check_filled("comment", " \n", 100).is_err());
        assert!(check_json("settings", &Value::String("x".repeat(99)), 100).is_err());
    }

    proptest! {
        #[test]
        fn a_clipped_text_is_short_and_a_prefix(text in ".{0,60}", max in 3_usize..80) {
            let mut cut = text.clone();
            clip(&mut cut, max);
            prop_assert!(cut.len() <= max);
            prop_assert!(cut == text || text.starts_with(cut.trim_end_matches('…')));
        }
    }
}
