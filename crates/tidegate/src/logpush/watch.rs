//! Looks at the jobs in the background, and keeps what it found.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidegate_event::Timestamp;
use tidegate_logpush::{Client, LogpushError, Round, Watch};

use super::{Side, key_of, tell};
use crate::detection::runner::{Handle, one_thread};

/// Starts looking every `interval`, and when the bell rings.
pub(super) fn start(side: Arc<Side>, interval: Duration) -> io::Result<Handle> {
    let runtime = one_thread()?;
    let bell = Arc::clone(&side.bell);
    Handle::start("logpush", bell, move || {
        let mut watch = Watch::new(side.scopes.clone()).silent_after(side.silent_after);
        let mut client: Option<(String, Client)> = None;
        while !side.bell.stops() {
            for (scope, id) in std::mem::take(&mut side.seen().deleted) {
                watch.forget(&scope, id);
            }
            match current(&side, &mut client) {
                Ok(client) => {
                    let round = watch.round(client, |job| side.owner(job));
                    if let Some(round) = runtime.block_on(side.bell.unless_stopped(round)) {
                        side.take(round);
                    }
                }
                Err(why) => side.cannot_ask(&why),
            }
            side.bell.wait(interval);
        }
    })
}

/// The client with the token of the moment: its connections are kept for as long as the token stays.
fn current<'c>(side: &Side, client: &'c mut Option<(String, Client)>) -> Result<&'c Client, String> {
    let token = side.token()?.ok_or_else(|| "there is no token".to_owned())?;
    let is_same = client.as_ref().is_some_and(|(text, _)| text == token.reveal());
    if !is_same {
        let text = token.reveal().to_owned();
        *client = Some((text, side.client(token).map_err(|error: LogpushError| error.to_string())?));
    }
    client.as_ref().map(|(_, client)| client).ok_or_else(|| "there is no token".to_owned())
}

impl Side {
    /// Keeps what a round found, and tells what is new.
    fn take(&self, round: Round) {
        let mut seen = self.seen();
        let deleted: Vec<_> = seen.deleted.iter().map(|(scope, id)| key_of(scope, *id)).collect();
        let errors: Vec<_> = round.failed.into_iter().map(|(scope, error)| (scope, error.to_string())).collect();
        for (scope, why) in errors.iter().filter(|error| !seen.errors.contains(error)) {
            tracing::warn!("the Logpush jobs of {scope} cannot be looked at: {why}");
        }
        if errors.is_empty() && !seen.errors.is_empty() {
            tracing::info!("all Logpush jobs can be looked at again");
        }
        for report in round.reports.iter().filter(|report| !deleted.contains(&key_of(&report.scope, report.job.id))) {
            tell::tell(self, report);
        }
        let keyed = round.reports.into_iter().map(|report| (key_of(&report.scope, report.job.id), report));
        seen.reports = keyed.filter(|(key, _)| !deleted.contains(key)).collect();
        seen.errors = errors;
        seen.at = Some(Timestamp::now());
    }

    /// Nothing could be asked, for this reason.
    fn cannot_ask(&self, why: &str) {
        let mut seen = self.seen();
        let errors: Vec<_> = self.scopes.iter().map(|scope| (scope.clone(), why.to_owned())).collect();
        if seen.errors != errors {
            tracing::error!("Logpush jobs are not looked at: {why}");
        }
        seen.errors = errors;
        seen.at = Some(Timestamp::now());
    }
}
