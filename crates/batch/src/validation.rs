//! The upload by which Logpush checks a destination: it must be answered and creates no event.

/// Longest text that can be a check.
const CHECK_BYTES_MAX: usize = 256;

/// Whether `text` (decompressed) is the upload by which Logpush checks a destination: `{"content":"tests"}`, or the
/// bare word `test`, blanks aside.
///
/// From <https://developers.cloudflare.com/logs/logpush/logpush-job/enable-destinations/http/>; the bare word is what
/// other receivers accept too.
#[must_use]
pub fn is_validation(text: &[u8]) -> bool {
    if text.len() > CHECK_BYTES_MAX {
        return false;
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let bare: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    bare == br#"{"content":"tests"}"# || text.trim_ascii() == b"test"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_told_from_records() {
        assert!(is_validation(br#"{"content":"tests"}"#));
        assert!(is_validation(b" {\n \"content\" : \"tests\" }\r\n"));
        assert!(is_validation(b"test") && is_validation(b"test\n"));
        assert!(!is_validation(b"") && !is_validation(b"tests") && !is_validation(b"te st"));
        assert!(!is_validation(br#"{"content":"tests","id":1}"#));
        assert!(!is_validation(br#"{"content":"tests"}{"content":"tests"}"#));
    }
}
