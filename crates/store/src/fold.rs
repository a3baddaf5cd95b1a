//! DNS names ignore case (RFC 4343). They are stored in lower case, so that bloom filters and statistics answer an
//! equality that ignores case; the spelling that was received stands in a sparse column of its own.

use std::borrow::Cow;

/// The form in which folded columns hold their text, and in which to compare with them.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        let lower = text.to_lowercase();
        if lower == text { Cow::Borrowed(text) } else { Cow::Owned(lower) }
    } else {
        Cow::Borrowed(text)
    }
}

/// The columns that are stored folded.
pub(crate) const FOLDED: [&str; 4] =
    ["dns.question.name", "dns.question.registered_domain", "dns.question.subdomain", "dns.question.top_level_domain"];

/// The name itself, the only folded column that is not a part of another.
pub(crate) const NAME: &str = FOLDED[0];
/// The part that the name begins with; the others end it.
pub(crate) const SUBDOMAIN: &str = FOLDED[2];

/// The spelling of `part`, a folded beginning (`leading`) or end of a name, in the `original` spelling of that name.
/// `part` itself when the name does not hold it there.
pub(crate) fn part_of<'a>(original: &'a str, part: &'a str, leading: bool) -> &'a str {
    // A name may be spelt with its final dot while its parts are not.
    let original = original.strip_suffix('.').filter(|_| !part.ends_with('.')).unwrap_or(original);
    let found = if leading {
        original.get(..part.len())
    } else {
        original.len().checked_sub(part.len()).and_then(|start| original.get(start..))
    };
    found.filter(|found| found.eq_ignore_ascii_case(part)).unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_take_the_spelling_of_the_name() {
        assert_eq!(part_of("WwW.eXample.COM", "example.com", false), "eXample.COM");
        assert_eq!(part_of("WwW.eXample.COM.", "example.com", false), "eXample.COM");
        assert_eq!(part_of("WwW.eXample.COM", "www", true), "WwW");
        assert_eq!(part_of("WwW.eXample.COM", "example.org", false), "example.org");
        assert_eq!(part_of("a", "longer.example", false), "longer.example");
    }

    proptest! {
        #[test]
        fn folding_is_lower_case_and_idempotent(text in ".*") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(&once, &text.to_lowercase());
            // Lower case of lower case may differ once more only where Unicode says so; ASCII never does.
            if text.is_ascii() {
                prop_assert_eq!(fold(&once), once.as_str());
            }
        }

        #[test]
        fn any_part_comes_back(name in "[a-zA-Z.é]{0,12}", part in "[a-z.é]{0,6}", leading: bool) {
            let found = part_of(&name, &part, leading);
            prop_assert!(found.eq_ignore_ascii_case(&part));
        }
    }
}
