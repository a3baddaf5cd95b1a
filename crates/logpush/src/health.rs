//! The state of a job over time, and what to be told about it. Time comes in as an argument.

use std::time::Duration;

use jiff::Timestamp;

use crate::advice::explain_delivery;
use crate::job::Job;
use crate::secret::mask;
use crate::warning::{Drift, Warning};

/// A job that fails for so long is warned about.
pub const FAILING_AFTER: Duration = Duration::from_secs(30 * 60);
/// Cloudflare switches a job off that fails for so long (cloudflare-docs#32514), and does not send later what was missed.
const DISABLED_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// A job that is this far behind is warned about. Changes of a job take 10 to 15 minutes.
pub const LAG_AFTER: Duration = Duration::from_secs(30 * 60);
/// An intake that heard nothing for so long while its job delivered is warned about, unless something else is wished.
pub const SILENT_AFTER: Duration = Duration::from_secs(30 * 60);
/// Characters of Cloudflare's words that are told.
const MESSAGE_CHARS_MAX: usize = 300;

/// What an intake received, as its owner counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// When the last batch came; `None` when none ever did.
    pub last_batch: Option<Timestamp>,
    /// Uncompressed bytes within the window.
    pub bytes: u64,
    /// How long the window is.
    pub window: Duration,
}

/// One look at a job.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The job is there.
    Job {
        /// As Cloudflare describes it.
        job: Box<Job>,
        /// How its fields differ, when they were looked at.
        drift: Option<Drift>,
        /// What its intake received, when that is known.
        received: Option<Received>,
    },
    /// Cloudflare knows no such job.
    Gone,
    /// It sends to this address now, which is not ours.
    Elsewhere(String),
    /// Cloudflare could not be asked; why.
    Unknown(String),
}

/// What is remembered of a job between looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Since when it fails.
    failing_since: Option<Timestamp>,
    /// When it was first seen: until some time after, nothing is expected of it.
    first_seen: Option<Timestamp>,
    /// Its state at the last look that found one.
    state: Option<JobState>,
    /// It was failing when it was switched off.
    ended_failing: bool,
}

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It delivers.
    Healthy,
    /// It has not delivered anything yet.
    Starting,
    /// Its uploads fail.
    Failing,
    /// It is off.
    Disabled,
    /// It is not there.
    Gone,
    /// It could not be looked at.
    Unknown,
}

/// The result of a look.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// How the job is.
    pub state: JobState,
    /// The end of what was delivered last.
    pub last_complete: Option<Timestamp>,
    /// How far that lies back.
    pub lag: Option<Duration>,
    /// Since when it fails.
    pub failing_since: Option<Timestamp>,
    /// Cloudflare's words about that.
    pub error: Option<String>,
    /// What to be told.
    pub warnings: Vec<Warning>,
}

/// The time of the clock, for [`evaluate`].
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Judges a look at a job, in the light of those before. Gives what to remember, and the health. An intake may hear nothing
/// for `silent_after` while its job delivers.
#[must_use]
pub fn evaluate(past: &Past, seen: &Seen, silent_after: Duration, now: Timestamp) -> (Past, Health) {
    let mut next = Past { first_seen: past.first_seen.or(Some(now)), ..past.clone() };
    match seen {
        Seen::Job { job, drift, received } => {
            let mut health = of_job(&mut next, job, drift.as_ref(), now);
            if health.state == JobState::Healthy {
                let odd = of_delivery(&next, job, received.as_ref(), silent_after, now);
                health.warnings.splice(0..0, odd);
            }
            next.state = Some(health.state);
            (next, health)
        }
        Seen::Gone => {
            next.failing_since = None;
            next.state = Some(JobState::Gone);
            (next, Health { warnings: vec![Warning::Gone { to: None }], ..Health::bare(JobState::Gone) })
        }
        Seen::Elsewhere(to) => {
            next.failing_since = None;
            next.state = Some(JobState::Gone);
            let warning = Warning::Gone { to: Some(to.clone()) };
            (next, Health { warnings: vec![warning], ..Health::bare(JobState::Gone) })
        }
        // A look that failed says nothing about the job: what was known stays.
        Seen::Unknown(why) => {
            let error = Some(shortened(why));
            (next, Health { failing_since: past.failing_since, error, ..Health::bare(JobState::Unknown) })
        }
    }
}

fn of_job(past: &mut Past, job: &Job, drift: Option<&Drift>, now: Timestamp) -> Health {
    let message = job.error_message.as_deref().map(shortened).filter(|message| !message.is_empty());
    let is_failing = message.is_some() || job.last_error.is_some();
    past.failing_since = is_failing.then(|| since(past, job, now));
    let state = match (job.enabled, is_failing, job.last_complete) {
        (false, ..) => JobState::Disabled,
        (true, true, _) => JobState::Failing,
        (true, false, Some(_)) => JobState::Healthy,
        (true, false, None) => JobState::Starting,
    };
    past.ended_failing &= !job.enabled;
    let lag = job.last_complete.map(|end| between(end, now));
    let mut warnings = Vec::new();
    match (state, past.failing_since) {
        (JobState::Disabled, _) => {
            past.ended_failing |= is_failing || past.state == Some(JobState::Failing);
            warnings.push(Warning::Disabled { after_failures: past.ended_failing });
        }
        (JobState::Failing, Some(since)) if between(since, now) >= FAILING_AFTER => warnings.push(Warning::Failing {
            lasting: between(since, now),
            disabled_at: since
                .saturating_add(jiff::SignedDuration::from_secs(DISABLED_AFTER.as_secs().cast_signed()))
                .unwrap_or(since),
            advice: message.as_deref().and_then(explain_delivery),
            message: message.clone().unwrap_or_default(),
        }),
        _ => {}
    }
    let rate = job.output().rate();
    if rate < 1.0 {
        warnings.push(Warning::Sampled(rate.to_string()));
    }
    if let Some(drift) = drift.filter(|drift| **drift != Drift::default()) {
        warnings.push(Warning::Drift(drift.clone()));
    }
    Health { state, last_complete: job.last_complete, lag, failing_since: past.failing_since, error: message, warnings }
}

/// Since when it fails: since it was first seen to, or since the end of what it delivered last, whichever is earlier. The
/// second keeps the count across a restart of ours.
fn since(past: &Past, job: &Job, now: Timestamp) -> Timestamp {
    let first_seen = past.failing_since.unwrap_or(now);
    let reported = job.last_error.unwrap_or(now);
    // A dataset without records delivers nothing for long: then the error itself is the better start.
    let delivered = job.last_complete.filter(|end| *end <= reported && between(*end, reported) < DISABLED_AFTER);
    first_seen.min(reported).min(delivered.unwrap_or(now)).min(now)
}

/// What is odd about a job that says it delivers.
fn of_delivery(
    past: &Past,
    job: &Job,
    received: Option<&Received>,
    silent_after: Duration,
    now: Timestamp,
) -> Option<Warning> {
    let lag = job.last_complete.map(|end| between(end, now));
    let lag = lag.filter(|lag| *lag >= LAG_AFTER).map(Warning::Lag);
    let silent = || {
        let (delivered, received) = (job.last_complete?, received?);
        // A job that was just made, or sent elsewhere until a moment ago, is given its time.
        let watched = past.first_seen.map_or(Duration::ZERO, |first| between(first, now));
        let heard = received.last_batch.map_or(Duration::MAX, |last| between(last, delivered));
        let is_silent = watched >= silent_after && heard >= silent_after;
        is_silent.then_some(Warning::Silent { last_batch: received.last_batch, delivered })
    };
    lag.or_else(silent)
}

impl Health {
    const fn bare(state: JobState) -> Self {
        Self { state, last_complete: None, lag: None, failing_since: None, error: None, warnings: Vec::new() }
    }
}

/// From one time to a later one; nothing when it is not later.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(to.as_second().saturating_sub(from.as_second())).unwrap_or(0))
}

fn shortened(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_CHARS_MAX).collect();
    mask(plain.trim())
}

#[cfg(test)]
mod tests;
