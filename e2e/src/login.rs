//! Logging in.

use serde_json::json;

use crate::http::{Http, Reply, Request};

/// A user with a session, as a browser has one.
#[derive(Debug)]
pub struct Login {
    http: Http,
    url: String,
    /// The cookie, `name=value`.
    pub cookie: String,
    /// The token that goes with it.
    pub csrf: String,
}

impl Login {
    #[track_caller]
    pub(crate) fn new(http: &Http, url: &str, user: &str, password: &str) -> Self {
        let request = Request::new("POST", format!("{url}/api/v1/login"));
        let request = request.json(&json!({"user": user, "password": password}));
        let answer = http.send(&request).unwrap_or_else(|error| panic!("{error}")).expect(200);
        let cookie = answer.header("set-cookie").and_then(|text| text.split(';').next());
        let csrf = answer.json()["csrf"].as_str().map(str::to_owned);
        Self {
            http: http.clone(),
            url: url.to_owned(),
            cookie: cookie.expect("a login sets a cookie").to_owned(),
            csrf: csrf.expect("a login says its token"),
        }
    }

    /// A request to the API that carries cookie and token; `path` begins after `/api/v1/`.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, format!("{}/api/v1/{path}", self.url))
            .header("Cookie", &self.cookie)
            .header("X-Tidegate-CSRF", &self.csrf)
    }

    /// Makes an API token.
    #[track_caller]
    #[must_use]
    pub fn token(&self, name: &str, role: &str) -> String {
        let request = self.request("POST", "tokens").json(&json!({"name": name, "role": role}));
        let answer = self.http.send(&request).unwrap_or_else(|error| panic!("{error}")).expect(201).json();
        answer["secret"].as_str().map_or_else(|| panic!("no secret in {answer}"), str::to_owned)
    }

    /// Makes a user with a password of their own.
    #[track_caller]
    pub fn create_user(&self, name: &str, password: &str, role: &str) {
        let body = json!({"name": name, "password": password, "role": role});
        self.send(&self.request("POST", "users").json(&body)).expect(201);
    }

    /// Sends a request.
    #[track_caller]
    #[must_use]
    pub fn send(&self, request: &Request) -> Reply {
        self.http.send(request).unwrap_or_else(|error| panic!("{error}"))
    }
}
