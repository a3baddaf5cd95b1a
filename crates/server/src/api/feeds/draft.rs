//! A feed that takes shape: what a preset says, and what the caller says before it.

use serde_json::{Value, json};
use tidegate_state::{self as state, FeedAuth, Secret};

use super::{FeedLogin, FeedRequest};
use crate::error::ApiError;
use crate::parts::Shared;

/// A feed that takes shape.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) kind: state::FeedKind,
    pub(super) url: String,
    pub(super) collection: String,
    pub(super) settings: Value,
    pub(super) auth: FeedAuth,
    pub(super) every_seconds: u64,
    /// The parameter of the address in which the feed wants its secret.
    secret_parameter: Option<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: state::FeedKind::Http,
            url: String::new(),
            collection: String::new(),
            settings: json!({"format": "auto"}),
            auth: FeedAuth::None,
            every_seconds: 3_600,
            secret_parameter: None,
        }
    }
}

impl Draft {
    pub(super) async fn of_preset(shared: &Shared, name: &str) -> Result<Self, ApiError> {
        let presets = shared.detect(|detection| Ok(detection.feed_presets())).await?;
        let found = presets.into_iter().find(|preset| preset.preset == name);
        let preset = found.ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            ApiError::bad_request(format!("no preset `{name}`; `/api/v1/feeds/presets` lists them"))
        })?;
        let mut settings = preset.settings;
        if !settings.is_object() {
            settings = json!({});
        }
        settings["format"] = json!(preset.format);
        settings["preset"] = json!(preset.preset);
        Ok(Self {
            name: preset.name,
            kind: preset.kind,
            url: preset.url,
            collection: preset.collection,
            settings,
            auth: FeedAuth::None,
            every_seconds: preset.every_seconds,
            secret_parameter: preset.secret_parameter,
        })
    }

    /// What the caller says goes before what the preset says.
    pub(super) fn with(mut self, request: FeedRequest) -> Result<Self, ApiError> {
        let missing = |name: &str| Err(ApiError::bad_request(format!("`{name}` is missing")));
        self.name = request.name.unwrap_or(self.name);
        self.url = request.url.unwrap_or(self.url);
        self.collection = request.collection.unwrap_or(self.collection);
        self.every_seconds = request.every_seconds.unwrap_or(self.every_seconds);
        for (name, value) in [("name", &self.name), ("url", &self.url), ("collection", &self.collection)] {
            if value.trim().is_empty() {
                return missing(name);
            }
        }
        if let Some(kind) = request.kind {
            self.kind = kind.into();
        }
        if request.confidence.is_some_and(|sure| sure > 100) {
            return Err(ApiError::bad_request("`confidence` must be 0 to 100"));
        }
        for (name, value) in [
            ("format", request.format.map(|format| json!(format))),
            ("tags", request.tags.map(|tags| json!(tags))),
            ("confidence", request.confidence.map(|sure| json!(sure))),
            ("valid_days", request.valid_days.map(|days| json!(days))),
        ] {
            if let Some(value) = value {
                self.settings[name] = value;
            }
        }
        if let Some(secret) = request.secret.filter(|secret| !secret.is_empty()) {
            match (&self.secret_parameter, request.auth) {
                (Some(parameter), None) => self.url = with_parameter(&self.url, parameter, &secret),
                (_, auth) => self.auth = login(auth, request.auth_name, secret)?,
            }
        }
        Ok(self)
    }
}

/// An address with one more parameter, its value escaped.
pub(super) fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let mut out = format!("{url}{}{name}=", if url.contains('?') { '&' } else { '?' });
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

pub(super) fn login(auth: Option<FeedLogin>, name: Option<String>, secret: String) -> Result<FeedAuth, ApiError> {
    let secret = Secret::new(secret);
    let named = |what: &str| {
        let name = name.filter(|name| !name.trim().is_empty());
        name.ok_or_else(|| ApiError::bad_request(format!("`auth_name` is missing: {what}")))
    };
    Ok(match auth.unwrap_or(FeedLogin::Bearer) {
        FeedLogin::None => FeedAuth::None,
        FeedLogin::Basic => FeedAuth::Basic(named("the user's name")?, secret),
        FeedLogin::Bearer => FeedAuth::Bearer(secret),
        FeedLogin::Header => FeedAuth::Header(named("the header's name")?, secret),
    })
}
