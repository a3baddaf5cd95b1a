//! Mail by SMTP.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{ConfigError, Failure};
use crate::http::chain;
use crate::message::Message;
use crate::notifier::Notifier;
use crate::template::Template;
use crate::text::{one_line, standard, title};

const RECIPIENTS_MAX: usize = 50;
const HOST_BYTES_MAX: usize = 253;
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Security,
    username: Option<String>,
    from: String,
    to: Vec<String>,
    /// A template of its own.
    subject: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Security {
    /// Begins in clear and must turn to TLS (port 587).
    #[default]
    StartTls,
    /// TLS from the first byte (port 465).
    Tls,
    /// In clear (port 25).
    None,
}

/// A way to send mail that can be used.
pub(crate) struct Email {
    pub(crate) host: String,
    port: u16,
    security: Security,
    credentials: Option<(String, Zeroizing<String>)>,
    from: Mailbox,
    to: Vec<Mailbox>,
    subject: Option<Template>,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Email {
    pub(crate) fn new(config: &Value, secret: Option<&str>) -> Result<Self, ConfigError> {
        let config = Config::deserialize(config)?;
        if config.host.is_empty() || config.host.len() > HOST_BYTES_MAX {
            return Err(ConfigError::value("host", format!("must have 1 to {HOST_BYTES_MAX} bytes")));
        }
        if config.to.is_empty() || config.to.len() > RECIPIENTS_MAX {
            return Err(ConfigError::value("to", format!("must name 1 to {RECIPIENTS_MAX} addresses")));
        }
        let credentials = match (config.username, secret) {
            (Some(user), Some(password)) => Some((user, Zeroizing::new(password.to_owned()))),
            (Some(_), None) => return Err(ConfigError::value("secret", "must be the password of `username`")),
            (None, Some(_)) => return Err(ConfigError::value("username", "is needed with a password")),
            (None, None) => None,
        };
        if credentials.is_some() && config.tls == Security::None {
            return Err(ConfigError::value("tls", "must be `starttls` or `tls` with a password"));
        }
        let subject = config.subject.map(|subject| subject.parse::<Template>()).transpose();
        Ok(Self {
            port: config.port.unwrap_or(match config.tls {
                Security::StartTls => 587,
                Security::Tls => 465,
                Security::None => 25,
            }),
            host: config.host,
            security: config.tls,
            credentials,
            from: mailbox("from", &config.from)?,
            to: config.to.iter().map(|to| mailbox("to", to)).collect::<Result<_, _>>()?,
            subject: subject.map_err(|error| ConfigError::value("subject", error.to_string()))?,
        })
    }

    pub(crate) async fn tell(
        &self,
        notifier: &Notifier,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<(), Failure> {
        let mail = self.write(notifier, template, message)?;
        // We connect to the address that was checked; the certificate must be the host's.
        let address = notifier.policy().resolve(&self.host, self.port).await?[0];
        let tls = || {
            TlsParameters::new_rustls(self.host.clone())
                .map_err(|error| Failure::lasting(format!("TLS cannot be set up: {}", chain(&error))))
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(self.port)
            .timeout(Some(TIMEOUT))
            .tls(match self.security {
                Security::StartTls => Tls::Required(tls()?),
                Security::Tls => Tls::Wrapper(tls()?),
                Security::None => Tls::None,
            });
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
        }
        match tokio::time::timeout(2 * TIMEOUT, builder.build().send(mail)).await {
            Err(_) => Err(Failure::passing("mail server takes too long")),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => {
                Err(Failure::lasting(format!("mail server refuses: {}", chain(&error))))
            }
            Ok(Err(error)) => Err(Failure::passing(format!("mail server: {}", chain(&error)))),
        }
    }

    fn write(
        &self,
        notifier: &Notifier,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<lettre::Message, Failure> {
        let body = message.body();
        let plain = str::to_owned;
        let subject = self.subject.as_ref().map_or_else(|| title(message), |subject| subject.render(&body, plain));
        let text = template.map_or_else(|| standard(message, plain), |template| template.render(&body, plain));
        let micros = u64::try_from(notifier.now().as_micros()).unwrap_or(0);
        let mut mail = MessageBuilder::new()
            .from(self.from.clone())
            .subject(one_line(&format!("Tidegate: {subject}")))
            // The same message has the same id however often it is sent.
            .message_id(Some(format!("<{}@tidegate>", id(&message.key))))
            .date(std::time::UNIX_EPOCH + Duration::from_micros(micros))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        mail.body(text).map_err(|error| Failure::lasting(format!("cannot write the mail: {}", chain(&error))))
    }
}

fn mailbox(what: &'static str, text: &str) -> Result<Mailbox, ConfigError> {
    text.parse().map_err(|error| ConfigError::value(what, format!("is no mail address: {error}")))
}

fn id(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' }).collect()
}
