//! Events go in, findings come out: rules, lists, indicators and behaviour judge what passes. It will never know where
//! events come from or where findings go: no clock, no network, no async.

pub mod intel;
