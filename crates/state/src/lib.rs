//! The control plane: who may send, who may look, what was found, changed and how much came in; questions go in, answers
//! from one SQLite file come out. It will never know events, rules, HTTP or formats.
//!
//! Every method that changes something takes the [`Actor`] who does it and writes the audit entry in the same
//! transaction. Secrets leave this crate once, as a [`Secret`], and are stored as hashes only. All methods block for a
//! moment (a password hash: tens of milliseconds); call them off the async threads, but for [`State::intake_by_key`] and
//! [`State::intake`], which answer from memory.

mod alert;
mod asset;
mod audit;
mod bounds;
mod bucket;
mod clock;
mod collection;
mod counts;
mod database;
mod error;
mod exception;
mod feed;
mod finding;
mod first;
pub mod fold;
mod indicator;
mod intake;
mod login;
mod mask;
mod migrate;
mod name;
mod outbox;
mod password;
mod preference;
mod principal;
mod retrohunt;
mod revision;
mod rule_setting;
mod saved;
mod secret;
mod session;
mod setting;
mod state;
mod target;
#[cfg(test)]
mod testing;
mod throttle;
mod token;
mod user;
mod watch;
mod words;

pub use alert::{
    Alert, AlertChange, AlertCounts, AlertEntry, AlertId, AlertPage, AlertQuery, AlertSort, AlertStatus, AlertStretch,
    Assignee, BulkDone, Endings, Folded, HourHits, Outcome, RuleHits, SimilarAlert, TimelineOf, Urgency, Verdict,
};
pub use asset::{Asset, AssetId, AssetKind, NewAsset};
pub use audit::{Audit, AuditEntry, AuditFilter};
pub use bucket::{
    BUCKET_REJECTS_MAX, Bucket, BucketCounts, BucketId, BucketMark, BucketObject, BucketReject, BucketState, BucketStep,
};
pub use clock::Clock;
pub use collection::{Collection, CollectionCounts, CollectionId};
pub use counts::{Counts, DayCounts};
pub use error::StateError;
pub use exception::{AlertFilter, AlertFilterId, NewAlertFilter};
pub use feed::{Feed, FeedAuth, FeedId, FeedKind, FeedRun, FeedState, NewFeed};
pub use finding::{Effort, EventRef, FindingRule, NewFinding, Similarity};
pub use first::FirstLogin;
pub use indicator::{IndicatorFilter, IndicatorRow, Match, Met, NewIndicator, UPSERT_ROWS_MAX, Upserted};
pub use intake::{Intake, IntakeChange};
pub use mask::mask;
pub use outbox::{Delivery, Due, Notice, NoticeKind};
pub use principal::{Actor, Principal, Role, UserId, Via};
pub use retrohunt::{HuntHit, HuntId, HuntState, NewRetrohunt, Retrohunt};
pub use revision::Topic;
pub use rule_setting::{NewRuleSetting, RuleSetting};
pub use saved::{NewSavedQuery, QueryEntry, QueryKind, RanQuery, SavedQuery, SavedQueryId};
pub use secret::Secret;
pub use session::{Client, Session, SessionId};
pub use state::{Options, State};
pub use target::{NewTarget, Routing, Target, TargetId, TargetKind};
pub use token::{ApiToken, NewToken, TokenId};
pub use user::User;
pub use watch::{IntakeLimits, IntakeNews, IntakeWatch};

/// The name of the database file in a data directory.
pub const FILE_NAME: &str = "state.db";
