//! The memory as bytes, and back: versioned, with a checksum, bounded, never trusted.

use std::sync::Arc;

use thiserror::Error;

use super::Memory;
use crate::bytes::{Damaged, Reader, put_bytes, put_i64, put_len, put_u64, put_uuid};
use crate::catalogue::Catalogue;
use crate::correlate::State;

/// First bytes of a snapshot.
const MAGIC: &[u8; 4] = b"TGDM";
/// Changes when the layout does; an older snapshot is refused and the memory starts empty.
const VERSION: u8 = 1;
/// Largest snapshot, in bytes.
pub(crate) const SNAPSHOT_BYTES_MAX: usize = 1 << 30;

/// Why a snapshot cannot be restored. The memory is as it was before.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RestoreError {
    /// The bytes are no snapshot, cut off, or changed.
    #[error("bytes are no snapshot of detection, or are damaged")]
    Damaged,
    /// Another version wrote them.
    #[error("snapshot has version {0}, expected {VERSION}")]
    Version(u8),
}

impl From<Damaged> for RestoreError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl Memory {
    /// Appends the whole state. Restoring it gives a memory that answers as this one would.
    pub fn snapshot(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        put_i64(out, self.latest);
        put_u64(out, self.events);
        put_u64(out, self.clamped);
        put_len(out, self.states.len());
        let mut body = Vec::new();
        for (correlation, state) in self.catalogue.correlations.iter().zip(&self.states) {
            put_uuid(out, self.catalogue.rules[correlation.rule as usize].id.0);
            put_u64(out, correlation.fingerprint);
            body.clear();
            state.write(&mut body);
            put_bytes(out, &body);
        }
        body.clear();
        self.natives.snapshot(&mut body);
        put_bytes(out, &body);
        let sum = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// Takes a state back. Correlations that are gone or have changed since lose theirs; detectors that refuse theirs
    /// start empty.
    ///
    /// # Errors
    /// [`RestoreError`] when the bytes are no whole snapshot of this version; the memory is not changed then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        if bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(RestoreError::Damaged);
        }
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(RestoreError::Damaged)?;
        let mut reader = Reader::new(body);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(RestoreError::Damaged);
        }
        let version = reader.u8()?;
        if version != VERSION {
            return Err(RestoreError::Version(version));
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(RestoreError::Damaged);
        }
        let (latest, events, clamped) = (reader.i64()?, reader.u64()?, reader.u64()?);
        let states = read_states(&mut reader, &self.catalogue)?;
        let natives = reader.bytes()?;
        if !reader.is_empty() {
            return Err(RestoreError::Damaged);
        }
        let mut fresh = Self::keyed(Arc::clone(&self.catalogue), self.natives.key());
        (fresh.latest, fresh.events, fresh.clamped, fresh.states) = (latest, events, clamped, states);
        // detectors that refuse theirs have not changed
        let _ = fresh.natives.restore(natives);
        *self = fresh;
        Ok(())
    }
}

fn read_states(reader: &mut Reader<'_>, catalogue: &Catalogue) -> Result<Vec<State>, Damaged> {
    let mut states: Vec<State> = catalogue.correlations.iter().map(|_| State::default()).collect();
    for _ in 0..reader.len(28)? {
        let (rule, fingerprint) = (reader.uuid()?, reader.u64()?);
        let mut body = Reader::new(reader.bytes()?);
        let number = catalogue.correlations.iter().position(|correlation| {
            catalogue.rules[correlation.rule as usize].id.0 == rule && correlation.fingerprint == fingerprint
        });
        if let Some(number) = number {
            states[number] = State::read(&mut body, Some(&catalogue.correlations[number]))?;
            if !body.is_empty() {
                return Err(Damaged);
            }
        }
    }
    Ok(states)
}
