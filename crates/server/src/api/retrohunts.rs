//! Hunts for indicators in stored events.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_query::language::{Expr, FieldName, Fields, Part, Span, Term, Test, Wildcard};
use tidegate_state::{HuntHit, HuntId, HuntState, IndicatorFilter, NewRetrohunt, Retrohunt, StateError};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::alerts::query::{any, is};
use crate::api::events::{Time, range};
use crate::api::indicators::{IndicatorView, Names, number, view_of_deleted};
use crate::auth::{Analyst, Viewer};
use crate::detection::Changed;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

const LIST_MAX: usize = 200;
/// Found indicators that are told, those with the most events first.
const RESULTS_MAX: usize = 500;
const SOURCES_MAX: usize = 10;
/// Indicators that are named one by one.
const IDS_MAX: usize = 5_000;
const NAME_CHARS_MAX: usize = 64;
/// How far back a hunt goes that does not say: further than any event is kept by default.
const BACK_MICROS: i64 = 400 * 86_400_000_000;

/// A hunt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HuntView {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// When it was made.
    created: String,
    /// Who made it.
    created_by: String,
    /// Events from here.
    from: String,
    /// Events before this.
    to: String,
    /// How many indicators are looked for.
    indicators: u64,
    /// How far it has come, 0 to 1.
    progress: f64,
    /// Events that were found.
    hits: u64,
    /// Why it failed.
    error: Option<String>,
    /// When it first ran.
    started: Option<String>,
    /// When it ended.
    finished: Option<String>,
}

/// A hunt and what it found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HuntDetail {
    /// As in a list.
    #[serde(flatten)]
    hunt: HuntView,
    /// The indicators that were found, those with the most events first; 500 at most.
    results: Vec<HuntResult>,
}

/// An indicator that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HuntResult {
    /// The indicator; its `source` is `deleted` when it was deleted since.
    indicator: IndicatorView,
    /// What it is about.
    value: String,
    /// In how many events.
    count: u64,
    /// In the first of them.
    first_seen: String,
    /// In the last of them.
    last_seen: String,
    /// Who asked, as far as a few of the events tell; ten at most.
    sources: Vec<String>,
    /// The search that shows these events.
    query: String,
}

/// A hunt to begin: for all indicators, a collection, or some.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HuntRequest {
    /// Its name.
    name: Option<String>,
    /// The name of a collection.
    collection: Option<String>,
    /// These indicators, 5,000 at most.
    indicators: Option<Vec<String>>,
    /// Events from here; 400 days back if absent; forms as for events.
    from: Option<Time>,
    /// Events before this; until now, if absent.
    to: Option<Time>,
}

/// Lists the hunts, the newest first.
#[utoipa::path(
    get, path = "/retrohunts", tag = "intelligence", operation_id = "list_retrohunts",
    responses((status = 200, body = Vec<HuntView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<HuntView>>, ApiError> {
    let hunts = shared.ask(|state| state.retrohunts(LIST_MAX)).await?;
    Ok(Json(hunts.into_iter().map(view).collect()))
}

/// Shows a hunt and what it found.
#[utoipa::path(
    get, path = "/retrohunts/{id}", tag = "intelligence", operation_id = "show_retrohunt",
    params(("id" = Uuid, Path, description = "the hunt's id")),
    responses((status = 200, body = HuntDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Json<HuntDetail>, ApiError> {
    let now = Timestamp::now();
    let (hunt, found) = shared
        .ask(move |state| {
            let hunt = state.retrohunt(HuntId(id))?;
            let names = Names::read(state)?;
            let hits = state.retrohunt_hits(HuntId(id), RESULTS_MAX, 0)?;
            let mut rows = Vec::new();
            for hit in &hits {
                match state.indicator(hit.indicator) {
                    Ok(row) => rows.push(row),
                    Err(StateError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let numbers: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let mut views: HashMap<i64, _> = numbers.into_iter().zip(names.views(state, rows, now)?).collect();
            let found = hits.into_iter().map(|hit| {
                let view = views.remove(&hit.indicator);
                (view.unwrap_or_else(|| view_of_deleted(hit.indicator, &hit.value)), hit)
            });
            Ok((hunt, found.collect::<Vec<_>>()))
        })
        .await?;
    let fields = shared.engine.fields_known();
    let results = found.into_iter().map(|(indicator, hit)| result(hit, indicator, fields)).collect();
    Ok(Json(HuntDetail { hunt: view(hunt), results }))
}

/// Begins a hunt in the background.
#[utoipa::path(
    post, path = "/retrohunts", tag = "intelligence", operation_id = "create_retrohunt",
    request_body = HuntRequest,
    responses((status = 201, body = HuntView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    JsonBody(request): JsonBody<HuntRequest>,
) -> Result<(StatusCode, Json<HuntView>), ApiError> {
    // Without anybody who hunts it would wait for ever.
    shared.detect(|_| Ok(())).await?;
    let (from, until) = all_time();
    let told = range(request.from.as_deref(), request.to.as_deref(), Timestamp::now())?;
    let (from, until) = (told.start.unwrap_or(from), told.end.unwrap_or(until));
    if request.collection.is_some() && request.indicators.is_some() {
        return Err(ApiError::bad_request("say `collection` or `indicators`, not both"));
    }
    let ids = match request.indicators {
        Some(ids) if ids.is_empty() || ids.len() > IDS_MAX => {
            return Err(ApiError::bad_request(format!("`indicators` must name 1 to {IDS_MAX}")));
        }
        Some(ids) => Some(ids.iter().map(|id| number(id)).collect::<Result<Vec<i64>, _>>()?),
        None => None,
    };
    let hunt = shared
        .ask(move |state| {
            let mut filter = IndicatorFilter { enabled_only: true, ..IndicatorFilter::default() };
            let mut selection = json!({});
            if let Some(name) = request.collection {
                let found = state.collections()?.into_iter().find(|found| found.name.eq_ignore_ascii_case(&name));
                let missing = || StateError::NotFound { kind: "collection", name: name.chars().take(100).collect() };
                let collection = found.ok_or_else(missing)?;
                selection["collection"] = json!(collection.id);
                filter = IndicatorFilter { collection: Some(collection.id), ..IndicatorFilter::default() };
            }
            let count = match ids {
                Some(ids) => {
                    selection["indicators"] = json!(ids);
                    ids.len() as u64
                }
                None => state.count_indicators(&filter)?,
            };
            selection["count"] = json!(count);
            let name = request.name.unwrap_or_else(|| "Hunt".to_owned());
            let last_id = state.last_indicator()?;
            let new = NewRetrohunt { name: &name, selection, first_id: 0, last_id, from, until };
            state.create_retrohunt(&new, &caller.actor)
        })
        .await?;
    shared.tell(Changed::Retrohunts).await?;
    Ok((StatusCode::CREATED, Json(view(hunt))))
}

/// Ends a hunt; what it found stays.
#[utoipa::path(
    post, path = "/retrohunts/{id}/cancel", tag = "intelligence", operation_id = "cancel_retrohunt",
    params(("id" = Uuid, Path, description = "the hunt's id")),
    responses((status = 200, body = HuntView), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn cancel(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<Uuid>,
) -> Result<Json<HuntView>, ApiError> {
    let hunt = shared
        .ask(move |state| {
            state.cancel_retrohunt(HuntId(id), &caller.actor)?;
            state.retrohunt(HuntId(id))
        })
        .await?;
    shared.tell(Changed::Retrohunts).await?;
    Ok(Json(view(hunt)))
}

/// The stretch of a hunt that does not say.
pub(super) fn all_time() -> (Timestamp, Timestamp) {
    let now = Timestamp::now();
    (Timestamp::from_micros(now.as_micros().saturating_sub(BACK_MICROS)), now)
}

/// The name of the hunt for what was brought into a collection.
pub(super) fn name_of(collection: &str) -> String {
    let name: String = format!("New in {collection}").chars().take(NAME_CHARS_MAX).collect();
    name.trim_end().to_owned()
}

fn view(hunt: Retrohunt) -> HuntView {
    let progress = match hunt.state {
        HuntState::Done => 1.0,
        _ if hunt.steps == 0 => 0.0,
        _ => (hunt.step as f64 / hunt.steps as f64).min(1.0),
    };
    HuntView {
        id: hunt.id.0,
        name: hunt.name,
        state: hunt.state.as_str(),
        created: hunt.created.to_rfc3339(),
        created_by: hunt.created_by,
        from: hunt.from.to_rfc3339(),
        to: hunt.until.to_rfc3339(),
        indicators: hunt.selection.get("count").and_then(Value::as_u64).unwrap_or(0),
        progress,
        hits: hunt.hits,
        error: hunt.error,
        started: hunt.started.map(Timestamp::to_rfc3339),
        finished: hunt.finished.map(Timestamp::to_rfc3339),
    }
}

fn result(hit: HuntHit, indicator: IndicatorView, fields: &Fields) -> HuntResult {
    let events = hit.events.as_array().into_iter().flatten();
    let sources: BTreeSet<&str> = events.filter_map(|event| event.get("source_ip").and_then(Value::as_str)).collect();
    HuntResult {
        query: query_of(&hit.value, fields),
        count: hit.count,
        first_seen: hit.first.to_rfc3339(),
        last_seen: hit.last.to_rfc3339(),
        sources: sources.into_iter().take(SOURCES_MAX).map(str::to_owned).collect(),
        value: hit.value,
        indicator,
    }
}

/// The search for events that meet an indicator: a name and all below it, or an address on either side.
fn query_of(value: &str, fields: &Fields) -> String {
    let is_address = value.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok());
    let parts = match is_address {
        true => vec![is("source.ip", value), is("dns.resolved_ip", value)],
        false => vec![is("dns.question.name", value), below("dns.question.name", value)],
    };
    let known =
        |part: &Expr| matches!(part, Expr::Term(Term { field: Some(field), .. }) if fields.get(&field.name).is_some());
    any(parts.into_iter().filter(known).collect()).to_string()
}

fn below(field: &str, name: &str) -> Expr {
    let field = FieldName { name: field.to_owned(), span: Span::default() };
    let parts = vec![Part::Any, Part::Literal(format!(".{name}"))];
    Expr::Term(Term { field: Some(field), test: Test::Wildcard(Wildcard { parts }), span: Span::default() })
}

#[cfg(test)]
mod tests;
