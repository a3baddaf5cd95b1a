//! What the names in templates mean: the input, the layers of stages, the event under construction.

use super::above;
use crate::constant::Constant;
use crate::fields::Fields;
use crate::paths::{Paths, Slot};
use crate::program::{FinalPath, Layer, LayerIndex};
use crate::template::ast::Expr;
use crate::template::resolve::Binder;

/// What was bound so far.
#[derive(Debug, Default)]
pub(super) struct Binding {
    pub(super) paths: Paths,
    pub(super) layers: Vec<Layer>,
    pub(super) index: LayerIndex,
    pub(super) final_paths: Vec<FinalPath>,
}

/// Resolves names against a binding.
pub(super) struct Names<'c> {
    pub(super) binding: &'c mut Binding,
    pub(super) fields: &'c Fields,
}

impl Binder for Names<'_> {
    fn path(&mut self, root: &str, keys: &[&str]) -> Option<Expr> {
        // a stage may not be called so, but if one is, its layer comes after the input and the event
        match root {
            "original" => return Some(original(keys)),
            "final" => return Some(self.final_path(keys)),
            _ => {}
        }
        let layer = *self.binding.index.get(root)?;
        let external = self.binding.layers[usize::from(layer)].external.as_ref();
        match (external, keys) {
            (Some((output, slot)), [first, rest @ ..]) if **output == **first => {
                let slot = rest.iter().fold(*slot, |slot, key| self.binding.paths.child(slot, key));
                self.binding.paths.read(slot);
                Some(Expr::Slot(slot))
            }
            (external, keys) => {
                if let Some((_, slot)) = external {
                    let slot = *slot;
                    self.binding.paths.read(slot);
                }
                self.binding.layers[usize::from(layer)].read = true;
                Some(attributes(Expr::Layer(layer), keys))
            }
        }
    }

    fn slot(&mut self, root: &str, keys: &[&str]) -> Option<Slot> {
        let layer = *self.binding.index.get(root)?;
        let (output, slot) = self.binding.layers[usize::from(layer)].external.as_ref()?;
        let (first, rest) = keys.split_first()?;
        if **output != **first {
            return None;
        }
        let slot = *slot;
        Some(rest.iter().fold(slot, |slot, key| self.binding.paths.child(slot, key)))
    }

    fn below(&mut self, slot: Slot, key: &str) -> Slot {
        let slot = self.binding.paths.child(slot, key);
        self.binding.paths.read(slot);
        slot
    }
}

impl Names<'_> {
    fn final_path(&mut self, keys: &[&str]) -> Expr {
        // keys may hold dots themselves: `final['dns.question.name']`
        let joined = keys.join(".");
        let segments: Vec<&str> = joined.split('.').filter(|segment| !segment.is_empty()).collect();
        if segments.is_empty() {
            return Expr::FinalAll;
        }
        let parent = &segments[..segments.len() - 1];
        let path = FinalPath {
            slot: self.fields.slot(&segments.join(".")),
            range: self.fields.range(&segments),
            parent: (!parent.is_empty()).then(|| self.fields.range(parent)),
            depth: segments.len(),
            above: above(self.fields, &segments),
        };
        self.binding.final_paths.push(path);
        match u16::try_from(self.binding.final_paths.len() - 1) {
            Ok(index) => Expr::Final(index),
            // more distinct reads than a program can number: walk the whole event
            Err(_) => attributes(Expr::FinalAll, keys),
        }
    }
}

fn original(keys: &[&str]) -> Expr {
    match keys {
        ["message"] => Expr::Message,
        keys => attributes(Expr::Original, keys),
    }
}

fn attributes(root: Expr, keys: &[&str]) -> Expr {
    keys.iter()
        .fold(root, |object, key| Expr::Item(Box::new(object), Box::new(Expr::Const(Constant::Str((*key).into())))))
}
