//! Keeps a certificate: loads what was kept, gets what is missing, renews in time, waits after failures.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_event::Timestamp;

use crate::ari;
use crate::cache::Cache;
use crate::certificate::Certificate;
use crate::challenges::HttpChallenges;
use crate::error::{AcmeError, Failure};
use crate::http::Http;
use crate::options::Options;
use crate::order::Orders;
use crate::pace::{chance, minus, plus, renewal, renewal_in, until};
use crate::resolver::Resolver;
use crate::status::Status;

/// A whole order never takes longer.
const ORDER_TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// From this much time before the end on, a failure is an error and no warning.
const NEAR_END: Duration = Duration::from_secs(7 * 86_400);

/// A certificate that is kept up to date while [`Acme::run`] runs.
#[derive(Debug)]
pub struct Acme {
    options: Options,
    cache: Cache,
    http: Http,
    resolver: Arc<Resolver>,
    challenges: HttpChallenges,
    status: Mutex<Status>,
    certificate: Mutex<Option<Certificate>>,
}

/// When to renew, and whether the authority said so.
struct Due {
    at: Timestamp,
    by_authority: bool,
}

impl Acme {
    /// Checks the options and loads the certificate that was kept; asks nobody yet.
    ///
    /// # Errors
    /// When the options cannot be, or the folder or the root file cannot be used. A damaged certificate is no error: it is
    /// logged, and a new one is ordered.
    pub fn open(options: Options) -> Result<Self, AcmeError> {
        let options = options.checked()?;
        let http = Http::new(options.root_file.as_deref())?;
        let cache = Cache::open(&options.folder, &options.directory)
            .map_err(|(path, source)| AcmeError::Folder { path, source })?;
        // Once there is an account its key is not wanted any more.
        if let Some(external) = options.external_account.as_ref().filter(|_| !cache.account_path().exists()) {
            external.read()?;
        }
        let status = Status { names: options.names.clone(), directory: options.directory.clone(), ..Status::default() };
        let acme = Self {
            options,
            cache,
            http,
            resolver: Arc::default(),
            challenges: HttpChallenges::default(),
            status: Mutex::new(status),
            certificate: Mutex::new(None),
        };
        acme.load();
        Ok(acme)
    }

    /// What a TLS listener asks for each connection's certificate. The listener must offer [`crate::ALPN`].
    #[must_use]
    pub fn resolver(&self) -> Arc<Resolver> {
        Arc::clone(&self.resolver)
    }

    /// What to answer to checks by plain HTTP.
    #[must_use]
    pub fn challenges(&self) -> HttpChallenges {
        self.challenges.clone()
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.look().clone()
    }

    /// Gets and renews the certificate until `stop` is over.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            () = self.keep() => {}
        }
    }

    fn load(&self) {
        let path = self.cache.certificate_path();
        let read = self.cache.certificate().map_err(|error| format!("cannot be read: {error}"));
        let loaded = match read.and_then(|text| text.map(Certificate::from_pem).transpose()) {
            Ok(Some(certificate)) => certificate,
            Ok(None) => return,
            Err(why) => {
                tracing::error!(path = %path.display(), "`{}` {why}: a new certificate is ordered", path.display());
                self.look().last_error = Some(format!("`{}` {why}", path.display()));
                return;
            }
        };
        let end = loaded.facts.not_after.to_rfc3339();
        if loaded.is_over(Timestamp::now()) {
            tracing::warn!(path = %path.display(), "the kept certificate ended at {end}: a new one is ordered");
        } else {
            tracing::info!(path = %path.display(), "serving the kept certificate, which is good until {end}");
        }
        self.install(loaded);
    }

    fn install(&self, certificate: Certificate) {
        self.resolver.set(Arc::clone(&certificate.key));
        self.look().not_after = Some(certificate.facts.not_after);
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    fn current(&self) -> Option<Certificate> {
        self.certificate.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep(&self) {
        let mut failures: u32 = 0;
        // Fixed for a certificate, so that each look finds the same moment within the authority's window.
        let mut chosen = chance();
        loop {
            let due = self.due(chosen).await;
            let now = Timestamp::now();
            let from = due.at.max(self.options.pace.allowed_from(&self.cache.failures(), now));
            if from > now {
                let pause = until(now, from).min(self.options.pace.look_pause);
                self.rest(now, pause).await;
                continue;
            }
            match self.attempt(due.by_authority).await {
                Ok(()) => {
                    failures = 0;
                    chosen = chance();
                    self.rest_after_success().await;
                }
                Err(failure) => {
                    failures = failures.saturating_add(1);
                    let pause = self.options.pace.pause_after(failures, failure.retry_after, chance());
                    self.note(&failure, failures, pause);
                    self.rest(Timestamp::now(), pause).await;
                }
            }
        }
    }

    /// An authority that wants even a new certificate renewed at once is not followed as fast as it goes.
    async fn rest_after_success(&self) {
        let now = Timestamp::now();
        let renewal = self.current().map_or(now, |current| renewal(current.facts.not_before, current.facts.not_after));
        self.rest(now, until(now, renewal).min(self.options.pace.look_pause)).await;
    }

    async fn rest(&self, now: Timestamp, pause: Duration) {
        self.look().next_try = Some(plus(now, pause));
        tokio::time::sleep(pause).await;
    }

    /// When the certificate is to be renewed: at once when there is none that fits.
    async fn due(&self, chance: f64) -> Due {
        let now = Timestamp::now();
        let Some(certificate) = self.current().filter(|current| current.covers(&self.options.names)) else {
            return Due { at: now, by_authority: false };
        };
        let facts = &certificate.facts;
        let own = renewal(facts.not_before, facts.not_after);
        if certificate.is_over(now) {
            return Due { at: now, by_authority: false };
        }
        match ari::window(&self.http, &self.options.directory, facts).await {
            Some(window) => {
                Due { at: renewal_in(window, (facts.not_before, facts.not_after), chance), by_authority: true }
            }
            None => Due { at: own, by_authority: false },
        }
    }

    async fn attempt(&self, tell_replaced: bool) -> Result<(), Failure> {
        let orders = Orders {
            options: &self.options,
            cache: &self.cache,
            http: &self.http,
            resolver: &self.resolver,
            http_challenges: &self.challenges,
        };
        let replaced = self.current().filter(|_| tell_replaced);
        let names = self.options.names.join(", ");
        tracing::info!(directory = %self.options.directory, "asking for a certificate for {names}");
        let obtained = tokio::time::timeout(ORDER_TIME_MAX, orders.obtain(replaced.as_ref())).await;
        let certificate = obtained.unwrap_or_else(|_| {
            let mut failure = Failure::new("the order took longer than a quarter of an hour; it is tried again");
            failure.counts = true;
            Err(failure)
        })?;
        let end = certificate.facts.not_after.to_rfc3339();
        tracing::info!("got a certificate for {names}, which is good until {end}");
        self.install(certificate);
        let mut status = self.look();
        status.issued += 1;
        status.failures = 0;
        status.last_error = None;
        status.last_error_time = None;
        Ok(())
    }

    fn note(&self, failure: &Failure, failures: u32, pause: Duration) {
        let now = Timestamp::now();
        if failure.counts {
            let mut times = self.cache.failures();
            times.push(now);
            if let Err(error) = self.cache.keep_failures(&times) {
                tracing::warn!("the failure is not remembered across a restart: {error}");
            }
        }
        let mut status = self.look();
        status.failures = failures;
        status.last_error = Some(failure.sentence.clone());
        status.last_error_time = Some(now);
        let not_after = status.not_after;
        drop(status);
        let names = self.options.names.join(", ");
        let (why, minutes) = (&failure.sentence, pause.as_secs().div_ceil(60));
        match not_after {
            Some(end) if minus(end, NEAR_END) > now => {
                tracing::warn!(
                    "no new certificate for {names}, the old one is good until {}: {why}; next try in {minutes} min",
                    end.to_rfc3339()
                );
            }
            Some(end) => {
                tracing::error!(
                    "no new certificate for {names}, and the old one ends at {}: {why}; next try in {minutes} min",
                    end.to_rfc3339()
                );
            }
            None => {
                tracing::error!(
                    "no certificate for {names}, TLS connections are refused: {why}; next try in {minutes} min"
                );
            }
        }
    }
}
