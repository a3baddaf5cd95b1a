//! The rules and cases that the binary brings.

include!(concat!(env!("OUT_DIR"), "/rules.rs"));
