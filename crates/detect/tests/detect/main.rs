//! Detection as a whole: rules in, events in, findings out.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

mod check;
mod common;
mod correlations;
mod outlines;
mod public;
mod rules;
mod scan;
mod sigma;
