//! Everything that works beside the pipeline: feeds, hunts, notices.

use std::sync::Arc;

use eyre::{WrapErr, eyre};
use tidegate_event::Timestamp;
use tidegate_notify::{Notifier, Policy};
use tidegate_query::Engine;
use tidegate_state::State;

use super::feeds::{Feeds, Wanted};
use super::intelligence::{Intelligence, notices_dir};
use super::notices::Notices;
use super::retrohunt::Hunts;
use super::rulebook::Rulebook;
use super::runner::{Bell, Handle};
use crate::config::Config;
use crate::exit::Failure;

/// The runners at work.
pub(crate) struct Runners {
    intelligence: Intelligence,
    handles: Vec<Handle>,
}

impl Runners {
    /// Starts them.
    pub(crate) fn start(
        config: &Config,
        state: &Arc<State>,
        engine: &Arc<Engine>,
        rulebook: &Arc<Rulebook>,
    ) -> Result<Self, Failure> {
        let notifier = notifier(config)?;
        let intelligence = Intelligence {
            state: Arc::clone(state),
            rulebook: Arc::clone(rulebook),
            notifier: notifier.clone(),
            wanted: Arc::new(Wanted::default()),
            feeds: Arc::new(Bell::default()),
            hunts: Arc::new(Bell::default()),
            notices: Arc::new(Bell::default()),
        };
        let rules = Arc::clone(rulebook.rules());
        let lists = Box::new(move || Arc::clone(rules.current().lists()));
        let feeds = Feeds::new(Arc::clone(state), lists, Arc::clone(&intelligence.feeds), &config.data.dir)?;
        let hunts = Arc::clone(&intelligence.hunts);
        let rules = Arc::clone(rulebook.rules());
        let hunting = Hunts::new(Arc::clone(state), Arc::clone(engine), rules, Arc::clone(&hunts))?;
        let (bell, url) = (Arc::clone(&intelligence.notices), config.server.public_url.clone());
        let notices = Notices::new(Arc::clone(state), notifier, url, bell)?;
        let book = Arc::clone(rulebook);
        let brought = move || {
            if let Err(error) = book.refresh() {
                tracing::error!("what a feed brought is not looked for yet: {error}");
            }
            hunts.ring();
        };
        let handles = vec![feeds.start(Arc::clone(&intelligence.wanted), brought)?, hunting.start()?, notices.start()?];
        Ok(Self { intelligence, handles })
    }

    /// What answers the server about intelligence.
    pub(crate) fn intelligence(&self) -> Intelligence {
        self.intelligence.clone()
    }

    /// Stops them; what they were at goes on at the next start.
    pub(crate) fn stop(&mut self) {
        self.handles.iter_mut().for_each(Handle::stop);
    }
}

/// What may be told where.
fn notifier(config: &Config) -> Result<Notifier, Failure> {
    let files = notices_dir(&config.data.dir).wrap_err("cannot make the folder for notices")?;
    let policy = Policy { loopback: config.detect.allow_loopback, files: Some(files) };
    Ok(Notifier::new(policy, Timestamp::now).map_err(|failure| eyre!(failure.text))?)
}
