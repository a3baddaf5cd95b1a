//! `tidegate demo`: the whole product on made-up traffic, sent over HTTP as Logpush would send it.

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eyre::eyre;
use tidegate_event::Timestamp;
use tidegate_server::Bound;
use tidegate_state::{Actor, FirstLogin, NewToken, Role, Secret, State};
use tidegate_traffic::{Config as Traffic, Feed, FeedProgress, Generator, Sender, SenderOptions, SystemClock};

use crate::commands::serve::{bind, runtime, say_login, stop_signal};
use crate::config::{Config, Sources};
use crate::edge::Edge;
use crate::exit::{Failure, Outcome};
use crate::logging;
use crate::logpush::CloudflareSide;
use crate::node::Node;
use crate::place::failure;
use crate::progress::Progress;
use crate::when::parse_duration;

/// The intake that receives the demo's traffic.
const INTAKE: &str = "demo";
const FORMAT: &str = "cloudflare-gateway-dns";
/// The name of the token in the commands that the welcome shows.
const TOKEN: &str = "demo";
/// What the past of the demo is made of: enough for a day's charts, little enough to be there in seconds.
const HISTORY: Duration = Duration::from_secs(24 * 3600);
const HISTORY_EPS: f64 = 4.0;
/// Records of a batch of the history; live batches hold a second's traffic.
const HISTORY_BATCH_RECORDS: usize = 5_000;

/// How long the demo waits for its history to be searchable before it says that it is in.
const FOUND_WAIT: Duration = Duration::from_secs(60);

/// The whole product on made-up but realistic traffic; prints the address, a login and what to try
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate demo --rate 100 --for 10m")]
pub(crate) struct Args {
    /// Data directory to keep; without it the demo forgets everything at its end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Live records a second, on average over a week
    #[arg(long, value_name = "EPS", default_value_t = 50.0)]
    rate: f64,
    /// End cleanly after so long; runs until it is interrupted if absent
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    length: Option<Duration>,
    /// Seed of the traffic
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let temporary = match &args.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("tidegate-demo-").tempdir()?),
    };
    let data = args.data.clone().or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned())).unwrap_or_default();
    let sources = Sources::of_process(None)
        .with("data.dir", Some(data.display()))
        .with("server.listen", Some(args.listen))
        .with("log.level", Some("warn"));
    let config = Config::load(&sources)?;
    logging::start(&config);
    let started = Instant::now();
    let feed_start = Timestamp::now();
    let (mut node, first) = Node::open(&config)?;
    node.begin(&config)?;
    let served = serve(&node, &config, &args, first.as_ref(), started, feed_start);
    node.stop();
    served?;
    Ok(ExitCode::SUCCESS)
}

fn serve(
    node: &Node,
    config: &Config,
    args: &Args,
    first: Option<&FirstLogin>,
    started: Instant,
    now: Timestamp,
) -> Result<(), Failure> {
    let runtime = runtime()?;
    let _inside = runtime.enter();
    let side = CloudflareSide::start(config, node)?;
    // On this machine, for this machine: no certificate, and its own traffic is let in.
    let bound = bind(node, config, &Edge::default(), &side).inspect_err(|_| drop(say_login(first)))?;
    let (key, token) = (demo_key(&node.state)?, demo_token(&node.state)?);
    let feed = feed(&bound, args, &key, now)?;
    welcome(&bound, first, &token, started)?;
    let stop = Arc::new(AtomicBool::new(false));
    let deadline = args.length.map(|length| started + length);
    let asked = runtime.spawn(over(stop_signal()?, Arc::clone(&stop), deadline));
    // The server outlives the feed: what is on its way when the demo ends is still taken.
    let (fed_in, fed_out) = tokio::sync::oneshot::channel::<()>();
    let server = runtime.spawn(bound.run(async { drop(fed_out.await) }));
    let fed = run_feed(node, feed, args, now, &stop);
    asked.abort();
    drop(fed_in);
    let served = runtime.block_on(server).map_err(|error| eyre!(error))?;
    served.map_err(|error| Failure::Work(eyre!(error)))?;
    fed
}

/// Sets the flag when the process is asked to stop or the time is up.
async fn over(signal: impl Future<Output = ()>, stop: Arc<AtomicBool>, deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => drop(tokio::time::timeout_at(deadline.into(), signal).await),
        None => signal.await,
    }
    stop.store(true, Ordering::Relaxed);
}

/// The intake's key: of a new intake, or a fresh one for the intake of an earlier demo.
fn demo_key(state: &State) -> Result<Secret, Failure> {
    let actor = Actor::system();
    match state.intake_by_name(INTAKE) {
        Some(intake) => state.rotate_intake_key(intake.id, None, &actor).map_err(failure),
        None => Ok(state.create_intake(INTAKE, FORMAT, &actor).map_err(failure)?.1),
    }
}

/// A token for the commands that the welcome shows.
fn demo_token(state: &State) -> Result<Secret, Failure> {
    let users = state.users().map_err(failure)?;
    let admin = users.iter().find(|user| user.role == Role::Admin && user.enabled);
    let admin = admin.ok_or_else(|| Failure::Work(eyre!("no admin is left in this data directory")))?;
    let expires = Timestamp::from_micros(Timestamp::now().as_micros() + 7 * 86_400_000_000);
    // Of an earlier demo on this data directory; nobody can be told its secret again.
    for earlier in state.tokens(Some(admin.id)).map_err(failure)?.iter().filter(|token| token.name == TOKEN) {
        state.revoke_token(admin.id, earlier.id, &Actor::system()).map_err(failure)?;
    }
    let wanted = NewToken { name: TOKEN, role: Role::Analyst, expires: Some(expires) };
    Ok(state.create_token(admin.id, &wanted, &Actor::system()).map_err(failure)?.1)
}

fn feed(bound: &Bound, args: &Args, key: &Secret, now: Timestamp) -> Result<Feed, Failure> {
    let start = Timestamp::from_micros(now.as_micros() - i64::try_from(HISTORY.as_micros()).unwrap_or_default());
    let traffic = Traffic { seed: args.seed, start, rate_eps: HISTORY_EPS, ..Traffic::default() };
    let generator = Generator::new(traffic).map_err(|error| Failure::Usage(eyre!(error)))?;
    let options = SenderOptions {
        url: format!("http://{}/plain/batch", bound.address()),
        key: key.reveal().to_owned(),
        ..SenderOptions::default()
    };
    Ok(Feed::new(generator, Sender::new(options)))
}

fn run_feed(node: &Node, mut feed: Feed, args: &Args, now: Timestamp, stop: &AtomicBool) -> Result<(), Failure> {
    let work = |error| Failure::Work(eyre!("{error}"));
    let span = HISTORY.as_secs();
    let begin = now.as_micros() / 1_000_000 - i64::try_from(span).unwrap_or_default();
    let mut progress = Progress::start("a day of history", Some(span), false);
    let mut sent = 0;
    feed.backfill(now, HISTORY_BATCH_RECORDS, stop, |state: &FeedProgress| {
        sent = state.records;
        // The rate over the day is known, the moment of the last record is not.
        let at = ((sent as f64 / HISTORY_EPS) as u64).min(span);
        progress.at(at, || format!("{sent} records"));
    })
    .map_err(work)?;
    progress.finish();
    let _ = node.until_found(FOUND_WAIT, || stop.load(Ordering::Relaxed));
    if !stop.load(Ordering::Relaxed) {
        let mut out = stdout().lock();
        writeln!(
            out,
            "{sent} records of the last 24 hours are in (from {}); live traffic follows, {} a second",
            Timestamp::from_micros(begin * 1_000_000),
            args.rate
        )?;
        out.flush()?;
    }
    feed.set_rate(args.rate);
    feed.live(&SystemClock, None, stop, |_| {}).map_err(work)?;
    Ok(())
}

fn welcome(bound: &Bound, first: Option<&FirstLogin>, token: &Secret, started: Instant) -> std::io::Result<()> {
    let url = bound.url();
    let mut out = stdout().lock();
    writeln!(out, "Tidegate demo, ready after {:.1} s", started.elapsed().as_secs_f64())?;
    writeln!(out, "listening on {url}")?;
    match first {
        Some(first) => writeln!(
            out,
            "first login (shown this once): user `{}`, password `{}`",
            first.user,
            first.password.reveal()
        )?,
        None => writeln!(out, "login: as when this data directory was made")?,
    }
    writeln!(out, "\nTo try in another terminal:")?;
    writeln!(out, "  export TIDEGATE_TOKEN={}", token.reveal())?;
    for example in [
        "search 'dns.response_code:NXDomain' --last 1h",
        "search 'dns.question.name:*.bazar'",
        "search 'cloudflare.QueryCategoryNames:\"Command and Control & Botnet\"'",
        "search 'tidegate.dns.name.length:>95'",
        "search 'dns.answers.type:HTTPS AND source.ip:192.0.2.0/24' --json --limit 1",
        "sql 'SELECT \"dns.question.registered_domain\", count(*) AS n FROM events GROUP BY 1 ORDER BY n DESC LIMIT 10'",
    ] {
        writeln!(out, "  tidegate {example} --url {url}")?;
    }
    writeln!(out, "\nCtrl-C ends the demo.\n")?;
    out.flush()
}
