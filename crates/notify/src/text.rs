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
    let defanged = |path: &str| message.get(path).map(harmless).filter(|text| !text.is_empty());
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("{name}: {}", escape(&one_line(&value))));
        }
    };
    if message.get("alert").is_some() {
        fact("why", defanged("alert.note"));
        fact("source", get("alert.source"));
        fact("target", defanged("alert.target"));
        fact("name", defanged("alert.name"));
        fact("matched", defanged("alert.matched"));
        fact("events", get("alert.event_count"));
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
    pair(value).map_or_else(|| plain(value), |(field, found)| format!("{field}={found}"))
}

/// A field and what was found in it.
fn pair(value: &Value) -> Option<(&str, &str)> {
    match value.as_array()?.as_slice() {
        [Value::String(field), Value::String(found)] => Some((field, found)),
        _ => None,
    }
}

/// A JSON value as [`plain`] writes it, harmless to click; the fields of pairs stay as they are.
pub(crate) fn harmless(value: &Value) -> String {
    let item = |item: &Value| match pair(item) {
        Some((field, found)) => format!("{field}={}", defang(found)),
        None => defang(&plain(item)),
    };
    match value {
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        other => defang(&plain(other)),
    }
}

/// Names and addresses that mail and chat programs will not turn into links: `evil[.]example`, `hxxp://`. Numbers such
/// as `0.87` and full stops stay.
pub(crate) fn defang(text: &str) -> String {
    let text = text.replace("http://", "hxxp://").replace("https://", "hxxps://");
    let mut out = String::with_capacity(text.len() + 16);
    for piece in text.split_inclusive(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))) {
        let word = piece.trim_end_matches(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
        if is_number(word) {
            out.push_str(word);
        } else {
            out.push_str(&word.replace('.', "[.]"));
        }
        out.push_str(&piece[word.len()..]);
    }
    out
}

/// Digits and dots that are no IPv4 address.
fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && word.matches('.').count() != 3
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
