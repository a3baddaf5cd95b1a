//! `tidegate serve`: intake, pipeline, API and web pages in one process.

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use eyre::eyre;
use tidegate_server::{Bound, ServerParts};
use tidegate_state::{FirstLogin, State};
use tokio::signal::unix::{SignalKind, signal};

use crate::bucket::Buckets;
use crate::config::{Config, Sources};
use crate::edge::Edge;
use crate::exit::{Failure, Outcome};
use crate::logging;
use crate::logpush::CloudflareSide;
use crate::node::Node;

const DAY: Duration = Duration::from_secs(86_400);

/// Intake, pipeline, API and web pages in one process; SIGTERM and SIGINT stop it cleanly
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate serve --data tidegate-data --listen 127.0.0.1:8080")]
pub(crate) struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let data = args.data.map(|dir| dir.display().to_string());
    let sources = Sources::of_process(args.config.as_deref()).with("data.dir", data).with("server.listen", args.listen);
    let config = Config::load(&sources)?;
    logging::start(&config);
    let (mut node, first) = Node::open(&config)?;
    // Before anything else can fail: it is kept nowhere.
    say_login(first.as_ref())?;
    node.begin(&config)?;
    let mut buckets = Buckets::start(&config, &node)?;
    let mut side = CloudflareSide::start(&config, &node)?;
    let served = runtime()?.block_on(async {
        let edge = Edge::open(&config)?;
        let bound = bind(&node, &config, &edge, &side)?;
        edge.start().await?;
        say_address(&bound)?;
        tokio::spawn(prune_daily(node.state.clone()));
        bound.run(stop_signal()?).await.map_err(|error| Failure::Work(eyre!(error)))
    });
    tracing::info!("stopping: finishing what was received");
    buckets.stop();
    side.stop();
    node.stop();
    served?;
    Ok(ExitCode::SUCCESS)
}

/// The threads that speak HTTP.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().thread_name("http").enable_all().build()?)
}

/// Drops sessions, keys and audit entries that are past their time, once a day.
async fn prune_daily(state: Arc<State>) {
    loop {
        tokio::time::sleep(DAY).await;
        let state = Arc::clone(&state);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || state.prune()).await {
            tracing::warn!("what is past its time stays in the state database: {error}");
        }
    }
}

/// Takes the address before anything slow happens.
pub(crate) fn bind(node: &Node, config: &Config, edge: &Edge, side: &CloudflareSide) -> Result<Bound, Failure> {
    let parts = ServerParts {
        journal: node.journal.clone(),
        state: node.state.clone(),
        engine: node.engine.clone(),
        counters: node.counters.clone(),
        formats: node.formats(),
        gauges: node.gauges(edge.acme.clone()),
        certificates: edge.acme.as_ref().map(|acme| acme.resolver() as _),
        senders: edge.senders(),
        options: config.server.clone(),
        detection: node.detection.as_ref().map(crate::detection::Detection::service),
        logpush: Some(side.service()),
        version: env!("CARGO_PKG_VERSION"),
    };
    Bound::new(parts).map_err(|error| Failure::Work(eyre!(error)))
}

/// Says the first login, once in the life of a data directory.
pub(crate) fn say_login(first: Option<&FirstLogin>) -> std::io::Result<()> {
    let Some(first) = first else { return Ok(()) };
    let mut out = stdout().lock();
    writeln!(out, "first login (shown this once): user `{}`, password `{}`", first.user, first.password.reveal())?;
    out.flush()
}

/// Says where it listens.
fn say_address(bound: &Bound) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "listening on {}", bound.url())?;
    if let Some(url) = bound.public_url() {
        writeln!(out, "reached by others at {url}")?;
    }
    out.flush()
}

/// Over when the process is asked to stop.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
