//! Texts for people, and what makes strangers' names harmless in them.

use serde_json::Value;

use crate::message::Message;

const TITLE_CHARS_MAX: usize = 200;
/// The longest text of a message.
pub(crate) const TEXT_BYTES_MAX: usize = 16 << 10;

/// One line that says what happened.
pub(crate) fn title(message: &Message) -> String {
    let get = |path: &str| message.get(path).map(plain).unwrap_or_default();
    let title = match message.kind.as_str() {
        "alert.raised" => format!("[{}] {}{}", get("alert.urgency_level"), get("alert.rule.name"), parties(message)),
        "alert.escalated" => {
            format!("[now {}] {}{}", get("alert.urgency_level"), get("alert.rule.name"), parties(message))
        }
        "intake.silent" => format!("intake {} is silent", get("intake.name")),
        "intake.lagging" => format!("intake {} lags behind", get("intake.name")),
        "intake.recovered" => format!("intake {} is well again ({})", get("intake.name"), get("intake.what")),
        "logpush.warning" => format!("Logpush job {}: {}", job(message), get("job.sentence")),
        "logpush.recovered" => format!("Logpush job {} is well again ({})", job(message), get("job.what")),
        "test" => "this is a test".to_owned(),
        other => other.to_owned(),
    };
    one_line(&title).chars().take(TITLE_CHARS_MAX).collect()
}

/// The standard text: the title and what else there is to say, a fact a line.
pub(crate) fn standard(message: &Message, escape: fn(&str) -> String) -> String {
    let mut lines = vec![escape(&title(message))];
    let get = |path: &str| message.get(path).map(plain).filter(|text| !text.is_empty());
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("{name}: {}", escape(&one_line(&value))));
        }
    };
    if message.get("alert").is_some() {
        fact("why", get("alert.note").map(|note| defang(&note)));
        fact("source", get("alert.source"));
        fact("target", get("alert.target").map(|target| defang(&target)));
        fact("name", get("alert.name").map(|name| defang(&name)));
        fact("matched", get("alert.matched").map(|matched| defang(&matched)));
        fact("occurrences", get("alert.occurrences"));
        fact("first seen", get("alert.first_seen"));
        fact("last seen", get("alert.last_seen"));
        fact("urgency", get("alert.urgency"));
        fact("ATT&CK", get("alert.rule.attack"));
        fact("alert", get("alert.number"));
    }
    if message.get("intake").is_some() {
        fact("last batch", get("intake.last_batch"));
        fact("last event", get("intake.last_event"));
    }
    if message.get("job").is_some() {
        fact("what to do", get("job.advice"));
        fact("dataset", get("job.dataset"));
        fact("intake", get("job.intake"));
        fact("last complete", get("job.last_complete"));
    }
    if message.kind == "test" {
        lines.push("If you can read it, notices of this target arrive.".to_owned());
    }
    if let Some(link) = &message.link {
        lines.push(escape(&one_line(link)));
    }
    bounded(lines.join("\n"))
}

/// A job by number and name.
fn job(message: &Message) -> String {
    let get = |path: &str| message.get(path).map(plain).filter(|text| !text.is_empty());
    let id = get("job.id").unwrap_or_default();
    get("job.name").map_or_else(|| id.clone(), |name| format!("{id} ({name})"))
}

fn parties(message: &Message) -> String {
    let get = |path: &str| message.get(path).map(plain).filter(|text| !text.is_empty());
    let to = get("alert.target").or_else(|| get("alert.name")).map(|to| defang(&to));
    match (get("alert.source"), to) {
        (Some(from), Some(to)) => format!(": {from} to {to}"),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (None, None) => String::new(),
    }
}

/// A JSON value as people write it: lists with commas, pairs within lists with `=`, nothing for null.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn item(value: &Value) -> String {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(field), Value::String(found)]) => format!("{field}={found}"),
        _ => plain(value),
    }
}

/// A name or address that mail and chat programs will not turn into a link: `evil[.]example`, `hxxp://`.
pub(crate) fn defang(text: &str) -> String {
    text.replace("http://", "hxxp://").replace("https://", "hxxps://").replace('.', "[.]")
}

/// Text on one line, without characters that move the cursor or turn the direction of text.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}

/// Text on many lines, without such characters.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) && c != '\n' && c != '\t' { ' ' } else { c }).collect()
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Text within its bound, a cut marked.
pub(crate) fn bounded(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX - '…'.len_utf8()));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
