//! Looks at the jobs of accounts and zones again and again, and remembers what was told of each.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::client::Client;
use crate::dataset::Dataset;
use crate::difference::Aspect;
use crate::error::LogpushError;
use crate::health::{Health, Past, Received, SILENT_AFTER, Seen, evaluate};
use crate::job::{Job, JobId};
use crate::scope::Scope;
use crate::verify::{Wanted, WantedKey, verify};
use crate::warning::{Drift, Warning, WarningKind};

/// Fields of a dataset change with releases of Cloudflare's: they are asked for once in so many rounds.
const ROUNDS_BETWEEN_FIELDS: u64 = 60;
/// Jobs of an account or zone that are watched.
const JOBS_MAX: usize = 1_000;
/// A job that is gone is told of for so long.
const GONE_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Whose a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The intake whose key it carries, by the name that the caller has for it; none when no intake takes the key.
    pub intake: Option<String>,
    /// What that intake received.
    pub received: Option<Received>,
}

/// A warning, and since when it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is wrong.
    pub warning: Warning,
    /// When it was first noticed.
    pub since: Timestamp,
    /// Whether this round noticed it: the time to tell it.
    pub is_new: bool,
}

/// What a look found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where the job lives.
    pub scope: Scope,
    /// The job, as it was last seen.
    pub job: Job,
    /// The intake that it sends to.
    pub intake: Option<String>,
    /// When it was looked at.
    pub at: Timestamp,
    /// How it is.
    pub health: Health,
    /// What somebody should know; after a look that failed, what was known before.
    pub warnings: Vec<Told>,
    /// What was told before and is over.
    pub over: Vec<WarningKind>,
}

/// One look at everything.
#[derive(Debug)]
pub struct Round {
    /// When.
    pub at: Timestamp,
    /// Every job that is known.
    pub reports: Vec<Report>,
    /// What could not be asked, and why.
    pub failed: Vec<(Scope, LogpushError)>,
}

/// What is known of the jobs of some accounts and zones.
#[derive(Debug)]
pub struct Watch {
    scopes: Vec<Scope>,
    silent_after: Duration,
    known: BTreeMap<Key, Known>,
    offered: BTreeMap<(String, &'static str), Vec<String>>,
    rounds: u64,
}

type Key = (String, JobId);

/// What is known of a job from the looks before.
#[derive(Debug)]
struct Known {
    job: Job,
    owner: Owner,
    past: Past,
    told: Vec<(Warning, Timestamp)>,
    gone_since: Option<Timestamp>,
}

impl Watch {
    /// A watch over these, which knows nothing yet.
    #[must_use]
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self { scopes, silent_after: SILENT_AFTER, known: BTreeMap::new(), offered: BTreeMap::new(), rounds: 0 }
    }

    /// The same watch, for which an intake that hears nothing may be so for another time than 30 minutes.
    #[must_use]
    pub const fn silent_after(mut self, time: Duration) -> Self {
        self.silent_after = time;
        self
    }

    /// Looks at everything once. `owner` says whether a job is to be watched, and whose it is.
    pub async fn round(&mut self, client: &Client, owner: impl Fn(&Job) -> Option<Owner>) -> Round {
        let mut round = Round { at: Timestamp::now(), reports: Vec::new(), failed: Vec::new() };
        for scope in self.scopes.clone() {
            match client.jobs(&scope).await {
                Ok(jobs) => {
                    let mut seen: BTreeMap<JobId, Job> =
                        jobs.into_iter().take(JOBS_MAX).map(|job| (job.id, job)).collect();
                    self.remember(&scope, &seen, &owner, round.at);
                    self.learn_fields(client, &scope).await;
                    self.report(&scope, &mut round, |known| known.look(&mut seen, &owner));
                }
                Err(error) => {
                    let why = error.to_string();
                    self.report(&scope, &mut round, |_| Seen::Unknown(why.clone()));
                    round.failed.push((scope, error));
                }
            }
        }
        let at = round.at;
        self.known.retain(|_, known| known.gone_since.is_none_or(|since| elapsed(since, at) < GONE_KEPT));
        self.rounds += 1;
        round
    }

    /// Forgets a job, as after deleting it on purpose.
    pub fn forget(&mut self, scope: &Scope, id: JobId) {
        self.known.remove(&(scope.path(), id));
    }

    fn remember(
        &mut self,
        scope: &Scope,
        seen: &BTreeMap<JobId, Job>,
        owner: &impl Fn(&Job) -> Option<Owner>,
        at: Timestamp,
    ) {
        for job in seen.values() {
            if let Some(owner) = owner(job) {
                self.known.entry((scope.path(), job.id)).or_insert_with(|| Known {
                    job: job.clone(),
                    owner,
                    past: Past::default(),
                    told: Vec::new(),
                    gone_since: None,
                });
            }
        }
        for ((path, id), known) in &mut self.known {
            if *path == scope.path() {
                let is_there = seen.get(id).is_some_and(|job| owner(job).is_some());
                known.gone_since = if is_there { None } else { known.gone_since.or(Some(at)) };
            }
        }
    }

    async fn learn_fields(&mut self, client: &Client, scope: &Scope) {
        let path = scope.path();
        let of_scope = self.known.iter().filter(|((known, _), _)| *known == path);
        let mut datasets: Vec<&'static Dataset> = of_scope.filter_map(|(_, known)| known.job.known_dataset()).collect();
        datasets.sort_unstable_by_key(|dataset| dataset.name);
        datasets.dedup_by_key(|dataset| dataset.name);
        for dataset in datasets {
            let key = (path.clone(), dataset.name);
            if self.offered.contains_key(&key) && !self.rounds.is_multiple_of(ROUNDS_BETWEEN_FIELDS) {
                continue;
            }
            // What was known stays when the question fails; the jobs themselves were answered, so there is no trouble.
            if let Ok(fields) = client.fields(scope, dataset.name).await {
                self.offered.insert(key, fields.into_keys().collect());
            }
        }
    }

    fn report(&mut self, scope: &Scope, round: &mut Round, mut look: impl FnMut(&mut Known) -> Seen) {
        let path = scope.path();
        for ((known_path, _), known) in &mut self.known {
            if *known_path != path {
                continue;
            }
            let mut seen = look(known);
            if let Seen::Job { job, drift: fields, .. } = &mut seen {
                let name = job.known_dataset().map(|dataset| dataset.name);
                let offered = name.and_then(|name| self.offered.get(&(path.clone(), name)));
                *fields = offered.and_then(|offered| drift(job, offered));
            }
            round.reports.push(known.report(scope.clone(), &seen, self.silent_after, round.at));
        }
    }
}

impl Known {
    /// What the list of the jobs says of this one.
    fn look(&mut self, seen: &mut BTreeMap<JobId, Job>, owner: &impl Fn(&Job) -> Option<Owner>) -> Seen {
        let Some(job) = seen.remove(&self.job.id) else { return Seen::Gone };
        self.job = job;
        match owner(&self.job) {
            Some(owner) => {
                self.owner = owner;
                Seen::Job { job: Box::new(self.job.clone()), drift: None, received: self.owner.received }
            }
            None => Seen::Elsewhere(crate::secret::mask(self.job.destination_conf.address())),
        }
    }

    fn report(&mut self, scope: Scope, seen: &Seen, silent_after: Duration, at: Timestamp) -> Report {
        let (past, mut health) = evaluate(&self.past, seen, silent_after, at);
        self.past = past;
        let intake = self.owner.intake.clone();
        if matches!(seen, Seen::Job { .. }) && intake.is_none() {
            health.warnings.insert(0, Warning::Key);
        }
        // A failed look knows no warnings, which does not mean that there are none.
        let (warnings, over) = match seen {
            Seen::Unknown(_) => {
                let told = self.told.iter();
                let as_before = |(warning, since): &(Warning, Timestamp)| Told {
                    warning: warning.clone(),
                    since: *since,
                    is_new: false,
                };
                (told.map(as_before).collect(), Vec::new())
            }
            _ => self.tell(&health.warnings, at),
        };
        Report { scope, job: self.job.clone(), intake, at, health, warnings, over }
    }

    fn tell(&mut self, now: &[Warning], at: Timestamp) -> (Vec<Told>, Vec<WarningKind>) {
        let mut warnings = Vec::with_capacity(now.len());
        for warning in now {
            let before = self.told.iter().find(|(told, _)| told.kind() == warning.kind()).map(|(_, since)| *since);
            let since = before.unwrap_or(at);
            warnings.push(Told { warning: warning.clone(), since, is_new: before.is_none() });
        }
        // What a job that is gone suffered from is not well again.
        let is_gone = now.iter().any(|warning| warning.kind() == WarningKind::Gone);
        let is_over = |kind: &WarningKind| !is_gone && now.iter().all(|warning| warning.kind() != *kind);
        let over = self.told.iter().map(|(warning, _)| warning.kind()).filter(is_over).collect();
        self.told = warnings.iter().map(|told| (told.warning.clone(), told.since)).collect();
        (warnings, over)
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(to.as_second().saturating_sub(from.as_second())).unwrap_or(0))
}

/// How the fields of a job, its dataset and our format differ.
fn drift(job: &Job, offered: &[String]) -> Option<Drift> {
    let dataset = job.known_dataset()?;
    let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
    let wanted = Wanted::new(dataset, offered.clone(), None, WantedKey::Any).ok()?;
    let sent = job.output();
    let known = dataset.known_fields();
    let differs = verify(job, &wanted).iter().any(|difference| difference.aspect == Aspect::FieldsMissing);
    let missing =
        wanted.fields().into_iter().filter(|field| differs && !sends(sent.fields(), dataset, field)).collect();
    let new = offered.iter().filter(|field| !known.contains(field)).map(|field| (*field).to_owned()).collect();
    let gone = sent.fields().iter().filter(|field| !offered.contains(&field.as_str())).cloned().collect();
    Some(Drift { missing, new, gone })
}

fn sends(fields: &[String], dataset: &Dataset, field: &str) -> bool {
    fields.iter().any(|name| name == field || dataset.successor(name) == Some(field))
}
