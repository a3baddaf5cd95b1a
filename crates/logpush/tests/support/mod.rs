//! A server that behaves like the Cloudflare API for Logpush, written from its documentation:
//! `https://developers.cloudflare.com/api/resources/logpush/` and cloudflare-python 5.9.0. It refuses what the published
//! schema does not allow, unknown members included.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of the support")]

pub mod http;
pub mod schema;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use http::{Request, Response};

pub const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
pub const ZONE: &str = "9a7806061c88ada191ed06f989cc3dac";
pub const TOKEN: &str = "cf_test_0123456789abcdef";
pub const TOKEN_ID: &str = "ed17574386854bf78a67040be0a770b0";

/// A running server.
pub struct Mock {
    pub url: String,
    state: Arc<Mutex<State>>,
    _server: http::Server,
}

/// Sends the validation upload to a destination; says why it failed.
pub type Upload = Box<dyn FnMut(&str) -> Option<String> + Send>;

/// What the server knows and how it behaves.
pub struct State {
    pub jobs: Vec<Value>,
    pub calls: Vec<Request>,
    /// Answers that are given first, whatever is asked.
    pub next: VecDeque<Response>,
    pub token_status: &'static str,
    pub token_expires: Option<&'static str>,
    /// Whether the token was made for the account instead of a user.
    pub of_account: bool,
    pub may_edit_logs: bool,
    pub may_read_pii: bool,
    /// Whether the token may read itself.
    pub reads_itself: bool,
    pub fields: Vec<&'static str>,
    pub page_size: usize,
    /// Why the validation upload fails.
    pub upload_fails: Option<&'static str>,
    /// Sends the validation upload to a destination; says why it failed.
    pub upload: Option<Upload>,
    next_id: u64,
}

impl Mock {
    pub fn start() -> Self {
        let state = State {
            jobs: Vec::new(),
            calls: Vec::new(),
            next: VecDeque::new(),
            token_status: "active",
            token_expires: None,
            of_account: false,
            may_edit_logs: true,
            may_read_pii: true,
            reads_itself: false,
            fields: vec![
                "Datetime",
                "QueryID",
                "QueryName",
                "QueryTypeName",
                "RCode",
                "ResolverDecision",
                "SrcIP",
                "Email",
            ],
            page_size: 50,
            upload_fails: None,
            upload: None,
            next_id: 100,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = http::Server::start(move |request| shared.lock().unwrap().answer(request));
        Self { url: format!("http://{}", server.address), state, _server: server }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Method and path of each call, below the base.
    pub fn paths(&self) -> Vec<String> {
        let short =
            |request: &Request| format!("{} {}", request.method, request.path.trim_start_matches("/client/v4/"));
        self.state().calls.iter().map(short).collect()
    }
}

impl State {
    fn answer(&mut self, request: Request) -> Response {
        self.calls.push(request.clone());
        if let Some(response) = self.next.pop_front() {
            return response;
        }
        let Some(path) = request.path.strip_prefix("/client/v4/") else {
            return error(404, 7000, "No route for that URI");
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return match path.as_str() {
                "user/tokens/verify" => error(401, 1000, "Invalid API Token"),
                _ => error(403, 10000, "Authentication error"),
            };
        }
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["user", "tokens", "verify"]) if self.of_account => error(401, 1000, "Invalid API Token"),
            ("GET", ["user", "tokens", "verify"]) => self.token(),
            ("GET", ["accounts", ACCOUNT, "tokens", "verify"]) if self.of_account => self.token(),
            ("GET", ["user", "tokens", TOKEN_ID]) if self.reads_itself => self.policies(),
            ("GET", ["user", "tokens", ..]) => error(403, 9109, "Unauthorized to access requested resource"),
            (_, ["accounts", id, "logpush", ..]) if *id != ACCOUNT => error(403, 10000, "Authentication error"),
            (_, ["zones", id, "logpush", ..]) if *id != ZONE => {
                error(400, 7003, "Could not route to /zones/x, perhaps your object identifier is invalid?")
            }
            (_, [_, _, "logpush", ..]) if !self.may_edit_logs => error(403, 10000, "Authentication error"),
            (method, [_, _, "logpush", rest @ ..]) => self.logpush(method, rest, &query, &request),
            _ => error(400, 7000, "No route for that URI"),
        }
    }

    fn token(&self) -> Response {
        let mut token = json!({"id": TOKEN_ID, "status": self.token_status});
        if let Some(at) = self.token_expires {
            token["expires_on"] = json!(at);
        }
        success(token)
    }

    fn policies(&self) -> Response {
        let mut groups = Vec::new();
        if self.may_edit_logs {
            groups.push(json!({"id": "1", "name": "Logs Write"}));
        }
        if self.may_read_pii {
            groups.push(json!({"id": "2", "name": "Zero Trust: PII Read"}));
        }
        success(json!({"id": TOKEN_ID, "policies": [{"effect": "allow", "permission_groups": groups}]}))
    }

    fn logpush(&mut self, method: &str, rest: &[&str], query: &str, request: &Request) -> Response {
        let body = match request.json() {
            Ok(body) => body,
            Err(why) => return error(400, 1400, &why),
        };
        if let Some(refusal) = schema::check(method, rest, body.as_ref()) {
            return refusal;
        }
        let body = body.unwrap_or_default();
        match (method, rest) {
            ("GET", ["jobs"]) => self.list(None, query),
            ("GET", ["datasets", dataset, "jobs"]) => match self.not_allowed(dataset) {
                Some(refusal) => refusal,
                None => self.list(Some(dataset), query),
            },
            ("GET", ["datasets", dataset, "fields"]) => self.not_allowed(dataset).unwrap_or_else(|| {
                success(self.fields.iter().map(|name| ((*name).to_owned(), json!("string"))).collect())
            }),
            ("GET", ["datasets", _, "fields", "default"]) => {
                success(json!({"Datetime": "int or string", "QueryName": "string"}))
            }
            ("POST", ["jobs"]) => self.create(body),
            ("GET", ["jobs", id]) => self.find(id).map_or_else(missing, |at| success(self.jobs[at].clone())),
            ("PUT", ["jobs", id]) => self.find(id).map_or_else(missing, |at| self.change(at, &body)),
            ("DELETE", ["jobs", id]) => self.find(id).map_or_else(missing, |at| {
                let job = self.jobs.remove(at);
                success(json!({"id": job["id"]}))
            }),
            ("POST", ["validate", "destination"]) => match self.upload(&body) {
                Some(why) => success(json!({"valid": false, "message": why})),
                None => success(json!({"valid": true, "message": ""})),
            },
            ("POST", ["validate", "destination", "exists"]) => {
                let exists = self.jobs.iter().any(|job| job["destination_conf"] == body["destination_conf"]);
                success(json!({"exists": exists}))
            }
            ("POST", ["validate", "origin"]) => success(json!({"valid": true, "message": ""})),
            ("POST", ["ownership"]) => {
                success(json!({"filename": "logs/ownership-challenge.txt", "message": "", "valid": true}))
            }
            ("POST", ["ownership", "validate"]) => success(json!({"valid": body["ownership_challenge"] == "right"})),
            _ => error(405, 7001, "Method not allowed for this endpoint"),
        }
    }

    fn not_allowed(&self, dataset: &str) -> Option<Response> {
        let personal =
            ["access_requests", "gateway_dns", "gateway_http", "gateway_network", "zero_trust_network_sessions"];
        let message = format!("reading job for product '{dataset}' is not allowed");
        (personal.contains(&dataset) && !self.may_read_pii).then(|| error(403, 1004, &message))
    }

    fn list(&self, dataset: Option<&str>, query: &str) -> Response {
        let page: usize = query.strip_prefix("page=").map_or(1, |page| page.parse().unwrap());
        let all: Vec<&Value> =
            self.jobs.iter().filter(|job| dataset.is_none_or(|name| job["dataset"] == name)).collect();
        let part: Vec<&&Value> = all.iter().skip((page - 1) * self.page_size).take(self.page_size).collect();
        let pages = all.len().div_ceil(self.page_size).max(1);
        let info = json!({"page": page, "per_page": self.page_size, "count": part.len(), "total_count": all.len(), "total_pages": pages});
        let envelope = json!({"success": true, "errors": [], "messages": [], "result": part, "result_info": info});
        Response::json(200, &envelope)
    }

    fn create(&mut self, body: Value) -> Response {
        if let Some(refusal) = self.not_allowed(body["dataset"].as_str().unwrap_or("http_requests")) {
            return refusal;
        }
        if let Some(why) = self.upload(&body) {
            return error(
                400,
                1002,
                &format!("error validating destination {}: {why}", body["destination_conf"].as_str().unwrap()),
            );
        }
        let mut job = json!({"dataset": "http_requests", "enabled": false, "kind": "", "filter": "", "frequency": "high", "name": "",
            "logpull_options": null, "max_upload_bytes": 0, "max_upload_records": 0, "max_upload_interval_seconds": 0,
            "output_options": null, "last_complete": null, "last_error": null, "error_message": null});
        for (name, value) in body.as_object().unwrap() {
            if name != "ownership_challenge" {
                job[name] = value.clone();
            }
        }
        add_defaults(&mut job["output_options"]);
        job["id"] = json!(self.next_id);
        self.next_id += 1;
        self.jobs.push(job.clone());
        success(job)
    }

    /// Why the validation upload to the destination in `body` fails.
    fn upload(&mut self, body: &Value) -> Option<String> {
        let to = body["destination_conf"].as_str().unwrap_or_default();
        let sent = self.upload.as_mut().and_then(|upload| upload(to));
        self.upload_fails.map(str::to_owned).or(sent)
    }

    fn change(&mut self, at: usize, body: &Value) -> Response {
        for (name, value) in body.as_object().unwrap() {
            self.jobs[at][name] = value.clone();
        }
        add_defaults(&mut self.jobs[at]["output_options"]);
        success(self.jobs[at].clone())
    }

    fn find(&self, id: &str) -> Option<usize> {
        let id: u64 = id.parse().ok()?;
        self.jobs.iter().position(|job| job["id"] == id)
    }
}

/// The server writes out what a request leaves to it.
fn add_defaults(options: &mut Value) {
    let Some(options) = options.as_object_mut() else { return };
    for (name, value) in [
        ("output_type", json!("ndjson")),
        ("batch_prefix", json!("")),
        ("batch_suffix", json!("")),
        ("record_prefix", json!("{")),
        ("record_suffix", json!("}\n")),
        ("record_delimiter", json!("")),
        ("field_delimiter", json!(",")),
        ("sample_rate", json!(1)),
        ("timestamp_format", json!("unixnano")),
        ("CVE-2021-44228", json!(false)),
    ] {
        options.entry(name).or_insert(value);
    }
}

pub fn success(result: Value) -> Response {
    Response::json(200, &json!({"success": true, "errors": [], "messages": [], "result": result}))
}

pub fn error(status: u16, code: u64, message: &str) -> Response {
    let errors = json!([{"code": code, "message": message}]);
    Response::json(status, &json!({"success": false, "errors": errors, "messages": [], "result": null}))
}

fn missing() -> Response {
    error(404, 1001, "job not found")
}
