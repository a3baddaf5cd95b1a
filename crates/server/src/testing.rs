//! A server without a socket, for tests: real journal and control plane in a directory that goes away with it.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_journal::{Journal, Options as JournalOptions, Reader};
use tidegate_pipeline::Counters;
use tidegate_state::{Actor, FILE_NAME, NewToken, Role, Secret, State};
use tower::ServiceExt;

use crate::detection::Detection;
use crate::logpush::Logpush;
use crate::options::Options;
use crate::parts::{FormatInfo, Gauges, Readings, Senders, ServerParts, Shared};
use crate::router::router;

mod fake;
mod stage;

pub(crate) use fake::{ALWAYS, BUILTIN, Fake};
pub(crate) use stage::Stage;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const FORMAT: &str = "cloudflare-gateway-dns";

pub(crate) struct Fixture {
    pub(crate) shared: Shared,
    pub(crate) router: Router,
    /// An intake's key.
    pub(crate) key: String,
    pub(crate) admin: String,
    pub(crate) analyst: String,
    pub(crate) viewer: String,
    /// What the gauges complain about.
    pub(crate) troubles: Arc<Mutex<Vec<String>>>,
    pub(crate) stage: Stage,
    _directory: TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The sentence of the one error shape, which every answer that is no success must have.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        assert!(json["error"]["code"].is_string(), "{json}");
        json["error"]["message"].as_str().expect("a message").to_owned()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let json = self.json();
        json["event_ids"].as_array().expect("ids").iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(Options::default(), JournalOptions::default())
    }

    /// With rules and intelligence.
    pub(crate) fn detecting() -> (Self, Arc<Fake>) {
        let fake = Arc::new(Fake::default());
        let detection = Some(Arc::clone(&fake) as Arc<dyn Detection>);
        (Self::whole(Options::default(), JournalOptions::default(), detection), fake)
    }

    pub(crate) fn with(options: Options, journal: JournalOptions) -> Self {
        Self::whole(options, journal, None)
    }

    /// With these senders and no others.
    pub(crate) fn for_senders(options: Options, senders: Senders) -> Self {
        Self::of(options, JournalOptions::default(), |parts| parts.senders = senders)
    }

    /// With the Cloudflare side.
    pub(crate) fn with_logpush(side: Arc<dyn Logpush>) -> Self {
        Self::of(Options::default(), JournalOptions::default(), |parts| parts.logpush = Some(side))
    }

    fn whole(options: Options, journal: JournalOptions, detection: Option<Arc<dyn Detection>>) -> Self {
        Self::of(options, journal, |parts| parts.detection = detection)
    }

    fn of(options: Options, journal: JournalOptions, change: impl FnOnce(&mut ServerParts)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let Staged { mut parts, key, admin, analyst, viewer, troubles, stage } =
            parts(directory.path(), options, journal);
        change(&mut parts);
        let shared = Shared::new(parts, false);
        let router = router(shared.clone());
        Self { router, shared, key, admin, analyst, viewer, troubles, stage, _directory: directory }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("a router never fails");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Asks the API with a token.
    pub(crate) async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    /// Posts a body to an intake route with the intake's key.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.post_with(path, &[("x-sekoiaio-intake-key", &self.key)], body).await
    }

    pub(crate) async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// The batches in the journal.
    pub(crate) fn stored(&self) -> u64 {
        self.shared.journal.stats().last.0
    }

    pub(crate) fn reader(&self) -> Reader {
        self.shared.journal.reader(tidegate_event::Position(0))
    }
}

/// Parts of a server and what a test needs to use them.
pub(crate) struct Staged {
    pub(crate) parts: ServerParts,
    /// An intake's key.
    pub(crate) key: String,
    /// An admin's token.
    pub(crate) admin: String,
    /// An analyst's token.
    pub(crate) analyst: String,
    /// A viewer's token.
    pub(crate) viewer: String,
    /// What the gauges complain about.
    pub(crate) troubles: Arc<Mutex<Vec<String>>>,
    /// What the engine searches.
    pub(crate) stage: Stage,
}

/// Parts in `directory`.
pub(crate) fn parts(directory: &std::path::Path, options: Options, journal: JournalOptions) -> Staged {
    let (state, first) = State::open(&directory.join(FILE_NAME)).expect("a state");
    let actor = Actor::system();
    let admin = state.user_by_name(&first.expect("a first login").user).expect("an admin");
    let viewer = state.create_user("vera", &Secret::new(PASSWORD), Role::Viewer, &actor).expect("a viewer");
    let analyst = state.create_user("anton", &Secret::new(PASSWORD), Role::Analyst, &actor).expect("an analyst");
    let token = |user, role| {
        let new = NewToken { name: "test", role, expires: None };
        state.create_token(user, &new, &actor).expect("a token").1.reveal().to_owned()
    };
    let tokens = [token(admin.id, Role::Admin), token(analyst.id, Role::Analyst), token(viewer.id, Role::Viewer)];
    let key = state.create_intake("gateway", FORMAT, &actor).expect("an intake").1.reveal().to_owned();
    let (journal, _) = Journal::open(&directory.join("journal"), journal).expect("a journal");
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let gauges = Gauges::new({
        let troubles = Arc::clone(&troubles);
        move || Readings { figures: Vec::new(), troubles: troubles.lock().expect("troubles").clone() }
    });
    let format = FormatInfo {
        name: FORMAT.to_owned(),
        uuid: "00000000-0000-0000-0000-000000000001".to_owned(),
        title: "Cloudflare Gateway DNS".to_owned(),
        description: "DNS queries".to_owned(),
        fields: Vec::new(),
    };
    let (stage, engine) = Stage::new(directory);
    let parts = ServerParts {
        journal: Arc::new(journal),
        state: Arc::new(state),
        engine: Arc::new(engine),
        counters: Arc::new(Counters::new()),
        formats: vec![format],
        detection: None,
        logpush: None,
        gauges,
        certificates: None,
        senders: Senders::anybody(),
        options,
        version: "0.0.0",
    };
    let [admin, analyst, viewer] = tokens;
    Staged { parts, key, admin, analyst, viewer, troubles, stage }
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}
