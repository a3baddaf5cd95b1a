//! Feeds: where indicators are fetched from.

mod draft;

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_state::{self as state, Feed, FeedAuth, FeedId, FeedState, NewFeed, mask};
use utoipa::ToSchema;
use uuid::Uuid;

use self::draft::{Draft, login};
use crate::api::indicators::Names;
use crate::api::present;
use crate::auth::{Admin, Viewer};
use crate::detection::{Changed, FeedPreset};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JsonBody, Path};
use crate::parts::Shared;

/// How a feed is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeedKind {
    /// One file behind a URL.
    Http,
    /// A TAXII 2.1 collection.
    Taxii,
}

/// How we prove to a feed who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeedLogin {
    /// Not at all.
    None,
    /// User name and password.
    Basic,
    /// A bearer token.
    Bearer,
    /// A header of the feed's own.
    Header,
}

/// A feed, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedView {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// The well-known feed that it is.
    preset: Option<String>,
    /// How it is fetched.
    kind: FeedKind,
    /// Where it is, secrets hidden.
    url: String,
    /// The name of the collection that it fills.
    collection: String,
    /// Whether it is fetched.
    enabled: bool,
    /// How often it is fetched.
    every_seconds: u64,
    /// As what it is read.
    format: String,
    /// How we prove who we are.
    auth: String,
    /// `never`, `running`, `ok` or `failed`: how the last run went.
    state: &'static str,
    /// When the last run began.
    last_run: Option<String>,
    /// When a run last succeeded.
    last_success: Option<String>,
    /// When it is to be fetched again.
    next_run: Option<String>,
    /// Why the last run failed.
    error: Option<String>,
    /// Indicators that the last run with news brought.
    indicators: u64,
    /// Indicators that it refused.
    refused: u64,
    /// On which terms it may be used.
    license: Option<String>,
}

/// A well-known feed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PresetView {
    /// By what it is added.
    preset: String,
    /// Its name.
    name: String,
    /// Where it is.
    url: String,
    /// As what it is read.
    format: String,
    /// What it lists.
    description: String,
    /// On which terms it may be used.
    license: String,
    /// Whether it wants a key of one's own.
    wants_secret: bool,
}

/// A feed to be added: `preset`, or everything else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedRequest {
    /// A well-known feed; the other members then say what is to be different.
    preset: Option<String>,
    /// Its name.
    name: Option<String>,
    /// How it is fetched.
    kind: Option<FeedKind>,
    /// Where it is.
    url: Option<String>,
    /// As what it is read: `auto`, `text`, `csv`, `json`, `stix`, `misp`.
    format: Option<String>,
    /// The name of the collection that it fills; made when there is none.
    collection: Option<String>,
    /// How often it is fetched: five minutes at least.
    every_seconds: Option<u64>,
    /// The password, token or key that the feed wants.
    secret: Option<String>,
    /// How it wants it; as a bearer token if absent.
    auth: Option<FeedLogin>,
    /// The user name or the header's name.
    auth_name: Option<String>,
    /// Added to the tags of each indicator.
    tags: Option<Vec<String>>,
    /// How sure one is of indicators when the feed does not say, 0 to 100.
    confidence: Option<u8>,
    /// For how many days an indicator counts when the feed does not say.
    valid_days: Option<u16>,
}

/// What to change of a feed; what is absent stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FeedEdit {
    /// Its new name.
    name: Option<String>,
    /// Where it is.
    url: Option<String>,
    /// As what it is read.
    format: Option<String>,
    /// The name of the collection that it fills.
    collection: Option<String>,
    /// How often it is fetched.
    every_seconds: Option<u64>,
    /// Whether it is fetched.
    enabled: Option<bool>,
    /// The password, token or key; `null` for none.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    secret: Option<Option<String>>,
    /// How the feed wants it; as a bearer token if absent.
    auth: Option<FeedLogin>,
    /// The user name or the header's name.
    auth_name: Option<String>,
}

/// Lists the feeds.
#[utoipa::path(
    get, path = "/feeds", tag = "intelligence", operation_id = "list_feeds",
    responses((status = 200, body = Vec<FeedView>), (status = 401, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn list(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<FeedView>>, ApiError> {
    let (feeds, names) = shared.ask(|state| Ok((state.feeds()?, Names::read(state)?))).await?;
    let licenses = licenses(&shared).await?;
    Ok(Json(feeds.into_iter().map(|feed| view(feed, &names, &licenses)).collect()))
}

/// Lists the well-known feeds that can be added by name; none is fetched until then.
#[utoipa::path(
    get, path = "/feeds/presets", tag = "intelligence", operation_id = "list_feed_presets",
    responses((status = 200, body = Vec<PresetView>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["viewer"]), ("token" = ["viewer"]))
)]
pub(crate) async fn presets(State(shared): State<Shared>, _: Viewer) -> Result<Json<Vec<PresetView>>, ApiError> {
    let presets = shared.detect(|detection| Ok(detection.feed_presets())).await?;
    let view = |preset: FeedPreset| PresetView {
        preset: preset.preset,
        name: preset.name,
        url: preset.url,
        format: preset.format,
        description: preset.description,
        license: preset.license,
        wants_secret: preset.secret_parameter.is_some(),
    };
    Ok(Json(presets.into_iter().map(view).collect()))
}

/// Adds a feed and fetches it soon.
#[utoipa::path(
    post, path = "/feeds", tag = "intelligence", operation_id = "create_feed",
    request_body = FeedRequest,
    responses((status = 201, body = FeedView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    JsonBody(request): JsonBody<FeedRequest>,
) -> Result<(StatusCode, Json<FeedView>), ApiError> {
    let draft = match &request.preset {
        Some(name) => Draft::of_preset(&shared, name).await?,
        None => Draft::default(),
    };
    let draft = draft.with(request)?;
    let feed = shared
        .ask(move |state| {
            let collection = state.collection_named(&draft.collection, &caller.actor)?;
            let new = NewFeed {
                name: &draft.name,
                kind: draft.kind,
                url: &draft.url,
                collection: collection.id,
                settings: draft.settings,
                auth: Some(draft.auth),
                interval: Duration::from_secs(draft.every_seconds),
                enabled: true,
            };
            state.create_feed(&new, &caller.actor)
        })
        .await?;
    shared.tell(Changed::Feeds).await?;
    Ok((StatusCode::CREATED, Json(show(&shared, feed).await?)))
}

/// Changes a feed and fetches it anew.
#[utoipa::path(
    patch, path = "/feeds/{id}", tag = "intelligence", operation_id = "change_feed",
    params(("id" = Uuid, Path, description = "the feed's id")),
    request_body = FeedEdit,
    responses((status = 200, body = FeedView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
    JsonBody(edit): JsonBody<FeedEdit>,
) -> Result<Json<FeedView>, ApiError> {
    let auth = match edit.secret {
        Some(Some(secret)) => Some(login(edit.auth, edit.auth_name, secret)?),
        Some(None) => Some(FeedAuth::None),
        None => None,
    };
    let feed = shared
        .ask(move |state| {
            let mut old = state.feed(FeedId(id))?;
            let collection = match edit.collection {
                Some(name) => state.collection_named(&name, &caller.actor)?.id,
                None => old.collection,
            };
            if let Some(format) = edit.format {
                old.settings["format"] = json!(format);
            }
            let new = NewFeed {
                name: edit.name.as_deref().unwrap_or(&old.name),
                kind: old.kind,
                url: edit.url.as_deref().unwrap_or(&old.url),
                collection,
                settings: old.settings.clone(),
                auth,
                interval: Duration::from_secs(edit.every_seconds.unwrap_or(old.interval_s)),
                enabled: edit.enabled.unwrap_or(old.enabled),
            };
            state.change_feed(FeedId(id), &new, &caller.actor)
        })
        .await?;
    shared.tell(Changed::Feeds).await?;
    show(&shared, feed).await.map(Json)
}

/// Deletes a feed; its indicators stay.
#[utoipa::path(
    delete, path = "/feeds/{id}", tag = "intelligence", operation_id = "delete_feed",
    params(("id" = Uuid, Path, description = "the feed's id")),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn delete(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    shared.ask(move |state| state.delete_feed(FeedId(id), &caller.actor)).await?;
    shared.tell(Changed::Feeds).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fetches a feed now, whenever it is due.
#[utoipa::path(
    post, path = "/feeds/{id}/refresh", tag = "intelligence", operation_id = "refresh_feed",
    params(("id" = Uuid, Path, description = "the feed's id")),
    responses((status = 202, body = FeedView), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)),
    security(("session" = ["admin"]), ("token" = ["admin"]))
)]
pub(crate) async fn refresh(
    State(shared): State<Shared>,
    _: Admin,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<FeedView>), ApiError> {
    let id = FeedId(id);
    shared.ask(move |state| state.feed(id)).await?;
    shared.detect(move |detection| detection.changed(Changed::FeedWanted(id))).await?;
    let feed = shared.ask(move |state| state.feed(id)).await?;
    Ok((StatusCode::ACCEPTED, Json(show(&shared, feed).await?)))
}

impl From<FeedKind> for state::FeedKind {
    fn from(kind: FeedKind) -> Self {
        match kind {
            FeedKind::Http => Self::Http,
            FeedKind::Taxii => Self::Taxii,
        }
    }
}

async fn licenses(shared: &Shared) -> Result<HashMap<String, String>, ApiError> {
    let presets = shared.detect_if_any(|detection| Ok(detection.feed_presets())).await?;
    Ok(presets.into_iter().flatten().map(|preset| (preset.preset, preset.license)).collect())
}

async fn show(shared: &Shared, feed: Feed) -> Result<FeedView, ApiError> {
    let names = shared.ask(Names::read).await?;
    Ok(view(feed, &names, &licenses(shared).await?))
}

fn view(feed: Feed, names: &Names, licenses: &HashMap<String, String>) -> FeedView {
    let setting = |name: &str| feed.settings.get(name).and_then(Value::as_str).map(str::to_owned);
    let preset = setting("preset");
    FeedView {
        id: feed.id.0,
        license: preset.as_ref().and_then(|preset| licenses.get(preset).cloned()),
        format: setting("format").unwrap_or_else(|| "auto".to_owned()),
        preset,
        kind: match feed.kind {
            state::FeedKind::Http => FeedKind::Http,
            state::FeedKind::Taxii => FeedKind::Taxii,
        },
        url: mask(&feed.url).into_owned(),
        collection: names.collection(feed.collection),
        name: feed.name,
        enabled: feed.enabled,
        every_seconds: feed.interval_s,
        auth: feed.auth,
        state: match feed.state {
            FeedState::New => "never",
            FeedState::Running => "running",
            FeedState::Ok | FeedState::Unchanged => "ok",
            FeedState::Failed => "failed",
        },
        last_run: feed.started.map(Timestamp::to_rfc3339),
        last_success: feed.succeeded.map(Timestamp::to_rfc3339),
        next_run: feed.enabled.then(|| feed.due.to_rfc3339()),
        error: feed.error,
        indicators: feed.accepted,
        refused: feed.refused,
    }
}

#[cfg(test)]
mod tests;
