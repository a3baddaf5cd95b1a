//! Notification targets: where alerts are told, and which of them.

mod target;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_event::Timestamp;
use tidegate_state::{self as state, NewTarget, Routing, Secret, Target, TargetId};
use utoipa::ToSchema;
use uuid::Uuid;

use self::target::{address, further, joined};
use crate::api::alerts::Urgency;
use crate::api::present;
use crate::auth::{Admin, Viewer};
use crate::detection::{Changed, Detection, Severity, TargetTest};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// How a target is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NotificationKind {
    /// A signed HTTP request.
    Webhook,
    /// A webhook that speaks Slack's language.
    Slack,
    /// Mail by SMTP.
    Email,
    /// Syslog.
    Syslog,
    /// Lines of JSON in a file.
    File,
}

/// Of what a target is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Occasion {
    /// New alerts, and those that became more urgent.
    Alert,
    /// An intake that receives nothing, or does again. Goes together with `intake_lag`.
    IntakeSilence,
    /// An intake that receives too late, or in time again. Goes together with `intake_silence`.
    IntakeLag,
}

/// A notification target, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// How it is reached.
    kind: NotificationKind,
    /// Where it is, secrets hidden.
    target: String,
    /// What else its kind knows.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// Whether it has a secret.
    has_secret: bool,
    /// The text that is sent in place of the standard one.
    template: Option<String>,
    /// Alerts from this severity on.
    min_severity: Severity,
    /// Alerts from this urgency on.
    min_urgency: Urgency,
    /// Of what it is told.
    on: Vec<Occasion>,
    /// Whether anything is sent.
    enabled: bool,
    /// When it last received a notice.
    last_sent: Option<String>,
    /// Why the last try failed.
    last_error: Option<String>,
    /// How many notices it received.
    sent: u64,
    /// How many were given up after the last try.
    failed: u64,
    /// How many were not queued: too many an hour, or too many waiting.
    held_back: u64,
}

/// A notification target to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationRequest {
    /// Its name.
    name: String,
    /// How it is reached; it cannot be changed later.
    kind: NotificationKind,
    /// Where it is: an address (webhook, Slack), recipients with commas between (email), `udp://host:514` or
    /// `tcp://host:514` (syslog), a name (file).
    target: String,
    /// What else its kind knows; for mail the server: `host`, `port`, `tls`, `from`, `username`.
    #[serde(default)]
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// The signing key of a webhook, or the password of a mail account.
    secret: Option<String>,
    /// The text to send in place of the standard one.
    template: Option<String>,
    /// Alerts from this severity on.
    min_severity: Severity,
    /// Alerts from this urgency on; from low on, if absent.
    min_urgency: Option<Urgency>,
    /// Of what it is told.
    on: Vec<Occasion>,
}

/// What to change of a notification target; what is absent stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotificationEdit {
    /// Its new name.
    name: Option<String>,
    /// Where it is.
    target: Option<String>,
    /// What else its kind knows.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    /// Its secret; `null` for none.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    secret: Option<Option<String>>,
    /// The text to send; `null` for the standard one.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    template: Option<Option<String>>,
    /// Alerts from this severity on.
    min_severity: Option<Severity>,
    /// Alerts from this urgency on.
    min_urgency: Option<Urgency>,
    /// Of what it is told.
    on: Option<Vec<Occasion>>,
    /// Whether anything is sent.
    enabled: Option<bool>,
}

/// Lists the notification targets.
#[utoipa::path(
    get, path = "/notifications", tag = "notifications", operation_id = "list_notifications",
    responses((status = 200, body = Vec<NotificationView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<NotificationView>>, ApiError> {
    let targets = shared.ask(tidegate_state::State::targets).await?;
    Ok(Json(targets.into_iter().map(view).collect()))
}

/// Creates a notification target.
#[utoipa::path(
    post, path = "/notifications", tag = "notifications", operation_id = "create_notification",
    request_body = NotificationRequest,
    responses((status = 201, body = NotificationView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(request): JsonBody<NotificationRequest>,
) -> Result<(StatusCode, Json<NotificationView>), ApiError> {
    let kind = state::TargetKind::from(request.kind);
    let (config, secret_address) = joined(kind, &request.target, request.config)?;
    let (alerts, intakes) = occasions(&request.on);
    let new = NewTarget {
        name: request.name,
        kind,
        config,
        secret: secret_address.or(request.secret).map(Secret::new),
        routing: Routing {
            severity_min: request.min_severity.score(),
            urgency_min: request.min_urgency.unwrap_or(Urgency::Low).into(),
            alerts,
            intakes,
            ..Routing::default()
        },
        template: request.template.filter(|template| !template.is_empty()),
        enabled: true,
    };
    check(&shared, &new, new.secret.clone()).await?;
    let target = shared.ask(move |state| state.create_target(&new, &caller.actor)).await?;
    shared.tell(Changed::Targets).await?;
    Ok((StatusCode::CREATED, Json(view(target))))
}

/// Changes a notification target.
#[utoipa::path(
    patch, path = "/notifications/{id}", tag = "notifications", operation_id = "change_notification",
    params(("id" = Uuid, Path, description = "the notification target's id")),
    request_body = NotificationEdit,
    responses((status = 200, body = NotificationView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
    JsonBody(edit): JsonBody<NotificationEdit>,
) -> Result<Json<NotificationView>, ApiError> {
    let id = TargetId(id);
    let old = shared.ask(move |state| state.target(id)).await?;
    let more = edit.config.unwrap_or_else(|| further(old.kind, &old.config));
    let (config, secret_address) = match &edit.target {
        Some(text) => joined(old.kind, text, more)?,
        None => (target::kept(old.kind, &old.config, more)?, None),
    };
    let secret = secret_address.or(edit.secret.map(Option::unwrap_or_default));
    let in_force = match &secret {
        Some(secret) => Some(Secret::new(secret.clone())),
        None => shared.ask(move |state| state.target_secret(id)).await?,
    };
    let (alerts, intakes) = edit.on.as_deref().map_or((old.routing.alerts, old.routing.intakes), occasions);
    let new = NewTarget {
        name: edit.name.unwrap_or(old.name),
        kind: old.kind,
        config,
        secret: secret.map(Secret::new),
        routing: Routing {
            severity_min: edit.min_severity.map_or(old.routing.severity_min, Severity::score),
            urgency_min: edit.min_urgency.map_or(old.routing.urgency_min, Into::into),
            alerts,
            intakes,
            ..old.routing
        },
        template: edit.template.unwrap_or(old.template).filter(|template| !template.is_empty()),
        enabled: edit.enabled.unwrap_or(old.enabled),
    };
    check(&shared, &new, in_force).await?;
    let target = shared.ask(move |state| state.change_target(id, &new, &caller.actor)).await?;
    shared.tell(Changed::Targets).await?;
    Ok(Json(view(target)))
}

/// Deletes a notification target with all that waits for it.
#[utoipa::path(
    delete, path = "/notifications/{id}", tag = "notifications", operation_id = "delete_notification",
    params(("id" = Uuid, Path, description = "the notification target's id")),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_target(TargetId(id), &caller.actor)).await?;
    shared.tell(Changed::Targets).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a try to a notification target, now.
#[utoipa::path(
    post, path = "/notifications/{id}/test", tag = "notifications", operation_id = "test_notification",
    params(("id" = Uuid, Path, description = "the notification target's id")),
    responses((status = 200, body = TargetTest), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn test(
    State(shared): State<Shared>,
    _: Admin,
    Path(id): Path<Uuid>,
) -> Result<Json<TargetTest>, ApiError> {
    let id = TargetId(id);
    shared.ask(move |state| state.target(id)).await?;
    shared.detect(move |detection| detection.test_target(id)).await.map(Json)
}

/// Refuses a configuration by which nothing could be sent, where somebody knows.
async fn check(shared: &Shared, new: &NewTarget, secret: Option<Secret>) -> Result<(), ApiError> {
    let (kind, config, template) = (new.kind, new.config.clone(), new.template.clone());
    let work = move |detection: &dyn Detection| {
        let secret = secret.as_ref().map(Secret::reveal).filter(|secret| !secret.is_empty());
        detection.check_target(kind, &config, secret, template.as_deref())
    };
    shared.detect_if_any(work).await.map(|_| ())
}

/// Whether alerts and whether intakes are told.
fn occasions(on: &[Occasion]) -> (bool, bool) {
    (on.contains(&Occasion::Alert), on.iter().any(|occasion| *occasion != Occasion::Alert))
}

fn view(target: Target) -> NotificationView {
    let mut on = Vec::new();
    if target.routing.alerts {
        on.push(Occasion::Alert);
    }
    if target.routing.intakes {
        on.extend([Occasion::IntakeSilence, Occasion::IntakeLag]);
    }
    NotificationView {
        id: target.id.0,
        target: address(target.kind, &target.config),
        config: further(target.kind, &target.config),
        name: target.name,
        kind: target.kind.into(),
        has_secret: target.has_secret,
        template: target.template,
        min_severity: Severity::at_least(target.routing.severity_min),
        min_urgency: target.routing.urgency_min.into(),
        on,
        enabled: target.enabled,
        last_sent: target.last_ok.map(Timestamp::to_rfc3339),
        last_error: target.last_error,
        sent: target.delivered,
        failed: target.given_up,
        held_back: target.held_back,
    }
}

impl From<NotificationKind> for state::TargetKind {
    fn from(kind: NotificationKind) -> Self {
        match kind {
            NotificationKind::Webhook => Self::Webhook,
            NotificationKind::Slack => Self::Slack,
            NotificationKind::Email => Self::Email,
            NotificationKind::Syslog => Self::Syslog,
            NotificationKind::File => Self::File,
        }
    }
}

impl From<state::TargetKind> for NotificationKind {
    fn from(kind: state::TargetKind) -> Self {
        match kind {
            state::TargetKind::Webhook => Self::Webhook,
            state::TargetKind::Slack => Self::Slack,
            state::TargetKind::Email => Self::Email,
            state::TargetKind::Syslog => Self::Syslog,
            state::TargetKind::File => Self::File,
        }
    }
}

#[cfg(test)]
mod tests;
