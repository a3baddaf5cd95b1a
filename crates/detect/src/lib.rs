//! Events in, findings out: lists, label grammars and behaviour over time.
//! It will never know where events come from or where findings go.

pub mod lists;
pub mod names;
pub mod native;
