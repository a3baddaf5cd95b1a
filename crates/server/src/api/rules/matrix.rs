//! What rules cover of ATT&CK.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Findings;
use super::techniques::{TACTICS, technique};
use crate::auth::Viewer;
use crate::detection::RuleInfo;
use crate::error::{ApiError, ErrorBody};
use crate::parts::Shared;

/// The techniques that rules name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Matrix {
    /// By id.
    techniques: Vec<TechniqueView>,
}

/// A technique that rules name.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct TechniqueView {
    /// Its id, such as `T1071.004`.
    id: String,
    /// Its name; its id again when we do not know it.
    name: String,
    /// The tactics it serves, such as `command-and-control`.
    tactics: Vec<String>,
    /// The rules that name it.
    rules: Vec<Uuid>,
    /// How many of these are on.
    enabled: u64,
    /// Events behind their findings in the last seven days.
    hits_7d: u64,
    /// Their alerts that are open.
    alerts_open: u64,
}

/// Tells which ATT&CK techniques rules cover.
#[utoipa::path(
    get, path = "/rules/matrix", tag = "rules", operation_id = "rules_matrix",
    responses((status = 200, body = Matrix), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn matrix(State(shared): State<Shared>, _: Viewer) -> Result<Json<Matrix>, ApiError> {
    let rules = shared.detect(|detection| Ok(detection.rules())).await?;
    let findings = Findings::read(&shared).await?;
    Ok(Json(Matrix { techniques: techniques(&rules, &findings) }))
}

/// Gives the layer for the ATT&CK Navigator.
#[utoipa::path(
    get, path = "/rules/navigator", tag = "rules", operation_id = "rules_navigator",
    responses((status = 200, body = serde_json::Value), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn navigator(State(shared): State<Shared>, _: Viewer) -> Result<Response, ApiError> {
    let layer = shared.detect(|detection| Ok(detection.navigator())).await?;
    let disposition = "attachment; filename=\"tidegate-navigator.json\"";
    Ok(([(header::CONTENT_DISPOSITION, disposition)], Json(layer)).into_response())
}

fn techniques(rules: &[RuleInfo], findings: &Findings) -> Vec<TechniqueView> {
    let mut found: BTreeMap<String, TechniqueView> = BTreeMap::new();
    let mut tactics: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for info in rules {
        let id = info.rule.id;
        for name in &info.rule.attack {
            let view = found.entry(name.clone()).or_default();
            view.rules.push(id);
            view.enabled += u64::from(info.enabled);
            view.hits_7d += findings.hits_7d(id);
            view.alerts_open += findings.alerts_open(id);
            tactics.entry(name.clone()).or_default().extend(told_tactics(&info.tags));
        }
    }
    for (id, view) in &mut found {
        let known = technique(id);
        view.id.clone_from(id);
        view.name = known.map_or_else(|| id.clone(), |known| known.name.to_owned());
        // What ATT&CK says; of others, what their rules say.
        view.tactics = match known {
            Some(known) => known.tactics.iter().map(|tactic| (*tactic).to_owned()).collect(),
            None => tactics.remove(id).into_iter().flatten().map(str::to_owned).collect(),
        };
    }
    found.into_values().collect()
}

/// The tactics among the tags of a rule: `attack.command-and-control`, in older rules with underscores.
fn told_tactics(tags: &[String]) -> impl Iterator<Item = &'static str> {
    tags.iter().filter_map(|tag| {
        let name = tag.strip_prefix("attack.")?.replace('_', "-");
        TACTICS.into_iter().find(|tactic| *tactic == name)
    })
}
