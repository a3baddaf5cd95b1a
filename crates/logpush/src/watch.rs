//! Looks at jobs again and again, until told to stop.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::client::Client;
use crate::difference::Aspect;
use crate::error::LogpushError;
use crate::health::{Drift, Health, Past, Received, Seen, evaluate};
use crate::job::{Job, JobId};
use crate::scope::Scope;
use crate::verify::{Wanted, WantedKey, verify};

/// Cloudflare allows 1,200 calls in five minutes for all tokens of a user.
const INTERVAL_MIN: Duration = Duration::from_secs(10);
/// Fields of a dataset change with releases of Cloudflare's: they are asked for once in so many looks.
const LOOKS_BETWEEN_FIELDS: u64 = 60;

/// A job to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Where it lives.
    pub scope: Scope,
    /// Its number.
    pub id: JobId,
    /// The intake that it sends to, by the name that the caller has for it.
    pub intake: String,
}

/// What a look found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The job.
    pub watched: Watched,
    /// When it was looked at.
    pub at: Timestamp,
    /// How it is.
    pub health: Health,
    /// Whether the warnings are others than at the look before: the time to log them.
    pub is_news: bool,
}

/// Looks at the jobs every `interval` and hands a report of each look to `sink`, until `stop` is done. `jobs` is asked
/// before each round, so that jobs may come and go; `received` says what an intake received.
pub async fn watch(
    client: &Client,
    jobs: impl Fn() -> Vec<Watched>,
    received: impl Fn(&Watched) -> Option<Received>,
    interval: Duration,
    mut sink: impl FnMut(Report),
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    let mut memory: BTreeMap<(String, JobId), Known> = BTreeMap::new();
    let mut round: u64 = 0;
    loop {
        let list = jobs();
        memory.retain(|key, _| list.iter().any(|watched| key_of(watched) == *key));
        for watched in list {
            let known = memory.entry(key_of(&watched)).or_default();
            let look = look(client, &watched, known, round);
            let mut seen = tokio::select! {
                () = &mut stop => return,
                seen = look => seen,
            };
            if let Seen::Job { received: of_intake, .. } = &mut seen {
                *of_intake = received(&watched);
            }
            sink(known.report(watched, &seen, Timestamp::now()));
        }
        round += 1;
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(interval.max(INTERVAL_MIN)) => {}
        }
    }
}

fn key_of(watched: &Watched) -> (String, JobId) {
    (watched.scope.path(), watched.id)
}

/// What is known of a job from the looks before.
#[derive(Debug, Default)]
struct Known {
    past: Past,
    offered: Option<Vec<String>>,
    told: Vec<std::mem::Discriminant<crate::health::Warning>>,
}

impl Known {
    fn report(&mut self, watched: Watched, seen: &Seen, at: Timestamp) -> Report {
        let (past, health) = evaluate(&self.past, seen, at);
        self.past = past;
        // A failed look knows no warnings, which does not mean that there are none.
        let told: Vec<_> = health.warnings.iter().map(std::mem::discriminant).collect();
        let is_news = !matches!(seen, Seen::Unknown(_)) && told != self.told;
        if is_news {
            self.told = told;
        }
        Report { watched, at, health, is_news }
    }
}

async fn look(client: &Client, watched: &Watched, known: &mut Known, round: u64) -> Seen {
    let job = match client.job(&watched.scope, watched.id).await {
        Ok(job) => job,
        Err(error) if is_gone(&error) => return Seen::Gone,
        Err(error) => return Seen::Unknown(error.to_string()),
    };
    if let Some(dataset) = job.known_dataset()
        && (known.offered.is_none() || round.is_multiple_of(LOOKS_BETWEEN_FIELDS))
        && let Ok(fields) = client.fields(&watched.scope, dataset.name).await
    {
        known.offered = Some(fields.into_keys().collect());
    }
    let drift = known.offered.as_ref().and_then(|offered| drift(&job, offered));
    Seen::Job { job: Box::new(job), drift, received: None }
}

/// A job that is not there is answered with 404, or with 1001 and other statuses.
fn is_gone(error: &LogpushError) -> bool {
    matches!(error, LogpushError::Refused(_)) && (error.status() == Some(404) || error.code() == Some(1001))
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

fn sends(fields: &[String], dataset: &crate::dataset::Dataset, field: &str) -> bool {
    fields.iter().any(|name| name == field || dataset.successor(name) == Some(field))
}
