//! Stand-in for the suffix sets; replaced at the merge.

/// Key of the hashes of names.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashKey;
