//! Lists of names: which tags a queried name earns.
//!
//! A list file holds a name a line: the name and everything below it, or with `=` in front the name alone. `#` starts a
//! comment; `# tag: something` in the file's head names the tag, otherwise the file's stem does. All lists share one
//! table, so one walk up the labels of a name finds the tags of all of them.

mod embedded;
mod folder;
mod parse;

use std::collections::HashMap;
use std::path::Path;

use crate::names::{HashKey, SuffixSet};

pub use folder::{FILE_BYTES_MAX, FILES_MAX};
pub use parse::{PROBLEMS_MAX, Problem};

/// Different tags, ours and the user's together: a set of them is one word.
pub const TAGS_MAX: usize = 64;
/// Names in all lists together; the table then takes some 50 MB.
pub const NAMES_MAX: usize = 4_000_000;

/// A set of tags, by their number in [`Lists`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TagSet(u64);

impl TagSet {
    /// Adds a tag; numbers from [`TAGS_MAX`] on are no tags.
    pub const fn insert(&mut self, tag: usize) {
        if tag < TAGS_MAX {
            self.0 |= 1 << tag;
        }
    }

    /// Whether a tag is in it.
    #[must_use]
    pub const fn contains(self, tag: usize) -> bool {
        tag < TAGS_MAX && self.0 >> tag & 1 == 1
    }

    /// Whether the two have a tag in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The tags, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..TAGS_MAX).filter(move |tag| self.contains(*tag))
    }
}

/// The lists.
#[derive(Clone, Debug)]
pub struct Lists {
    names: SuffixSet,
    tags: Vec<String>,
    /// A name's value in the table is an index here.
    sets: Vec<TagSet>,
    set_ids: HashMap<TagSet, u32>,
}

impl Default for Lists {
    /// No list, with a key of its own: nobody can choose a name that collides with a listed one. Which key it is changes
    /// no answer, and nothing that is saved depends on it.
    fn default() -> Self {
        Self::new(HashKey::drawn())
    }
}

impl Lists {
    /// No list.
    #[must_use]
    pub fn new(key: HashKey) -> Self {
        Self { names: SuffixSet::new(key), tags: Vec::new(), sets: Vec::new(), set_ids: HashMap::new() }
    }

    /// The lists that come with Tidegate.
    #[must_use]
    pub fn embedded() -> Self {
        let mut lists = Self::default();
        for (stem, text) in embedded::FILES {
            let problems = lists.add(stem, text, &format!("lists/{stem}.txt"));
            debug_assert!(problems.is_empty(), "{problems:?}");
        }
        lists
    }

    /// Adds every `*.txt` of a folder, in order of name. What cannot be used is reported, the rest is taken.
    pub fn load_folder(&mut self, folder: &Path) -> Vec<Problem> {
        folder::load(self, folder)
    }

    /// Adds one list; `origin` names it in problems.
    pub fn add(&mut self, stem: &str, text: &str, origin: &str) -> Vec<Problem> {
        parse::add(self, stem, text, origin)
    }

    /// Adds the tags of every list that holds a name or one of its parents. The name is in lower case, without a
    /// trailing dot.
    #[inline]
    pub fn tags_of(&self, name: &str, out: &mut TagSet) {
        self.names.each(name, |set| out.0 |= self.sets[set as usize].0);
    }

    /// The tag of a number; empty when there is no such tag.
    #[must_use]
    pub fn tag_name(&self, tag: usize) -> &str {
        self.tags.get(tag).map_or("", String::as_str)
    }

    /// The number of a tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<usize> {
        self.tags.iter().position(|tag| tag == name)
    }

    /// The set of those of some tags that exist.
    #[must_use]
    pub fn tag_set(&self, names: &[&str]) -> TagSet {
        let mut set = TagSet::default();
        for tag in names.iter().filter_map(|name| self.tag(name)) {
            set.insert(tag);
        }
        set
    }

    /// All tags, by number.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Names in all lists.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no list has a name.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of a tag that may be new; `None` when there are [`TAGS_MAX`] others.
    fn tag_or_new(&mut self, name: &str) -> Option<usize> {
        if let Some(tag) = self.tag(name) {
            return Some(tag);
        }
        if self.tags.len() == TAGS_MAX {
            return None;
        }
        self.tags.push(name.to_owned());
        Some(self.tags.len() - 1)
    }

    /// Gives a name one more tag; `false` when the table is full.
    fn put(&mut self, name: &str, exact: bool, tag: usize) -> bool {
        let before = self.names.get(name, exact);
        if before.is_none() && self.names.len() >= NAMES_MAX {
            return false;
        }
        let mut set = before.map_or_else(TagSet::default, |set| self.sets[set as usize]);
        set.insert(tag);
        let id = *self.set_ids.entry(set).or_insert_with(|| {
            self.sets.push(set);
            self.sets.len() as u32 - 1
        });
        if exact {
            self.names.insert_exact(name, id)
        } else {
            self.names.insert(name, id)
        };
        true
    }
}

#[cfg(test)]
mod tests;
