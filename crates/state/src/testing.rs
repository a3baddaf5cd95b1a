//! A control plane in a temporary folder, with a clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_event::Timestamp;

use crate::{Clock, FILE_NAME, Options, Role, Secret, State, User};

/// The moment at which every test begins.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_777_000_000_000_000);
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Fixture {
    pub(crate) state: State,
    pub(crate) first: Option<crate::FirstLogin>,
    pub(crate) dir: TempDir,
    now: Arc<AtomicI64>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(START.as_micros()));
        let (state, first) = open(&dir, &now);
        Self { state, first, dir, now }
    }

    /// Opens the same database once more, as another process would.
    pub(crate) fn second(&self) -> State {
        open(&self.dir, &self.now).0
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn user(&self, name: &str, role: Role) -> User {
        self.state.create_user(name, &Secret::new(PASSWORD), role, &crate::Actor::system()).unwrap()
    }
}

fn open(dir: &TempDir, now: &Arc<AtomicI64>) -> (State, Option<crate::FirstLogin>) {
    let now = Arc::clone(now);
    let clock = Clock::new(move || Timestamp::from_micros(now.load(Ordering::SeqCst)));
    State::open_with(&dir.path().join(FILE_NAME), Options { clock, ..Options::default() }).unwrap()
}
