//! Stand-in for the suffix lists; replaced at the merge.

/// The lists a name is on, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagSet(u64);

impl TagSet {
    /// The numbers of the lists.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |index| self.0 >> index & 1 == 1)
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// All lists.
#[derive(Clone, Debug, Default)]
pub struct Lists;

impl Lists {
    /// The lists that the binary brings.
    #[must_use]
    pub fn embedded() -> Self {
        Self
    }

    /// Adds the lists that hold `name` or a parent of it.
    pub fn tags_of(&self, _name: &str, _out: &mut TagSet) {}

    /// The tag of a list.
    #[must_use]
    pub fn tag_name(&self, _index: usize) -> &str {
        ""
    }
}
