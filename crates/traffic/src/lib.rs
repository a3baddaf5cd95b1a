//! A seed in, realistic made-up Cloudflare Gateway DNS records out, with attacks planted in them and the truth about
//! those; and a sender that delivers records as Logpush would.
//!
//! It will never know how a record is received, parsed, judged or stored: it is the other side.

mod alias;
mod answers;
mod application;
mod batch;
mod behaviour;
mod cache;
mod catalog;
mod category;
mod config;
mod device;
mod feed;
mod field;
mod generator;
mod json;
mod network;
mod office;
mod org;
mod plan;
mod policy;
mod question;
mod reply;
mod resolve;
mod rng;
mod rtype;
mod scenario;
mod schedule;
mod sender;
mod stamp;
mod tail;
mod truth;
mod wire;
mod world;

pub use batch::{Batch, Packer};
pub use config::{Config, ConfigError, Load, Scenarios, TimeFormat};
pub use feed::{Clock, Feed, FeedProgress, SystemClock};
pub use field::{Field, FieldSet, FieldSetError, Kind};
pub use generator::Generator;
pub use scenario::Scenario;
pub use sender::{LoadReport, SendError, Sender, SenderOptions};
pub use truth::{Nature, Planted, Totals, Truth};
