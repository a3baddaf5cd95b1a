//! Bringing indicators in.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_event::Timestamp;
use tidegate_state::{Actor, Audit, IndicatorFilter, Match, NewIndicator, NewRetrohunt, StateError};
use utoipa::ToSchema;

use super::{IndicatorView, view_of_new};
use crate::api::{moment_or_none, retrohunts};
use crate::auth::Analyst;
use crate::detection::{Changed, IndicatorText, PassedOver, Refused, TextFormat, Unreadable};
use crate::error::{ApiError, ErrorBody};
use crate::extract::ImportBody;
use crate::parts::Shared;

/// Bytes of a text of indicators.
const TEXT_BYTES_MAX: usize = 8 << 20;
const TAGS_MAX: usize = 20;
const TAG_BYTES_MAX: usize = 100;
/// Indicators that a dry run compares with what is kept.
const COMPARED_MAX: usize = 20_000;
/// Indicators that are shown.
const SAMPLE_MAX: usize = 20;
/// Left out ones that are told.
const EXAMPLES_MAX: usize = 200;

/// Indicators to bring in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRequest {
    /// The text: 8 MiB at most.
    text: String,
    /// As what it is read; found out if absent.
    #[serde(default)]
    format: TextFormat,
    /// The name of the collection they go to; made when there is none.
    collection: String,
    /// Added to the tags of each.
    #[serde(default)]
    tags: Vec<String>,
    /// How sure one is of those whose source does not say, 0 to 100.
    confidence: Option<u8>,
    /// Until when those count whose source does not say (RFC 3339).
    valid_until: Option<String>,
    /// Reads and keeps nothing.
    #[serde(default)]
    dry_run: bool,
    /// Looks for the new ones in stored events; so, if absent.
    retrohunt: Option<bool>,
}

/// What became of an import.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ImportAnswer {
    /// Indicators that were taken, or would be.
    accepted: u64,
    /// How many of these were kept already; a dry run compares 20,000 at most.
    known: u64,
    /// Those that are known to be benign and were left out; a few examples.
    benign: Vec<Refused>,
    /// What could not be read or used; a few examples.
    rejected: Vec<Unreadable>,
    /// How many are of kinds that are not looked up, such as file hashes, by kind.
    passed_over: Vec<PassedOver>,
    /// The first of those that were taken, twenty at most.
    sample: Vec<IndicatorView>,
    /// The hunt for the new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    retrohunt: Option<String>,
}

/// Brings indicators in, or says what would come in.
#[utoipa::path(
    post, path = "/indicators/import", tag = "intelligence", operation_id = "import_indicators",
    request_body = ImportRequest,
    responses((status = 200, body = ImportAnswer), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn import(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    ImportBody(request): ImportBody<ImportRequest>,
) -> Result<Json<ImportAnswer>, ApiError> {
    check(&request)?;
    let text = IndicatorText {
        text: request.text,
        format: request.format,
        tags: request.tags,
        confidence: request.confidence,
        valid_until: moment_or_none("valid_until", request.valid_until.as_deref())?,
    };
    let mut read = shared.detect(move |detection| detection.read_indicators(&text)).await?;
    read.benign.truncate(EXAMPLES_MAX);
    read.rejected.truncate(EXAMPLES_MAX);
    let (indicators, now, collection) = (read.indicators, Timestamp::now(), request.collection);
    let sample = indicators.iter().take(SAMPLE_MAX).cloned();
    let mut answer = ImportAnswer {
        accepted: indicators.len() as u64,
        benign: read.benign,
        rejected: read.rejected,
        passed_over: read.passed_over,
        sample: sample.map(|new| view_of_new(new, &collection, now)).collect(),
        ..ImportAnswer::default()
    };
    if request.dry_run {
        answer.known = shared.ask(move |state| known(state, &collection, &indicators)).await?;
        return Ok(Json(answer));
    }
    let hunts = request.retrohunt.unwrap_or(true);
    let (known, hunt) = shared.ask(move |state| keep(state, &collection, &indicators, hunts, &caller.actor)).await?;
    (answer.known, answer.retrohunt) = (known, hunt);
    shared.tell(Changed::Indicators).await?;
    if answer.retrohunt.is_some() {
        shared.tell(Changed::Retrohunts).await?;
    }
    Ok(Json(answer))
}

fn check(request: &ImportRequest) -> Result<(), ApiError> {
    if request.text.len() > TEXT_BYTES_MAX {
        return Err(ApiError::too_large(format!(
            "`text` is longer than {TEXT_BYTES_MAX} bytes; import files in parts"
        )));
    }
    if request.tags.len() > TAGS_MAX || request.tags.iter().any(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX) {
        let bounds = format!("`tags` must be at most {TAGS_MAX}, of 1 to {TAG_BYTES_MAX} bytes each");
        return Err(ApiError::bad_request(bounds));
    }
    if request.confidence.is_some_and(|sure| sure > 100) {
        return Err(ApiError::bad_request("`confidence` must be 0 to 100"));
    }
    Ok(())
}

/// How many of these a collection has already.
fn known(state: &tidegate_state::State, collection: &str, new: &[NewIndicator]) -> Result<u64, StateError> {
    let found = state.collections()?.into_iter().find(|found| found.name.eq_ignore_ascii_case(collection));
    let Some(collection) = found else { return Ok(0) };
    let mut known = 0;
    for indicator in new.iter().take(COMPARED_MAX) {
        let text = Some(Match::Is(indicator.value.clone()));
        let filter = IndicatorFilter { collection: Some(collection.id), text, ..IndicatorFilter::default() };
        known += u64::from(!state.indicators(&filter, 1, None)?.is_empty());
    }
    Ok(known)
}

/// Keeps indicators; how many were there already, and the hunt for the new ones.
fn keep(
    state: &tidegate_state::State,
    collection: &str,
    new: &[NewIndicator],
    hunts: bool,
    actor: &Actor,
) -> Result<(u64, Option<String>), StateError> {
    if new.is_empty() {
        return Ok((0, None));
    }
    let collection = state.collection_named(collection, actor)?;
    let before = state.last_indicator()?;
    let done = state.upsert_indicators(collection.id, None, new)?;
    let detail = json!({"added": done.added, "updated": done.updated, "unchanged": done.unchanged});
    state.record(&Audit { actor, action: "indicator.import", target: &collection.name, detail })?;
    let mut hunt = None;
    if hunts && done.added > 0 {
        let (from, until) = retrohunts::all_time();
        let new = NewRetrohunt {
            name: &retrohunts::name_of(&collection.name),
            selection: json!({"collection": collection.id, "count": done.added}),
            first_id: before,
            last_id: state.last_indicator()?,
            from,
            until,
        };
        hunt = Some(state.create_retrohunt(&new, actor)?.id.to_string());
    }
    Ok((done.updated + done.unchanged, hunt))
}
