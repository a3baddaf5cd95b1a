//! What is told.

use serde_json::{Map, Value, json};
use tidegate_event::Timestamp;

use crate::text;

/// A message for one channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same however often the same is told, so that a receiver can drop a second copy.
    pub key: String,
    /// What it tells: `alert.raised`, `alert.escalated`, `intake.silent`, `intake.lagging`, `intake.recovered`,
    /// `logpush.warning`, `logpush.recovered`, `test`.
    pub kind: String,
    /// When it was written.
    pub created: Timestamp,
    /// `{"alert": …, "events": […]}` `{"intake": …}` or `{"job": …}`.
    pub payload: Value,
    /// Where to read more, if there is such a page.
    pub link: Option<String>,
}

impl Message {
    /// A message that says that it is a try.
    #[must_use]
    pub fn test(at: Timestamp) -> Self {
        let key = format!("test:{}", at.as_micros());
        Self { key, kind: "test".to_owned(), created: at, payload: json!({}), link: None }
    }

    /// Everything about it as one object: what templates look into and what machines receive.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("key".to_owned(), json!(self.key));
        body.insert("kind".to_owned(), json!(self.kind));
        body.insert("at".to_owned(), json!(self.created.to_rfc3339()));
        body.insert("title".to_owned(), json!(text::title(self)));
        body.insert("link".to_owned(), json!(self.link));
        if let Value::Object(payload) = &self.payload {
            for (name, value) in payload {
                body.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Value::Object(body)
    }

    /// A text somewhere in the payload: `alert.rule.name`.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.payload, |value, name| value.get(name))
    }
}
