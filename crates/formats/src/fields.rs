//! The event under construction: a slot for every field that a format may set, in the order in which events hold them.

use std::collections::{BTreeMap, HashMap};

use tidegate_event::{FieldId, FieldType, Registry};

use crate::taxonomy::Taxonomy;

/// Index of a slot.
pub(crate) type FieldSlot = u16;
/// Index of a branch.
pub(crate) type Branch = u32;

/// What becomes of a value at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Declared: coerced to its type.
    Declared(FieldType),
    /// Below a declared object: kept as it is.
    Inside,
    /// Not declared: later templates see it, the event does not. What is declared below it is kept.
    Hidden,
}

/// One slot.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) segments: Vec<Box<str>>,
    pub(crate) kind: Kind,
    /// The field of the registry it ends up in.
    pub(crate) id: Option<FieldId>,
    /// The slot of the declared object around it, for [`Kind::Inside`].
    pub(crate) container: Option<FieldSlot>,
    pub(crate) branch: Branch,
    /// End of the slots at and below this path; they follow this one.
    pub(crate) end: FieldSlot,
}

/// A path or the way to one; dictionaries are taken apart along branches.
#[derive(Debug, Default)]
pub(crate) struct BranchNode {
    pub(crate) slot: Option<FieldSlot>,
    pub(crate) kind: Option<FieldType>,
    pub(crate) children: HashMap<Box<str>, Branch>,
}

/// All slots of a format.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) list: Vec<Field>,
    pub(crate) branches: Vec<BranchNode>,
    by_path: HashMap<String, FieldSlot>,
    /// Some slot lies inside a declared object.
    pub(crate) any_inside: bool,
}

/// Collects the paths that a format may set.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// Whether the path may hold a dictionary or list of the record.
    paths: BTreeMap<Vec<String>, bool>,
}

/// More slots than this are no format.
const FIELDS_MAX: usize = 20_000;

impl Collector {
    /// Adds a path. `open`: its value may be a dictionary, whose members then need slots too.
    pub(crate) fn add(&mut self, path: &str, open: bool) {
        let segments = path.split('.').map(str::to_owned).collect();
        *self.paths.entry(segments).or_insert(false) |= open;
    }

    /// Paths that are not declared and may hold a dictionary: the registry needs an entry to carry what is left of it.
    pub(crate) fn open_undeclared(&self, taxonomy: &Taxonomy) -> Vec<String> {
        self.paths
            .iter()
            .filter(|(_, open)| **open)
            .map(|(segments, _)| segments.join("."))
            .filter(|path| taxonomy.kind(path).is_none())
            .collect()
    }

    /// Adds what may be set below open paths: declared fields, and the groups around them, which may be lists of objects.
    pub(crate) fn expand(&mut self, taxonomy: &Taxonomy) {
        self.add_containers(taxonomy);
        let open: Vec<String> = self
            .paths
            .iter()
            .filter(|(_, open)| **open)
            .map(|(segments, _)| segments.join("."))
            .filter(|path| matches!(taxonomy.kind(path), None | Some(FieldType::Dict)))
            .collect();
        for path in open {
            for (name, _) in taxonomy.below(&path) {
                for (at, _) in name.match_indices('.').filter(|(at, _)| *at > path.len()) {
                    if taxonomy.kind(&name[..at]).is_none() {
                        self.add(&name[..at], true);
                    }
                }
                self.add(&name, false);
            }
        }
    }

    /// Adds the declared objects around paths that are not declared themselves: that is where their values end up.
    fn add_containers(&mut self, taxonomy: &Taxonomy) {
        let around = |path: &String| {
            path.rmatch_indices('.')
                .map(|(at, _)| &path[..at])
                .find(|above| taxonomy.kind(above).is_some_and(FieldType::opens_subtree))
                .map(str::to_owned)
        };
        let paths: Vec<String> = self.paths.keys().map(|segments| segments.join(".")).collect();
        for path in paths.iter().filter(|path| taxonomy.kind(path).is_none()).filter_map(around) {
            self.add(&path, false);
        }
    }

    /// The finished slots.
    pub(crate) fn finish(self, taxonomy: &Taxonomy, registry: &Registry) -> Fields {
        let mut fields = Fields { branches: vec![BranchNode::default()], ..Fields::default() };
        let paths: Vec<Vec<String>> = self.paths.into_keys().take(FIELDS_MAX).collect();
        for (index, segments) in paths.iter().enumerate() {
            let below = paths[index..].iter().take_while(|other| other.starts_with(segments)).count();
            fields.add(segments, index + below, taxonomy, registry);
        }
        fields.containers();
        for index in 0..fields.list.len() {
            fields.declare_below(index, taxonomy);
        }
        fields
    }
}

fn slot(index: usize) -> FieldSlot {
    FieldSlot::try_from(index).expect("fields are bounded by FIELDS_MAX")
}

impl Fields {
    fn add(&mut self, segments: &[String], end: usize, taxonomy: &Taxonomy, registry: &Registry) {
        let name = segments.join(".");
        let index = slot(self.list.len());
        let kind = match taxonomy.kind(&name) {
            Some(kind) => Kind::Declared(kind),
            None if (1..segments.len())
                .any(|depth| taxonomy.kind(&segments[..depth].join(".")).is_some_and(FieldType::opens_subtree)) =>
            {
                Kind::Inside
            }
            None => Kind::Hidden,
        };
        let branch = self.branch(segments);
        self.branches[branch as usize].slot = Some(index);
        if let Kind::Declared(kind) = kind {
            self.branches[branch as usize].kind = Some(kind);
        }
        let id = if kind == Kind::Inside { None } else { registry.id(&name) };
        self.by_path.insert(name, index);
        self.list.push(Field {
            segments: segments.iter().map(|segment| segment.as_str().into()).collect(),
            kind,
            id,
            container: None,
            branch,
            end: slot(end),
        });
    }

    /// The branch of a path, made when it is new.
    fn branch(&mut self, segments: &[String]) -> Branch {
        let mut at: Branch = 0;
        for segment in segments {
            let next = Branch::try_from(self.branches.len()).expect("branches are bounded by the taxonomy");
            at = *self.branches[at as usize].children.entry(segment.as_str().into()).or_insert(next);
            if at == next {
                self.branches.push(BranchNode::default());
            }
        }
        at
    }

    fn containers(&mut self) {
        for index in 0..self.list.len() {
            if self.list[index].kind != Kind::Inside {
                continue;
            }
            self.any_inside = true;
            let segments = &self.list[index].segments;
            let object = (1..segments.len()).rev().find_map(|depth| {
                let found = *self.by_path.get(&segments[..depth].join("."))?;
                matches!(self.list[found as usize].kind, Kind::Declared(kind) if kind.opens_subtree()).then_some(found)
            });
            self.list[index].container = object;
        }
    }

    /// Declared members of a field that holds objects: they are coerced inside its value.
    fn declare_below(&mut self, index: usize, taxonomy: &Taxonomy) {
        let name = self.list[index].segments.join(".");
        for (below, kind) in taxonomy.below(&name) {
            let segments: Vec<String> = below.split('.').map(str::to_owned).collect();
            let branch = self.branch(&segments);
            self.branches[branch as usize].kind = Some(kind);
        }
    }

    /// The slot of a path.
    pub(crate) fn slot(&self, path: &str) -> Option<FieldSlot> {
        self.by_path.get(path).copied()
    }

    /// The slots at and below a path, as a range.
    pub(crate) fn range(&self, segments: &[&str]) -> (FieldSlot, FieldSlot) {
        let within = |field: &Field| {
            field.segments.len() >= segments.len() && field.segments.iter().zip(segments).all(|(a, b)| **a == **b)
        };
        let start = self.list.iter().position(within).unwrap_or(0);
        let count = self.list[start..].iter().take_while(|field| within(field)).count();
        (slot(start), slot(start + count))
    }
}
