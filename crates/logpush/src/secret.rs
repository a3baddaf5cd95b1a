//! Secrets of the Cloudflare side: shown only where they are sent, never printed by accident.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::LogpushError;

/// A Cloudflare token or an intake key is refused beyond this.
const SECRET_BYTES_MAX: usize = 1_024;
/// What stands where a secret was.
const MASK: &str = "…";
/// Characters at the end of an intake key by which people tell keys apart.
const HINT_CHARS: usize = 4;
/// A key shorter than this is hidden whole: four of its characters would be too much of it.
const HINTED_CHARS_MIN: usize = 20;
/// A parameter of an address is hidden when its name holds one of these, in lower case. Every `header_*` is, too.
const HIDDEN_NAMES: [&str; 8] =
    ["key", "token", "secret", "password", "authorization", "credential", "signature", "sig"];
/// The headers that say nothing secret.
const HARMLESS_HEADERS: [&str; 2] = ["header_content-type", "header_accept"];

/// A Cloudflare API token. `Debug` and `Display` print a mask; it is wiped from memory when dropped.
#[derive(Clone)]
pub struct ApiToken(Zeroizing<String>);

impl ApiToken {
    /// Takes a token; white space around it, as a file has it, does not count.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when it is empty, too long, or cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, LogpushError> {
        let text = checked(text, "the Cloudflare API token")?;
        if text.contains('=') {
            let why = "the Cloudflare API token has no `=`: give the token alone, without a name before it";
            return Err(LogpushError::Wrong(why.to_owned()));
        }
        Ok(Self(text))
    }

    /// The token itself: for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The key of an intake, as it stands in a destination. `Debug` and `Display` print a mask; it is wiped from memory when
/// dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct IntakeKey(Zeroizing<String>);

impl IntakeKey {
    /// Takes a key.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when it is empty, too long, or cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, LogpushError> {
        checked(text, "the intake key").map(Self)
    }

    /// What stands for a key that is not made yet, in what is shown before. It is masked wherever it would show.
    #[must_use]
    pub fn placeholder() -> Self {
        Self(Zeroizing::new("tgi_0000000000000000000000000000000000000000000".to_owned()))
    }

    /// The key itself: for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its last four characters, by which people tell keys apart; `None` for a key too short to show any.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        let count = self.0.chars().count();
        let start = self.0.char_indices().nth(count.checked_sub(HINT_CHARS)?)?.0;
        (count >= HINTED_CHARS_MIN).then(|| &self.0[start..])
    }
}

fn checked(text: &str, what: &str) -> Result<Zeroizing<String>, LogpushError> {
    let text = text.trim();
    let wrong = |why: &str| Err(LogpushError::Wrong(format!("{what} {why}")));
    if text.is_empty() {
        return wrong("is empty");
    }
    if text.len() > SECRET_BYTES_MAX {
        return wrong("is too long to be one");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(
            "holds a character that no key has, such as a space or a line break: look for quotes around it, and copy it again",
        );
    }
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return wrong("stands in quotes: give it without them");
    }
    Ok(Zeroizing::new(text.to_owned()))
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiToken({MASK})")
    }
}

impl fmt::Display for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Debug for IntakeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntakeKey({self})")
    }
}

impl fmt::Display for IntakeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MASK}{}", self.hint().unwrap_or_default())
    }
}

/// `text` with the secrets of every address in it replaced by a mask: all `header_*` parameters, parameters whose name
/// says that they are secret, and passwords before the `@` of an address. Cloudflare repeats destinations in its errors.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(equals) = rest.find('=') {
        let name_start = rest[..equals].rfind(|c: char| !is_name(c)).map_or(0, |at| at + width(rest, at));
        let name = rest[name_start..equals].to_ascii_lowercase();
        let (before, after) = rest.split_at(equals + 1);
        out.push_str(before);
        rest = after;
        if is_hidden(&name) {
            let end = rest.find(ends_value).unwrap_or(rest.len());
            if end > 0 {
                out.push_str(MASK);
            }
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    mask_passwords(out)
}

/// Whether the value of a parameter of this name, in lower case, is secret.
pub(crate) fn is_hidden(name: &str) -> bool {
    let is_header = name.starts_with("header_") && !HARMLESS_HEADERS.contains(&name);
    is_header || HIDDEN_NAMES.iter().any(|hidden| name.contains(hidden))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '%')
}

fn ends_value(c: char) -> bool {
    matches!(c, '&' | '#' | '"' | '\'' | '`' | '<' | '>' | '\\') || c.is_whitespace()
}

fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

fn mask_passwords(text: String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + 3);
        out.push_str(before);
        let end = after.find(|c: char| matches!(c, '/' | '?') || ends_value(c)).unwrap_or(after.len());
        let authority = &after[..end];
        let masked = authority.rfind('@').and_then(|at| Some((authority[..at].find(':')?, at)));
        match masked {
            Some((colon, at)) => {
                out.push_str(&authority[..=colon]);
                out.push_str(MASK);
                out.push_str(&authority[at..]);
            }
            None => out.push_str(authority),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let token = ApiToken::new(" cf_0123456789abcdef \n").unwrap();
        assert_eq!(token.reveal(), "cf_0123456789abcdef");
        assert_eq!(format!("{token} {token:?}"), "… ApiToken(…)");
        let key = IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap();
        assert_eq!(format!("{key} {key:?}"), "…wxyz IntakeKey(…wxyz)");
        let short = IntakeKey::new("abc123").unwrap();
        assert_eq!(format!("{short} {short:?}"), "… IntakeKey(…)");
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_without_repeating_it() {
        for wrong in ["", "  \n", "a b", "zwölf", "a\nb", "\"quoted\"", "'x'", "NAME=value", &"x".repeat(2_000)] {
            let error = ApiToken::new(wrong).unwrap_err().to_string();
            assert!(error.contains("API token"), "{error}");
            assert!(wrong.trim().is_empty() || !error.contains(wrong.trim()), "{error}");
        }
    }

    #[test]
    fn addresses_lose_their_secrets_and_nothing_else() {
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("a=b&c=d", "a=b&c=d"),
            (
                "https://h/plain/batch?header_X-Tidegate-Intake-Key=abc&tags=a:b",
                "https://h/plain/batch?header_X-Tidegate-Intake-Key=…&tags=a:b",
            ),
            (
                "`https://h/?header_CF-Access-Client-Id=é%20x` failed",
                "`https://h/?header_CF-Access-Client-Id=…` failed",
            ),
            ("https://h/?header_Content-Type=text%2Fplain", "https://h/?header_Content-Type=text%2Fplain"),
            (
                "s3://b/l?region=eu&secret-access-key=x/y+z&sse=AES256",
                "s3://b/l?region=eu&secret-access-key=…&sse=AES256",
            ),
            ("azure://a.blob.example/c?sv=1&sig=abc%3D", "azure://a.blob.example/c?sv=1&sig=…"),
            ("https://user:p4ss@h/x then https://h/a@b:c", "https://user:…@h/x then https://h/a@b:c"),
            ("header_x=", "header_x="),
        ] {
            assert_eq!(mask(text), expected);
        }
    }
}
