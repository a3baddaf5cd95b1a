//! What the journal keeps beside a body: what is read is written back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_batch::Head;

fuzz_target!(|input: &[u8]| {
    if let Some(head) = Head::from_bytes(input) {
        assert_eq!(Head::from_bytes(&head.to_bytes()), Some(head));
    }
});
