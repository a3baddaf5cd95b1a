//! Texts and tag sets that many indicators share, held once.

use std::collections::HashMap;
use std::sync::Arc;

/// More different tags, collections and sources are not held; an indicator then goes without.
const TEXTS_MAX: usize = 1 << 16;
/// More different combinations of them are not held; an indicator then goes without tags.
const ORIGINS_MAX: usize = 1 << 17;

/// What indicators of one origin share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) collection: u32,
    pub(super) source: u32,
    pub(super) tags: Box<[u32]>,
}

/// The shared texts and origins, while they are collected.
#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: HashMap<Arc<str>, u32>,
    by_number: Vec<Arc<str>>,
    origins: HashMap<Arc<Origin>, u32>,
    origin_by_number: Vec<Arc<Origin>>,
}

/// The shared texts and origins, complete.
#[derive(Debug, Default)]
pub(super) struct Interned {
    pub(super) texts: Box<[Arc<str>]>,
    pub(super) origins: Box<[Arc<Origin>]>,
}

impl Interner {
    /// The number of a text; the empty text when there are too many. `None` when even that was never needed.
    fn text(&mut self, text: &str) -> Option<u32> {
        if let Some(number) = self.texts.get(text) {
            return Some(*number);
        }
        if self.by_number.len() >= TEXTS_MAX {
            return None;
        }
        let number = u32::try_from(self.by_number.len()).ok()?;
        let text: Arc<str> = text.into();
        self.by_number.push(Arc::clone(&text));
        self.texts.insert(text, number);
        Some(number)
    }

    /// The number of an origin, and whether all its tags could be held.
    pub(super) fn origin(&mut self, collection: &str, source: &str, tags: &[String]) -> (u32, bool) {
        // The first text is the empty one: what stands in when there are too many.
        let empty = self.text("").unwrap_or_default();
        let mut whole = true;
        let mut numbers = Vec::with_capacity(tags.len());
        for tag in tags {
            match self.text(tag) {
                Some(number) => numbers.push(number),
                None => whole = false,
            }
        }
        let collection = self.text(collection).unwrap_or(empty);
        let source = self.text(source).unwrap_or(empty);
        let origin = Origin { collection, source, tags: numbers.into() };
        if let Some(number) = self.origins.get(&origin) {
            return (*number, whole);
        }
        if self.origin_by_number.len() < ORIGINS_MAX {
            return (self.add(origin), whole);
        }
        // Collections are few: the bare origin of one is always held.
        let bare = Origin { collection, source: empty, tags: Box::default() };
        let number = self.origins.get(&bare).copied().unwrap_or_else(|| self.add(bare));
        (number, false)
    }

    fn add(&mut self, origin: Origin) -> u32 {
        let number = u32::try_from(self.origin_by_number.len()).unwrap_or(u32::MAX);
        let origin = Arc::new(origin);
        self.origin_by_number.push(Arc::clone(&origin));
        self.origins.insert(origin, number);
        number
    }

    pub(super) fn complete(self) -> Interned {
        Interned { texts: self.by_number.into(), origins: self.origin_by_number.into() }
    }
}
