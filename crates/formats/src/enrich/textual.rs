//! A record in words, as in ResourceRecordsJSON: names and data are text already and only need one spelling.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::Value;

use super::answers::Answer;
use super::damage::Damage;
use super::rrtype::{class_code, class_name, type_code, type_name};
use super::wire;

/// Reads an object with name, type, class, ttl and rdata, each missing one tolerated but the data.
pub(super) fn read<'a>(
    entries: &[(&'a str, Value<'a>)],
    question: Option<&str>,
    arena: &'a Bump,
) -> Result<Answer<'a>, Damage> {
    let (mut answer, mut code, mut rdata) = (Answer::default(), None, None);
    for &(key, value) in entries {
        match key {
            "name" => answer.name = text(value, arena).map(without_dot),
            "type" => {
                let kind = text(value, arena);
                code = kind.and_then(type_code);
                answer.kind = code.map(|code| type_name(code, arena)).or(kind);
            }
            "class" => {
                let class = text(value, arena);
                answer.class = class.and_then(class_code).map(|code| class_name(code, arena)).or(class);
            }
            "ttl" => answer.ttl = seconds(value),
            "rdata" | "data" => rdata = text(value, arena),
            _ => {}
        }
    }
    let rdata = rdata.ok_or(Damage::Shape)?;
    answer.data = match code {
        Some(code) => from_unknown(rdata, code, question, arena).unwrap_or_else(|| one_spelling(rdata, code, arena)),
        None => rdata,
    };
    Ok(answer)
}

/// Text as it is, a number as its digits.
fn text<'a>(value: Value<'a>, arena: &'a Bump) -> Option<&'a str> {
    match value {
        Value::Str(text) if !text.is_empty() => Some(text),
        Value::Int(number) => Some(bumpalo::format!(in arena, "{}", number).into_bump_str()),
        _ => None,
    }
}

fn seconds(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(seconds) => Some(seconds),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

/// Names end without a dot, as the queried name does; the root keeps its own.
fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').filter(|rest| !rest.is_empty() && !rest.ends_with('\\')).unwrap_or(name)
}

/// The data with the names in it spelled as in decoded records.
fn one_spelling<'a>(rdata: &'a str, code: u16, arena: &'a Bump) -> &'a str {
    match code {
        // NS, CNAME, PTR, MX, SRV, DNAME: the name stands last
        2 | 5 | 12 | 15 | 33 | 39 => {
            // The dot of a target that is the root belongs to it: `0 .` says that there is no mail exchanger.
            if rdata.ends_with(" .") { rdata } else { without_dot(rdata) }
        }
        // SOA: two names stand first
        6 => {
            let mut out = BumpString::with_capacity_in(rdata.len(), arena);
            for (index, part) in rdata.split_ascii_whitespace().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(if index < 2 { without_dot(part) } else { part });
            }
            out.into_bump_str()
        }
        _ => rdata,
    }
}

/// The form of RFC 3597, which senders use for types that they do not know: `\# 4 c0000201`. We may know better.
fn from_unknown<'a>(rdata: &str, code: u16, question: Option<&str>, arena: &'a Bump) -> Option<&'a str> {
    let mut parts = rdata.strip_prefix("\\#")?.split_ascii_whitespace();
    let length: usize = parts.next()?.parse().ok()?;
    let mut bytes = BumpVec::with_capacity_in(rdata.len() / 2, arena);
    let mut high = None;
    for digit in parts.flat_map(str::bytes) {
        let digit = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    (high.is_none() && bytes.len() == length).then(|| wire::read_bare(&bytes, code, question, arena).ok()).flatten()
}
