//! A template over a record.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (template, record) = input.split_once('\n').unwrap_or((input, "{\"a\":[1,{\"b\":null}]}"));
    tidegate_formats::fuzz::template(template, record);
});
