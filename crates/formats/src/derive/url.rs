//! A URL into its parts, as Python's `urlsplit` cuts it.

use bumpalo::collections::String as BumpString;
use tidegate_event::Value;

use super::{Scene, Split};
use crate::fields::{FieldSlot, Fields};

/// The slots of `url.*`.
#[derive(Debug)]
pub(super) struct UrlRule {
    full: Option<FieldSlot>,
    original: Option<FieldSlot>,
    domain: FieldSlot,
    split: Split,
    /// Present when a source (`full` or `original`) may be.
    parts: Option<Parts>,
}

#[derive(Clone, Copy, Debug)]
struct Parts {
    scheme: FieldSlot,
    path: FieldSlot,
    query: FieldSlot,
    fragment: FieldSlot,
    username: FieldSlot,
    password: FieldSlot,
    port: FieldSlot,
}

/// A URL cut into its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces<'t> {
    pub(crate) scheme: &'t str,
    pub(crate) netloc: Option<&'t str>,
    pub(crate) path: &'t str,
    pub(crate) query: &'t str,
    pub(crate) fragment: &'t str,
}

impl UrlRule {
    pub(super) fn new(fields: &Fields) -> Option<Self> {
        let slot = |name: &str| fields.slot(&format!("url.{name}"));
        let parts = || {
            Some(Parts {
                scheme: slot("scheme")?,
                path: slot("path")?,
                query: slot("query")?,
                fragment: slot("fragment")?,
                username: slot("username")?,
                password: slot("password")?,
                port: slot("port")?,
            })
        };
        Some(Self {
            full: slot("full"),
            original: slot("original"),
            domain: slot("domain")?,
            split: Split::new(fields, "url")?,
            parts: parts(),
        })
    }

    pub(super) fn run(&self, scene: &mut Scene<'_, '_>) {
        let full = self.full.and_then(|slot| scene.text(slot));
        let source = full.or_else(|| self.original.and_then(|slot| scene.text(slot)));
        let (Some(source), Some(parts)) = (source, self.parts) else {
            self.split_domain(scene);
            return;
        };
        // Python drops these wherever they stand
        let source_clean = if source.contains(['\t', '\r', '\n']) {
            let mut clean = BumpString::with_capacity_in(source.len(), scene.arena);
            clean.extend(source.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')));
            clean.into_bump_str()
        } else {
            source
        };
        let Some(pieces) = cut(source_clean.trim_start_matches(|c: char| c <= ' ')) else {
            return;
        };
        let scheme = lower(pieces.scheme, scene);
        fill_text(scene, parts.scheme, scheme);
        let had_host = self.fill_netloc(pieces.netloc.unwrap_or(""), parts, scene);
        fill_text(scene, parts.path, pieces.path);
        fill_text(scene, parts.query, pieces.query);
        fill_text(scene, parts.fragment, pieces.fragment);
        match scene.text(parts.scheme) {
            Some("https") => scene.fill(parts.port, Value::Int(443)),
            Some("http") => scene.fill(parts.port, Value::Int(80)),
            _ => {}
        }
        if let (Some(full), "http" | "https") = (self.full, scheme) {
            scene.fill(full, Value::Str(source));
        }
        if had_host {
            self.split_domain(scene);
        }
    }

    fn split_domain(&self, scene: &mut Scene<'_, '_>) {
        if let Some(text) = scene.text(self.domain) {
            self.split.apply(text, scene.slots);
        }
    }

    /// User, password, host and port; whether there is a host.
    fn fill_netloc<'a>(&self, netloc: &'a str, parts: Parts, scene: &mut Scene<'_, 'a>) -> bool {
        let (user, place) = netloc.rsplit_once('@').map_or((None, netloc), |(user, place)| (Some(user), place));
        if let Some(user) = user {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            fill_text(scene, parts.username, name);
            fill_text(scene, parts.password, password);
        }
        let (host, port) = host_and_port(place);
        if let Some(port) = port.parse::<u16>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit())) {
            scene.fill(parts.port, Value::Int(i64::from(port)));
        }
        let host = lower(host, scene);
        fill_text(scene, self.domain, host);
        !host.is_empty()
    }
}

/// Host and port, the brackets of an address of version 6 removed.
fn host_and_port(place: &str) -> (&str, &str) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').unwrap_or(""));
    }
    place.split_once(':').unwrap_or((place, ""))
}

fn fill_text<'a>(scene: &mut Scene<'_, 'a>, slot: FieldSlot, text: &'a str) {
    if !text.is_empty() {
        scene.fill(slot, Value::Str(text));
    }
}

fn lower<'a>(text: &'a str, scene: &Scene<'_, 'a>) -> &'a str {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        return scene.arena.alloc_str(&text.to_lowercase());
    }
    text
}

/// Cuts a URL. `None` when brackets do not match, which Python refuses.
pub(crate) fn cut(text: &str) -> Option<Pieces<'_>> {
    let mut pieces = Pieces::default();
    let mut rest = text;
    if let Some((scheme, tail)) = text.split_once(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        (pieces.scheme, rest) = (scheme, tail);
    }
    if let Some(tail) = rest.strip_prefix("//") {
        let end = tail.find(['/', '?', '#']).unwrap_or(tail.len());
        let netloc = &tail[..end];
        if netloc.contains('[') != netloc.contains(']') {
            return None;
        }
        pieces.netloc = Some(netloc);
        rest = &tail[end..];
    }
    if let Some((before, fragment)) = rest.split_once('#') {
        (rest, pieces.fragment) = (before, fragment);
    }
    if let Some((before, query)) = rest.split_once('?') {
        (rest, pieces.query) = (before, query);
    }
    pieces.path = rest;
    Some(pieces)
}
