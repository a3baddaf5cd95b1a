//! Everything that works beside the pipeline: feeds, hunts, notices.

use std::sync::Arc;

use eyre::{WrapErr, eyre};
use tidegate_event::Timestamp;
use tidegate_notify::{Notifier, Policy};
use tidegate_query::Engine;
use tidegate_state::State;

use super::feeds::Feeds;
use super::intelligence::{Intelligence, notices_dir};
use super::notices::Notices;
use super::retrohunt::Hunts;
use super::runner::Handle;
use crate::config::Config;
use crate::exit::Failure;

/// The runners at work.
pub(crate) struct Runners {
    handles: Vec<Handle>,
}

impl Runners {
    /// Starts them: notices always, feeds and hunts where events are judged.
    pub(crate) fn start(
        config: &Config,
        state: &Arc<State>,
        engine: &Arc<Engine>,
        intelligence: Option<&Intelligence>,
    ) -> Result<Self, Failure> {
        let (notifier, bell) = match intelligence {
            Some(known) => (known.notifier.clone(), Arc::clone(&known.notices)),
            None => (notifier(config)?, Arc::default()),
        };
        let notices = Notices::new(Arc::clone(state), notifier, config.server.public_url.clone(), bell)?;
        let mut handles = vec![notices.start()?];
        if let Some(intelligence) = intelligence {
            handles.extend(judging(config, state, engine, intelligence)?);
        }
        Ok(Self { handles })
    }

    /// Stops them; what they were at goes on at the next start.
    pub(crate) fn stop(&mut self) {
        self.handles.iter_mut().for_each(Handle::stop);
    }
}

/// Starts feeds and hunts.
fn judging(
    config: &Config,
    state: &Arc<State>,
    engine: &Arc<Engine>,
    intelligence: &Intelligence,
) -> Result<[Handle; 2], Failure> {
    let rules = Arc::clone(intelligence.rulebook.rules());
    let lists = Box::new(move || Arc::clone(rules.current().lists()));
    let feeds = Feeds::new(Arc::clone(state), lists, Arc::clone(&intelligence.feeds), &config.data.dir)?;
    let hunts = Arc::clone(&intelligence.hunts);
    let rules = Arc::clone(intelligence.rulebook.rules());
    let hunting = Hunts::new(Arc::clone(state), Arc::clone(engine), rules, Arc::clone(&hunts))?;
    let book = Arc::clone(&intelligence.rulebook);
    let brought = move || {
        if let Err(error) = book.refresh() {
            tracing::error!("what a feed brought is not looked for yet: {error}");
        }
        hunts.ring();
    };
    Ok([feeds.start(Arc::clone(&intelligence.wanted), brought)?, hunting.start()?])
}

/// What may be told where.
pub(super) fn notifier(config: &Config) -> Result<Notifier, Failure> {
    let files = notices_dir(&config.data.dir).wrap_err("cannot make the folder for notices")?;
    let policy = Policy { loopback: config.detect.allow_loopback, files: Some(files) };
    Ok(Notifier::new(policy, Timestamp::now).map_err(|failure| eyre!(failure.text))?)
}
