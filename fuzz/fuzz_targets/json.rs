//! A JSON text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| tidegate_formats::fuzz::json(input));
