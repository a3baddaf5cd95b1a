//! One number about events, over all of them or by time or field.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_query::{Aggregation, Function, Group, GroupValue};
use utoipa::ToSchema;

use crate::api::events::{Time, scope};
use crate::auth::Viewer;
use crate::error::{ApiError, ErrorBody};
use crate::extract::JsonBody;
use crate::parts::Shared;

const GROUPS_DEFAULT: usize = 10;

/// What to work out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AggregateRequest {
    /// The query, in the events query language; all events if absent.
    #[serde(default)]
    query: String,
    /// Not before: RFC 3339, a date, Unix seconds or finer, or relative such as `now-24h`.
    from: Option<Time>,
    /// Before, in the same forms; a bare date means that the whole day belongs to it.
    to: Option<Time>,
    /// `count`, `cardinality`, `avg`, `min`, `max` or `sum`.
    #[schema(value_type = String)]
    function: Function,
    /// Of which field; only `count` goes without.
    field: Option<String>,
    /// By what to tell events apart; not at all if absent.
    #[serde(default)]
    by: By,
}

/// By what to tell events apart.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// Not at all.
    #[default]
    None,
    /// By stretches of time.
    Time {
        /// Their width in milliseconds; a readable one if absent.
        interval_ms: Option<u64>,
    },
    /// By the values of a field with the largest numbers.
    Field {
        /// The field.
        name: String,
        /// How many values: 10 if absent, 1,000 at most.
        size: Option<usize>,
    },
}

/// The number of each group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AggregateAnswer {
    /// By time in its order and without empty stretches; by field the largest number first.
    groups: Vec<GroupView>,
    /// The numbers are estimates.
    approximate: bool,
    /// How long it took.
    took_ms: u64,
    /// Bytes read from files.
    bytes_read: u64,
}

/// The number of one group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupView {
    /// The start of the stretch of time, or the value of the field.
    key: Value,
    /// The number; `null` when no event of the group has a value.
    value: Value,
}

/// Works out one number about events.
#[utoipa::path(
    post, path = "/events/aggregate", tag = "events", operation_id = "aggregate_events",
    request_body = AggregateRequest,
    responses((status = 200, body = AggregateAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn aggregate(
    State(shared): State<Shared>,
    _: Viewer,
    JsonBody(request): JsonBody<AggregateRequest>,
) -> Result<Json<AggregateAnswer>, ApiError> {
    let group = match request.by {
        By::None => Group::None,
        By::Time { interval_ms } => Group::Time(interval_ms),
        By::Field { name, size } => Group::Field { name, size: size.unwrap_or(GROUPS_DEFAULT) },
    };
    let scope = scope(request.query, request.from, request.to)?;
    let aggregation = Aggregation { scope, function: request.function, field: request.field, group };
    let _turn = shared.turn().await?;
    let found = shared.engine.aggregate(aggregation).await?;
    let view = |GroupValue { key, value }| GroupView { key, value };
    Ok(Json(AggregateAnswer {
        groups: found.groups.into_iter().map(view).collect(),
        approximate: found.approximate,
        took_ms: found.took_ms,
        bytes_read: found.bytes_read,
    }))
}
