//! Cuts a record into the pieces each owner can write once, so that a record is mostly copied.

use crate::field::{Field, FieldSet, Owner};

/// One step of writing a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Copy the next prepared piece of the device.
    Device,
    /// Copy the next prepared piece of the reply.
    Reply,
    /// Write this field's value; its name stands at the end of the piece before, or is written by the step.
    Query(Field),
}

/// How to write a record of a field set.
#[derive(Debug)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    device: Vec<Vec<(Field, Vec<u8>)>>,
    reply: Vec<Vec<(Field, Vec<u8>)>>,
    /// The key of every field written per query, by position in `steps`.
    pub keys: Vec<Vec<u8>>,
}

/// The prepared text of one owner: all pieces in a row, and where each ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    pub text: Vec<u8>,
    /// Beside the text's pointer, so that a record touches one cache line less.
    pub ends: [u32; PIECES_MAX],
}

/// Pieces of one owner: the alphabet interleaves the owners this often, with all 82 fields.
const PIECES_MAX: usize = 12;

impl Plan {
    pub(crate) fn new(set: FieldSet) -> Self {
        let mut plan = Self { steps: Vec::new(), device: Vec::new(), reply: Vec::new(), keys: Vec::new() };
        let mut last = None;
        for (at, field) in set.fields().enumerate() {
            let key = format!("{}\"{}\":", if at == 0 { "{" } else { "," }, field.name()).into_bytes();
            let owner = field.owner();
            let joins = last == Some(owner) && owner != Owner::Query;
            last = Some(owner);
            let pieces = match owner {
                Owner::Device => &mut plan.device,
                Owner::Reply => &mut plan.reply,
                Owner::Query => {
                    plan.steps.push(Step::Query(field));
                    plan.keys.push(key);
                    continue;
                }
            };
            if joins && let Some(piece) = pieces.last_mut() {
                piece.push((field, key));
                continue;
            }
            pieces.push(vec![(field, key)]);
            plan.steps.push(if owner == Owner::Device { Step::Device } else { Step::Reply });
            plan.keys.push(Vec::new());
        }
        plan
    }

    /// Prepares the device's pieces, each field's value by `write`.
    pub(crate) fn device_pieces(&self, into: &mut Pieces, write: impl FnMut(&mut Vec<u8>, Field)) {
        prepare(&self.device, into, write);
    }

    /// Prepares the reply's pieces.
    pub(crate) fn reply_pieces(&self, into: &mut Pieces, write: impl FnMut(&mut Vec<u8>, Field)) {
        prepare(&self.reply, into, write);
    }
}

fn prepare(pieces: &[Vec<(Field, Vec<u8>)>], into: &mut Pieces, mut write: impl FnMut(&mut Vec<u8>, Field)) {
    into.text.clear();
    for (piece, end) in pieces.iter().zip(&mut into.ends) {
        for (field, key) in piece {
            into.text.extend_from_slice(key);
            write(&mut into.text, *field);
        }
        *end = into.text.len() as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_written_once_in_order() {
        for set in [FieldSet::Full, FieldSet::Documented, FieldSet::Default] {
            let plan = Plan::new(set);
            let mut device = plan.device.iter();
            let mut reply = plan.reply.iter();
            let mut fields = Vec::new();
            for step in &plan.steps {
                match step {
                    Step::Device => fields.extend(device.next().unwrap().iter().map(|(field, _)| *field)),
                    Step::Reply => fields.extend(reply.next().unwrap().iter().map(|(field, _)| *field)),
                    Step::Query(field) => fields.push(*field),
                }
            }
            assert!(fields.into_iter().eq(set.fields()));
            assert!(plan.device.len() <= PIECES_MAX && plan.reply.len() <= PIECES_MAX);
        }
    }
}
