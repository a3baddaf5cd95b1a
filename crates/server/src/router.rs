//! Every route of the server, and the description of all of them.

use std::sync::LazyLock;

use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    alert_filters, alerts, assets, audit, buckets, events, feeds, formats, indicators, intakes, login, logpush, me,
    notifications, query_history, retrohunts, rules, saved_queries, sessions, settings, sql, status, tokens, users,
};
use crate::auth::Viewer;
use crate::parts::Shared;
use crate::{guard, health, intake, metrics, pages, traffic, unread};

/// Where the API is.
const API: &str = "/api/v1";

/// The whole server, ready for requests.
pub(crate) fn router(shared: Shared) -> Router {
    let (documented, _) = documented().split_for_parts();
    documented
        .route("/api/v1/openapi.json", get(show_openapi))
        .nest("/api/v1/intake-http", intake_routes())
        // `nest` takes the bare path only; senders write it with the slash too.
        .route("/api/v1/intake-http/", post(intake::single))
        .method_not_allowed_fallback(guard::method_not_allowed)
        .fallback(pages::fallback)
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(middleware::from_fn_with_state(shared.clone(), traffic::count))
        .layer(middleware::from_fn(unread::say_when_closing))
        .layer(middleware::from_fn_with_state(shared.clone(), guard::guard))
        .with_state(shared)
}

/// The description of every route, as served at `/api/v1/openapi.json`.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut api = documented().into_openapi();
    let components = api.components.get_or_insert_default();
    let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    for (name, scheme) in [
        ("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("tidegate")))),
        ("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))),
        ("intake_key", header("X-Tidegate-Intake-Key")),
        ("intake_basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic))),
        ("intake_query", SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::new("intake_key")))),
    ] {
        components.add_security_scheme(name, scheme);
    }
    api
}

async fn show_openapi(_: Viewer) -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| serde_json::to_string(&openapi()).unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

fn documented() -> OpenApiRouter<Shared> {
    let info = InfoBuilder::new()
        .title("Tidegate")
        // The API's own version: it moves when the API does, not with every release.
        .version("1")
        .description(Some(
            "Receives DNS logs and searches them. The scopes of a security requirement name the role it needs. Requests \
             that change something under a session carry its token in `X-Tidegate-CSRF`. The intake routes are served \
             below `/api/v1/intake-http` as well.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build())
        .routes(routes!(intake::plain))
        .routes(routes!(intake::lines))
        .routes(routes!(intake::jsons))
        .routes(routes!(intake::batch))
        .routes(routes!(intake::array))
        .routes(routes!(intake::single))
        .route("/", get(pages::index))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .nest(API, api_routes().merge(found_routes()).merge(intelligence_routes()).merge(cloudflare_routes()))
}

fn api_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(me::show))
        .routes(routes!(me::change_password))
        .routes(routes!(sessions::list, sessions::close_all))
        .routes(routes!(sessions::close))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::show, users::change, users::delete))
        .routes(routes!(intakes::list, intakes::create))
        .routes(routes!(intakes::show, intakes::change, intakes::delete))
        .routes(routes!(intakes::rotate))
        .routes(routes!(buckets::list))
        .routes(routes!(buckets::rejects))
        .routes(routes!(formats::list))
        .routes(routes!(formats::show))
        .routes(routes!(events::search::search))
        .routes(routes!(events::histogram::histogram))
        .routes(routes!(events::top::top))
        .routes(routes!(events::aggregate::aggregate))
        .routes(routes!(events::fields::fields))
        .routes(routes!(events::parse::parse))
        .routes(routes!(events::export::get, events::export::post))
        .routes(routes!(events::show::show))
        .routes(routes!(sql::run))
        .routes(routes!(audit::list))
        .routes(routes!(settings::list))
        .routes(routes!(settings::set, settings::remove))
        .routes(routes!(status::show))
}

/// What was found, by which rules, and what people make of it.
fn found_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(alerts::list::list))
        .routes(routes!(alerts::assignees::list))
        .routes(routes!(alerts::bulk::change))
        .routes(routes!(alerts::histogram::histogram))
        .routes(routes!(alerts::show::show, alerts::change::change))
        .routes(routes!(alerts::change::comment))
        .routes(routes!(alerts::similar::list))
        .routes(routes!(alert_filters::list, alert_filters::create))
        .routes(routes!(alert_filters::preview::preview))
        .routes(routes!(alert_filters::change, alert_filters::delete))
        .routes(routes!(rules::list::list, rules::edit::create))
        .routes(routes!(rules::edit::set_effort))
        .routes(routes!(rules::check::check))
        .routes(routes!(rules::check::preview))
        .routes(routes!(rules::matrix::matrix))
        .routes(routes!(rules::matrix::navigator))
        .routes(routes!(rules::show::show, rules::edit::change, rules::edit::delete))
        .routes(routes!(assets::list, assets::create))
        .routes(routes!(assets::change, assets::delete))
        .routes(routes!(notifications::list, notifications::create))
        .routes(routes!(notifications::change, notifications::delete))
        .routes(routes!(notifications::test))
        .routes(routes!(saved_queries::list, saved_queries::create))
        .routes(routes!(saved_queries::change, saved_queries::delete))
        .routes(routes!(query_history::list, query_history::remember, query_history::forget))
}

/// Threat intelligence.
fn intelligence_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(indicators::list::list))
        .routes(routes!(indicators::import::import))
        .routes(routes!(indicators::edit::expire))
        .routes(routes!(indicators::list::find))
        .routes(routes!(indicators::edit::delete))
        .routes(routes!(indicators::collections::list))
        .routes(routes!(indicators::collections::change, indicators::collections::delete))
        .routes(routes!(feeds::list, feeds::create))
        .routes(routes!(feeds::presets))
        .routes(routes!(feeds::change, feeds::delete))
        .routes(routes!(feeds::refresh))
        .routes(routes!(retrohunts::list, retrohunts::create))
        .routes(routes!(retrohunts::show))
        .routes(routes!(retrohunts::cancel))
}

/// The jobs at Cloudflare.
fn cloudflare_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(logpush::list, logpush::create))
        .routes(routes!(logpush::datasets))
        .routes(routes!(logpush::check))
        .routes(routes!(logpush::verify))
        .routes(routes!(logpush::update))
        .routes(routes!(logpush::delete))
}

fn intake_routes() -> Router<Shared> {
    Router::new()
        .route("/plain", post(intake::plain))
        .route("/plain/batch", post(intake::lines))
        .route("/jsons", post(intake::jsons))
        .route("/batch", post(intake::batch))
        .route("/array", post(intake::array))
        .route("/", post(intake::single))
}

#[cfg(test)]
mod tests;
