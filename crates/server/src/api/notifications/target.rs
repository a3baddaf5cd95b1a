//! Where a notification target is: one line that people write, and the configuration that it stands for.

use serde_json::{Map, Value, json};
use tidegate_state::{TargetKind, mask};

use crate::error::ApiError;

const SYSLOG_PORT: u16 = 514;
const RECIPIENTS_MAX: usize = 50;

/// The members of a configuration that the line stands for.
const fn members(kind: TargetKind) -> &'static [&'static str] {
    match kind {
        TargetKind::Webhook => &["url"],
        // The address is the secret.
        TargetKind::Slack => &[],
        TargetKind::Email => &["to"],
        TargetKind::Syslog => &["host", "port", "transport"],
        TargetKind::File => &["name"],
    }
}

/// The configuration of a target from its line and what else is said of it, and its address when that is a secret.
pub(super) fn joined(
    kind: TargetKind,
    line: &str,
    more: Map<String, Value>,
) -> Result<(Value, Option<String>), ApiError> {
    let line = line.trim();
    if line.is_empty() {
        return Err(ApiError::bad_request("`target` is empty"));
    }
    let own = match kind {
        TargetKind::Webhook => json!({"url": line}),
        TargetKind::Slack => return Ok((with(kind, Map::new(), more)?, Some(line.to_owned()))),
        TargetKind::Email => {
            let to: Vec<&str> = line.split(',').map(str::trim).filter(|to| !to.is_empty()).collect();
            if to.is_empty() || to.len() > RECIPIENTS_MAX {
                return Err(ApiError::bad_request(format!("`target` must name 1 to {RECIPIENTS_MAX} recipients")));
            }
            json!({"to": to})
        }
        TargetKind::Syslog => syslog(line)?,
        TargetKind::File => json!({"name": line}),
    };
    let Value::Object(own) = own else { return Err(ApiError::bad_request("`target` is nothing that we know")) };
    Ok((with(kind, own, more)?, None))
}

/// The configuration of a target whose line stays.
pub(super) fn kept(kind: TargetKind, old: &Value, more: Map<String, Value>) -> Result<Value, ApiError> {
    let own = members(kind).iter().filter_map(|name| Some(((*name).to_owned(), old.get(name)?.clone())));
    with(kind, own.collect(), more)
}

fn with(kind: TargetKind, mut own: Map<String, Value>, more: Map<String, Value>) -> Result<Value, ApiError> {
    if let Some(name) = more.keys().find(|name| members(kind).contains(&name.as_str())) {
        return Err(ApiError::bad_request(format!("`config` holds `{name}`, which `target` says")));
    }
    own.extend(more);
    Ok(Value::Object(own))
}

/// `host`, `host:port`, with `udp://` or `tcp://` before it; IPv6 addresses stand in brackets.
fn syslog(line: &str) -> Result<Value, ApiError> {
    let wrong = || ApiError::bad_request("`target` must be `udp://host:514` or `tcp://host:514`");
    let (transport, rest) = line.split_once("://").unwrap_or(("udp", line));
    if !matches!(transport, "udp" | "tcp") {
        return Err(wrong());
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (rest, SYSLOG_PORT),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let plain = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@' | '[' | ']'));
    if plain { Ok(json!({"host": host, "port": port, "transport": transport})) } else { Err(wrong()) }
}

/// The line of a target for people, without secrets.
pub(super) fn address(kind: TargetKind, config: &Value) -> String {
    let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or("");
    match kind {
        TargetKind::Webhook => mask(text("url")).into_owned(),
        TargetKind::Slack => "secret address".to_owned(),
        TargetKind::Email => {
            let to = config.get("to").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            to.collect::<Vec<_>>().join(", ")
        }
        TargetKind::Syslog => {
            let host = text("host");
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            let port = config.get("port").and_then(Value::as_u64).unwrap_or(SYSLOG_PORT.into());
            format!("{}://{host}:{port}", config.get("transport").and_then(Value::as_str).unwrap_or("udp"))
        }
        TargetKind::File => text("name").to_owned(),
    }
}

/// What a configuration says beside the line.
pub(super) fn further(kind: TargetKind, config: &Value) -> Map<String, Value> {
    let mut more = config.as_object().cloned().unwrap_or_default();
    more.retain(|name, _| !members(kind).contains(&name.as_str()));
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_configuration_and_a_line_again() {
        for (kind, line, config, shown) in [
            (TargetKind::Webhook, "https://h.example/x", json!({"url": "https://h.example/x"}), "https://h.example/x"),
            (
                TargetKind::Email,
                "a@x.example , b@x.example",
                json!({"to": ["a@x.example", "b@x.example"]}),
                "a@x.example, b@x.example",
            ),
            (TargetKind::File, "alerts", json!({"name": "alerts"}), "alerts"),
            (
                TargetKind::Syslog,
                "tcp://[2001:db8::1]:6514",
                json!({"host": "2001:db8::1", "port": 6514, "transport": "tcp"}),
                "tcp://[2001:db8::1]:6514",
            ),
            (
                TargetKind::Syslog,
                "log.example",
                json!({"host": "log.example", "port": 514, "transport": "udp"}),
                "udp://log.example:514",
            ),
        ] {
            let (joined, secret) = joined(kind, line, Map::new()).unwrap();
            assert_eq!((&joined, secret), (&config, None), "{line}");
            assert_eq!(address(kind, &joined), shown);
            assert!(further(kind, &joined).is_empty());
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let (config, secret) = joined(TargetKind::Slack, "https://hooks.example/T1/abc", Map::new()).unwrap();
        assert_eq!((&config, secret.as_deref()), (&json!({}), Some("https://hooks.example/T1/abc")));
        assert!(!address(TargetKind::Slack, &config).contains("abc"));
        let webhook = json!({"url": "https://h.example/x?token=abcdefgh"});
        assert!(!address(TargetKind::Webhook, &webhook).contains("abcdefgh"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (kind, line) in [
            (TargetKind::Webhook, " "),
            (TargetKind::Email, ", ,"),
            (TargetKind::Syslog, "http://log.example"),
            (TargetKind::Syslog, "udp://log.example:x"),
            (TargetKind::Syslog, "udp://a b"),
        ] {
            assert!(joined(kind, line, Map::new()).is_err(), "{line}");
        }
        let more = json!({"url": "https://other.example"}).as_object().unwrap().clone();
        assert!(joined(TargetKind::Webhook, "https://h.example", more).is_err());
    }
}
