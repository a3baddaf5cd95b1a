//! Who is asking: roles, principals and actors.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StateError;
use crate::session::SessionId;
use crate::token::TokenId;

/// Identifies a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a user may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Searches and looks.
    Viewer,
    /// Works on what is found.
    Analyst,
    /// Administers intakes, users and settings.
    Admin,
}

impl Role {
    /// All roles, from the least to the most powerful.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Analyst, Self::Admin];

    /// Whether this role is enough where `needed` is asked for.
    #[must_use]
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }

    /// The role's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| StateError::invalid("role", "must be `viewer`, `analyst` or `admin`"))
    }
}

/// How somebody proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By logging in.
    Session {
        /// The session.
        id: SessionId,
    },
    /// By an API token.
    Token {
        /// The token.
        id: TokenId,
        /// The token's name.
        name: String,
    },
}

/// Somebody whose credential was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// What they may do with this credential: a token's role never exceeds its owner's present role.
    pub role: Role,
    /// The credential.
    pub via: Via,
}

impl Principal {
    /// The actor this principal is when it changes something from `address`.
    #[must_use]
    pub fn actor(&self, address: Option<IpAddr>) -> Actor {
        let via = match &self.via {
            Via::Session { .. } => "session".to_owned(),
            Via::Token { name, .. } => format!("token {name}"),
        };
        Actor { name: self.name.clone(), role: self.role, via, address }
    }
}

/// Who changes something, as the audit trail tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) via: String,
    pub(crate) address: Option<IpAddr>,
}

impl Actor {
    /// Tidegate itself.
    #[must_use]
    pub fn system() -> Self {
        Self { name: "system".to_owned(), role: Role::Admin, via: "system".to_owned(), address: None }
    }

    /// Whoever may write the data directory's files; `account` is their name on this machine.
    #[must_use]
    pub fn command_line(account: &str) -> Self {
        let name = account.chars().filter(|c| !c.is_control()).take(64).collect();
        Self { name, role: Role::Admin, via: "command line".to_owned(), address: None }
    }

    /// Somebody at the login page who is nobody yet.
    pub(crate) fn anonymous(name: &str, address: Option<IpAddr>) -> Self {
        let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Self { name, role: Role::Viewer, via: "login".to_owned(), address }
    }
}
