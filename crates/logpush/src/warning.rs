//! What somebody should be told of a job, and what to do about it.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::difference::Severity;

/// Fields of a drift that are named.
const NAMED_MAX: usize = 8;

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

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Uploads fail for longer than [`crate::FAILING_AFTER`].
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
                "it may send to another place or with another intake's key: `tidegate logpush verify` compares; where often nobody \
                 asks anything for so long, set a longer `silent_after` in [logpush]"
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
