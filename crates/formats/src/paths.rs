//! The paths that a format reads from what its external stages produce: a tree whose nodes are slots.

use crate::keys::KeyTable;

/// Index of a node, and of its slot while a record is parsed.
pub(crate) type Slot = u32;

/// No slot.
pub(crate) const NO_SLOT: Slot = u32::MAX;

/// One path that is read, or the way to one.
#[derive(Debug)]
pub(crate) struct PathNode {
    /// The last segment.
    pub(crate) key: Box<str>,
    /// `"key"`, as JSON text spells it most of the time.
    pub(crate) quoted: Box<[u8]>,
    /// The value itself is read, not only what lies below it.
    pub(crate) whole: bool,
    pub(crate) children: Vec<Slot>,
    pub(crate) table: KeyTable,
}

/// All paths of a format.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    pub(crate) nodes: Vec<PathNode>,
    /// The node above each, or [`NO_SLOT`].
    pub(crate) parents: Vec<Slot>,
}

impl Paths {
    /// A new root: what one stage produces.
    pub(crate) fn root(&mut self) -> Slot {
        self.add(NO_SLOT, "")
    }

    /// The node below `parent` under `key`, made when it is new.
    pub(crate) fn child(&mut self, parent: Slot, key: &str) -> Slot {
        let known = self.nodes[parent as usize].children.iter().find(|child| *self.nodes[**child as usize].key == *key);
        match known {
            Some(slot) => *slot,
            None => {
                let slot = self.add(parent, key);
                self.nodes[parent as usize].children.push(slot);
                slot
            }
        }
    }

    fn add(&mut self, parent: Slot, key: &str) -> Slot {
        let slot = Slot::try_from(self.nodes.len()).expect("a format reads fewer than 2^32 paths");
        let mut quoted = Vec::with_capacity(key.len() + 2);
        tidegate_event::json::write_str(key, &mut quoted);
        self.parents.push(parent);
        self.nodes.push(PathNode {
            key: key.into(),
            quoted: quoted.into(),
            whole: false,
            children: Vec::new(),
            table: KeyTable::default(),
        });
        slot
    }

    /// Marks a path as read.
    pub(crate) fn read(&mut self, slot: Slot) {
        self.nodes[slot as usize].whole = true;
    }

    /// Builds the key tables once all paths are known.
    pub(crate) fn finish(&mut self) {
        for at in 0..self.nodes.len() {
            let keys: Vec<&str> =
                self.nodes[at].children.iter().map(|child| &*self.nodes[*child as usize].key).collect();
            self.nodes[at].table = KeyTable::new(&keys);
        }
    }

    /// The node that a key leads to.
    pub(crate) fn find(&self, parent: Slot, key: &str) -> Option<Slot> {
        let node = &self.nodes[parent as usize];
        node.table.find(key).map(|index| node.children[index])
    }
}
