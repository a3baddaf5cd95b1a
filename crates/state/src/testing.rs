//! A control plane in a temporary folder, with a clock that tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_event::Timestamp;
use uuid::Uuid;

use crate::{
    Clock, Effort, EventRef, FILE_NAME, FindingRule, NewFinding, Options, Role, Secret, Similarity, State, User,
};

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

/// A finding of rule `rule` by `source` against `target`, with `count` events of a second each from [`START`] on.
pub(crate) fn finding(id: u128, rule: u128, source: &str, target: &str, count: u64) -> NewFinding {
    let at = |index: u64| Timestamp::from_micros(START.as_micros() + i64::try_from(index).unwrap() * 1_000_000);
    let event = |index: u64| EventRef {
        at: at(index),
        id: Uuid::from_u128((id << 32) + u128::from(index)),
        source_ip: Some(source.to_owned()),
        name: Some(format!("x{index}.{target}")),
    };
    NewFinding {
        id: Uuid::from_u128(id),
        rule: FindingRule {
            id: Uuid::from_u128(rule),
            name: format!("Rule {rule}"),
            effort: Effort::Intermediate,
            severity: 75,
            attack: vec!["T1071.004".into()],
        },
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        name: None,
        group: vec![("source.ip".into(), source.to_owned())],
        first_seen: at(0),
        last_seen: at(count - 1),
        count,
        events: (0..count.min(10)).map(event).collect(),
        matched: vec![("dns.question.name".into(), format!("x0.{target}"))],
        note: format!("{count} names"),
        similarity: Similarity::Pair,
        hidden_by: None,
    }
}
