//! Where hunting happens: in the table of a data directory, or on a running server.

use std::path::PathBuf;

use eyre::eyre;
use tidegate_query::{Engine, Error};
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::config::{Config, Sources};
use crate::describe::describe_with;
use crate::exit::Failure;
use crate::node::{events_dir, load_catalog};

/// The arguments that say where.
#[derive(Debug, clap::Args)]
pub(crate) struct HuntArgs {
    /// Data directory to search; of a running server, what is in its table already
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// Server to ask instead, such as `https://tidegate.example.com`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// API token for the server; better given as TIDEGATE_TOKEN, since arguments show in process lists
    #[arg(long, value_name = "TOKEN", env = "TIDEGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Configuration file, for the data directory
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
}

/// An open place.
pub(crate) enum Hunt {
    Data(Box<Engine>, Runtime),
    Server(Client),
}

impl HuntArgs {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Hunt, Failure> {
        if let Some(url) = &self.url {
            return Client::new(url, self.token.as_deref()).map(Hunt::Server);
        }
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        let config = Config::load(&Sources::of_process(self.config.as_deref()).with("data.dir", data))?;
        let dir = events_dir(&config.data.dir);
        if !dir.is_dir() {
            let why = "is no data directory; name one with --data, or a server with --url";
            return Err(Failure::Usage(eyre!("`{}` {why}", config.data.dir.display())));
        }
        let catalog = load_catalog(&config.formats.dirs)?;
        let engine = Engine::open_read_only(&dir, config.query.clone()).map_err(|error| eyre!(error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Hunt::Data(Box::new(engine.with_describe(describe_with(&catalog))), runtime))
    }
}

/// A mistake in the query is the user's, and shown where it is; everything else is failed work.
pub(crate) fn query_failure(error: Error, text: &str) -> Failure {
    match error {
        Error::Query(mistake) | Error::Statement(mistake) => {
            Failure::Usage(eyre!("the query is wrong\n{}", mistake.caret(text)))
        }
        error if error.is_callers() => Failure::Usage(eyre!(error)),
        error => Failure::Work(eyre!(error)),
    }
}
