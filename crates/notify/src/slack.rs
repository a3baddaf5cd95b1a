//! Webhooks that speak Slack's language, as Slack, Mattermost and Rocket.Chat do: `{"text": "…"}`. The address is the
//! secret.

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{ConfigError, Failure};
use crate::http::{check_url, send};
use crate::message::Message;
use crate::notifier::Notifier;
use crate::template::Template;
use crate::text::standard;

const NAME_CHARS_MAX: usize = 80;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The channel, where the address alone does not say it (Mattermost).
    channel: Option<String>,
    /// The name to speak under (Mattermost).
    username: Option<String>,
}

/// A channel that can be used.
pub(crate) struct Slack {
    pub(crate) url: Url,
    channel: Option<String>,
    username: Option<String>,
}

impl std::fmt::Debug for Slack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slack").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl Slack {
    pub(crate) fn new(config: &Value, secret: Option<&str>) -> Result<Self, ConfigError> {
        let Config { channel, username } = Config::deserialize(config)?;
        for name in [&channel, &username].into_iter().flatten() {
            if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
                return Err(ConfigError::value(
                    "name",
                    format!("must be one line of {NAME_CHARS_MAX} characters at most"),
                ));
            }
        }
        let url =
            secret.ok_or_else(|| ConfigError::value("secret", "must be the address that the channel gave you"))?;
        Ok(Self { url: check_url(url)?, channel, username })
    }

    pub(crate) async fn tell(
        &self,
        notifier: &Notifier,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<(), Failure> {
        let text = match template {
            Some(template) => template.render(&message.body(), escape),
            None => standard(message, escape),
        };
        let mut body = Map::from_iter([("text".to_owned(), json!(text))]);
        for (name, value) in [("channel", &self.channel), ("username", &self.username)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), json!(value));
            }
        }
        let body = Value::Object(body).to_string();
        let request = notifier.http().post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        send(notifier.policy(), &self.url, request).await
    }
}

/// What Slack asks to be escaped; else a name could call everybody (`<!channel>`) or pretend to be a link. Backticks,
/// stars and underscores only format.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@\u{2060}")
}
