//! Waiting for what must become true, with an end.

use std::time::{Duration, Instant};

/// Long enough for anything that is expected to happen soon, on a busy machine too.
pub const SOON: Duration = Duration::from_secs(20);

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `look` finds something; panics with `what` after `limit`.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(PAUSE);
    }
}

/// Looks until `holds`; panics with `what` after [`SOON`].
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    within(SOON, what, || holds().then_some(()));
}
