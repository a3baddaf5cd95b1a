//! The state of a job over time, and what to be told about it. Time comes in as an argument.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::advice::explain_delivery;
use crate::difference::Severity;
use crate::job::Job;
use crate::secret::mask;

/// A job that fails for so long is warned about.
pub const FAILING_AFTER: Duration = Duration::from_secs(30 * 60);
/// Cloudflare switches a job off that fails for so long (cloudflare-docs#32514), and does not send later what was missed.
const DISABLED_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// A job that is this far behind is warned about. Changes of a job take 10 to 15 minutes.
pub const LAG_AFTER: Duration = Duration::from_secs(30 * 60);
/// An intake that heard nothing for so long while its job delivered is warned about.
pub const SILENT_AFTER: Duration = Duration::from_secs(30 * 60);
/// Characters of Cloudflare's words that are told.
const MESSAGE_CHARS_MAX: usize = 300;
/// Fields of a drift that are named.
const NAMED_MAX: usize = 8;

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

/// Fields of a dataset that came or went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Fields that our format reads and Cloudflare offers, but the job does not send.
    pub missing: Vec<String>,
    /// Fields that Cloudflare offers and our format does not know.
    pub new: Vec<String>,
    /// Fields that the job names and Cloudflare no longer offers.
    pub gone: Vec<String>,
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

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Uploads fail for longer than [`FAILING_AFTER`].
    Failing {
        /// For how long.
        lasting: Duration,
        /// When Cloudflare switches the job off.
        disabled_at: Timestamp,
        /// Cloudflare's words.
        message: String,
        /// What to do.
        advice: Option<&'static str>,
    },
    /// The job is off; whether Cloudflare did it after failures.
    Disabled {
        /// It was failing before.
        after_failures: bool,
    },
    /// Someone deleted it, or had it send to another place.
    Gone {
        /// The other place.
        to: Option<String>,
    },
    /// No intake takes the key that it carries.
    Key,
    /// It is behind.
    Lag(Duration),
    /// It delivers, but its intake hears nothing.
    Silent {
        /// When the intake heard something last.
        last_batch: Option<Timestamp>,
        /// Up to when the job delivered.
        delivered: Timestamp,
    },
    /// Its fields and those of the dataset differ.
    Drift(Drift),
    /// It sends only a share.
    Sampled(String),
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// Uploads fail.
    Failing,
    /// The job is off.
    Disabled,
    /// The job is not there, or sends to another place.
    Gone,
    /// No intake takes its key.
    Key,
    /// The job is behind.
    Lag,
    /// The intake hears nothing.
    Silent,
    /// Fields came or went.
    Drift,
    /// Only a share is sent.
    Sampled,
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

/// Judges a look at a job, in the light of those before. Gives what to remember, and the health.
#[must_use]
pub fn evaluate(past: &Past, seen: &Seen, now: Timestamp) -> (Past, Health) {
    let mut next = Past { first_seen: past.first_seen.or(Some(now)), ..past.clone() };
    match seen {
        Seen::Job { job, drift, received } => {
            let health = of_job(&mut next, job, drift.as_ref(), received.as_ref(), now);
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

fn of_job(past: &mut Past, job: &Job, drift: Option<&Drift>, received: Option<&Received>, now: Timestamp) -> Health {
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
        (JobState::Healthy, _) => warnings.extend(of_delivery(past, job, lag, received, now)),
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
    lag: Option<Duration>,
    received: Option<&Received>,
    now: Timestamp,
) -> Option<Warning> {
    let lag = lag.filter(|lag| *lag >= LAG_AFTER).map(Warning::Lag);
    let silent = || {
        let (delivered, received) = (job.last_complete?, received?);
        // A job that was just made, or sent elsewhere until a moment ago, is given its time.
        let watched = past.first_seen.map_or(Duration::ZERO, |first| between(first, now));
        let heard = received.last_batch.map_or(Duration::MAX, |last| between(last, delivered));
        let is_silent = watched >= SILENT_AFTER && heard >= SILENT_AFTER;
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

impl WarningKind {
    /// Its name, as scripts see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Disabled => "disabled",
            Self::Gone => "gone",
            Self::Key => "key",
            Self::Lag => "lag",
            Self::Silent => "silent",
            Self::Drift => "drift",
            Self::Sampled => "sampled",
        }
    }
}

impl Warning {
    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> WarningKind {
        match self {
            Self::Failing { .. } => WarningKind::Failing,
            Self::Disabled { .. } => WarningKind::Disabled,
            Self::Gone { .. } => WarningKind::Gone,
            Self::Key => WarningKind::Key,
            Self::Lag(_) => WarningKind::Lag,
            Self::Silent { .. } => WarningKind::Silent,
            Self::Drift(_) => WarningKind::Drift,
            Self::Sampled(_) => WarningKind::Sampled,
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Failing { .. } | Self::Disabled { .. } | Self::Gone { .. } | Self::Key | Self::Sampled(_) => {
                Severity::Breaking
            }
            Self::Lag(_) | Self::Silent { .. } => Severity::Warning,
            Self::Drift(drift) if drift.missing.is_empty() && drift.gone.is_empty() => Severity::Info,
            Self::Drift(_) => Severity::Warning,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Failing { lasting, message, .. } if message.is_empty() => {
                format!("uploads have failed for {}", words(*lasting))
            }
            Self::Failing { lasting, message, .. } => {
                format!("uploads have failed for {} ({message})", words(*lasting))
            }
            Self::Disabled { after_failures: true } => "Cloudflare switched the job off after failures".to_owned(),
            Self::Disabled { after_failures: false } => "the job is off: nothing is sent".to_owned(),
            Self::Gone { to: None } => "the job is not there any more".to_owned(),
            Self::Gone { to: Some(to) } => format!("the job sends to `{to}` now, and no longer here"),
            Self::Key => "no intake takes the key that the job carries".to_owned(),
            Self::Lag(lag) => format!("the job delivered nothing newer than {} ago", words(*lag)),
            Self::Silent { last_batch, delivered } => {
                let heard =
                    last_batch.map_or_else(|| "nothing ever".to_owned(), |last| format!("nothing since {last}"));
                format!("the job says that it delivered up to {delivered}, but the intake heard {heard}")
            }
            Self::Drift(drift) => drift.to_string(),
            Self::Sampled(rate) => {
                format!("the job sends only a share of {rate} of the records: rules that count go wrong")
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        let text = match self {
            Self::Failing { disabled_at, advice, .. } => {
                let advice = advice.unwrap_or("look at the server's log of that time");
                return format!(
                    "{advice}. Cloudflare switches the job off at about {disabled_at} and does not send later what is missed"
                );
            }
            Self::Disabled { after_failures: true } => {
                "mend the cause, then switch it on with `tidegate logpush update`; what was missed is not sent later"
            }
            Self::Disabled { after_failures: false } => {
                "switch it on with `tidegate logpush update`, or delete it; what was missed is not sent later"
            }
            Self::Gone { to: None } => "make it again with `tidegate logpush create`, if nobody deleted it on purpose",
            Self::Gone { to: Some(_) } => {
                "if nobody did this on purpose, set it back with `tidegate logpush update`, and look into Cloudflare's audit \
                 log for who did"
            }
            Self::Key => {
                "the batches are refused: let the job carry the intake's key with `tidegate logpush update --key-file`, or \
                 rotate the key"
            }
            Self::Lag(_) => {
                "there may be no records, or Cloudflare is behind: compare with the activity log of Zero Trust, and look at \
                 https://www.cloudflarestatus.com"
            }
            Self::Silent { .. } => {
                "it may send to another place or with another intake's key: `tidegate logpush verify` compares"
            }
            Self::Drift(drift) if drift.missing.is_empty() && drift.gone.is_empty() => {
                "nothing is lost; a newer version may read them"
            }
            Self::Drift(_) => "`tidegate logpush update` asks for the right ones",
            Self::Sampled(_) => "`tidegate logpush update` asks for all of them",
        };
        text.to_owned()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sentence(), self.advice())
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (&self.missing, "the job does not send fields that it could: "),
            (&self.gone, "the job names fields that Cloudflare no longer offers: "),
            (&self.new, "Cloudflare offers new fields that this version does not read: "),
        ];
        let mut first = true;
        for (fields, words) in parts.into_iter().filter(|(fields, _)| !fields.is_empty()) {
            let named = fields.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = fields.len().saturating_sub(NAMED_MAX);
            write!(f, "{}{words}{named}", if first { "" } else { "; " })?;
            if more > 0 {
                write!(f, " and {more} more")?;
            }
            first = false;
        }
        Ok(())
    }
}

/// A time in the words of people.
fn words(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2_880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests;
