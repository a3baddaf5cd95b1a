//! Collections of indicators.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::parts::Shared;

const HITS_DAYS: u32 = 7;

/// A collection of indicators.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionView {
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

/// Lists the collections.
#[utoipa::path(
    get, path = "/collections", tag = "intelligence", operation_id = "list_collections",
    responses((status = 200, body = Vec<CollectionView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<CollectionView>>, ApiError> {
    let (collections, counts) = shared.ask(|state| Ok((state.collections()?, state.collection_counts()?))).await?;
    let (seen, met) = shared.ask(|state| Ok((state.collections_seen()?, state.collections_met(HITS_DAYS)?))).await?;
    let counts: HashMap<_, _> = counts.into_iter().map(|counts| (counts.id, (counts.total, counts.valid))).collect();
    let view = |collection: tidegate_state::Collection| {
        let (indicators, active) = counts.get(&collection.id).copied().unwrap_or_default();
        CollectionView {
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
    Ok(Json(collections.into_iter().map(view).collect()))
}
