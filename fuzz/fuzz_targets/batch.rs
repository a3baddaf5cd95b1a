//! A body as a sender may write it: the first byte chooses the framing, the rest is decoded and split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_batch::{Framing, Limits};

fuzz_target!(|input: &[u8]| {
    let Some((kind, body)) = input.split_first() else { return };
    let framing = match kind % 6 {
        0 => Framing::Plain,
        1 => Framing::Lines,
        2 => Framing::Jsons { path: None },
        3 => Framing::Batch,
        4 => Framing::Array { intake_key: None },
        _ => Framing::Single,
    };
    let limits = Limits { decompressed_bytes_max: 1 << 20, ..Limits::default() };
    if let Ok(text) = tidegate_batch::decode(body, None, &limits)
        && let Ok(split) = tidegate_batch::split(&framing, &text, &limits)
    {
        let counted = tidegate_batch::count(&framing, &text, &limits);
        assert_eq!(counted.ok(), u32::try_from(split.records.len()).ok());
    }
});
