//! A job as it is beside what it should be, as whoever looks after an intake knows it.

use zeroize::Zeroizing;

use crate::dataset::Dataset;
use crate::destination::Destination;
use crate::difference::{Aspect, Difference, Severity};
use crate::error::LogpushError;
use crate::job::Job;
use crate::plan::{Plan, plan};
use crate::secret::IntakeKey;
use crate::verify::{Wanted, WantedKey, verify};

/// A job, and what is known of the place that it should send to.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The job as it is.
    pub job: Job,
    /// What it sends.
    pub dataset: &'static Dataset,
    /// The fields that Cloudflare offers; empty when not known.
    pub offered: Vec<String>,
    /// The server as Cloudflare reaches it; `None` leaves out where the job sends.
    pub address: Option<String>,
    /// The key that it should carry, when one is named.
    pub key: Option<IntakeKey>,
    /// Whether an intake takes the key that it carries; `None` when that cannot be known.
    pub fits: Option<bool>,
    /// The format of that intake; `None` when there is none, or it cannot be known.
    pub reads: Option<String>,
    /// Headers that Cloudflare should send besides, such as those of an Access service token.
    pub headers: Vec<(String, Zeroizing<String>)>,
    /// The largest batch that the intake takes, uncompressed; `None` for the default.
    pub batch_bytes_max: Option<u64>,
}

impl Compared {
    /// How the job differs from what it should be, the gravest first.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send to the address.
    pub fn differences(&self) -> Result<Vec<Difference>, LogpushError> {
        Ok(verify(&self.job, &self.wanted()?))
    }

    /// The update that mends what can be mended with the key that is known. What else the destination says stays.
    ///
    /// # Errors
    /// [`LogpushError::Wrong`] when Logpush could not send to the address.
    pub fn plan(&self) -> Result<Plan, LogpushError> {
        let own = || self.job.destination_conf.intake_key().filter(|_| self.fits != Some(false));
        let move_to = |key: IntakeKey| self.job.destination_conf.moved(self.address.as_deref(), &key);
        let to: Option<Destination> = self.key.clone().or_else(own).map(move_to).transpose()?;
        let mut plan = plan(&self.job, &self.wanted()?, to.as_ref());
        self.add_headers(&mut plan)?;
        Ok(plan)
    }

    /// Lets the update set the headers that the job does not send as they were named.
    fn add_headers(&self, plan: &mut Plan) -> Result<(), LogpushError> {
        let own = &self.job.destination_conf;
        let lacks = |(name, value): &&(String, Zeroizing<String>)| own.header(name).as_ref() != Some(value);
        let names: Vec<String> =
            self.headers.iter().filter(lacks).map(|(name, _)| format!("header_{name}=…")).collect();
        if names.is_empty() {
            return Ok(());
        }
        let to = plan.update.destination.take().unwrap_or_else(|| own.clone());
        plan.update.destination = Some(to.with_headers(&self.headers)?);
        plan.mended.push(Difference {
            aspect: Aspect::Headers,
            severity: Severity::Warning,
            is: String::new(),
            wanted: names.join(", "),
            why: "the job does not send these headers with the values that were given".to_owned(),
            mends: true,
        });
        Ok(())
    }

    fn wanted(&self) -> Result<Wanted<'_>, LogpushError> {
        let judged = || self.fits.map_or(WantedKey::Any, WantedKey::Judged);
        let key = self.key.clone().map_or_else(judged, WantedKey::Exact);
        let offered = self.offered.iter().map(String::as_str).collect();
        let mut wanted = Wanted::new(self.dataset, offered, self.address.as_deref(), key)?;
        // Another key that is named leads to another intake.
        wanted.reads = self.reads.as_deref().filter(|_| self.key.is_none());
        wanted.batch_bytes_max = self.batch_bytes_max.unwrap_or(wanted.batch_bytes_max);
        Ok(wanted)
    }
}
