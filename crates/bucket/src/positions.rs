//! Where progress is written down.

use std::sync::Arc;

use tidegate_state::{BucketId, BucketMark, BucketObject, BucketStep, State, StateError};

/// Where the progress of one bucket is written down. Every call blocks for a moment; `step` returns when it is durable.
pub trait Positions: Send + Sync {
    /// How far the bucket was followed.
    ///
    /// # Errors
    /// When it cannot be read.
    fn mark(&self) -> Result<BucketMark, StateError>;

    /// How many objects are remembered.
    ///
    /// # Errors
    /// When they cannot be counted.
    fn count(&self) -> Result<u64, StateError>;

    /// What is remembered of the objects behind `after` up to `upto`, by key, the first `limit`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn between(&self, after: &str, upto: Option<&str>, limit: u32) -> Result<Vec<BucketObject>, StateError>;

    /// The objects that may or may not have been stored when the process ended.
    ///
    /// # Errors
    /// When they cannot be read.
    fn begun(&self) -> Result<Vec<BucketObject>, StateError>;

    /// Takes a step, as a whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is then.
    fn step(&self, step: &BucketStep) -> Result<(), StateError>;
}

/// Progress in the control plane.
#[derive(Clone, Debug)]
pub struct Kept {
    state: Arc<State>,
    id: BucketId,
}

impl Kept {
    /// The progress of the bucket with this identity ([`crate::Place::identity`]).
    ///
    /// # Errors
    /// As [`State::bucket`].
    pub fn new(state: Arc<State>, identity: &str) -> Result<Self, StateError> {
        let id = state.bucket(identity)?;
        Ok(Self { state, id })
    }

    /// The bucket's id.
    #[must_use]
    pub fn id(&self) -> BucketId {
        self.id
    }
}

impl Positions for Kept {
    fn mark(&self) -> Result<BucketMark, StateError> {
        self.state.bucket_mark(self.id)
    }

    fn count(&self) -> Result<u64, StateError> {
        self.state.bucket_object_count(self.id)
    }

    fn between(&self, after: &str, upto: Option<&str>, limit: u32) -> Result<Vec<BucketObject>, StateError> {
        self.state.bucket_objects(self.id, after, upto, limit)
    }

    fn begun(&self) -> Result<Vec<BucketObject>, StateError> {
        self.state.bucket_begun(self.id)
    }

    fn step(&self, step: &BucketStep) -> Result<(), StateError> {
        self.state.step_bucket(self.id, step)
    }
}
