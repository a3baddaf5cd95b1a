//! Streams in, findings out: tools, generated domains and ordinary traffic.

mod day;
mod families;
mod generated;
mod growth;
mod memory;
mod ordinary;
mod sessions;
mod slow;
mod stream;
mod tunnels;
mod wire;
