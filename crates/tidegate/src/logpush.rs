//! The Cloudflare side of a running server: the watch over the jobs that send here, and answers to the server about them.

mod estimate;
mod make;
mod mend;
mod service;
mod shown;
mod tell;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_event::Timestamp;
use tidegate_logpush::{
    ApiToken, ApiUrl, Client, Destination, Job, JobId, LogpushError, Owner, Received, Report, Scope, TOKEN_VARIABLE,
};
use tidegate_pipeline::Counters;
use tidegate_state::{Intake, State};

use crate::ask;
use crate::config::Config;
use crate::detection::runner::{Bell, Handle};
use crate::exit::Failure;
use crate::node::Node;

/// How long the old key of an intake is taken after it got a new one: changes of a job take 10 to 15 minutes.
pub(crate) const KEY_GRACE: Duration = Duration::from_secs(24 * 3_600);
/// What the path of our destinations ends with.
const ENDPOINT: &str = "/plain/batch";

/// The Cloudflare side at work.
pub(crate) struct CloudflareSide {
    side: Arc<Side>,
    watch: Option<Handle>,
}

/// What the watch and the answers share.
struct Side {
    state: Arc<State>,
    counters: Arc<Counters>,
    token: TokenSource,
    api: ApiUrl,
    scopes: Vec<Scope>,
    public_url: Option<String>,
    allow_private: bool,
    /// The largest batch that intakes take, uncompressed.
    batch_bytes_max: u64,
    /// How long an intake may hear nothing while its job delivers.
    silent_after: Duration,
    bell: Arc<Bell>,
    seen: Mutex<Seen>,
}

/// What the watch found, by place and number.
#[derive(Default)]
struct Seen {
    at: Option<Timestamp>,
    reports: BTreeMap<(String, JobId), Report>,
    errors: Vec<(Scope, String)>,
    /// Deleted on purpose: not to be missed.
    deleted: Vec<(Scope, JobId)>,
}

/// Where the server's own token is.
#[derive(Clone, Debug)]
enum TokenSource {
    None,
    File(PathBuf),
    Environment(ApiToken),
}

impl CloudflareSide {
    /// Starts the watch, if there are a token and something to watch.
    pub(crate) fn start(config: &Config, node: &Node) -> Result<Self, Failure> {
        let side = Arc::new(Side::new(config, Arc::clone(&node.state), Arc::clone(&node.counters))?);
        let watch =
            side.is_watching().then(|| watch::start(Arc::clone(&side), config.logpush.interval.0)).transpose()?;
        Ok(Self { side, watch })
    }

    /// What answers the server.
    pub(crate) fn service(&self) -> Arc<dyn tidegate_server::logpush::Logpush> {
        Arc::new(service::Service(Arc::clone(&self.side)))
    }

    /// Stops the watch.
    pub(crate) fn stop(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.stop();
        }
    }
}

impl Side {
    fn new(config: &Config, state: Arc<State>, counters: Arc<Counters>) -> Result<Self, Failure> {
        let wrong = |error: LogpushError| Failure::Config(error.into());
        let settings = &config.logpush;
        let api = settings.api_url.as_ref().map_or_else(|| Ok(ApiUrl::default()), |url| ApiUrl::parse(&url.0));
        let accounts = settings.accounts.iter().map(|id| Scope::account(&id.0));
        let scopes = accounts.chain(settings.zones.iter().map(|id| Scope::zone(&id.0)));
        let token = match (&settings.token_file, std::env::var(TOKEN_VARIABLE)) {
            (Some(file), _) => TokenSource::File(file.clone()),
            (None, Ok(text)) if !text.trim().is_empty() => {
                TokenSource::Environment(ApiToken::new(&text).map_err(wrong)?)
            }
            _ => TokenSource::None,
        };
        Ok(Self {
            state,
            counters,
            token,
            api: api.map_err(wrong)?,
            scopes: scopes.collect::<Result<_, _>>().map_err(wrong)?,
            public_url: config.server.public_url.clone(),
            allow_private: settings.allow_private,
            batch_bytes_max: config.limits.decompressed_bytes_max as u64,
            silent_after: settings.silent_after.0,
            bell: Arc::default(),
            seen: Mutex::default(),
        })
    }

    fn has_token(&self) -> bool {
        !matches!(self.token, TokenSource::None)
    }

    fn is_watching(&self) -> bool {
        self.has_token() && !self.scopes.is_empty()
    }

    /// The server's own token. A file is read each time, so that a new token counts at once.
    fn token(&self) -> Result<Option<ApiToken>, String> {
        match &self.token {
            TokenSource::None => Ok(None),
            TokenSource::Environment(token) => Ok(Some(token.clone())),
            TokenSource::File(path) => {
                let text = ask::secret_of_file(path, "Cloudflare API token").map_err(|error| format!("{error:#}"))?;
                ApiToken::new(text.reveal()).map(Some).map_err(|error| error.to_string())
            }
        }
    }

    fn client(&self, token: ApiToken) -> Result<Client, LogpushError> {
        Client::new(self.api.clone(), token)
    }

    /// The intake whose key a destination carries.
    fn intake_of(&self, destination: &Destination) -> Option<Arc<Intake>> {
        let key = destination.intake_key()?;
        self.state.intake_by_key(key.reveal()).filter(|intake| intake.deleted.is_none())
    }

    /// Whose a job is; none when it has nothing to do with this server.
    fn owner(&self, job: &Job) -> Option<Owner> {
        let to = &job.destination_conf;
        match self.intake_of(to) {
            Some(intake) => {
                let last_batch = self.counters.get(intake.id).last_batch;
                let last_batch = last_batch.and_then(|last| last.to_rfc3339().parse().ok());
                let received = Some(Received { last_batch, ..Received::default() });
                Some(Owner { intake: Some(intake.id.to_string()), received })
            }
            None => self.is_our_address(to).then(Owner::default),
        }
    }

    /// Whether a destination is our address; without a public address, whether it could be.
    fn is_our_address(&self, to: &Destination) -> bool {
        match &self.public_url {
            Some(url) => Destination::without_key(url, &[]).is_ok_and(|ours| ours.same_address(to)),
            None => to.address().ends_with(ENDPOINT),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a key of the memory is.
fn key_of(scope: &Scope, id: JobId) -> (String, JobId) {
    (scope.to_string(), id)
}
