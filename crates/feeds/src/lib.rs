//! Feeds of threat intelligence: addresses of files and TAXII 2.1 collections go in, indicators come out. It will never
//! know where indicators are kept, who configured a feed, or when it is due.
//!
//! What a server sends is written to an unnamed file first and read from there, so neither a slow server nor a feed of
//! half a gigabyte takes memory, and reading (which blocks) can be done off the async threads.

mod auth;
mod body;
mod error;
mod fetch;
mod preset;
mod taxii;

pub use auth::Auth;
pub use body::{Body, open_file};
pub use error::FeedError;
pub use fetch::{FEED_WIRE_BYTES_MAX, FetchOptions, Fetched, Fetcher, Request};
pub use preset::{PRESETS, Preset, PresetAuth};
pub use taxii::{ApiRoot, Pull, TaxiiCollection, api_root, collections, discover};
