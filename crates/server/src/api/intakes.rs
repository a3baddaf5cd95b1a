//! Intakes: where logs come in.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_event::{IntakeId, Timestamp};
use tidegate_state::{Counts, Intake, IntakeChange, IntakeWatch, Secret};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::present;
use crate::auth::{Admin, Viewer};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// Where logs come in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntakeView {
    id: Uuid,
    /// Its name.
    name: String,
    /// The format that parses its records.
    format: String,
    /// When it was made.
    created: String,
    /// The last four characters of its key.
    key_hint: String,
    /// Whether its key is accepted.
    enabled: bool,
    /// What came in, in all time.
    counts: IntakeCounts,
    /// How far the newest event of the last batch was behind its receipt; unknown before the first batch.
    lag_seconds: Option<f64>,
    /// When somebody is told that it is silent or late.
    watch: WatchView,
}

/// When somebody is told that an intake is silent or late.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct WatchView {
    /// Silent is no batch for so many seconds; absent: not watched.
    silence_seconds: Option<u64>,
    /// Late is a latest event that is so many seconds old when its batch comes in; absent: not watched.
    lag_seconds: Option<u64>,
    /// Silent since its last batch at this time.
    silent_since: Option<String>,
    /// Late since a batch at this time.
    late_since: Option<String>,
}

/// What came in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntakeCounts {
    /// Batches received.
    batches: u64,
    /// Bytes received, as they were sent.
    bytes: u64,
    /// Records parsed without remark.
    valid: u64,
    /// Records parsed with a remark.
    warning: u64,
    /// Records that could not be parsed.
    invalid: u64,
    /// Records dropped because they had been seen before.
    duplicates: u64,
    /// When the last batch was received.
    last_batch: Option<String>,
    /// The latest time that an event bore.
    last_event: Option<String>,
}

/// An intake to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntakeRequest {
    /// Its name.
    name: String,
    /// The format that parses its records, such as `cloudflare-gateway-dns`.
    format: String,
    /// A key that senders already use; drawn at random if absent.
    key: Option<String>,
}

/// What to change of an intake; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntakeEdit {
    /// Its new name.
    name: Option<String>,
    /// Its new format, for records received from now on.
    format: Option<String>,
    /// Whether its key is accepted.
    enabled: Option<bool>,
    /// Tell after so many seconds without a batch, a minute to 30 days; `null` never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    silence_seconds: Option<Option<u64>>,
    /// Tell when the latest event is so many seconds old when its batch comes in, a minute to 30 days; `null` never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>)]
    lag_seconds: Option<Option<u64>>,
}

/// How to replace a key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rotation {
    /// Seconds for which the old key is still accepted: 0 if absent, 30 days at most.
    grace_seconds: u64,
}

/// An intake with its new key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntakeWithKey {
    /// The intake.
    intake: IntakeView,
    /// Its key, shown this once; absent when the caller brought it.
    key: Option<String>,
}

/// Lists the intakes.
#[utoipa::path(
    get, path = "/intakes", tag = "intakes", operation_id = "list_intakes",
    responses((status = 200, body = Vec<IntakeView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<IntakeView>>, ApiError> {
    let all =
        |state: &tidegate_state::State| Ok((state.intakes(), state.counts_of_all(None)?, state.watched_intakes()?));
    let (intakes, counts, watched) = shared.ask(all).await?;
    let views = intakes.iter().map(|intake| {
        let watch = watched.iter().find(|watch| watch.intake == intake.id);
        view(&shared, intake, counts.get(&intake.id).copied().unwrap_or_default(), watch)
    });
    Ok(Json(views.collect()))
}

/// Creates an intake; its key is shown this once.
#[utoipa::path(
    post, path = "/intakes", tag = "intakes", operation_id = "create_intake",
    request_body = IntakeRequest,
    responses((status = 201, body = IntakeWithKey), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(request): JsonBody<IntakeRequest>,
) -> Result<(StatusCode, Json<IntakeWithKey>), ApiError> {
    let format = known_format(&shared, &request.format)?;
    let (intake, key) = shared
        .ask(move |state| match request.key.map(Secret::new) {
            Some(key) => Ok((state.create_intake_with_key(&request.name, &format, &key, &caller.actor)?, None)),
            None => state.create_intake(&request.name, &format, &caller.actor).map(|(intake, key)| (intake, Some(key))),
        })
        .await?;
    let key = key.map(|key| key.reveal().to_owned());
    Ok((StatusCode::CREATED, Json(IntakeWithKey { intake: read(&shared, intake.id).await?, key })))
}

/// Shows an intake.
#[utoipa::path(
    get, path = "/intakes/{id}", tag = "intakes", operation_id = "show_intake",
    params(("id" = Uuid, Path, description = "the intake's id")),
    responses((status = 200, body = IntakeView), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<Uuid>,
) -> Result<Json<IntakeView>, ApiError> {
    read(&shared, IntakeId(id)).await.map(Json)
}

/// Renames an intake, gives it another format, enables or disables it, or says when it is silent or late.
#[utoipa::path(
    patch, path = "/intakes/{id}", tag = "intakes", operation_id = "change_intake",
    params(("id" = Uuid, Path, description = "the intake's id")),
    request_body = IntakeEdit,
    responses((status = 200, body = IntakeView), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
    JsonBody(edit): JsonBody<IntakeEdit>,
) -> Result<Json<IntakeView>, ApiError> {
    let id = IntakeId(id);
    let format = edit.format.map(|format| known_format(&shared, &format)).transpose()?;
    let change = IntakeChange { name: edit.name, format, enabled: edit.enabled };
    let (silence, lag) = (edit.silence_seconds, edit.lag_seconds);
    shared
        .ask(move |state| {
            if silence.is_some() || lag.is_some() {
                state.change_intake_limits(id, silence, lag, &caller.actor)?;
            }
            state.change_intake(id, &change, &caller.actor)
        })
        .await?;
    read(&shared, id).await.map(Json)
}

/// Gives an intake a new key, shown this once.
#[utoipa::path(
    post, path = "/intakes/{id}/rotate", tag = "intakes", operation_id = "rotate_intake",
    params(("id" = Uuid, Path, description = "the intake's id")),
    request_body = Rotation,
    responses((status = 200, body = IntakeWithKey), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn rotate(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
    JsonBody(rotation): JsonBody<Rotation>,
) -> Result<Json<IntakeWithKey>, ApiError> {
    let id = IntakeId(id);
    let grace = (rotation.grace_seconds > 0).then(|| Duration::from_secs(rotation.grace_seconds));
    let key = shared.ask(move |state| state.rotate_intake_key(id, grace, &caller.actor)).await?;
    Ok(Json(IntakeWithKey { intake: read(&shared, id).await?, key: Some(key.reveal().to_owned()) }))
}

/// Deletes an intake; its events stay.
#[utoipa::path(
    delete, path = "/intakes/{id}", tag = "intakes", operation_id = "delete_intake",
    params(("id" = Uuid, Path, description = "the intake's id")),
    responses((status = 204), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_intake(IntakeId(id), &caller.actor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(shared: &Shared, id: IntakeId) -> Result<IntakeView, ApiError> {
    let one =
        move |state: &tidegate_state::State| Ok((state.intake(id), state.counts(id, None)?, state.watched_intakes()?));
    let (intake, counts, watched) = shared.ask(one).await?;
    match intake.filter(|intake| intake.deleted.is_none()) {
        Some(intake) => {
            let watch = watched.iter().find(|watch| watch.intake == id);
            Ok(view(shared, &intake, counts, watch))
        }
        None => Err(ApiError::not_found(format!("no intake `{id}`"))),
    }
}

/// The name under which a format is loaded; a UUID names it as well.
fn known_format(shared: &Shared, name: &str) -> Result<String, ApiError> {
    let found = shared.formats.iter().find(|format| format.name == name || format.uuid.eq_ignore_ascii_case(name));
    let found = found.map(|format| format.name.clone());
    found.ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        ApiError::bad_request(format!("no format `{name}`; `/api/v1/formats` lists them"))
    })
}

fn view(shared: &Shared, intake: &Intake, counts: Counts, watch: Option<&IntakeWatch>) -> IntakeView {
    let lag = shared.counters.get(intake.id).lag_micros;
    IntakeView {
        id: intake.id.0,
        name: intake.name.clone(),
        format: intake.format.clone(),
        created: intake.created.to_rfc3339(),
        key_hint: intake.key_hint.clone(),
        enabled: intake.enabled,
        counts: IntakeCounts {
            batches: counts.batches,
            bytes: counts.bytes,
            valid: counts.valid,
            warning: counts.warning,
            invalid: counts.invalid,
            duplicates: counts.duplicates,
            last_batch: counts.last_batch.map(Timestamp::to_rfc3339),
            last_event: counts.last_event.map(Timestamp::to_rfc3339),
        },
        lag_seconds: lag.map(|micros| micros as f64 / 1e6),
        watch: watch.map(WatchView::from).unwrap_or_default(),
    }
}

impl From<&IntakeWatch> for WatchView {
    fn from(watch: &IntakeWatch) -> Self {
        Self {
            silence_seconds: watch.limits.silence_s,
            lag_seconds: watch.limits.lag_s,
            silent_since: watch.silent_since.map(Timestamp::to_rfc3339),
            late_since: watch.lagging_since.map(Timestamp::to_rfc3339),
        }
    }
}
