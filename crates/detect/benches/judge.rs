//! Judging as a ratio to parsing.
fn main() {}
