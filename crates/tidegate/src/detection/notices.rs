//! Delivers notices that are due, and watches whether intakes fall silent or lag.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::Value;
use tidegate_notify::{Channel, Message, Notifier, Template};
use tidegate_state::{Due, Secret, State, StateError};
use tokio::runtime::Runtime;

use super::runner::{Bell, Handle, one_thread};

/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often intakes are looked at.
const WATCH_EVERY: Duration = Duration::from_secs(10);
/// Notices delivered side by side.
const TOGETHER_MAX: usize = 16;
/// Wait after the database failed.
const RETRY: Duration = Duration::from_secs(5);

/// Delivers notices.
pub(crate) struct Notices {
    state: Arc<State>,
    notifier: Notifier,
    /// Where people look at the server.
    public_url: Option<String>,
    bell: Arc<Bell>,
    runtime: Runtime,
}

impl Notices {
    /// What delivers notices, with links below `public_url`.
    pub(crate) fn new(
        state: Arc<State>,
        notifier: Notifier,
        public_url: Option<String>,
        bell: Arc<Bell>,
    ) -> io::Result<Self> {
        let public_url = public_url.map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self { state, notifier, public_url, bell, runtime: one_thread()? })
    }

    /// Delivers in the background. A notice whose answer is cut off by a stop is delivered again later.
    pub(crate) fn start(self) -> io::Result<Handle> {
        let bell = Arc::clone(&self.bell);
        Handle::start("notices", bell, move || {
            let mut watched: Option<Instant> = None;
            while !self.bell.stops() {
                if watched.is_none_or(|at| at.elapsed() >= WATCH_EVERY) {
                    watched = Some(Instant::now());
                    self.watch();
                }
                match self.deliver_due() {
                    Ok(0) => self.bell.wait(LOOK_EVERY),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!("notices wait: {error}");
                        self.bell.wait(RETRY);
                    }
                }
            }
        })
    }

    /// Looks at all watched intakes.
    fn watch(&self) {
        match self.state.check_intakes() {
            Ok(news) => {
                for one in news {
                    let name = self.state.intake(one.intake).map_or_else(String::new, |intake| intake.name.clone());
                    tracing::warn!(intake = %one.intake, "{}: `{name}`", one.kind);
                }
            }
            Err(error) => tracing::error!("whether intakes are silent cannot be told: {error}"),
        }
    }

    /// Delivers what is due; how many there were.
    fn deliver_due(&self) -> Result<usize, StateError> {
        // A look is cheaper than taking, which writes.
        if self.state.next_due()?.is_none_or(|due| due > tidegate_event::Timestamp::now()) {
            return Ok(0);
        }
        let due = self.state.take_due(TOGETHER_MAX)?;
        let count = due.len();
        let all = join_all(due.iter().map(|due| self.deliver(due)));
        self.runtime.block_on(self.bell.unless_stopped(all));
        Ok(count)
    }

    async fn deliver(&self, due: &Due) {
        let (notice, target) = (&due.notice, &due.target);
        let done = match self.tell(due).await {
            Ok(()) => {
                tracing::debug!(target = %target.id, "`{}` was told: {}", target.name, notice.kind);
                self.state.notice_delivered(notice.id)
            }
            Err(failure) => {
                let kept = self.state.notice_failed(notice.id, &failure.text, failure.retry, failure.retry_after);
                tracing::warn!(target = %target.id, "`{}` was not told: {}: {}", target.name, notice.kind, failure.text);
                kept.map(|_| ())
            }
        };
        if let Err(error) = done {
            tracing::error!(target = %target.id, "how a notice went is not written down, it is sent again: {error}");
        }
    }

    async fn tell(&self, due: &Due) -> Result<(), tidegate_notify::Failure> {
        let (notice, target) = (&due.notice, &due.target);
        let lasting = |text: String| tidegate_notify::Failure { text, retry: false, retry_after: None };
        let secret = due.secret.as_ref().map(Secret::reveal);
        let channel = Channel::new(target.kind.as_str(), &target.config, secret);
        let channel = channel.map_err(|error| lasting(error.to_string()))?;
        let template = target.template.as_deref().map(str::parse::<Template>).transpose();
        let template = template.map_err(|error| lasting(error.to_string()))?;
        let message = Message {
            key: notice.key.clone(),
            kind: notice.kind.as_str().to_owned(),
            created: notice.created,
            payload: notice.payload.clone(),
            link: self.link(&notice.payload),
        };
        self.notifier.deliver(&channel, template.as_ref(), &message).await
    }

    /// The page about what a notice tells.
    fn link(&self, payload: &Value) -> Option<String> {
        let url = self.public_url.as_ref()?;
        match payload.pointer("/alert/id").and_then(Value::as_str) {
            Some(id) => Some(format!("{url}/alerts/{id}")),
            None => Some(url.clone()),
        }
    }
}
