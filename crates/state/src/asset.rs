//! Assets: what the house knows of its own machines, people and names, and how much harm to each would hurt.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::audit::{self, Audit};
use crate::bounds::{COMMENT_BYTES_MAX, check_filled, check_room, check_text};
use crate::clock::rfc3339;
use crate::database::{Id, Parsed, Time};
use crate::error::StateError;
use crate::finding::SCORE_MAX;
use crate::principal::Actor;
use crate::revision::{Topic, bump, revision};
use crate::state::State;

mod change;
mod known;

pub(crate) use known::Assets;

const ASSETS_MAX: i64 = 10_000;
const VALUE_BYTES_MAX: usize = 256;

/// Identifies an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AssetId(pub Uuid);

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// By what an asset is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetKind {
    /// An address.
    Ip,
    /// A network, such as `10.0.0.0/8`.
    Network,
    /// A user, as events name them: a mail address mostly.
    User,
    /// A device, by the id or name that events bear.
    Device,
    /// A domain name, with everything below it.
    Name,
}

impl AssetKind {
    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Network => "network",
            Self::User => "user",
            Self::Device => "device",
            Self::Name => "name",
        }
    }
}

impl FromStr for AssetKind {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let all = [Self::Ip, Self::Network, Self::User, Self::Device, Self::Name];
        let found = all.into_iter().find(|kind| kind.as_str() == text);
        let why = "must be `ip`, `network`, `user`, `device` or `name`";
        found.ok_or_else(|| StateError::invalid("asset kind", why))
    }
}

/// What somebody says of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAsset {
    /// By what it is known.
    pub kind: AssetKind,
    /// The address, network, user, device or name.
    pub value: String,
    /// What people call it.
    pub title: String,
    /// More about it.
    pub comment: String,
    /// How much harm to it would hurt, 0 to 100.
    pub criticality: u8,
}

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// By what it is known.
    pub kind: AssetKind,
    /// The address, network, user, device or name, in one way of writing.
    pub value: String,
    /// What people call it.
    pub title: String,
    /// More about it.
    pub comment: String,
    /// How much harm to it would hurt, 0 to 100.
    pub criticality: u8,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    pub created: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "rfc3339")]
    pub updated: Timestamp,
}

impl State {
    /// Creates an asset, or changes the one of the same kind and value, and weighs open alerts anew.
    ///
    /// # Errors
    /// [`StateError::Invalid`].
    pub fn set_asset(&self, new: &NewAsset, actor: &Actor) -> Result<Asset, StateError> {
        Ok(self.set_assets(std::slice::from_ref(new), actor)?.remove(0))
    }

    /// The same for many: all or none, with one audit entry each.
    ///
    /// # Errors
    /// [`StateError::Invalid`] for the first that cannot be accepted.
    pub fn set_assets(&self, new: &[NewAsset], actor: &Actor) -> Result<Vec<Asset>, StateError> {
        let values: Vec<_> = new.iter().map(check).collect::<Result<_, _>>()?;
        let now = self.now();
        self.write(|transaction| {
            let mut set = Vec::with_capacity(new.len());
            for (new, value) in new.iter().zip(&values) {
                set.push(put(transaction, now, new, value)?);
                let detail = json!({"kind": new.kind, "criticality": new.criticality});
                audit::append(transaction, now, &Audit { actor, action: "asset.set", target: value, detail })?;
            }
            let count = transaction.query_row("SELECT count(*) FROM assets", [], |row| row.get(0))?;
            check_room("asset", count, ASSETS_MAX + 1)?;
            self.assets_changed(transaction)?;
            Ok(set)
        })
    }

    /// Deletes an asset and weighs open alerts anew.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn delete_asset(&self, id: AssetId, actor: &Actor) -> Result<(), StateError> {
        let now = self.now();
        self.write(|transaction| {
            let sql = "DELETE FROM assets WHERE id = ?1 RETURNING value";
            let value: Option<String> = transaction.query_row(sql, [Id(id.0)], |row| row.get(0)).optional()?;
            let value = value.ok_or_else(|| StateError::not_found("asset", id))?;
            audit::append(
                transaction,
                now,
                &Audit { actor, action: "asset.delete", target: &value, detail: json!({}) },
            )?;
            self.assets_changed(transaction)
        })
    }

    /// All assets, the most critical first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn assets(&self) -> Result<Vec<Asset>, StateError> {
        self.read(all)
    }

    /// The assets that these addresses, users, devices and names are or belong to, the most critical first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn assets_of(&self, entities: &[&str]) -> Result<Vec<Asset>, StateError> {
        Ok(self.assets_in_memory()?.of(entities))
    }

    /// Assets ready to be asked, read again when they changed.
    pub(crate) fn assets_in_memory(&self) -> Result<Arc<Assets>, StateError> {
        let mut kept = self.assets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.revision(Topic::Assets)?;
        if let Some((known, assets)) = &*kept
            && *known == now
        {
            return Ok(Arc::clone(assets));
        }
        let (revision, assets) =
            self.read(|connection| Ok((revision(connection, Topic::Assets)?, all(connection)?)))?;
        let assets = Arc::new(Assets::new(assets));
        *kept = Some((revision, Arc::clone(&assets)));
        Ok(assets)
    }

    fn assets_changed(&self, connection: &Connection) -> Result<(), StateError> {
        bump(connection, Topic::Assets)?;
        known::weigh_open_alerts(connection, &Assets::new(all(connection)?), self.now())
    }
}

/// Checks an asset; its value in the one way of writing.
fn check(new: &NewAsset) -> Result<String, StateError> {
    let value = new.value.trim();
    check_filled("asset value", value, VALUE_BYTES_MAX)?;
    check_text("asset title", &new.title, VALUE_BYTES_MAX)?;
    check_text("asset comment", &new.comment, COMMENT_BYTES_MAX)?;
    if new.criticality > SCORE_MAX {
        return Err(StateError::invalid("criticality", format!("is above {SCORE_MAX}")));
    }
    let invalid = |why: &str| StateError::invalid("asset value", format!("`{value}` {why}"));
    match new.kind {
        AssetKind::Ip => {
            let address: IpAddr = value.parse().map_err(|_| invalid("is no IP address"))?;
            Ok(address.to_canonical().to_string())
        }
        AssetKind::Network => {
            let network = known::Network::parse(value).ok_or_else(|| invalid("is no network such as `10.0.0.0/8`"))?;
            Ok(network.to_string())
        }
        AssetKind::User | AssetKind::Device => Ok(value.to_lowercase()),
        AssetKind::Name => {
            let name = value.trim_matches('.').to_lowercase();
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(invalid("is no domain name"));
            }
            Ok(name)
        }
    }
}

fn put(connection: &Connection, now: Timestamp, new: &NewAsset, value: &str) -> Result<Asset, StateError> {
    let sql = "INSERT INTO assets (id, kind, value, title, comment, criticality, created, updated)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
               ON CONFLICT (kind, value) DO UPDATE SET title = ?4, comment = ?5, criticality = ?6, updated = ?7
               RETURNING id, kind, value, title, comment, criticality, created, updated";
    let id = Id(Uuid::new_v4());
    let values = params![id, new.kind.as_str(), value, new.title, new.comment, new.criticality, Time(now)];
    Ok(connection.prepare_cached(sql)?.query_row(values, read)?)
}

fn all(connection: &Connection) -> Result<Vec<Asset>, StateError> {
    let sql = "SELECT id, kind, value, title, comment, criticality, created, updated FROM assets
               ORDER BY criticality DESC, kind, value";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Asset> {
    Ok(Asset {
        id: AssetId(row.get::<_, Id>(0)?.0),
        kind: row.get::<_, Parsed<AssetKind>>(1)?.0,
        value: row.get(2)?,
        title: row.get(3)?,
        comment: row.get(4)?,
        criticality: row.get(5)?,
        created: row.get::<_, Time>(6)?.0,
        updated: row.get::<_, Time>(7)?.0,
    })
}

#[cfg(test)]
mod tests;
