//! Buckets that are followed: how far, and which objects could not be taken.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tidegate_event::{IntakeId, Timestamp};
use tidegate_state::{Bucket, BucketId, BucketReject};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Path, Query};
use crate::parts::Shared;

const REJECTS_DEFAULT: u32 = 50;
const REJECTS_MAX: u32 = 1_000;

/// A followed bucket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BucketView {
    /// Its number.
    id: i64,
    /// Where it is.
    place: String,
    /// The intake that gets its records, as long as there is one.
    intake: Option<BucketIntake>,
    /// Objects that were taken, ever.
    objects: u64,
    /// Their bytes.
    bytes: u64,
    /// Records in them.
    records: u64,
    /// Of the objects, those whose content had come already.
    repeated: u64,
    /// Objects that were given up.
    rejected: u64,
    /// When the newest object that was taken was written.
    newest: Option<String>,
    /// How long ago that was.
    lag_seconds: Option<f64>,
    /// When the bucket was last looked through to the end.
    polled: Option<String>,
    /// Why the last look failed.
    error: Option<String>,
    /// Since when every look failed.
    failing_since: Option<String>,
}

/// The intake of a bucket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BucketIntake {
    id: Uuid,
    /// Its name.
    name: String,
}

/// An object that could not be taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectView {
    /// Its key.
    key: String,
    /// Its size.
    bytes: u64,
    /// When it was written.
    changed: String,
    /// Why it was not taken.
    reason: String,
    /// How often it was tried.
    tries: u32,
    /// Whether it is given up; else it is tried again.
    given_up: bool,
    /// When that was found.
    at: String,
}

/// How many objects to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectsParams {
    /// Of them, 1 to 1,000; 50 if absent.
    limit: Option<u32>,
}

/// Lists the buckets that are or were followed.
#[utoipa::path(
    get, path = "/buckets", tag = "intakes", operation_id = "list_buckets",
    responses((status = 200, body = Vec<BucketView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<BucketView>>, ApiError> {
    let now = Timestamp::now();
    let views = move |state: &tidegate_state::State| {
        Ok(state.buckets()?.into_iter().map(|bucket| view(state, bucket, now)).collect())
    };
    shared.ask(views).await.map(Json)
}

/// Lists the objects of a bucket that could not be taken, newest first.
#[utoipa::path(
    get, path = "/buckets/{id}/rejects", tag = "intakes", operation_id = "list_bucket_rejects",
    params(("id" = i64, Path, description = "the bucket's number"), RejectsParams),
    responses((status = 200, body = Vec<RejectView>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn rejects(
    State(shared): State<Shared>,
    _: Viewer,
    Path(id): Path<i64>,
    Query(params): Query<RejectsParams>,
) -> Result<Json<Vec<RejectView>>, ApiError> {
    let limit = params.limit.unwrap_or(REJECTS_DEFAULT).clamp(1, REJECTS_MAX);
    let rejects = shared.ask(move |state| state.bucket_rejects(BucketId(id), limit)).await?;
    Ok(Json(rejects.into_iter().map(reject).collect()))
}

fn view(state: &tidegate_state::State, bucket: Bucket, now: Timestamp) -> BucketView {
    // The identity begins with the intake.
    let (intake, place) = bucket.place.split_once(' ').unwrap_or(("", &bucket.place));
    let intake = intake.parse().ok().and_then(|id| state.intake(IntakeId(id)));
    let behind = |newest: Timestamp| now.as_micros().saturating_sub(newest.as_micros()).max(0) as f64 / 1e6;
    BucketView {
        id: bucket.id.0,
        intake: intake.map(|intake| BucketIntake { id: intake.id.0, name: intake.name.clone() }),
        objects: bucket.counts.objects,
        bytes: bucket.counts.bytes,
        records: bucket.counts.records,
        repeated: bucket.counts.repeated,
        rejected: bucket.counts.rejected,
        newest: bucket.newest.map(Timestamp::to_rfc3339),
        lag_seconds: bucket.newest.map(behind),
        polled: bucket.polled.map(Timestamp::to_rfc3339),
        failing_since: bucket.failing.map(Timestamp::to_rfc3339),
        place: place.to_owned(),
        error: bucket.error,
    }
}

fn reject(reject: BucketReject) -> RejectView {
    RejectView {
        key: reject.key,
        bytes: reject.bytes,
        changed: reject.changed.to_rfc3339(),
        reason: reject.reason,
        tries: reject.tries,
        given_up: reject.is_final,
        at: reject.at.to_rfc3339(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, StatusCode};
    use serde_json::json;

    use crate::testing::Fixture;

    #[tokio::test]
    async fn buckets_are_listed_with_their_intake_and_nobody_else_sees_them() {
        let fixture = Fixture::new();
        let intake = fixture.shared.state.intakes()[0].clone();
        let id = fixture.shared.state.bucket(&format!("{} s3://logs/gateway", intake.id.0)).unwrap();
        let answer = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/buckets", None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let listed = answer.json();
        assert_eq!((&listed[0]["place"], &listed[0]["id"]), (&json!("s3://logs/gateway"), &json!(id.0)), "{listed}");
        assert_eq!(listed[0]["intake"]["name"], json!(intake.name));
        assert_eq!((&listed[0]["objects"], &listed[0]["newest"]), (&json!(0), &json!(null)));
        let path = format!("/api/v1/buckets/{}/rejects?limit=5", id.0);
        let answer = fixture.ask(&fixture.viewer, Method::GET, &path, None).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!([])));
    }
}
