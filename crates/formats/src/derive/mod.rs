//! Derived fields: what follows from the fields that a format set, the same for every format.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use tidegate_event::Value;

use crate::fields::{Collector, FieldSlot, Fields};

pub(crate) mod domain;
#[cfg(test)]
mod tests;
mod url;
pub(crate) mod user_agent;

use url::UrlRule;
use user_agent::{Agents, UserAgentRule};

/// Fields that `related.*` gathers, by target.
const RELATED: &[(&str, &[&str])] = &[
    (
        "related.hash",
        &[
            "file.hash.md5",
            "file.hash.sha1",
            "file.hash.sha256",
            "process.hash.md5",
            "process.hash.sha1",
            "process.hash.sha256",
            "process.parent.hash.md5",
            "process.parent.hash.sha1",
            "process.parent.hash.sha256",
            "dll.hash.md5",
            "dll.hash.sha1",
            "dll.hash.sha256",
        ],
    ),
    (
        "related.hosts",
        &[
            "host.hostname",
            "observer.hostname",
            "dns.question.name",
            "source.domain",
            "destination.domain",
            "client.domain",
            "server.domain",
            "url.domain",
        ],
    ),
    (
        "related.ip",
        &[
            "source.ip",
            "destination.ip",
            "client.ip",
            "server.ip",
            "host.ip",
            "observer.ip",
            "source.nat.ip",
            "destination.nat.ip",
            "dns.resolved_ip",
        ],
    ),
    (
        "related.user",
        &[
            "user.name",
            "source.user.name",
            "destination.user.name",
            "client.user.name",
            "server.user.name",
            "user.target.name",
            "file.owner",
        ],
    ),
];

/// Ends whose address follows from domain or IP; not `server`.
const ENDS: &[&str] = &["source", "destination", "client"];

const SPLIT: [&str; 3] = ["top_level_domain", "registered_domain", "subdomain"];

/// Adds the fields that may be derived from those that may be set.
pub(crate) fn collect(paths: &[(String, bool)], collector: &mut Collector) {
    let may = |name: &str| {
        paths.iter().any(|(path, open)| {
            path == name || (*open && name.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.')))
        })
    };
    let mut add = |prefix: &str, names: &[&str]| {
        for name in names {
            collector.add(&format!("{prefix}.{name}"), false);
        }
    };
    if may("user_agent.original") {
        add("user_agent", &["device.name", "name", "version", "os.name", "os.version"]);
    }
    if may("file.path") {
        add("file", &["name", "directory"]);
    }
    if may("action.outcome") {
        add("event", &["outcome"]);
    }
    for end in ENDS {
        let domain = may(&format!("{end}.domain"));
        if domain {
            add(end, &SPLIT);
        }
        if domain || may(&format!("{end}.ip")) {
            add(end, &["address"]);
        }
    }
    if may("dns.question.name") {
        add("dns.question", &SPLIT);
    }
    if may("host.hostname") {
        add("host", &["name"]);
    }
    for (target, sources) in RELATED {
        if let Some((prefix, name)) = target.split_once('.')
            && sources.iter().any(|source| may(source))
        {
            add(prefix, &[name]);
        }
    }
    if may("url.full") || may("url.original") {
        add("url", &["full", "scheme", "domain", "path", "query", "fragment", "username", "password", "port"]);
        add("url", &SPLIT);
    } else if may("url.domain") {
        add("url", &SPLIT);
    }
}

/// The rules that concern a format, resolved to its slots.
#[derive(Debug)]
pub(crate) struct Derive {
    user_agent: Option<UserAgentRule>,
    file: Option<[FieldSlot; 3]>,
    outcome: Option<(FieldSlot, FieldSlot)>,
    ends: Vec<End>,
    question: Option<(FieldSlot, Split)>,
    host: Option<(FieldSlot, FieldSlot)>,
    related: Vec<(FieldSlot, Vec<FieldSlot>)>,
    url: Option<UrlRule>,
}

/// An end of a connection: its address follows from its domain or IP.
#[derive(Debug)]
struct End {
    address: FieldSlot,
    domain: Option<(FieldSlot, Split)>,
    ip: Option<FieldSlot>,
}

/// Where the parts of a domain go: top level, registered, subdomain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split([FieldSlot; 3]);

impl Split {
    fn new(fields: &Fields, prefix: &str) -> Option<Self> {
        let [top, registered, sub] = SPLIT.map(|name| fields.slot(&format!("{prefix}.{name}")));
        Some(Self([top?, registered?, sub?]))
    }

    /// Splits a domain; parts that are set already are overwritten, as the parts belong together.
    pub(crate) fn apply<'a>(self, text: &'a str, slots: &mut [Option<Value<'a>>]) {
        let parts = domain::split(text);
        for (slot, part) in self.0.iter().zip([parts.top_level, parts.registered, parts.subdomain]) {
            if !part.is_empty() {
                slots[usize::from(*slot)] = Some(Value::Str(part));
            }
        }
    }
}

/// What the rules need while they run.
pub(crate) struct Scene<'r, 'a> {
    pub(crate) slots: &'r mut [Option<Value<'a>>],
    pub(crate) arena: &'a Bump,
    pub(crate) agents: &'r Agents,
}

impl<'a> Scene<'_, 'a> {
    fn text(&self, slot: FieldSlot) -> Option<&'a str> {
        self.slots[usize::from(slot)].and_then(Value::as_str)
    }

    /// Sets a slot that is empty.
    fn fill(&mut self, slot: FieldSlot, value: Value<'a>) {
        let place = &mut self.slots[usize::from(slot)];
        if place.is_none() {
            *place = Some(value);
        }
    }
}

impl Derive {
    /// The rules whose fields have slots.
    pub(crate) fn new(fields: &Fields) -> Self {
        let pair = |a: &str, b: &str| fields.slot(a).zip(fields.slot(b));
        let ends = ENDS.iter().filter_map(|end| {
            let slot = |name: &str| fields.slot(&format!("{end}.{name}"));
            Some(End { address: slot("address")?, domain: slot("domain").zip(Split::new(fields, end)), ip: slot("ip") })
        });
        let related = RELATED.iter().filter_map(|(target, sources)| {
            let sources: Vec<FieldSlot> = sources.iter().filter_map(|source| fields.slot(source)).collect();
            Some((fields.slot(target)?, sources))
        });
        Self {
            user_agent: UserAgentRule::new(fields),
            file: match ["file.path", "file.name", "file.directory"].map(|name| fields.slot(name)) {
                [Some(path), Some(name), Some(directory)] => Some([path, name, directory]),
                _ => None,
            },
            outcome: pair("action.outcome", "event.outcome"),
            ends: ends.collect(),
            question: fields.slot("dns.question.name").zip(Split::new(fields, "dns.question")),
            host: pair("host.hostname", "host.name"),
            related: related.collect(),
            url: UrlRule::new(fields),
        }
    }

    /// Derives fields. `related` comes before the URL is taken apart: hosts found only inside a URL do not count.
    pub(crate) fn run(&self, scene: &mut Scene<'_, '_>) {
        if let Some(rule) = &self.user_agent {
            rule.run(scene);
        }
        if let Some(file) = &self.file {
            file_name(*file, scene);
        }
        if let Some((from, to)) = self.outcome
            && let Some(outcome) = scene.slots[usize::from(from)]
        {
            scene.slots[usize::from(to)] = Some(outcome);
        }
        for end in &self.ends {
            end.run(scene);
        }
        if let Some((name, split)) = self.question
            && let Some(text) = scene.text(name)
        {
            split.apply(text, scene.slots);
        }
        if let Some((hostname, name)) = self.host
            && let Some(value) = scene.slots[usize::from(hostname)]
        {
            scene.fill(name, value);
        }
        for (target, sources) in &self.related {
            gather(*target, sources, scene);
        }
        if let Some(rule) = &self.url {
            rule.run(scene);
        }
    }
}

impl End {
    fn run(&self, scene: &mut Scene<'_, '_>) {
        if scene.slots[usize::from(self.address)].is_some() {
            return;
        }
        if let Some((domain, split)) = self.domain
            && let Some(text) = scene.text(domain)
        {
            scene.slots[usize::from(self.address)] = Some(Value::Str(text));
            split.apply(text, scene.slots);
        } else if let Some(text) = self.ip.and_then(|ip| scene.text(ip)) {
            scene.slots[usize::from(self.address)] = Some(Value::Str(text));
        }
    }
}

/// Name and directory of a path, when the name is not known.
fn file_name([path, name, directory]: [FieldSlot; 3], scene: &mut Scene<'_, '_>) {
    let Some(text) = scene.text(path) else {
        return;
    };
    if scene.slots[usize::from(name)].is_some() {
        return;
    }
    let (before, after) = match text.rfind(['\\', '/']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => ("", text),
    };
    if !after.is_empty() {
        scene.slots[usize::from(name)] = Some(Value::Str(after));
    }
    scene.fill(directory, Value::Str(before));
}

/// The texts of several fields, each once, in order, with what the format put there itself.
fn gather(target: FieldSlot, sources: &[FieldSlot], scene: &mut Scene<'_, '_>) {
    let mut found = BumpVec::with_capacity_in(8, scene.arena);
    for slot in std::iter::once(&target).chain(sources) {
        match scene.slots[usize::from(*slot)] {
            Some(Value::Str(text)) => found.push(text),
            Some(Value::List(items)) => found.extend(items.iter().filter_map(|item| item.as_str())),
            _ => {}
        }
    }
    if found.is_empty() {
        return;
    }
    found.sort_unstable();
    found.dedup();
    let list = scene.arena.alloc_slice_fill_iter(found.iter().map(|text| Value::Str(text)));
    scene.slots[usize::from(target)] = Some(Value::List(list));
}
