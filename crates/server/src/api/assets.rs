//! Assets: what the house knows of its own, and how much harm to it would hurt.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_state::{self as state, AssetId, NewAsset};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::present;
use crate::auth::{Admin, Viewer};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// By what an asset is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AssetKind {
    /// An address.
    Ip,
    /// A network, such as `10.0.0.0/8`; a single address is taken too and becomes an `ip`.
    Network,
    /// A user, as events name them.
    User,
    /// A device, by the id or name that events bear.
    Device,
    /// A domain name, with everything below it.
    Name,
}

/// An asset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetView {
    /// Its id.
    id: Uuid,
    /// What people call it.
    name: String,
    /// The address, network, user, device or domain name.
    r#match: String,
    /// By what it is known.
    kind: AssetKind,
    /// How much harm to it would hurt, 0 to 100.
    criticality: u8,
    /// More about it.
    note: Option<String>,
    /// When it was made.
    created: String,
    /// When it was last changed.
    updated: String,
}

/// An asset to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssetRequest {
    /// What people call it.
    name: String,
    /// The address, network, user, device or domain name.
    r#match: String,
    /// By what it is known.
    kind: AssetKind,
    /// How much harm to it would hurt, 0 to 100.
    criticality: u8,
    /// More about it.
    note: Option<String>,
}

/// What to change of an asset; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AssetEdit {
    /// What people call it.
    name: Option<String>,
    /// The address, network, user, device or domain name.
    r#match: Option<String>,
    /// By what it is known.
    kind: Option<AssetKind>,
    /// How much harm to it would hurt, 0 to 100.
    criticality: Option<u8>,
    /// More about it; `null` for nothing.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
}

/// Lists the assets, the most critical first.
#[utoipa::path(
    get, path = "/assets", tag = "assets", operation_id = "list_assets",
    responses((status = 200, body = Vec<AssetView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<AssetView>>, ApiError> {
    let assets = shared.ask(tidegate_state::State::assets).await?;
    Ok(Json(assets.into_iter().map(view).collect()))
}

/// Creates an asset, or changes the one that is known by the same; open alerts are weighed anew.
#[utoipa::path(
    post, path = "/assets", tag = "assets", operation_id = "create_asset",
    request_body = AssetRequest,
    responses((status = 201, body = AssetView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(request): JsonBody<AssetRequest>,
) -> Result<(StatusCode, Json<AssetView>), ApiError> {
    let new = NewAsset {
        kind: stored_kind(request.kind, &request.r#match),
        value: request.r#match,
        title: request.name,
        comment: request.note.unwrap_or_default(),
        criticality: request.criticality,
    };
    let asset = shared.ask(move |state| state.set_asset(&new, &caller.actor)).await?;
    Ok((StatusCode::CREATED, Json(view(asset))))
}

/// Changes an asset; open alerts are weighed anew.
#[utoipa::path(
    patch, path = "/assets/{id}", tag = "assets", operation_id = "change_asset",
    params(("id" = Uuid, Path, description = "the asset's id")),
    request_body = AssetEdit,
    responses((status = 200, body = AssetView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
    JsonBody(edit): JsonBody<AssetEdit>,
) -> Result<Json<AssetView>, ApiError> {
    let asset = shared
        .ask(move |state| {
            let old = state.asset(AssetId(id))?;
            let value = edit.r#match.unwrap_or(old.value);
            let kind = edit.kind.unwrap_or(old.kind.into());
            let new = NewAsset {
                kind: stored_kind(kind, &value),
                value,
                title: edit.name.unwrap_or(old.title),
                comment: edit.note.map_or(old.comment, Option::unwrap_or_default),
                criticality: edit.criticality.unwrap_or(old.criticality),
            };
            state.change_asset(AssetId(id), &new, &caller.actor)
        })
        .await?;
    Ok(Json(view(asset)))
}

/// Deletes an asset; open alerts are weighed anew.
#[utoipa::path(
    delete, path = "/assets/{id}", tag = "assets", operation_id = "delete_asset",
    params(("id" = Uuid, Path, description = "the asset's id")),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_asset(AssetId(id), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An address is a network of one to those who write it down, and a network an address that was meant wider.
fn stored_kind(kind: AssetKind, value: &str) -> state::AssetKind {
    let is_address = value.trim().parse::<IpAddr>().is_ok();
    match kind {
        AssetKind::Ip | AssetKind::Network if is_address => state::AssetKind::Ip,
        AssetKind::Ip if value.contains('/') => state::AssetKind::Network,
        AssetKind::Ip => state::AssetKind::Ip,
        AssetKind::Network => state::AssetKind::Network,
        AssetKind::User => state::AssetKind::User,
        AssetKind::Device => state::AssetKind::Device,
        AssetKind::Name => state::AssetKind::Name,
    }
}

impl From<state::AssetKind> for AssetKind {
    fn from(kind: state::AssetKind) -> Self {
        match kind {
            state::AssetKind::Ip => Self::Ip,
            state::AssetKind::Network => Self::Network,
            state::AssetKind::User => Self::User,
            state::AssetKind::Device => Self::Device,
            state::AssetKind::Name => Self::Name,
        }
    }
}

fn view(asset: state::Asset) -> AssetView {
    AssetView {
        id: asset.id.0,
        name: asset.title,
        r#match: asset.value,
        kind: asset.kind.into(),
        criticality: asset.criticality,
        note: Some(asset.comment).filter(|note| !note.is_empty()),
        created: asset.created.to_rfc3339(),
        updated: asset.updated.to_rfc3339(),
    }
}

#[cfg(test)]
mod tests;
