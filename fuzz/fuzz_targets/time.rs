//! A time, and a format for it after a line end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| match input.split_once('\n') {
    Some((text, format)) => tidegate_formats::fuzz::time(text, Some(format)),
    None => tidegate_formats::fuzz::time(input, None),
});
