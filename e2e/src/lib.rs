//! Drives the real `tidegate` binary from outside, for the tests beside it: a server in a folder of its own that can be
//! killed and started again, an HTTP client that takes every answer as it comes, and made-up Gateway DNS records that
//! can be told apart.

mod binary;
mod body;
mod files;
mod http;
mod login;
mod raw;
mod record;
mod server;
mod session;
mod site;
mod tls;
mod wait;

pub use binary::{Output, command, run, run_with_input, run_within};
pub use body::{deflate, gzip, gzip_members, raw_deflate, zstd};
pub use files::{contains, every_file, find_bytes, repository};
pub use http::{Http, Reply, Request};
pub use login::Login;
pub use raw::Raw;
pub use record::{Records, now_nanos, query_id};
pub use server::{Ended, Server};
pub use session::{Intake, Session};
pub use site::{Answer, Got, Site};
pub use wait::{SOON, eventually, within};
