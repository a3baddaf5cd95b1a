//! One file a verb; each has its arguments and a `run`.

pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod feeds;
pub(crate) mod formats;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod indicators;
pub(crate) mod intake;
pub(crate) mod logpush;
pub(crate) mod parse;
pub(crate) mod retrohunt;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod user;
