//! `tidegate feeds`: where indicators are fetched from.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Subcommand;
use eyre::eyre;
use serde_json::{Value, json};
use tidegate_detect::counted;
use tidegate_detect::lists::Lists;
use tidegate_feeds::{PRESETS, Preset, PresetAuth};
use tidegate_state::{Feed, FeedAuth, FeedKind, FeedRun, NewFeed, Secret, mask};

use crate::ask;
use crate::client::Client;
use crate::detection::feeds::{Feeds, sentences};
use crate::detection::runner::Bell;
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::place::{Missing, OnData, Place, PlaceArgs, failure};
use crate::progress::Progress;
use crate::table;
use crate::when::parse_duration;

/// How long to wait for a server to fetch a feed.
const REFRESH_MAX: Duration = Duration::from_mins(40);
/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_hours(1);

/// Add, list and refresh feeds of indicators
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate feeds add --preset feodo --data tidegate-data")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a feed, well-known or of your own; a running server fetches it soon
    #[command(
        after_help = "Example:\n  tidegate feeds add partner --from https://feeds.example.com/iocs.csv --every 6h --data tidegate-data"
    )]
    Add(Box<Add>),
    /// List the feeds and how their last runs went
    #[command(after_help = "Example:\n  tidegate feeds list --presets")]
    List {
        /// List the well-known feeds that can be added by name instead
        #[arg(long)]
        presets: bool,
    },
    /// Fetch a feed now, and wait until that is done
    #[command(after_help = "Example:\n  tidegate feeds refresh partner --data tidegate-data")]
    Refresh {
        /// The feed's name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// Its name
    #[arg(required_unless_present = "preset")]
    name: Option<String>,
    /// A well-known feed; `tidegate feeds list --presets` names them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from", "taxii"])]
    preset: Option<String>,
    /// Where it is: the file, or the TAXII collection
    #[arg(long, value_name = "ADDRESS", required_unless_present = "preset")]
    from: Option<String>,
    /// It is a TAXII 2.1 collection
    #[arg(long)]
    taxii: bool,
    /// The collection that it fills, made when there is none; named like the feed if absent
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// How often it is fetched
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    every: Option<Duration>,
    /// As what it is read; found out if absent
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "csv", "json", "stix", "misp", "onionoo"])]
    format: Option<String>,
    /// Added to the tags of each indicator; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// How sure one is when the feed does not say, 0 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    confidence: Option<u8>,
    /// For how many days an indicator counts after it was listed; as long as it is listed, if absent
    #[arg(long, value_name = "DAYS")]
    valid_days: Option<u16>,
    /// How the feed wants the secret, which is then read from the terminal or standard input
    #[arg(long, value_name = "HOW", value_parser = ["basic", "bearer", "header", "key"])]
    auth: Option<String>,
    /// The user for `basic`, or the header's name for `header`
    #[arg(long, value_name = "NAME", requires = "auth")]
    auth_name: Option<String>,
}

const COLUMNS: [table::Column; 8] = [
    ("NAME", "/name"),
    ("COLLECTION", "/collection"),
    ("ENABLED", "/enabled"),
    ("STATE", "/state"),
    ("INDICATORS", "/indicators"),
    ("LAST SUCCESS", "/last_success"),
    ("NEXT RUN", "/next_run"),
    ("ERROR", "/error"),
];
const PRESET_COLUMNS: [table::Column; 5] = [
    ("PRESET", "/preset"),
    ("NAME", "/name"),
    ("KEY", "/wants_secret"),
    ("ABOUT", "/description"),
    ("TERMS", "/license"),
];

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    if let Verb::List { presets: true } = args.verb {
        table::print(&PRESETS.iter().map(preset_row).collect::<Vec<_>>(), &PRESET_COLUMNS, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let missing = if matches!(args.verb, Verb::Add(_)) { Missing::Make } else { Missing::Refuse };
    let place = args.place.open(missing)?;
    match args.verb {
        Verb::Add(add) => {
            let secret = add.auth.is_some().then(|| ask::secret("feed's secret", "pipe it in")).transpose()?;
            let row = match &place {
                Place::Data(on) => add_on_data(on, *add, secret)?,
                Place::Server(client) => add_on_server(client, &add, secret.as_ref())?,
            };
            let name = row["name"].as_str().unwrap_or_default();
            tell(&row, &format!("feed `{name}` added; a running server fetches it soon"), args.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::List { .. } => {
            table::print(&rows(&place)?, &COLUMNS, args.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Refresh { name } => match place {
            Place::Data(on) => refresh_on_data(*on, &name, args.json),
            Place::Server(client) => refresh_on_server(&client, &name, args.json),
        },
    }
}

fn tell(row: &Value, sentence: &str, json: bool) -> std::io::Result<()> {
    let mut out = stdout().lock();
    if json { writeln!(out, "{row}") } else { writeln!(out, "{}", table::printable(sentence)) }
}

fn preset_row(preset: &Preset) -> Value {
    json!({
        "preset": preset.id, "name": preset.name, "url": preset.url, "format": preset.format,
        "description": preset.about, "license": preset.terms, "page": preset.page,
        "wants_secret": preset.auth != PresetAuth::None,
    })
}

fn rows(place: &Place) -> Result<Vec<Value>, Failure> {
    match place {
        Place::Data(on) => {
            let collections = on.state.collections().map_err(failure)?;
            let feeds = on.state.feeds().map_err(failure)?;
            let name =
                |feed: &Feed| collections.iter().find(|found| found.id == feed.collection).map(|found| &found.name);
            Ok(feeds.iter().map(|feed| row(feed, name(feed).map(String::as_str))).collect())
        }
        Place::Server(client) => match client.get("feeds")? {
            Value::Array(rows) => Ok(rows),
            _ => Err(strange(client)),
        },
    }
}

/// A feed as the API shows it.
fn row(feed: &Feed, collection: Option<&str>) -> Value {
    json!({
        "id": feed.id, "name": feed.name, "kind": feed.kind, "url": mask(&feed.url), "collection": collection,
        "enabled": feed.enabled, "every_seconds": feed.interval_s, "state": feed.state.as_str(), "error": feed.error,
        "indicators": feed.accepted, "refused": feed.refused,
        "last_success": feed.succeeded.map(tidegate_event::Timestamp::to_rfc3339),
        "next_run": feed.enabled.then(|| feed.due.to_rfc3339()),
    })
}

/// The well-known feed of this name.
fn preset_named(name: &str) -> Result<&'static Preset, Failure> {
    let found = PRESETS.iter().find(|preset| preset.id == name);
    found.ok_or_else(|| {
        let nearest = PRESETS.iter().map(|known| (strsim::damerau_levenshtein(known.id, name), known.id)).min();
        let hint = nearest.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"));
        Failure::Usage(eyre!("no preset `{name}`{hint} `tidegate feeds list --presets` names them all"))
    })
}

fn add_on_data(on: &OnData, add: Add, secret: Option<Secret>) -> Result<Value, Failure> {
    let preset = add.preset.as_deref().map(preset_named).transpose()?;
    let mut settings = match preset {
        Some(preset) => json!({
            "preset": preset.id, "format": preset.format, "tags": preset.tags, "confidence": preset.confidence,
            "valid_days": preset.valid_days,
        }),
        None => json!({"format": "auto"}),
    };
    for (name, value) in [
        ("format", add.format.map(|format| json!(format))),
        ("tags", (!add.tags.is_empty()).then(|| json!(add.tags))),
        ("confidence", add.confidence.map(|sure| json!(sure))),
        ("valid_days", add.valid_days.map(|days| json!(days))),
    ] {
        if let Some(value) = value {
            settings[name] = value;
        }
    }
    let name = add.name.or_else(|| preset.map(|preset| preset.name.to_owned())).unwrap_or_default();
    let url = add.from.or_else(|| preset.map(|preset| preset.url.to_owned())).unwrap_or_default();
    let auth = match (secret, add.auth.as_deref()) {
        (Some(secret), Some("key")) => match preset.map(|preset| preset.auth) {
            Some(PresetAuth::Query(parameter)) => FeedAuth::Query(parameter.to_owned(), secret),
            _ => {
                return Err(Failure::Usage(eyre!("`--auth key` is for well-known feeds that want a key of one's own")));
            }
        },
        (Some(secret), Some("basic")) => FeedAuth::Basic(auth_name(add.auth_name)?, secret),
        (Some(secret), Some("header")) => FeedAuth::Header(auth_name(add.auth_name)?, secret),
        (Some(secret), _) => FeedAuth::Bearer(secret),
        (None, _) => FeedAuth::None,
    };
    let collection = add.collection.as_deref().unwrap_or(&name);
    let collection = on.state.collection_named(collection, &on.actor).map_err(failure)?;
    let every = preset.map_or(EVERY, |preset| Duration::from_secs(u64::from(preset.interval_min) * 60));
    let new = NewFeed {
        name: &name,
        kind: if add.taxii { FeedKind::Taxii } else { FeedKind::Http },
        url: &url,
        collection: collection.id,
        settings,
        auth: Some(auth),
        interval: add.every.unwrap_or(every),
        enabled: true,
    };
    let feed = on.state.create_feed(&new, &on.actor).map_err(failure)?;
    Ok(row(&feed, Some(&collection.name)))
}

fn auth_name(name: Option<String>) -> Result<String, Failure> {
    name.ok_or_else(|| Failure::Usage(eyre!("`--auth-name` is missing: the user's or the header's name")))
}

fn add_on_server(client: &Client, add: &Add, secret: Option<&Secret>) -> Result<Value, Failure> {
    let mut body = serde_json::Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("preset", add.preset.as_ref().map(|preset| json!(preset)));
    set("name", add.name.as_ref().map(|name| json!(name)));
    set("url", add.from.as_ref().map(|url| json!(url)));
    set("kind", add.taxii.then(|| json!("taxii")));
    // A well-known feed has a collection of its own.
    let collection = add.collection.as_ref().or(add.name.as_ref().filter(|_| add.preset.is_none()));
    set("collection", collection.map(|name| json!(name)));
    set("every_seconds", add.every.map(|every| json!(every.as_secs())));
    set("format", add.format.as_ref().map(|format| json!(format)));
    set("tags", (!add.tags.is_empty()).then(|| json!(add.tags)));
    set("confidence", add.confidence.map(|sure| json!(sure)));
    set("valid_days", add.valid_days.map(|days| json!(days)));
    set("secret", secret.map(|secret| json!(secret.reveal())));
    // Without `auth` a well-known feed gets its key the way it wants it.
    set("auth", add.auth.as_ref().filter(|auth| *auth != "key").map(|auth| json!(auth)));
    set("auth_name", add.auth_name.as_ref().map(|name| json!(name)));
    client.send("POST", "feeds", &Value::Object(body))
}

fn refresh_on_data(on: OnData, name: &str, json: bool) -> Outcome {
    let OnData { state, settings, .. } = on;
    let state = Arc::new(state);
    let feeds = state.feeds().map_err(failure)?;
    let feed = feeds.into_iter().find(|feed| feed.name.eq_ignore_ascii_case(name));
    let feed = feed.ok_or_else(|| Failure::Usage(eyre!("no feed `{name}`")))?;
    let mut lists = Lists::embedded();
    settings.detect.lists.iter().for_each(|folder| drop(lists.load_folder(folder)));
    let lists = Arc::new(lists);
    let lists = Box::new(move || Arc::clone(&lists));
    let runner = Feeds::new(Arc::clone(&state), lists, Arc::new(Bell::default()), &settings.data.dir)?;
    let taken = state.take_feed(feed.id).map_err(failure)?;
    let progress = Progress::start("fetching", None, json);
    let run = runner.run(&taken);
    progress.finish();
    let run = run.ok_or_else(|| Failure::Work(eyre!("how the feed went is not written down")))?;
    let row = row(&state.feed(feed.id).map_err(failure)?, None);
    match run {
        FeedRun::Unchanged => tell(&row, &format!("feed `{name}` has not changed"), json)?,
        FeedRun::Read { accepted, report, .. } => {
            let mut text = format!("feed `{name}` holds {}", counted(accepted, "indicator"));
            sentences(&report).iter().for_each(|sentence| text.push_str(&format!("; {sentence}")));
            tell(&row, &text, json)?;
        }
        FeedRun::Failed(why) => return failed(&row, name, &why, json),
    }
    Ok(ExitCode::SUCCESS)
}

fn refresh_on_server(client: &Client, name: &str, json: bool) -> Outcome {
    let find = |feeds: Value, name: &str| {
        let same = |row: &&Value| row["name"].as_str().is_some_and(|known| known.to_lowercase() == name.to_lowercase());
        feeds.as_array().and_then(|rows| rows.iter().find(same).cloned())
    };
    let missing = || Failure::Usage(eyre!("no feed `{name}` on {}", client.base()));
    let before = find(client.get("feeds")?, name).ok_or_else(missing)?;
    let id = before["id"].as_str().unwrap_or_default();
    let _ = client.send("POST", &format!("feeds/{id}/refresh"), &json!({}))?;
    let started = Instant::now();
    let mut progress = Progress::start("fetching", None, json);
    let row = loop {
        std::thread::sleep(ASK_EVERY);
        let row = find(client.get("feeds")?, name).ok_or_else(missing)?;
        if row["state"] != "running" && row["last_run"] != before["last_run"] {
            break row;
        }
        if started.elapsed() > REFRESH_MAX {
            return Err(Failure::Work(eyre!(
                "the server has not fetched the feed within {} min",
                REFRESH_MAX.as_secs() / 60
            )));
        }
        progress.at(0, || "the server is at it".to_owned());
    };
    progress.finish();
    if let Some(why) = row["error"].as_str() {
        return failed(&row, name, why, json);
    }
    tell(&row, &format!("feed `{name}` holds {} indicators", row["indicators"]), json)?;
    Ok(ExitCode::SUCCESS)
}

fn failed(row: &Value, name: &str, why: &str, json: bool) -> Outcome {
    tell(row, &format!("feed `{name}` brought nothing: {why}"), json)?;
    Ok(ExitCode::from(NOT_MET))
}

fn strange(client: &Client) -> Failure {
    Failure::Work(eyre!("{} answered something unexpected", client.base()))
}
