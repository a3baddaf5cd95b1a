//! Syslog as RFC 5424 has it, by UDP (RFC 5426) or TCP with octet counting (RFC 6587).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use crate::error::{ConfigError, Failure};
use crate::message::Message;
use crate::notifier::Notifier;
use crate::template::Template;
use crate::text::{one_line, plain, standard};

/// RFC 5426 says that receivers should take so much.
const UDP_BYTES_MAX: usize = 2 << 10;
const TCP_BYTES_MAX: usize = 8 << 10;
const NAME_BYTES_MAX: usize = 48;
const VALUE_CHARS_MAX: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    host: String,
    #[serde(default = "standard_port")]
    port: u16,
    #[serde(default)]
    transport: Transport,
    /// 0 to 23; `local0`, if none.
    #[serde(default = "local0")]
    facility: u8,
    /// The name of this sender.
    #[serde(default = "sender")]
    app_name: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Transport {
    #[default]
    Udp,
    Tcp,
}

const fn standard_port() -> u16 {
    514
}

const fn local0() -> u8 {
    16
}

fn sender() -> String {
    "tidegate".to_owned()
}

/// A syslog receiver that can be used.
#[derive(Debug)]
pub(crate) struct Syslog {
    pub(crate) host: String,
    port: u16,
    transport: Transport,
    facility: u8,
    app_name: String,
}

impl Syslog {
    pub(crate) fn new(config: &Value) -> Result<Self, ConfigError> {
        let Config { host, port, transport, facility, app_name } = Config::deserialize(config)?;
        if host.is_empty() || host.len() > 253 {
            return Err(ConfigError::value("host", "must have 1 to 253 bytes"));
        }
        if facility > 23 {
            return Err(ConfigError::value("facility", "must be 0 to 23"));
        }
        if app_name.is_empty() || app_name.len() > NAME_BYTES_MAX || !app_name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::value("app_name", "must be 1 to 48 printable ASCII characters without spaces"));
        }
        Ok(Self { host, port, transport, facility, app_name })
    }

    pub(crate) async fn tell(
        &self,
        notifier: &Notifier,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<(), Failure> {
        let address = notifier.policy().resolve(&self.host, self.port).await?[0];
        let line = self.write(template, message);
        let sent = async {
            match self.transport {
                Transport::Udp => {
                    let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    let socket = UdpSocket::bind(local).await?;
                    socket.send_to(line.as_bytes(), address).await?;
                }
                Transport::Tcp => {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.write_all(format!("{} {line}", line.len()).as_bytes()).await?;
                    stream.shutdown().await?;
                }
            }
            Ok::<_, std::io::Error>(())
        };
        match tokio::time::timeout(TIMEOUT, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::passing(format!("syslog receiver: {error}"))),
            Err(_) => Err(Failure::passing("syslog receiver takes too long")),
        }
    }

    fn write(&self, template: Option<&Template>, message: &Message) -> String {
        let priority = u32::from(self.facility) * 8 + severity(message);
        let at = String::from_utf8_lossy(&message.created.to_ascii()).into_owned();
        let text = match template {
            Some(template) => template.render(&message.body(), str::to_owned),
            None => standard(message, str::to_owned),
        };
        let mut line = format!("<{priority}>1 {at} - {} - {} ", self.app_name, message.kind.replace(' ', "_"));
        line.push_str(&data(message));
        // The byte order mark says that the text is UTF-8.
        line.push_str(" \u{feff}");
        line.push_str(&one_line(&text.replace('\n', "; ")));
        let bytes_max = if self.transport == Transport::Udp { UDP_BYTES_MAX } else { TCP_BYTES_MAX };
        line.truncate(line.floor_char_boundary(bytes_max));
        line
    }
}

/// RFC 5424's severities: 2 critical, 4 warning, 5 notice, 6 informational.
fn severity(message: &Message) -> u32 {
    match message.get("alert.urgency_level").and_then(Value::as_str) {
        Some("high") => 2,
        Some("medium") => 4,
        Some(_) => 5,
        None if matches!(message.kind.as_str(), "intake.silent" | "intake.lagging" | "logpush.warning") => 4,
        None => 6,
    }
}

/// What machines read. 32473 is the number that RFC 5612 sets aside for names that nobody registered.
fn data(message: &Message) -> String {
    let mut out = format!("[tidegate@32473 key=\"{}\"", escape(&message.key));
    for (name, path) in [
        ("alert", "alert.id"),
        ("number", "alert.number"),
        ("rule", "alert.rule.name"),
        ("ruleId", "alert.rule.id"),
        ("urgency", "alert.urgency"),
        ("severity", "alert.severity"),
        ("source", "alert.source"),
        ("target", "alert.target"),
        ("name", "alert.name"),
        ("intake", "intake.name"),
        ("job", "job.id"),
    ] {
        if let Some(value) = message.get(path).map(plain).filter(|value| !value.is_empty()) {
            out.push_str(&format!(" {name}=\"{}\"", escape(&value)));
        }
    }
    out.push(']');
    out
}

fn escape(value: &str) -> String {
    let mut out = String::new();
    for c in one_line(value).chars().take(VALUE_CHARS_MAX) {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;
