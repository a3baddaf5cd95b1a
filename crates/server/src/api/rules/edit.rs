//! Making rules, and how the house wants them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_state::{Audit, NewRuleSetting, Role};
use utoipa::ToSchema;
use uuid::Uuid;

use super::check::{RuleText, bounded};
use super::show::{RuleView, known, read};
use crate::api::present;
use crate::auth::{Admin, Analyst, Caller};
use crate::detection::{Changed, Effort, RuleOrigin, Severity};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// Settings of a rule that are named at once.
const SETTINGS_MAX: usize = 100;

/// What to change of a rule; what is absent stays, `null` means what the rule itself says.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleEdit {
    /// On or off, whatever its effort. For admins.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    enabled: Option<Option<bool>>,
    /// Another severity. For admins.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Severity>)]
    severity: Option<Option<Severity>>,
    /// Another effort. For admins.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Effort>)]
    effort: Option<Option<Effort>>,
    /// Settings by name. For admins.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// Its new text; only for rules that users made.
    yaml: Option<String>,
}

/// An effort.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EffortRequest {
    /// Rules up to this effort are on, where nobody said otherwise.
    effort: Effort,
}

/// Adds a rule.
#[utoipa::path(
    post, path = "/rules", tag = "rules", operation_id = "create_rule",
    request_body = RuleText,
    responses((status = 201, body = RuleView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    JsonBody(rule): JsonBody<RuleText>,
) -> Result<(StatusCode, Json<RuleView>), ApiError> {
    bounded(&rule.yaml)?;
    let id = shared.detect(move |detection| detection.save_rule(None, &rule.yaml)).await?;
    record(&shared, &caller, "rule.create", id).await?;
    Ok((StatusCode::CREATED, Json(read(&shared, id).await?)))
}

/// Switches and tunes a rule, or replaces the text of one that a user made.
#[utoipa::path(
    patch, path = "/rules/{id}", tag = "rules", operation_id = "change_rule",
    params(("id" = Uuid, Path, description = "the rule's id")),
    request_body = RuleEdit,
    responses((status = 200, body = RuleView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["analyst"]), ("token" = ["analyst"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Analyst(caller): Analyst,
    Path(id): Path<Uuid>,
    JsonBody(mut edit): JsonBody<RuleEdit>,
) -> Result<Json<RuleView>, ApiError> {
    let yaml = edit.yaml.take();
    let tunes = edit.enabled.is_some() || edit.severity.is_some() || edit.effort.is_some() || !edit.settings.is_empty();
    if tunes {
        caller.require(Role::Admin)?;
    }
    let rule = known(&shared, id).await?;
    if edit.enabled == Some(Some(false)) && rule.info.always {
        return Err(ApiError::bad_request(format!("`{}` cannot be switched off", rule.info.rule.name)));
    }
    if let Some(yaml) = yaml {
        bounded(&yaml)?;
        if rule.info.origin != RuleOrigin::User {
            return Err(ApiError::bad_request("only the text of rules that users made can be changed"));
        }
        shared.detect(move |detection| detection.save_rule(Some(id), &yaml)).await?;
        record(&shared, &caller, "rule.change", id).await?;
    }
    if tunes {
        tune(&shared, &caller, id, edit).await?;
    }
    read(&shared, id).await.map(Json)
}

/// Deletes a rule that a user made; its alerts stay.
#[utoipa::path(
    delete, path = "/rules/{id}", tag = "rules", operation_id = "delete_rule",
    params(("id" = Uuid, Path, description = "the rule's id")),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    if known(&shared, id).await?.info.origin != RuleOrigin::User {
        return Err(ApiError::bad_request("only rules that users made can be deleted; switch this one off"));
    }
    shared.detect(move |detection| detection.delete_rule(id)).await?;
    record(&shared, &caller, "rule.delete", id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says up to which effort rules are on.
#[utoipa::path(
    put, path = "/rules/effort", tag = "rules", operation_id = "set_effort",
    request_body = EffortRequest,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn set_effort(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(request): JsonBody<EffortRequest>,
) -> Result<StatusCode, ApiError> {
    // Without rules there is nothing to switch.
    shared.detect(|_| Ok(())).await?;
    shared.ask(move |state| state.set_effort_level(request.effort.into(), &caller.actor)).await?;
    shared.tell(Changed::Rules).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes down how the house wants a rule, after the rule engine agreed.
async fn tune(shared: &Shared, caller: &Caller, id: Uuid, edit: RuleEdit) -> Result<(), ApiError> {
    if edit.settings.len() > SETTINGS_MAX {
        return Err(ApiError::bad_request(format!("`settings` names more than {SETTINGS_MAX}")));
    }
    let old = shared.ask(move |state| state.rule_setting(id)).await?;
    let was_said = old.is_some();
    let mut new = old.map_or_else(NewRuleSetting::default, |old| NewRuleSetting {
        enabled: old.enabled,
        settings: old.settings,
        comment: old.comment,
    });
    if let Some(enabled) = edit.enabled {
        new.enabled = enabled;
    }
    // They lie beside the rule's own settings, whose names these two cannot be.
    let mut changes = edit.settings;
    if let Some(name) = ["severity", "effort", "enabled"].into_iter().find(|name| changes.contains_key(*name)) {
        return Err(ApiError::bad_request(format!("`{name}` is no setting but stands beside `settings`")));
    }
    changes.extend(edit.severity.map(|severity| ("severity".to_owned(), json!(severity))));
    changes.extend(edit.effort.map(|effort| ("effort".to_owned(), json!(effort))));
    for (name, value) in changes {
        match value {
            Value::Null => new.settings.remove(&name),
            value => new.settings.insert(name, value),
        };
    }
    let settings = new.settings.clone();
    shared.detect(move |detection| detection.check_settings(id, &settings)).await?;
    let actor = caller.actor.clone();
    shared
        .ask(move |state| match new == NewRuleSetting::default() {
            true if was_said => state.reset_rule_setting(id, &actor),
            true => Ok(()),
            false => state.set_rule_setting(id, &new, &actor).map(|_| ()),
        })
        .await?;
    shared.tell(Changed::Rules).await
}

async fn record(shared: &Shared, caller: &Caller, action: &'static str, id: Uuid) -> Result<(), ApiError> {
    let actor = caller.actor.clone();
    shared
        .ask(move |state| state.record(&Audit { actor: &actor, action, target: &id.to_string(), detail: json!({}) }))
        .await
}
