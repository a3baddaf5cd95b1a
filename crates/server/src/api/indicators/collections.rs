//! Collections of indicators.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_state::{Collection, CollectionId, StateError};
use utoipa::ToSchema;

use crate::auth::{Analyst, Viewer};
use crate::detection::Changed;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

const HITS_DAYS: u32 = 7;

/// A collection of indicators.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionView {
    #[serde(skip)]
    id: CollectionId,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// Whether its indicators are looked for.
    enabled: bool,
    /// How many indicators it holds.
    indicators: u64,
    /// How many of them count now.
    active: u64,
    /// When it was made.
    created: String,
    /// When an indicator last came in.
    updated: String,
    /// Events behind alerts of the last seven days that are about its indicators.
    hits_7d: u64,
}

/// What to change about a collection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectionEdit {
    /// Whether its indicators are looked for; those of a collection that is switched off stay, and stay listed.
    enabled: bool,
}

/// Lists the collections.
#[utoipa::path(
    get, path = "/collections", tag = "intelligence", operation_id = "list_collections",
    responses((status = 200, body = Vec<CollectionView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<CollectionView>>, ApiError> {
    views(&shared).await.map(Json)
}

/// Switches a collection on or off.
#[utoipa::path(
    patch, path = "/collections/{name}", tag = "intelligence", operation_id = "change_collection",
    params(("name" = String, Path, description = "the collection's name")),
    request_body = CollectionEdit,
    responses((status = 200, body = CollectionView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(name): Path<String>,
    JsonBody(edit): JsonBody<CollectionEdit>,
) -> Result<Json<CollectionView>, ApiError> {
    let id = shared.ask(move |state| state.collection(&name)).await?.id;
    shared.ask(move |state| state.enable_collection(id, edit.enabled, &caller.actor)).await?;
    shared.tell(Changed::Indicators).await?;
    let found = views(&shared).await?.into_iter().find(|view| view.id == id);
    found.map(Json).ok_or_else(|| StateError::NotFound { kind: "collection", name: id.to_string() }.into())
}

/// Deletes a collection with all its indicators. One that a feed fills cannot be deleted before the feed.
#[utoipa::path(
    delete, path = "/collections/{name}", tag = "intelligence", operation_id = "delete_collection",
    params(("name" = String, Path, description = "the collection's name")),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = shared.ask(move |state| state.collection(&name)).await?.id;
    shared.ask(move |state| state.delete_collection(id, &caller.actor)).await?;
    shared.tell(Changed::Indicators).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn views(shared: &Shared) -> Result<Vec<CollectionView>, ApiError> {
    let (collections, counts) = shared.ask(|state| Ok((state.collections()?, state.collection_counts()?))).await?;
    let (seen, met) = shared.ask(|state| Ok((state.collections_seen()?, state.collections_met(HITS_DAYS)?))).await?;
    let counts: HashMap<_, _> = counts.into_iter().map(|counts| (counts.id, (counts.total, counts.valid))).collect();
    let view = |collection: Collection| {
        let (indicators, active) = counts.get(&collection.id).copied().unwrap_or_default();
        CollectionView {
            id: collection.id,
            name: collection.name,
            description: collection.description,
            enabled: collection.enabled,
            indicators,
            active,
            created: collection.created.to_rfc3339(),
            updated: seen.get(&collection.id).copied().unwrap_or(collection.created).to_rfc3339(),
            hits_7d: met.get(&collection.id).copied().unwrap_or(0),
        }
    };
    Ok(collections.into_iter().map(view).collect())
}
