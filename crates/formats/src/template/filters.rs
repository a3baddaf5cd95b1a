//! Filters: Jinja's, and those of the format language.

use std::net::IpAddr;

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::Value;

use super::access::attribute;
use super::builtins::Filter;
use super::eval::{Called, Env, bounded};
use super::methods::{capitalize, replace, strip, text_of, title};
use super::value::{Fail, Number, OUTPUT_BYTES_MAX, Val};
use super::{printf, sequences};
use crate::time;

/// Largest compiled size of a regular expression that a template makes while it runs.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Applies a filter.
pub(crate) fn apply<'a>(
    env: &mut Env<'_, 'a>,
    filter: Filter,
    input: Val<'a>,
    args: &Called<'a>,
) -> Result<Val<'a>, Fail> {
    let arena = env.arena;
    let text = || text_of(input, arena);
    let new = |text: String| {
        if text.len() > OUTPUT_BYTES_MAX { Err(Fail("text is too long")) } else { Ok(Val::str(arena.alloc_str(&text))) }
    };
    match filter {
        Filter::Default => {
            let loose = args.get(1, "boolean").is_some_and(Val::truth);
            let absent = input.is_undefined() || (loose && !input.truth());
            Ok(if absent { args.get(0, "default_value").unwrap_or(Val::str("")) } else { input })
        }
        Filter::Lower => Ok(lower(text(), arena)),
        Filter::Upper => new(text().to_uppercase()),
        Filter::Capitalize => new(capitalize(text())),
        Filter::Title => new(title(text())),
        Filter::Trim => {
            let chars = args.get(0, "chars").and_then(Val::as_str);
            Ok(Val::str(strip(text(), chars, true, true)))
        }
        Filter::String | Filter::Safe => Ok(Val::str(text())),
        Filter::Count => input.length().map(Val::count).ok_or(Fail("value has no length")),
        Filter::Abs => match input.number() {
            Some(Number::Int(number)) => Val::int(number.abs()),
            Some(Number::Float(number)) => Ok(Val::Data(Value::Float(number.abs()))),
            None => Err(Fail("abs needs a number")),
        },
        Filter::Int => Ok(int(input, args)),
        Filter::Float => Ok(float(input, args)),
        Filter::Round => round(input, args),
        Filter::Attr => {
            let name = args.first()?.as_str().ok_or(Fail("attr needs a name"))?;
            attribute(input, name, arena)
        }
        Filter::Replace => {
            let (from, to) = (args.first()?, args.get(1, "new").ok_or(Fail("replace needs two texts"))?);
            let count = args.get(2, "count").and_then(Val::whole).unwrap_or(-1);
            replace(text(), text_of(from, arena), text_of(to, arena), count, arena)
        }
        Filter::Format => printf_filter(text(), args, arena),
        Filter::Center => center(text(), args, arena),
        Filter::Indent => indent(text(), args, arena),
        Filter::Truncate => truncate(text(), args, arena),
        Filter::WordCount => {
            Ok(Val::count(text().split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).count()))
        }
        Filter::StripTags => new(strip_tags(text())),
        Filter::Escape => new(escape(text())),
        Filter::UrlEncode => url_encode(input, arena),
        Filter::ToJson | Filter::DumpJson => {
            let value = input.data(arena).unwrap_or(Value::Null);
            new(if filter == Filter::ToJson { escape_json(&spaced_json(value)) } else { value.to_json() })
        }
        Filter::FromJson => match input.as_str() {
            Some(text) => crate::json::read_value(text, arena).map(Val::Data).map_err(|_| Fail("text is not JSON")),
            None => Ok(input),
        },
        Filter::IsIpAddress => Ok(Val::bool(ip(input).is_some())),
        Filter::IsIpv4 => Ok(Val::bool(ip(input).is_some_and(|ip| ip.is_ipv4()))),
        Filter::IsIpv6 => Ok(Val::bool(ip(input).is_some_and(|ip| ip.is_ipv6()))),
        Filter::ToRfc3339 => {
            let format = args.get(0, "fmt").and_then(Val::as_str);
            Ok(rfc3339(input, format, env))
        }
        Filter::BaseName => Ok(path_part(input, |_, name| name, arena)),
        Filter::DirName => Ok(path_part(input, |directory, _| directory, arena)),
        Filter::ReMatch | Filter::ReSearch => {
            let pattern = args.first()?.as_str().ok_or(Fail("pattern must be text"))?;
            let regex = regex(pattern, filter == Filter::ReMatch).map_err(|_| Fail("bad regular expression"))?;
            Ok(Val::bool(input.as_str().is_some_and(|text| regex.is_match(text))))
        }
        Filter::ToMacAddress => Ok(mac_address(input, arena)),
        Filter::IsUrl => Ok(Val::bool(input.as_str().is_some_and(is_url))),
        _ => sequences::apply(env, filter, input, args),
    }
}

/// The regular expression of `re_match` (the whole text) or `re_search` (any part).
pub(crate) fn regex(pattern: &str, whole: bool) -> Result<regex::Regex, regex::Error> {
    let pattern = if whole { format!("^(?:{pattern})$") } else { pattern.to_owned() };
    regex::RegexBuilder::new(&pattern).size_limit(REGEX_BYTES_MAX).build()
}

/// Lower case; text that is lower already stays where it is.
fn lower<'a>(text: &'a str, arena: &'a Bump) -> Val<'a> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Val::str(text);
    }
    Val::str(arena.alloc_str(&text.to_lowercase()))
}

fn int<'a>(input: Val<'a>, args: &Called<'a>) -> Val<'a> {
    let default = args.get(0, "default").unwrap_or_else(|| Val::count(0));
    let base = args.get(1, "base").and_then(Val::whole).and_then(|base| u32::try_from(base).ok()).unwrap_or(10);
    let found = match (input.as_str(), input.number()) {
        (Some(text), _) => parse_int(text, base),
        (_, Some(Number::Int(number))) => Some(number),
        (_, Some(Number::Float(number))) if number.is_finite() => Some(number.trunc() as i128),
        _ => None,
    };
    found.and_then(|number| Val::int(number).ok()).unwrap_or(default)
}

/// Python's `int(text, base)`, and Jinja's way out through `float`.
fn parse_int(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let prefix = digits.get(..2).unwrap_or("").to_ascii_lowercase();
    let (base, digits) = match (&*prefix, base) {
        ("0x", 16 | 0) => (16, &digits[2..]),
        ("0o", 8 | 0) => (8, &digits[2..]),
        ("0b", 2 | 0) => (2, &digits[2..]),
        (_, 0) => (10, digits),
        (_, base) => (base, digits),
    };
    if (2..=36).contains(&base)
        && !digits.starts_with(['-', '+'])
        && let Ok(number) = i128::from_str_radix(&digits.replace('_', ""), base)
    {
        return Some(if negative { -number } else { number });
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number.trunc() as i128)
}

fn float<'a>(input: Val<'a>, args: &Called<'a>) -> Val<'a> {
    let found = match input.as_str() {
        Some(text) => text.trim().replace('_', "").parse().ok(),
        None => input.number().map(Number::as_f64),
    };
    match found {
        Some(number) => Val::Data(Value::Float(number)),
        None => args.get(0, "default").unwrap_or(Val::Data(Value::Float(0.0))),
    }
}

fn round<'a>(input: Val<'a>, args: &Called<'a>) -> Result<Val<'a>, Fail> {
    let number = input.number().ok_or(Fail("round needs a number"))?.as_f64();
    let precision = args.get(0, "precision").and_then(Val::whole).unwrap_or(0).clamp(-300, 300) as i32;
    let method = args.get(1, "method").and_then(Val::as_str).unwrap_or("common");
    let scale = 10_f64.powi(precision);
    let scaled = number * scale;
    let rounded = match method {
        "ceil" => scaled.ceil(),
        "floor" => scaled.floor(),
        _ => scaled.round_ties_even(),
    };
    Ok(Val::Data(Value::Float(rounded / scale)))
}

fn printf_filter<'a>(format: &str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    if args.named.is_empty() {
        return printf::format(format, &args.positional, Val::Undefined, arena);
    }
    let pairs = BumpVec::from_iter_in(args.named.iter().map(|(name, value)| (Val::str(name), *value)), arena);
    printf::format(format, &[], Val::dict(pairs, arena), arena)
}

fn width(args: &Called<'_>, name: &str, default: usize) -> Result<usize, Fail> {
    match args.get(0, name).map(|width| width.whole()) {
        None => Ok(default),
        Some(Some(width)) => usize::try_from(width.max(0))
            .ok()
            .filter(|width| *width <= OUTPUT_BYTES_MAX)
            .ok_or(Fail("width is too large")),
        Some(None) => Err(Fail("width must be a whole number")),
    }
}

fn center<'a>(text: &str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let missing = width(args, "width", 80)?.saturating_sub(text.chars().count());
    // Python puts the odd space on the left when the width is odd
    let left = missing / 2 + (missing & width(args, "width", 80)? & 1);
    let mut out = BumpString::new_in(arena);
    out.extend(std::iter::repeat_n(' ', left));
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', missing - left));
    bounded(out)
}

fn indent<'a>(text: &str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let pad = " ".repeat(width(args, "width", 4)?.min(1000));
    let (first, blank) = (args.get(1, "first").is_some_and(Val::truth), args.get(2, "blank").is_some_and(Val::truth));
    let mut out = BumpString::new_in(arena);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if (index > 0 || first) && (blank || !line.is_empty()) {
            out.push_str(&pad);
        }
        out.push_str(line);
    }
    bounded(out)
}

fn truncate<'a>(text: &'a str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    /// Jinja leaves text alone that is longer by no more than this.
    const LEEWAY: usize = 5;
    let length = width(args, "length", 255)?;
    let end = args.get(2, "end").and_then(Val::as_str).unwrap_or("...");
    let leeway = args.get(3, "leeway").and_then(Val::whole).and_then(|l| usize::try_from(l).ok()).unwrap_or(LEEWAY);
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(Val::str(text));
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let kept = match (args.get(1, "killwords").is_some_and(Val::truth), kept.rfind(' ')) {
        (false, Some(space)) => &kept[..space],
        _ => &kept,
    };
    let mut out = BumpString::from_str_in(kept, arena);
    out.push_str(end);
    bounded(out)
}

fn strip_tags(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            _ => out.push(c),
        }
    }
    out
}

fn url_encode<'a>(input: Val<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let mut out = BumpString::new_in(arena);
    match input.pairs(arena) {
        Some(pairs) => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push('&');
                }
                percent(text_of(*key, arena), "", &mut out);
                out.push('=');
                percent(text_of(*value, arena), "", &mut out);
            }
        }
        None => percent(text_of(input, arena), "/", &mut out),
    }
    bounded(out)
}

fn percent(text: &str, kept: &str, out: &mut BumpString<'_>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || kept.contains(c) {
            out.push(c);
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// JSON as Python's `json.dumps` spaces it: `{"a": [1, 2]}`, keys sorted as Jinja's `tojson` does.
fn spaced_json(value: Value<'_>) -> String {
    match value {
        Value::List(items) => {
            format!("[{}]", items.iter().map(|item| spaced_json(*item)).collect::<Vec<_>>().join(", "))
        }
        Value::Dict(entries) => {
            let mut sorted: Vec<_> = entries.to_vec();
            sorted.sort_by_key(|(key, _)| *key);
            let parts: Vec<String> = sorted
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::Str(key).to_json(), spaced_json(*value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        other => other.to_json(),
    }
}

/// Jinja's `tojson` is safe inside HTML and ASCII.
fn escape_json(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\'' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            _ if c.is_ascii() => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

fn ip(input: Val<'_>) -> Option<IpAddr> {
    input.as_str()?.parse().ok()
}

/// The time in RFC 3339 with six digits; null when it is none.
fn rfc3339<'a>(input: Val<'a>, format: Option<&str>, env: &Env<'_, 'a>) -> Val<'a> {
    let Some(value) = input.data(env.arena) else {
        return Val::NONE;
    };
    let options = time::Options { format, zone: None, received: env.outside.received() };
    match time::parse(value, &options) {
        Some(moment) => Val::str(time::six_digits(moment, env.arena)),
        None => Val::NONE,
    }
}

/// The parts around the last `/` or `\`. Null stays null.
fn path_part<'a>(input: Val<'a>, pick: fn(&'a str, &'a str) -> &'a str, arena: &'a Bump) -> Val<'a> {
    if input.is_undefined() || input.is_none() {
        return Val::NONE;
    }
    let text = text_of(input, arena);
    let (directory, name) = match text.rfind(['/', '\\']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => ("", text),
    };
    Val::str(pick(directory, name))
}

/// Twelve hexadecimal digits, whatever stands between them, as `AA:BB:…`, letters as they were.
fn mac_address<'a>(input: Val<'a>, arena: &'a Bump) -> Val<'a> {
    let Some(text) = input.as_str() else {
        return Val::NONE;
    };
    if text.chars().any(|c| c.is_alphanumeric() && !c.is_ascii_hexdigit()) {
        return Val::NONE;
    }
    let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
    if digits.len() != 12 {
        return Val::NONE;
    }
    let mut out = BumpString::with_capacity_in(17, arena);
    for (index, digit) in digits.into_iter().enumerate() {
        if index > 0 && index % 2 == 0 {
            out.push(':');
        }
        out.push(digit);
    }
    Val::str(out.into_bump_str())
}

/// `scheme://host`, which is all that is asked of a URL here.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
        && !host.is_empty()
        && !host.contains(char::is_whitespace)
}
