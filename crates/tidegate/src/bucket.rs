//! Follows the buckets of the configuration, each on a thread of its own, and hands their objects to the journal.

use std::sync::Arc;
use std::time::Duration;

use tidegate_batch::Limits;
use tidegate_bucket::{BucketError, Credentials, JournalSink, Kept, Options, Place, Source};
use tidegate_event::{IntakeId, Timestamp};
use tidegate_journal::Journal;
use tidegate_state::{BucketStep, State, StateError};
use tokio::runtime::Runtime;

use crate::config::{Bucket, Config};
use crate::detection::runner::{Bell, Handle, one_thread};
use crate::exit::Failure;
use crate::node::Node;

/// How long to wait before a bucket is opened again that could not be.
const OPEN_PAUSE: Duration = Duration::from_secs(60);

/// The buckets being followed.
pub(crate) struct Buckets {
    handles: Vec<Handle>,
}

impl Buckets {
    /// Starts to follow them.
    pub(crate) fn start(config: &Config, node: &Node) -> Result<Self, Failure> {
        let mut handles = Vec::new();
        for bucket in &config.buckets {
            let bell = Arc::new(Bell::default());
            let follower = Follower {
                bucket: bucket.clone(),
                limits: config.limits,
                journal: Arc::clone(&node.journal),
                state: Arc::clone(&node.state),
                bell: Arc::clone(&bell),
                runtime: one_thread()?,
                told: String::new(),
            };
            handles.push(Handle::start("bucket", bell, move || follower.run())?);
        }
        Ok(Self { handles })
    }

    /// Stops; what was being read is read anew after the next start.
    pub(crate) fn stop(&mut self) {
        self.handles.iter_mut().for_each(Handle::stop);
    }
}

/// Follows one bucket.
struct Follower {
    bucket: Bucket,
    limits: Limits,
    journal: Arc<Journal>,
    state: Arc<State>,
    bell: Arc<Bell>,
    runtime: Runtime,
    /// The trouble that was last told, so that a long one is one line.
    told: String,
}

impl Follower {
    fn run(mut self) {
        while !self.bell.stops() {
            match self.open() {
                Ok((intake, source)) => self.follow(intake, source),
                Err(error) => {
                    self.tell(Some(&error));
                    if let Err(error) = self.keep(&error) {
                        tracing::error!("why a bucket cannot be followed is not written down: {error}");
                    }
                    self.bell.wait(OPEN_PAUSE);
                }
            }
        }
    }

    fn open(&self) -> Result<(IntakeId, Source<Kept, JournalSink>), BucketError> {
        let Bucket { intake: name, place, credentials_file, options } = &self.bucket;
        let intake = self.state.intake_by_name(name).ok_or_else(|| {
            BucketError::Settings(format!("no intake is named `{name}`; make one, and {place} is followed"))
        })?;
        let credentials = match (credentials_file, place) {
            (_, Place::Folder(_)) => None,
            (Some(path), _) => Some(Credentials::from_file(path)?),
            (None, _) => Credentials::from_environment(|variable| std::env::var(variable).ok())?,
        };
        let shelf = tidegate_bucket::open(place, credentials.as_ref())?;
        let kept = Kept::new(Arc::clone(&self.state), &place.identity(intake.id.0))?;
        let sink = JournalSink::new(Arc::clone(&self.journal), Arc::clone(&self.state), intake.id, self.limits);
        let options = Options { object_bytes_max: self.limits.compressed_bytes_max as u64, ..*options };
        Ok((intake.id, Source::new(shelf, kept, sink, options, Timestamp::now)))
    }

    /// Follows until it is to stop, or until the name means another intake.
    fn follow(&mut self, intake: IntakeId, mut source: Source<Kept, JournalSink>) {
        let place = self.bucket.place.to_string();
        tracing::info!("following {place}");
        loop {
            match self.runtime.block_on(self.bell.unless_stopped(source.poll())) {
                None => return,
                Some(Ok(polled)) => {
                    self.tell(None);
                    if polled.taken > 0 {
                        let (objects, records) = (polled.taken, polled.records);
                        tracing::info!("{objects} objects with {records} new records came from {place}");
                    }
                }
                Some(Err(error)) => self.tell(Some(&error)),
            }
            self.bell.wait(source.pause());
            let named = self.state.intake_by_name(&self.bucket.intake);
            if self.bell.stops() || named.is_none_or(|named| named.id != intake) {
                return;
            }
        }
    }

    /// Writes down why the bucket cannot be opened, for those who ask the server. One whose intake is missing is not known yet.
    fn keep(&self, trouble: &BucketError) -> Result<(), StateError> {
        let Some(intake) = self.state.intake_by_name(&self.bucket.intake) else { return Ok(()) };
        let id = self.state.bucket(&self.bucket.place.identity(intake.id.0))?;
        self.state.step_bucket(id, &BucketStep { polled: Some(Err(trouble.to_string())), ..BucketStep::default() })
    }

    fn tell(&mut self, trouble: Option<&BucketError>) {
        let now = trouble.map(ToString::to_string).unwrap_or_default();
        if now == self.told {
            return;
        }
        match trouble {
            Some(_) => tracing::warn!("a bucket cannot be followed, and is tried again: {now}"),
            None => tracing::info!("{} is followed again", self.bucket.place),
        }
        self.told = now;
    }
}
