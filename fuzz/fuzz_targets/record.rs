//! A record of each format that the product ships.
#![no_main]

use std::sync::{Arc, LazyLock};

use bumpalo::Bump;
use libfuzzer_sys::fuzz_target;
use tidegate_formats::{Catalog, Format};

static FORMATS: LazyLock<Vec<Arc<Format>>> = LazyLock::new(|| {
    let (catalog, mistakes) = Catalog::load(&[]).expect("the shipped formats load");
    assert!(mistakes.is_empty());
    catalog.iter().cloned().collect()
});

fuzz_target!(|input: &[u8]| {
    let Some((which, record)) = input.split_first() else { return };
    let Ok(record) = std::str::from_utf8(record) else { return };
    let format = &FORMATS[usize::from(*which) % FORMATS.len()];
    let arena = Bump::new();
    let _ = format.parser().parse(record, &arena);
});
