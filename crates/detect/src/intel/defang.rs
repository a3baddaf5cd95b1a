//! Undoes what people do to indicators so that nobody clicks on them: `hxxps[:]//evil[.]example`.

use std::borrow::Cow;

/// What stands for what, wherever it stands.
const WRITTEN: [(&str, &str); 12] = [
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[.", "."),
    (".]", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("\\.", "."),
    ("[://]", "://"),
    ("[:]", ":"),
    ("[/]", "/"),
];

/// The text as it was before it was made harmless.
pub(super) fn refang(text: &str) -> Cow<'_, str> {
    let text = scheme(text);
    if !text.contains(['[', '(', '{', '\\']) || is_bracketed_address(&text) {
        return text;
    }
    let mut plain = text.into_owned();
    for (written, meant) in WRITTEN {
        let lower = plain.to_ascii_lowercase();
        if lower.contains(written) {
            plain = replace(&plain, &lower, written, meant);
        }
    }
    Cow::Owned(plain)
}

/// `hxxp`, `hXXps`, `h**p`, `meow` … as written in reports: only the first two are common enough to guess.
fn scheme(text: &str) -> Cow<'_, str> {
    let Some(head) = text.get(..4) else { return Cow::Borrowed(text) };
    if head.eq_ignore_ascii_case("hxxp") || head.eq_ignore_ascii_case("h**p") || head.eq_ignore_ascii_case("htxp") {
        return Cow::Owned(format!("http{}", &text[4..]));
    }
    Cow::Borrowed(text)
}

/// `http://[2001:db8::1]/` and `[2001:db8::1]:53` hold brackets that mean themselves.
fn is_bracketed_address(text: &str) -> bool {
    let Some((_, rest)) = text.split_once('[') else { return false };
    rest.split_once(']').is_some_and(|(inside, _)| inside.parse::<std::net::Ipv6Addr>().is_ok())
}

fn replace(text: &str, lower: &str, written: &str, meant: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(written) {
        out.push_str(&text[from..at]);
        out.push_str(meant);
        from = at + written.len();
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defanged_texts_come_back() {
        for (written, meant) in [
            ("evil[.]example", "evil.example"),
            ("hxxps[:]//evil[.]example/a", "https://evil.example/a"),
            ("hXXp://evil(.)example", "http://evil.example"),
            ("evil[dot]example", "evil.example"),
            ("evil{DOT}example", "evil.example"),
            ("hxxp[://]1.2.3[.]4", "http://1.2.3.4"),
            ("evil\\.example", "evil.example"),
            ("http://[2001:db8::1]/x", "http://[2001:db8::1]/x"),
            ("plain.example", "plain.example"),
        ] {
            assert_eq!(refang(written), meant, "{written}");
        }
    }
}
