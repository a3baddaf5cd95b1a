//! Changing an asset that keeps its id, also when what it is known by changes.

use rusqlite::{OptionalExtension, params};
use serde_json::json;

use super::{Asset, AssetId, NewAsset, check, read};
use crate::audit::{self, Audit};
use crate::database::{Id, Time};
use crate::error::StateError;
use crate::principal::Actor;
use crate::state::State;

impl State {
    /// The asset with this id.
    ///
    /// # Errors
    /// [`StateError::NotFound`].
    pub fn asset(&self, id: AssetId) -> Result<Asset, StateError> {
        let sql = "SELECT id, kind, value, title, comment, criticality, created, updated FROM assets WHERE id = ?1";
        let found =
            self.read(|connection| Ok(connection.prepare_cached(sql)?.query_row([Id(id.0)], read).optional()?))?;
        found.ok_or_else(|| StateError::not_found("asset", id))
    }

    /// Replaces what is said of an asset and weighs open alerts anew.
    ///
    /// # Errors
    /// [`StateError::NotFound`], [`StateError::Invalid`], or [`StateError::Duplicate`] when another asset is known by the
    /// same.
    pub fn change_asset(&self, id: AssetId, new: &NewAsset, actor: &Actor) -> Result<Asset, StateError> {
        let value = check(new)?;
        let now = self.now();
        self.write(|transaction| {
            let sql = "SELECT 1 FROM assets WHERE kind = ?1 AND value = ?2 AND id <> ?3";
            let taken = params![new.kind.as_str(), value, Id(id.0)];
            if transaction.query_row(sql, taken, |_| Ok(())).optional()?.is_some() {
                return Err(StateError::duplicate("asset", &value));
            }
            let sql =
                "UPDATE assets SET kind = ?2, value = ?3, title = ?4, comment = ?5, criticality = ?6, updated = ?7
                       WHERE id = ?1 RETURNING id, kind, value, title, comment, criticality, created, updated";
            let values =
                params![Id(id.0), new.kind.as_str(), value, new.title, new.comment, new.criticality, Time(now)];
            let changed = transaction.query_row(sql, values, read).optional()?;
            let changed = changed.ok_or_else(|| StateError::not_found("asset", id))?;
            let detail = json!({"kind": new.kind, "criticality": new.criticality});
            audit::append(transaction, now, &Audit { actor, action: "asset.set", target: &value, detail })?;
            self.assets_changed(transaction)?;
            Ok(changed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AssetKind;
    use crate::testing::Fixture;

    #[test]
    fn an_asset_keeps_its_id_when_its_address_changes() {
        let fixture = Fixture::new();
        let (state, actor) = (&fixture.state, Actor::system());
        let new = |value: &str, criticality| NewAsset {
            kind: AssetKind::Ip,
            value: value.into(),
            title: "printer".into(),
            comment: String::new(),
            criticality,
        };
        let first = state.set_asset(&new("192.0.2.1", 10), &actor).unwrap();
        state.set_asset(&new("192.0.2.2", 10), &actor).unwrap();
        let changed = state.change_asset(first.id, &new("192.0.2.3", 90), &actor).unwrap();
        assert_eq!((changed.id, changed.value.as_str(), changed.criticality), (first.id, "192.0.2.3", 90));
        assert_eq!(state.asset(first.id).unwrap(), changed);
        assert_eq!(state.assets_of(&["192.0.2.3"]).unwrap().len(), 1);
        assert!(state.assets_of(&["192.0.2.1"]).unwrap().is_empty());
        let taken = state.change_asset(first.id, &new("192.0.2.2", 10), &actor);
        assert!(matches!(taken, Err(StateError::Duplicate { .. })));
        let missing = state.change_asset(AssetId(uuid::Uuid::nil()), &new("192.0.2.9", 1), &actor);
        assert!(matches!(missing, Err(StateError::NotFound { .. })));
    }
}
