//! The contract with Cloudflare, kept from outside: the calls of the API, the validation upload, the steps before a job
//! and the watch over it.
#![allow(clippy::unwrap_used, reason = "tests say what they expect in one word")]

mod api;
mod flow;
mod reach;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;
