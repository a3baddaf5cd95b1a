//! A parser file as a user may write it, up to the first empty line, and a record for it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (parser, record) = input.split_once("\n\n").unwrap_or((input, "{\"a\":1}"));
    tidegate_formats::fuzz::format(parser, record);
});
