//! Lists with one entry a line, in the forms that blocklists come in.

use std::io::BufRead;

use super::error::IntelError;
use super::lines::{Line, Lines};
use super::read::{FEED_BYTES_MAX, Taker};
use super::report::excerpt;
use super::value::Scope;

/// Reads the list to its end, or until nothing more is wanted.
pub(super) fn read(input: impl BufRead, taker: &mut Taker<'_, '_>) -> Result<(), IntelError> {
    let mut lines = Lines::new(input);
    let mut at = 0;
    while !taker.ended() {
        at += 1;
        match lines.next() {
            Ok(Line::End) => break,
            Ok(Line::Text(line)) => entry(at, line, taker),
            Ok(Line::NotText) => {
                taker.record();
                taker.report.problem(at, "the line is not UTF-8");
                taker.barren();
            }
            Ok(Line::TooLong) => {
                taker.record();
                taker.report.problem(at, "the line is too long");
                taker.barren();
            }
            Err(error) => taker.end(format!("reading failed at line {at}: {error}")),
        }
        if lines.bytes() > FEED_BYTES_MAX {
            taker.end(format!("it is larger than {} MiB", FEED_BYTES_MAX >> 20));
        }
    }
    super::json::nothing_known(taker, "no line is a name, an address or a URL")
}

fn entry(at: u64, line: &str, taker: &mut Taker<'_, '_>) {
    let line = line.trim();
    let comment = line.is_empty()
        || line.starts_with(['#', '!', ';'])
        || line.starts_with("//")
        || (line.starts_with('[') && line.to_ascii_lowercase().starts_with("[adblock"));
    if comment {
        return;
    }
    taker.record();
    if line.starts_with("@@") || line.contains("##") || line.contains("#@#") || line.contains("#?#") {
        taker.report.pass_over("rule for web pages");
        return;
    }
    let line = without_remark(line);
    if let Some(rule) = line.strip_prefix("||") {
        adblock(at, rule, taker);
    } else if let Some(rest) = dnsmasq(line) {
        one(at, rest, Some(Scope::Subtree), taker);
    } else {
        words(at, line, taker);
    }
}

/// `name # remark`, `1.2.3.0/24 ; remark`.
fn without_remark(line: &str) -> &str {
    let cut = [" #", "\t#", " ;", "\t;", " //"].iter().filter_map(|mark| line.find(mark)).min();
    cut.map_or(line, |cut| line[..cut].trim_end())
}

/// `name^$options`: the whole subtree. A rule with a path is about one page, which DNS logs do not hold.
fn adblock(at: u64, rule: &str, taker: &mut Taker<'_, '_>) {
    let (name, tail) = rule.split_at(rule.find(['^', '$', '/']).unwrap_or(rule.len()));
    let whole_site =
        tail.is_empty() || tail.starts_with('^') && !tail[1..].starts_with(['/', '?']) || tail.starts_with('$');
    if whole_site {
        one(at, name, Some(Scope::Subtree), taker);
    } else {
        taker.report.pass_over("rule for web pages");
    }
}

/// `address=/name/0.0.0.0`, `server=/name/`, `local-zone: "name" always_nxdomain`.
fn dnsmasq(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("address=/").or_else(|| line.strip_prefix("server=/")) {
        return rest.split('/').next();
    }
    if let Some(rest) = line.strip_prefix("local-zone:") {
        return rest.trim_start().trim_start_matches('"').split(['"', ' ']).next();
    }
    None
}

/// One value; `0.0.0.0 name name`; `name CNAME .`; a value and a number.
fn words(at: u64, line: &str, taker: &mut Taker<'_, '_>) {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return };
    let Some(second) = words.next() else { return one(at, first, None, taker) };
    let sink = matches!(first, "0.0.0.0" | "127.0.0.1" | "::" | "::1" | "0" | "::0");
    if sink {
        for name in std::iter::once(second).chain(words) {
            if !is_local(name) {
                one(at, name, None, taker);
            }
        }
        return;
    }
    let cname = line.split_whitespace().skip(1).take(3).any(|word| word.eq_ignore_ascii_case("cname"));
    let number = second.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if cname || (number && words.next().is_none()) {
        one(at, first, None, taker);
    } else {
        taker.report.problem(at, &format!("`{}` is more than one value", excerpt(line, 80)));
        taker.barren();
    }
}

fn is_local(name: &str) -> bool {
    matches!(name, "localhost" | "localhost.localdomain" | "local" | "broadcasthost" | "0.0.0.0")
        || name.starts_with("ip6-")
}

fn one(at: u64, text: &str, scope: Option<Scope>, taker: &mut Taker<'_, '_>) {
    if let Some(mut indicator) = taker.value(at, text) {
        if let Some(scope) = scope {
            indicator.scope = scope;
        }
        taker.take(indicator);
    }
}
