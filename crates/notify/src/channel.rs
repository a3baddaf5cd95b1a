//! Channels: a configuration that was checked.

use serde_json::Value;

use crate::email::Email;
use crate::error::{ConfigError, Failure};
use crate::file::File;
use crate::policy::Policy;
use crate::slack::Slack;
use crate::syslog::Syslog;
use crate::webhook::Webhook;
use zeroize::Zeroizing;

/// A way to tell messages, ready to use.
#[derive(Debug)]
pub struct Channel {
    pub(crate) way: Way,
    pub(crate) secret: Secret,
}

/// Kept to take it out of failures.
pub(crate) struct Secret(pub(crate) Option<Zeroizing<String>>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Secret(…)" } else { "no secret" })
    }
}

#[derive(Debug)]
pub(crate) enum Way {
    Webhook(Webhook),
    Slack(Slack),
    Email(Box<Email>),
    Syslog(Syslog),
    File(File),
}

impl Channel {
    /// A channel of a kind (`webhook`, `slack`, `email`, `syslog`, `file`) with its configuration and its secret: the
    /// signing key of a webhook, the address of a Slack channel, the password of a mail account. docs/alerts.md says
    /// what each kind's configuration holds.
    ///
    /// # Errors
    /// [`ConfigError`] says what is wrong.
    pub fn new(kind: &str, config: &Value, secret: Option<&str>) -> Result<Self, ConfigError> {
        let secret = secret.filter(|secret| !secret.is_empty());
        let way = match kind {
            "webhook" => Way::Webhook(Webhook::new(config, secret)?),
            "slack" => Way::Slack(Slack::new(config, secret)?),
            "email" => Way::Email(Box::new(Email::new(config, secret)?)),
            "syslog" => Way::Syslog(Syslog::new(config)?),
            "file" => Way::File(File::new(config)?),
            other => return Err(ConfigError::Kind(other.chars().take(64).collect())),
        };
        Ok(Self { way, secret: Secret(secret.map(|secret| Zeroizing::new(secret.to_owned()))) })
    }

    /// Refuses a channel whose address delivery refuses under every setting. Names are looked up at delivery only.
    ///
    /// # Errors
    /// [`Failure`] with the sentence that delivery has.
    pub fn check(&self) -> Result<(), Failure> {
        let host = match &self.way {
            Way::Webhook(webhook) => webhook.url.host_str(),
            Way::Slack(slack) => slack.url.host_str(),
            Way::Email(email) => Some(&*email.host),
            Way::Syslog(syslog) => Some(&*syslog.host),
            Way::File(_) => None,
        };
        host.map_or(Ok(()), Policy::check)
    }
}
