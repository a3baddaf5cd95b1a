//! Which alerts a request means.

use std::ops::Deref;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_event::Timestamp;
use tidegate_state::{AlertQuery, StateError, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AlertStatus, Urgency};
use crate::api::events::{Time, range};
use crate::auth::Caller;
use crate::detection::Severity;
use crate::error::ApiError;
use crate::parts::Shared;

/// Which alerts; what is absent does not matter. Lists are separated by commas.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertSelection {
    /// Of these statuses.
    pub(super) status: Option<String>,
    /// Of these severities.
    pub(super) severity: Option<String>,
    /// Of these urgencies: `low`, `medium`, `high`.
    pub(super) urgency: Option<String>,
    /// Of these rules, by id.
    pub(super) rule: Option<String>,
    /// Whose rule, source, target, name, note or matched values hold each of these words, or whose number it is.
    pub(super) q: Option<String>,
    /// Of this user, by name; `me` is the caller, `none` is nobody.
    pub(super) assignee: Option<String>,
    /// From this source.
    pub(super) source: Option<String>,
    /// To this target.
    pub(super) target: Option<String>,
    /// About this name or one below it.
    pub(super) name: Option<String>,
    /// With this ATT&CK technique or one below it.
    pub(super) technique: Option<String>,
    /// With an event at or after this time; forms as for events.
    pub(super) from: Option<Time>,
    /// With an event before this time.
    pub(super) to: Option<Time>,
}

impl AlertSelection {
    /// The same as the control plane understands it.
    pub(super) async fn resolve(self, shared: &Shared, caller: &Caller) -> Result<AlertQuery, ApiError> {
        let (from, to) = (filled(self.from), filled(self.to));
        let range = range(from.as_deref(), to.as_deref(), Timestamp::now())?;
        let (assignees, unassigned) = match self.assignee.as_deref().map(str::trim) {
            None | Some("") => (Vec::new(), false),
            Some("none") => (Vec::new(), true),
            Some(name) => (vec![user(shared, caller, name).await?], false),
        };
        let severities: Vec<Severity> = words("severity", self.severity.as_deref())?;
        Ok(AlertQuery {
            statuses: words::<AlertStatus>("status", self.status.as_deref())?.into_iter().map(Into::into).collect(),
            urgencies: words::<Urgency>("urgency", self.urgency.as_deref())?.into_iter().map(Into::into).collect(),
            severities: severities.into_iter().map(Severity::score).collect(),
            rules: words::<Uuid>("rule", self.rule.as_deref())?,
            technique: filled(self.technique),
            source: filled(self.source),
            target: filled(self.target),
            name: filled(self.name.map(|name| name.trim_end_matches('.').to_owned())),
            assignees,
            unassigned,
            from: range.start,
            to: range.end,
            text: self.q,
            ..AlertQuery::default()
        })
    }
}

/// Who is to work on alerts: the outer `None` leaves that as it is, the inner one means nobody.
pub(super) async fn assignee(
    shared: &Shared,
    caller: &Caller,
    wanted: Option<Option<String>>,
) -> Result<Option<Option<UserId>>, ApiError> {
    Ok(match wanted {
        Some(Some(name)) => Some(Some(user(shared, caller, name.trim()).await?)),
        Some(None) => Some(None),
        None => None,
    })
}

/// The user that is meant by a name; `me` is the caller.
async fn user(shared: &Shared, caller: &Caller, name: &str) -> Result<UserId, ApiError> {
    if name == "me" {
        return Ok(caller.principal.user);
    }
    let name: String = name.chars().take(100).collect();
    shared
        .ask(move |state| match state.user_by_name(&name) {
            Ok(user) => Ok(user.id),
            // The request is wrong then, not its path.
            Err(StateError::NotFound { .. }) => {
                Err(StateError::Invalid { what: "assignee", why: format!("`{name}` is no user") })
            }
            Err(error) => Err(error),
        })
        .await
}

/// The words of a list with commas between.
fn words<T: DeserializeOwned>(name: &str, list: Option<&str>) -> Result<Vec<T>, ApiError> {
    let items = list.unwrap_or("").split(',').map(str::trim).filter(|item| !item.is_empty());
    let read = |item: &str| {
        serde_json::from_value(Value::String(item.to_owned())).map_err(|cause| {
            let item: String = item.chars().take(64).collect();
            ApiError::bad_request(format!("`{name}` holds `{item}`: {cause}"))
        })
    };
    items.map(read).collect()
}

fn filled<T: Deref<Target = str>>(text: Option<T>) -> Option<T> {
    text.filter(|text| !text.is_empty())
}
