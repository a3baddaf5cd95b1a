//! Tells messages.

use std::fmt;
use std::sync::Arc;

use tidegate_event::Timestamp;

use crate::channel::{Channel, Way};
use crate::error::Failure;
use crate::http;
use crate::message::Message;
use crate::policy::Policy;
use crate::template::Template;

/// Tells messages to channels. Cheap to clone; needs a Tokio runtime.
#[derive(Clone)]
pub struct Notifier {
    policy: Arc<Policy>,
    http: reqwest::Client,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Notifier {
    /// A notifier that reaches what `policy` allows; `clock` tells the time for signatures and dates.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(policy: Policy, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Self, Failure> {
        let http = http::client(&policy)?;
        Ok(Self { policy: Arc::new(policy), http, clock: Arc::new(clock) })
    }

    /// Tells one message, within a minute or so. The text is the template's, or a standard one.
    ///
    /// # Errors
    /// [`Failure`] says why not and whether to try again.
    pub async fn deliver(
        &self,
        channel: &Channel,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<(), Failure> {
        let told = match &channel.way {
            Way::Webhook(webhook) => webhook.tell(self, template, message).await,
            Way::Slack(slack) => slack.tell(self, template, message).await,
            Way::Email(email) => email.tell(self, template, message).await,
            Way::Syslog(syslog) => syslog.tell(self, template, message).await,
            Way::File(file) => file.tell(self, template, message).await,
        };
        told.map_err(|failure| failure.without(channel.secret.0.as_ref().map(|secret| secret.as_str())))
    }

    /// Tells a channel that this is a test.
    ///
    /// # Errors
    /// As [`Notifier::deliver`].
    pub async fn test(&self, channel: &Channel, template: Option<&Template>) -> Result<(), Failure> {
        self.deliver(channel, template, &Message::test(self.now())).await
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
