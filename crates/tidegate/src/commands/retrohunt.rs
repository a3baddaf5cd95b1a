//! `tidegate retrohunt`: indicators in events that are stored already.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use eyre::eyre;
use serde_json::{Value, json};
use tidegate_detect::counted;
use tidegate_event::Timestamp;
use tidegate_query::Engine;
use tidegate_state::{HuntId, HuntState, IndicatorFilter, NewRetrohunt, Retrohunt, State};

use crate::client::Client;
use crate::detection::retrohunt::{Hunts, all_time};
use crate::detection::runner::Bell;
use crate::detection::{Rulebook, Sources, own_rules};
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::node::{events_dir, load_catalog};
use crate::place::{Missing, OnData, Place, PlaceArgs, failure};
use crate::progress::Progress;
use crate::table;
use crate::when::parse_range;

/// Found indicators that are shown.
const RESULTS_MAX: usize = 500;
/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// A hunt's progress is told in so many parts.
const PARTS: u64 = 1_000;

/// Look for indicators in stored events; what is found raises alerts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate retrohunt --collection partner --from 30d --data tidegate-data")]
pub(crate) struct Args {
    /// For the indicators of this collection; for all, if absent
    #[arg(long, value_name = "NAME", conflicts_with = "indicators")]
    collection: Option<String>,
    /// For these indicators, by number
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    indicators: Option<Vec<i64>>,
    /// The hunt's name
    #[arg(long, value_name = "NAME", default_value = "Hunt")]
    name: String,
    /// Only events from this time on: RFC 3339, a date, or an age such as 30d
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
    /// Print what was found as JSON lines
    #[arg(long)]
    json: bool,
}

const COLUMNS: [table::Column; 4] =
    [("INDICATOR", "/value"), ("EVENTS", "/count"), ("FIRST", "/first_seen"), ("LAST", "/last_seen")];

/// Runs the verb.
pub(crate) fn run(mut args: Args) -> Outcome {
    let now = Timestamp::now();
    let range = parse_range(args.from.as_deref(), args.to.as_deref(), now).map_err(|why| Failure::Usage(eyre!(why)))?;
    let range = (range.start, range.end);
    let place = std::mem::take(&mut args.place).open(Missing::Refuse)?;
    match place {
        Place::Data(on) => on_data(*on, &args, range),
        Place::Server(client) => on_server(&client, &args, range),
    }
}

type Range = (Option<Timestamp>, Option<Timestamp>);

fn on_data(on: OnData, args: &Args, range: Range) -> Outcome {
    let dir = events_dir(&on.settings.data.dir);
    if !dir.is_dir() {
        return Err(Failure::Usage(eyre!("`{}` holds no events yet", on.settings.data.dir.display())));
    }
    let id = create(&on, args, range)?.id;
    let OnData { state, settings, .. } = on;
    let state = Arc::new(state);
    let catalog = load_catalog(&settings.formats.dirs)?;
    let engine = Arc::new(Engine::open_read_only(&dir, settings.query()).map_err(|error| eyre!(error))?);
    let sources = Sources {
        rules: [settings.detect.rules.clone(), vec![own_rules(&settings.data.dir)]].concat(),
        lists: settings.detect.lists.clone(),
    };
    let rulebook = Rulebook::load(Arc::clone(catalog.registry()), sources, Arc::clone(&state));
    let rules = Arc::clone(rulebook.rules());
    let hunts = Hunts::new(Arc::clone(&state), engine, rules, Arc::new(Bell::default()))?;
    let mut progress = Progress::start("hunting", Some(PARTS), args.json);
    // Those that wait longer go first, as in a server.
    while let Some(next) = state.next_retrohunt().map_err(failure)? {
        let worked = hunts.work(&next, &mut |step, steps, hits| {
            progress.at(PARTS * step / steps.max(1), || format!("{hits} events found"));
        });
        if !worked {
            return Err(Failure::Work(eyre!("the state database failed; the hunt goes on when a server runs")));
        }
    }
    progress.finish();
    let hunt = state.retrohunt(id).map_err(failure)?;
    show(&found_on_data(&state, &hunt)?, hunt.hits, hunt.error.as_deref(), args.json)
}

fn create(on: &OnData, args: &Args, (from, to): Range) -> Result<Retrohunt, Failure> {
    let mut selection = json!({});
    let mut filter = IndicatorFilter { enabled_only: true, ..IndicatorFilter::default() };
    if let Some(name) = &args.collection {
        let collections = on.state.collections().map_err(failure)?;
        let found = collections.iter().find(|found| found.name.eq_ignore_ascii_case(name));
        let found = found.ok_or_else(|| Failure::Usage(eyre!("no collection `{name}`")))?;
        selection["collection"] = json!(found.id);
        filter = IndicatorFilter { collection: Some(found.id), ..IndicatorFilter::default() };
    }
    selection["count"] = match &args.indicators {
        Some(numbers) => {
            selection["indicators"] = json!(numbers);
            json!(numbers.len())
        }
        None => json!(on.state.count_indicators(&filter).map_err(failure)?),
    };
    let (all_from, all_until) = all_time();
    let new = NewRetrohunt {
        name: &args.name,
        selection,
        first_id: 0,
        last_id: on.state.last_indicator().map_err(failure)?,
        from: from.unwrap_or(all_from),
        until: to.unwrap_or(all_until),
    };
    on.state.create_retrohunt(&new, &on.actor).map_err(failure)
}

fn found_on_data(state: &State, hunt: &Retrohunt) -> Result<Vec<Value>, Failure> {
    if !matches!(hunt.state, HuntState::Done | HuntState::Failed) {
        tracing::warn!("the hunt is {}; `tidegate serve` on this data directory goes on with it", hunt.state.as_str());
    }
    let hits = state.retrohunt_hits(HuntId(hunt.id.0), RESULTS_MAX, 0).map_err(failure)?;
    let row = |hit: &tidegate_state::HuntHit| {
        json!({
            "indicator": hit.indicator, "value": hit.value, "count": hit.count,
            "first_seen": hit.first.to_rfc3339(), "last_seen": hit.last.to_rfc3339(), "events": hit.events,
        })
    };
    Ok(hits.iter().map(row).collect())
}

fn on_server(client: &Client, args: &Args, (from, to): Range) -> Outcome {
    let numbers = args.indicators.as_ref().map(|all| all.iter().map(i64::to_string).collect::<Vec<_>>());
    let body = json!({
        "name": args.name, "collection": args.collection, "indicators": numbers,
        "from": from.map(Timestamp::to_rfc3339), "to": to.map(Timestamp::to_rfc3339),
    });
    let hunt = client.send("POST", "retrohunts", &body)?;
    let path = format!("retrohunts/{}", hunt["id"].as_str().unwrap_or_default());
    let mut progress = Progress::start("hunting", Some(PARTS), args.json);
    let hunt = loop {
        let hunt = client.get(&path)?;
        if !matches!(hunt["state"].as_str(), Some("waiting" | "running")) {
            break hunt;
        }
        let done = hunt["progress"].as_f64().unwrap_or(0.0).clamp(0.0, 1.0);
        progress.at((done * PARTS as f64) as u64, || format!("{} events found", hunt["hits"]));
        std::thread::sleep(ASK_EVERY);
    };
    progress.finish();
    let found = hunt["results"].as_array().cloned().unwrap_or_default();
    let error = hunt["error"].as_str().or((hunt["state"] == "cancelled").then_some("somebody ended it"));
    show(&found, hunt["hits"].as_u64().unwrap_or(0), error, args.json)
}

fn show(found: &[Value], hits: u64, error: Option<&str>, json: bool) -> Outcome {
    table::print(found, &COLUMNS, json)?;
    if !json {
        writeln!(stdout().lock(), "{} for {}", counted(hits, "event"), counted(found.len() as u64, "indicator"))?;
    }
    match error {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => {
            writeln!(stdout().lock(), "the hunt did not come to its end: {}", table::printable(why))?;
            Ok(ExitCode::from(NOT_MET))
        }
    }
}
