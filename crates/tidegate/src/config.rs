//! The configuration: what a person wrote in a file, in the environment or on the command line, checked and resolved
//! into types the program can run with. The command line wins over the environment, that over the file, that over the
//! defaults, which the rooms below own.

mod buckets;
mod check;
mod file;
mod kind;
mod names;
mod nearest;
mod options;
mod problem;
mod reference;
mod sections;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use buckets::Bucket;
pub(crate) use kind::{LogFormat, Network, Size, Span};
pub(crate) use names::Sender;
pub(crate) use options::Config;
pub(crate) use problem::{Problem, Problems};
pub(crate) use reference::reference;
pub(crate) use sections::Settings;
pub(crate) use value::Raw;

use problem::Origin;
use sections::sections;
use value::Value;

/// The prefix of environment variables that set a key: `TIDEGATE_SERVER__LISTEN` sets `listen` in `[server]`.
const ENVIRONMENT_PREFIX: &str = "TIDEGATE_";

/// The settings and where each of its values comes from.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(crate) buckets: Vec<Bucket>,
    origins: BTreeMap<Key, Origin>,
}

/// What to read: the file, the environment, and what the command line sets, by `section.key`.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) file: Option<PathBuf>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) command_line: Vec<(&'static str, String)>,
}

/// A section and a key in it.
type Key = (String, String);

/// What was written, by key, and the mistakes found so far.
#[derive(Debug, Default)]
struct Written {
    values: BTreeMap<Key, (Raw, Origin)>,
    /// Where relative paths in the file begin.
    folder: Option<PathBuf>,
    problems: Vec<Problem>,
    buckets: Vec<Bucket>,
}

impl Sources {
    /// The process's environment and this file.
    pub(crate) fn of_process(file: Option<&Path>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .collect();
        Self { file: file.map(Path::to_owned), environment, command_line: Vec::new() }
    }

    /// Sets `section.key` from the command line, if it was given.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.command_line.push((name, value.to_string()));
        }
        self
    }
}

impl Loaded {
    /// Reads all sources, and fails with every mistake that was found, not only the first. What it does not look at:
    /// whether files exist; that is [`Loaded::check_files`].
    pub(crate) fn read(sources: &Sources) -> Result<Self, Problems> {
        let mut written = Written::default();
        if let Some(path) = &sources.file {
            written.folder = path.parent().map(Path::to_owned);
            file::read(path, &mut written);
        }
        for (name, value) in &sources.environment {
            written.take_variable(name, value);
        }
        for (name, value) in &sources.command_line {
            let (section, key) = name.split_once('.').expect("the command line sets `section.key`");
            written.set(section, key, value, Origin::CommandLine);
        }
        let settings = Settings::resolve(&mut written);
        let origins = written.values.into_iter().map(|(key, (_, origin))| (key, origin)).collect();
        let mut loaded = Self { settings, origins, buckets: written.buckets };
        loaded.check_sense(&mut written.problems);
        if written.problems.is_empty() { Ok(loaded) } else { Err(Problems(written.problems)) }
    }

    /// Every value with its section, key and origin, in the order of the reference.
    pub(crate) fn values(&self) -> Vec<(&'static str, &'static str, Raw, &Origin)> {
        let values = self.settings.show();
        values.into_iter().map(|(section, key, value)| (section, key, value, self.origin(section, key))).collect()
    }

    /// The values of each followed bucket.
    pub(crate) fn bucket_values(&self) -> Vec<Vec<(&'static str, Raw)>> {
        self.buckets.iter().map(buckets::show).collect()
    }

    fn origin(&self, section: &str, key: &str) -> &Origin {
        self.origins.get(&(section.to_owned(), key.to_owned())).unwrap_or(&Origin::Default)
    }

    /// A mistake in the value of a key, told at the place where it was written.
    fn problem(&self, section: &str, key: &str, why: impl std::fmt::Display) -> Problem {
        Problem::new(self.origin(section, key).clone(), format!("`{key}` in [{section}] {why}"))
    }
}

impl Written {
    /// Takes a variable if it is meant for us: one with a double underscore after the prefix, as no other has.
    fn take_variable(&mut self, name: &str, value: &str) {
        let Some((section, key)) = name.strip_prefix(ENVIRONMENT_PREFIX).and_then(|rest| rest.split_once("__")) else {
            return;
        };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let origin = Origin::Environment(name.to_owned());
        match sections().iter().find(|known| known.name == section) {
            None => self.problems.push(Problem::new(origin, nearest::unknown_section(&section))),
            Some(known) if known.settings.iter().all(|setting| setting.key != key) => {
                self.problems.push(Problem::new(origin, nearest::unknown_key(&section, &key)));
            }
            Some(_) => self.set(&section, &key, value, origin),
        }
    }

    /// Sets a known key from text; the items of a list stand between commas.
    fn set(&mut self, section: &str, key: &str, value: &str, origin: Origin) {
        let sections = sections();
        let settings = sections.iter().find(|known| known.name == section).map(|known| &known.settings);
        let list = settings.and_then(|all| all.iter().find(|setting| setting.key == key)).is_some_and(|it| it.list);
        let text = |text: &str| Raw::Text(text.to_owned());
        let raw = if list {
            Raw::List(value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(text).collect())
        } else {
            text(value)
        };
        self.values.insert((section.to_owned(), key.to_owned()), (raw, origin));
    }

    /// The value of a key, or `default` when it was not set or cannot be read.
    fn take<T: Value>(&mut self, section: &'static str, key: &'static str, default: T) -> T {
        let Some((raw, origin)) = self.values.get(&(section.to_owned(), key.to_owned())) else { return default };
        match T::read(raw) {
            Ok(mut value) => {
                if let (Origin::File { .. }, Some(folder)) = (origin, &self.folder) {
                    value.rebase(folder);
                }
                value
            }
            Err(why) => {
                let message = format!("`{key}` in [{section}] {why}");
                self.problems.push(Problem::new(origin.clone(), message));
                default
            }
        }
    }
}

#[cfg(test)]
mod tests;
