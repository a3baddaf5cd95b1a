//! Looking at indicators.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::Timestamp;
use tidegate_state::{IndicatorFilter, Match, StateError};
use utoipa::{IntoParams, ToSchema};

use super::{IndicatorView, Names, number};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Query;
use crate::parts::Shared;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;
const TEXT_BYTES_MAX: usize = 300;
/// Indicators that one value can meet, as far as they are told.
const MATCHES_MAX: usize = 100;

/// Which indicators, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndicatorParams {
    /// Whose value, description or a tag holds this.
    q: Option<String>,
    /// `domain`, `ip` or `network`.
    kind: Option<String>,
    /// The name of a collection.
    collection: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// `false`: only those that count now.
    expired: Option<bool>,
    /// How many: 100 if absent, 1,000 at most.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of indicators, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IndicatorPage {
    /// The indicators.
    indicators: Vec<IndicatorView>,
    /// How many there are on all pages.
    total: u64,
    /// Ask with `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What to look up.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchParams {
    /// A name or an address.
    value: String,
}

/// Indicators that a value meets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchAnswer {
    /// The indicators, a hundred at most.
    indicators: Vec<IndicatorView>,
}

/// Lists indicators.
#[utoipa::path(
    get, path = "/indicators", tag = "intelligence", operation_id = "list_indicators", params(IndicatorParams),
    responses((status = 200, body = IndicatorPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Viewer,
    Query(params): Query<IndicatorParams>,
) -> Result<Json<IndicatorPage>, ApiError> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let after = params.cursor.as_deref().map(number).transpose()?;
    let kind = match params.kind.as_deref() {
        None | Some("") => None,
        Some("domain" | "name") => Some("name".to_owned()),
        Some(kind @ ("ip" | "network")) => Some(kind.to_owned()),
        Some(_) => return Err(ApiError::bad_request("`kind` must be `domain`, `ip` or `network`")),
    };
    let bounded = |text: Option<String>| match text {
        Some(text) if text.len() > TEXT_BYTES_MAX => {
            Err(ApiError::bad_request(format!("a filter is longer than {TEXT_BYTES_MAX} bytes")))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    };
    let (text, tag, collection) = (bounded(params.q)?, bounded(params.tag)?, bounded(params.collection)?);
    let now = Timestamp::now();
    let only_valid = params.expired == Some(false);
    let page = shared
        .ask(move |state| {
            let names = Names::read(state)?;
            let collection = match collection {
                // No such collection holds nothing.
                Some(name) => {
                    match state.collections()?.into_iter().find(|found| found.name.eq_ignore_ascii_case(&name)) {
                        Some(found) => Some(found.id),
                        None => return Ok(IndicatorPage { indicators: Vec::new(), total: 0, next: None }),
                    }
                }
                None => None,
            };
            let filter = IndicatorFilter {
                collection,
                kind,
                text: text.map(Match::Holds),
                tag,
                valid_at: only_valid.then_some(now),
                ..IndicatorFilter::default()
            };
            let mut rows = state.indicators(&filter, limit + 1, after)?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            Ok(IndicatorPage {
                next: rows.last().filter(|_| more).map(|row| row.id.to_string()),
                total: state.count_indicators(&filter)?,
                indicators: names.views(state, rows, now)?,
            })
        })
        .await?;
    Ok(Json(page))
}

/// Lists the indicators that a name or an address meets now.
#[utoipa::path(
    get, path = "/indicators/match", tag = "intelligence", operation_id = "match_indicators", params(MatchParams),
    responses((status = 200, body = MatchAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn find(
    State(shared): State<Shared>,
    _: Viewer,
    Query(params): Query<MatchParams>,
) -> Result<Json<MatchAnswer>, ApiError> {
    if params.value.len() > TEXT_BYTES_MAX {
        return Err(ApiError::bad_request(format!("`value` is longer than {TEXT_BYTES_MAX} bytes")));
    }
    let ids = shared.detect(move |detection| detection.match_indicators(params.value.trim())).await?;
    let now = Timestamp::now();
    let indicators = shared
        .ask(move |state| {
            let names = Names::read(state)?;
            let mut found = Vec::new();
            for id in ids.into_iter().take(MATCHES_MAX) {
                match state.indicator(id) {
                    Ok(row) => found.push(row),
                    // Deleted since the set was compiled.
                    Err(StateError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            names.views(state, found, now)
        })
        .await?;
    Ok(Json(MatchAnswer { indicators }))
}
