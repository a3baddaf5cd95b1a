//! Which names are accepted.

use crate::error::StateError;

const NAME_CHARS_MAX: usize = 64;

/// A name for people to read: letters and digits of any script, spaces inside, and `. _ - ( ) / : # @ + &`. Control and
/// direction characters stay out, since names end up in terminals, pages and events.
pub(crate) fn check_title(what: &'static str, name: &str) -> Result<(), StateError> {
    check_length(what, name)?;
    if name.trim() != name {
        return Err(StateError::invalid(what, "must not begin or end with a space"));
    }
    let bad = name.chars().find(|c| !(c.is_alphanumeric() || " ._-()/:#@+&".contains(*c)));
    match bad {
        Some(c) => Err(StateError::invalid(what, format!("must not hold {c:?}"))),
        None => Ok(()),
    }
}

/// A name to log in with or to refer to by machines: ASCII letters, digits and `. _ - @ +`.
pub(crate) fn check_handle(what: &'static str, name: &str) -> Result<(), StateError> {
    check_length(what, name)?;
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-@+".contains(*c))) {
        Some(c) => Err(StateError::invalid(
            what,
            format!("must not hold {c:?}: only ASCII letters, digits and `.`, `_`, `-`, `@`, `+`"),
        )),
        None => Ok(()),
    }
}

fn check_length(what: &'static str, name: &str) -> Result<(), StateError> {
    if name.is_empty() {
        return Err(StateError::invalid(what, "must not be empty"));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(StateError::invalid(what, format!("is longer than {NAME_CHARS_MAX} characters")));
    }
    Ok(())
}

/// The form under which names are compared: `Prod` and `prod` are one name.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        for good in ["a", "Zürich office (2)", "prod/eu:1", "日本"] {
            check_title("name", good).unwrap();
        }
        for bad in ["", " a", "a ", "a\nb", "a\u{202e}b", "<b>", &"x".repeat(65)] {
            assert!(check_title("name", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn handles() {
        for good in ["alice", "a.b-c_d+e@example.com", "cloudflare-gateway-dns"] {
            check_handle("name", good).unwrap();
        }
        for bad in ["", "al ice", "älice", "a/b", &"x".repeat(65)] {
            assert!(check_handle("name", bad).is_err(), "{bad:?}");
        }
    }
}
