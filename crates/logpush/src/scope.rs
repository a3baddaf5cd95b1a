//! Where a job lives: in an account or in a zone.

use std::fmt;

use crate::dataset::Level;
use crate::error::LogpushError;

/// Identifiers of Cloudflare have 32 characters; longer than this is something else.
const ID_CHARS_MAX: usize = 64;

/// An account or a zone of Cloudflare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    level: Level,
    id: String,
}

impl Scope {
    /// An account.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when `id` cannot be an identifier.
    pub fn account(id: &str) -> Result<Self, LogpushError> {
        Self::new(Level::Account, id)
    }

    /// A zone.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when `id` cannot be an identifier.
    pub fn zone(id: &str) -> Result<Self, LogpushError> {
        Self::new(Level::Zone, id)
    }

    fn new(level: Level, id: &str) -> Result<Self, LogpushError> {
        let id = id.trim();
        let fits = (1..=ID_CHARS_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits {
            return Ok(Self { level, id: id.to_owned() });
        }
        let shown: String = id.chars().filter(|c| !c.is_control()).take(ID_CHARS_MAX).collect();
        Err(LogpushError::Wrong(format!(
            "`{shown}` is no identifier of {level}; it has 32 letters and digits and stands on the overview page of the \
             Cloudflare dashboard"
        )))
    }

    /// Whether it is an account or a zone.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How an address of the API begins: `accounts/023e…`.
    pub(crate) fn path(&self) -> String {
        let group = match self.level {
            Level::Account => "accounts",
            Level::Zone => "zones",
        };
        format!("{group}/{}", self.id)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.level {
            Level::Account => "account",
            Level::Zone => "zone",
        };
        write!(f, "{what} `{}`", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_cannot_leave_its_place_in_the_address() {
        let scope = Scope::account(" 023e105f4ecef8ad9ca31a8372d0c353\n").unwrap();
        assert_eq!(scope.path(), "accounts/023e105f4ecef8ad9ca31a8372d0c353");
        assert_eq!(Scope::zone("a1").unwrap().to_string(), "zone `a1`");
        for wrong in ["", "a/b", "..", "a?b", "a b", "%2e", &"a".repeat(65)] {
            assert!(Scope::zone(wrong).is_err(), "{wrong}");
        }
    }
}
