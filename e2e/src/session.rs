//! A user of the API.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::body::gzip;
use crate::http::{Http, Reply, Request};
use crate::wait::{SOON, within};

/// Whoever holds an API token of a server.
#[derive(Clone, Debug)]
pub struct Session {
    http: Http,
    url: String,
    token: String,
}

/// Where logs come in.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: String,
}

impl Session {
    pub(crate) fn new(http: &Http, url: &str, token: &str) -> Self {
        Self { http: http.clone(), url: url.to_owned(), token: token.to_owned() }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks the API; `path` begins after `/api/v1/`.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, String> {
        let request = Request::new(method, format!("{}/api/v1/{path}", self.url));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        self.http.send(&match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// Asks the API; `path` begins after `/api/v1/`.
    #[track_caller]
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.try_ask(method, path, body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads something.
    #[track_caller]
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).expect(200).json()
    }

    /// Asks a question with a body.
    #[track_caller]
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, Some(body)).expect(200).json()
    }

    /// Makes an intake.
    #[track_caller]
    #[must_use]
    pub fn create_intake(&self, name: &str, format: &str) -> Intake {
        let answer = self.ask("POST", "intakes", Some(&json!({"name": name, "format": format}))).expect(201).json();
        let text = |place: &str| {
            let value = answer.pointer(place).and_then(Value::as_str);
            value.unwrap_or_else(|| panic!("no `{place}` in {answer}")).to_owned()
        };
        Intake { id: text("/intake/id"), name: name.to_owned(), key: text("/key") }
    }

    /// Makes an intake for Gateway DNS records.
    #[track_caller]
    #[must_use]
    pub fn gateway(&self, name: &str) -> Intake {
        self.create_intake(name, "cloudflare-gateway-dns")
    }

    /// The alerts of the rule with this name.
    #[track_caller]
    #[must_use]
    pub fn alerts(&self, rule: &str) -> Vec<Value> {
        let page = self.get("alerts?limit=1000");
        let all = page["alerts"].as_array().expect("alerts are a list");
        all.iter().filter(|alert| alert["rule"]["name"] == rule).cloned().collect()
    }

    /// The alerts of the rule with this name about names that hold `part`.
    #[track_caller]
    #[must_use]
    pub fn alerts_about(&self, rule: &str, part: &str) -> Vec<Value> {
        let about = |alert: &Value| alert["name"].as_str().is_some_and(|name| name.contains(part));
        self.alerts(rule).into_iter().filter(about).collect()
    }

    /// A page of the newest events that match, and how many there are.
    #[track_caller]
    #[must_use]
    pub fn search(&self, query: &str, limit: usize) -> Value {
        self.post("events/search", &json!({"query": query, "limit": limit}))
    }

    /// How many events match.
    #[track_caller]
    #[must_use]
    pub fn total(&self, query: &str) -> u64 {
        self.search(query, 0)["total"].as_u64().expect("a total is a number")
    }

    /// The events that match, as nested ECS, at most as many as a page holds.
    #[track_caller]
    #[must_use]
    pub fn events(&self, query: &str) -> Vec<Value> {
        let page = self.search(query, 10_000);
        page["rows"].as_array().expect("rows are a list").iter().map(|row| row["event"].clone()).collect()
    }

    /// Everything that matches, in `ndjson` or `csv`.
    #[track_caller]
    #[must_use]
    pub fn export(&self, query: &str, format: &str) -> String {
        self.ask("POST", "events/export", Some(&json!({"query": query, "format": format}))).expect(200).text()
    }

    /// The ids of all events by `QueryID`, which must differ.
    #[track_caller]
    #[must_use]
    pub fn ids(&self) -> HashMap<String, String> {
        let rows = self
            .sql("SELECT \"cloudflare.QueryID\", \"event.id\" FROM events WHERE \"cloudflare.QueryID\" IS NOT NULL");
        let mut ids = HashMap::with_capacity(rows.len());
        for row in rows {
            let text = |at: usize| row[at].as_str().expect("an id is text").to_owned();
            let earlier = ids.insert(text(0), text(1));
            assert!(earlier.is_none(), "`{}` is stored twice", row[0]);
        }
        ids
    }

    /// The rows of a statement.
    #[track_caller]
    #[must_use]
    pub fn sql(&self, statement: &str) -> Vec<Vec<Value>> {
        let answer = self.post("sql", &json!({"statement": statement}));
        assert_eq!(answer["truncated"], false, "{statement}");
        let row = |row: &Value| row.as_array().expect("a row is a list").clone();
        answer["rows"].as_array().expect("rows are a list").iter().map(row).collect()
    }

    /// The one number that a statement answers.
    #[track_caller]
    #[must_use]
    pub fn number(&self, statement: &str) -> u64 {
        let rows = self.sql(statement);
        rows.first()
            .and_then(|row| row.first())
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("{statement}: {rows:?}"))
    }

    /// Waits until exactly `count` events match.
    #[track_caller]
    pub fn wait_for(&self, query: &str, count: u64) {
        let mut last = 0;
        let what = format!("`{query}` finds {count} events");
        within(SOON, &what, || {
            last = self.total(query);
            assert!(last <= count, "`{query}` finds {last} events, more than {count}");
            (last == count).then_some(())
        });
    }

    /// Sends lines to an intake as Logpush does.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn try_push(&self, intake: &Intake, lines: &str) -> Result<Reply, String> {
        self.try_send(intake, &gzip(lines.as_bytes()))
    }

    /// Sends a gzip body to an intake as Logpush does.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn try_send(&self, intake: &Intake, body: &[u8]) -> Result<Reply, String> {
        let request = Request::new("POST", format!("{}/plain/batch", self.url))
            .header("X-Tidegate-Intake-Key", &intake.key)
            .header("Content-Encoding", "gzip")
            .body(body);
        self.http.send(&request)
    }

    /// Sends lines to an intake, which takes them; the ids of the events.
    #[track_caller]
    pub fn push(&self, intake: &Intake, lines: &str) -> Vec<String> {
        self.try_push(intake, lines).unwrap_or_else(|error| panic!("{error}")).event_ids()
    }

    /// What is counted for an intake.
    #[track_caller]
    #[must_use]
    pub fn counts(&self, intake: &Intake) -> Value {
        self.get(&format!("intakes/{}", intake.id))["counts"].clone()
    }
}
