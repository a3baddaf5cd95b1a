//! `tidegate intake`: intakes and their keys.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use eyre::eyre;
use serde_json::{Value, json};
use tidegate_formats::Catalog;
use tidegate_state::{Intake, Secret};

use crate::ask;
use crate::client::Client;
use crate::exit::{Failure, Outcome};
use crate::place::{Missing, OnData, Place, PlaceArgs, failure};
use crate::table;
use crate::when::parse_duration;

/// Create, list, rotate and delete intakes
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tidegate intake create gateway --format cloudflare-gateway-dns --data tidegate-data"
)]
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
    /// Make an intake; its key is shown this once
    #[command(
        after_help = "Example:\n  tidegate intake create gateway --format cloudflare-gateway-dns --data tidegate-data"
    )]
    Create {
        /// Its name
        name: String,
        /// The format that parses its records; `tidegate formats list` names them
        #[arg(long, value_name = "NAME")]
        format: String,
        /// Keep a key that senders already use, read from the terminal or standard input
        #[arg(long)]
        existing_key: bool,
    },
    /// List the intakes with what they received
    #[command(after_help = "Example:\n  tidegate intake list --json --data tidegate-data")]
    List,
    /// Replace the key of an intake; the new one is shown this once
    #[command(after_help = "Example:\n  tidegate intake rotate gateway --grace 24h --data tidegate-data")]
    Rotate {
        /// The intake's name
        name: String,
        /// For how long the old key still works
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        grace: Option<std::time::Duration>,
    },
    /// Say when to tell that an intake is silent or late; new ones are watched with an hour each
    #[command(after_help = "Example:\n  tidegate intake watch gateway --silence 30m --lag off --data tidegate-data")]
    Watch {
        /// The intake's name
        name: String,
        /// Tell after so long without a batch, or never: `off`
        #[arg(long, value_name = "DURATION", value_parser = parse_limit, required_unless_present = "lag")]
        silence: Option<Limit>,
        /// Tell when the latest event is so old when its batch comes in, or never: `off`
        #[arg(long, value_name = "DURATION", value_parser = parse_limit)]
        lag: Option<Limit>,
    },
    /// Delete an intake; its events stay
    #[command(after_help = "Example:\n  tidegate intake delete gateway --data tidegate-data")]
    Delete {
        /// The intake's name
        name: String,
    },
}

/// A limit of seconds, or none.
#[derive(Clone, Copy, Debug)]
struct Limit(Option<u64>);

fn parse_limit(text: &str) -> Result<Limit, String> {
    match text {
        "off" => Ok(Limit(None)),
        _ => parse_duration(text).map(|span| Limit(Some(span.as_secs()))),
    }
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let missing = if matches!(args.verb, Verb::Create { .. }) { Missing::Make } else { Missing::Refuse };
    let place = args.place.open(missing)?;
    match args.verb {
        Verb::Create { name, format, existing_key } => {
            let brought = existing_key.then(ask::existing_key).transpose()?;
            let (intake, key) = match &place {
                Place::Data(on) => create_on_data(on, &name, &format, brought.as_ref())?,
                Place::Server(client) => create_on_server(client, &name, &format, brought.as_ref())?,
            };
            tell_key(&place, &intake, key.as_ref(), args.json)?;
        }
        Verb::List => {
            let rows = list(&place)?;
            table::print(&rows, &COLUMNS, args.json)?;
        }
        Verb::Rotate { name, grace } => {
            let (intake, key) = match &place {
                Place::Data(on) => {
                    let id = on_data(on, &name)?.id;
                    let key = on.state.rotate_intake_key(id, grace, &on.actor).map_err(failure)?;
                    (json!(*on_data(on, &name)?), key)
                }
                Place::Server(client) => {
                    let path = format!("intakes/{}/rotate", on_server(client, &name)?);
                    let seconds = grace.unwrap_or_default().as_secs();
                    with_key(client.send("POST", &path, &json!({"grace_seconds": seconds}))?)?
                }
            };
            tell_key(&place, &intake, Some(&key), args.json)?;
        }
        Verb::Watch { name, silence, lag } => {
            let watch = match &place {
                Place::Data(on) => watch_on_data(on, &name, silence, lag)?,
                Place::Server(client) => watch_on_server(client, &name, silence, lag)?,
            };
            let span = |at: &str| match watch[at].as_u64() {
                Some(seconds) => format!("after {seconds} s"),
                None => "never".to_owned(),
            };
            let (silence, lag) = (span("silence_seconds"), span("lag_seconds"));
            tell(&watch, &format!("intake `{name}`: silence is told {silence}, late events {lag}"), args.json)?;
        }
        Verb::Delete { name } => {
            match &place {
                Place::Data(on) => on.state.delete_intake(on_data(on, &name)?.id, &on.actor).map_err(failure)?,
                Place::Server(client) => {
                    client.delete(&format!("intakes/{}", on_server(client, &name)?))?;
                }
            }
            tell(
                &json!({"name": name, "deleted": true}),
                &format!("intake `{name}` deleted; its events stay"),
                args.json,
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: [table::Column; 9] = [
    ("NAME", "/name"),
    ("FORMAT", "/format"),
    ("KEY ENDS", "/key_hint"),
    ("ENABLED", "/enabled"),
    ("BATCHES", "/counts/batches"),
    ("VALID", "/counts/valid"),
    ("WARNING", "/counts/warning"),
    ("INVALID", "/counts/invalid"),
    ("LAST BATCH", "/counts/last_batch"),
];

fn list(place: &Place) -> Result<Vec<Value>, Failure> {
    match place {
        Place::Data(on) => {
            let counts = on.state.counts_of_all(None).map_err(failure)?;
            let intakes = on.state.intakes();
            let rows = intakes.iter().map(|intake| {
                let mut row = json!(**intake);
                row["counts"] = json!(counts.get(&intake.id).copied().unwrap_or_default());
                row
            });
            Ok(rows.collect())
        }
        Place::Server(client) => match client.get("intakes")? {
            Value::Array(rows) => Ok(rows),
            _ => Err(strange(client)),
        },
    }
}

fn create_on_data(
    on: &OnData,
    name: &str,
    format: &str,
    brought: Option<&Secret>,
) -> Result<(Value, Option<Secret>), Failure> {
    let format = known_format(on, format)?;
    let (state, actor) = (&on.state, &on.actor);
    match brought {
        Some(key) => {
            let intake = state.create_intake_with_key(name, &format, key, actor).map_err(failure)?;
            Ok((json!(*intake), None))
        }
        None => {
            let (intake, key) = state.create_intake(name, &format, actor).map_err(failure)?;
            Ok((json!(*intake), Some(key)))
        }
    }
}

fn create_on_server(
    client: &Client,
    name: &str,
    format: &str,
    brought: Option<&Secret>,
) -> Result<(Value, Option<Secret>), Failure> {
    let mut body = json!({"name": name, "format": format});
    if let Some(key) = brought {
        body["key"] = json!(key.reveal());
        let mut answer = client.send("POST", "intakes", &body)?;
        return Ok((answer["intake"].take(), None));
    }
    let (intake, key) = with_key(client.send("POST", "intakes", &body)?)?;
    Ok((intake, Some(key)))
}

/// The name under which the format is loaded, so that an intake never waits for a format that does not exist.
fn known_format(on: &OnData, format: &str) -> Result<String, Failure> {
    let loaded = Catalog::load(&on.settings.formats.dirs);
    let (catalog, _) = loaded.map_err(|error| Failure::Config(eyre!("cannot load formats: {error}")))?;
    if let Some(known) = catalog.get(format) {
        return Ok(known.name().to_owned());
    }
    let nearest = catalog.iter().map(|known| (strsim::damerau_levenshtein(known.name(), format), known.name())).min();
    let hint = nearest.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"));
    Err(Failure::Usage(eyre!("no format `{format}`{hint} `tidegate formats list` names them all")))
}

fn on_data(on: &OnData, name: &str) -> Result<Arc<Intake>, Failure> {
    on.state.intake_by_name(name).ok_or_else(|| Failure::Usage(eyre!("no intake `{name}`")))
}

/// The id of the intake of this name.
fn on_server(client: &Client, name: &str) -> Result<String, Failure> {
    let intakes = client.get("intakes")?;
    let same = |row: &&Value| row["name"].as_str().is_some_and(|known| known.to_lowercase() == name.to_lowercase());
    let found = intakes.as_array().and_then(|rows| rows.iter().find(same));
    let id = found.and_then(|row| row["id"].as_str()).map(str::to_owned);
    id.ok_or_else(|| Failure::Usage(eyre!("no intake `{name}` on {}", client.base())))
}

fn watch_on_data(on: &OnData, name: &str, silence: Option<Limit>, lag: Option<Limit>) -> Result<Value, Failure> {
    let id = on_data(on, name)?.id;
    let (silence, lag) = (silence.map(|limit| limit.0), lag.map(|limit| limit.0));
    let limits = on.state.change_intake_limits(id, silence, lag, &on.actor).map_err(failure)?;
    Ok(json!({"name": name, "silence_seconds": limits.silence_s, "lag_seconds": limits.lag_s}))
}

fn watch_on_server(client: &Client, name: &str, silence: Option<Limit>, lag: Option<Limit>) -> Result<Value, Failure> {
    let mut body = json!({});
    for (key, limit) in [("silence_seconds", silence), ("lag_seconds", lag)] {
        if let Some(Limit(seconds)) = limit {
            body[key] = json!(seconds);
        }
    }
    let answer = client.send("PATCH", &format!("intakes/{}", on_server(client, name)?), &body)?;
    let watch = &answer["watch"];
    Ok(json!({"name": name, "silence_seconds": watch["silence_seconds"], "lag_seconds": watch["lag_seconds"]}))
}

fn with_key(mut answer: Value) -> Result<(Value, Secret), Failure> {
    match answer["key"].take() {
        Value::String(key) => Ok((answer["intake"].take(), Secret::new(key))),
        _ => Err(Failure::Work(eyre!("the server answered without a key"))),
    }
}

fn strange(client: &Client) -> Failure {
    Failure::Work(eyre!("{} answered something unexpected", client.base()))
}

fn tell(row: &Value, sentence: &str, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json { writeln!(out, "{row}") } else { writeln!(out, "{sentence}") }
}

/// Prints a new key, this once, and where Cloudflare would send with it.
fn tell_key(place: &Place, intake: &Value, key: Option<&Secret>, json: bool) -> std::io::Result<()> {
    let name = intake["name"].as_str().unwrap_or_default();
    let Some(key) = key.map(Secret::reveal) else {
        return tell(intake, &format!("intake `{name}` made; the key you gave opens it"), json);
    };
    let base = match place {
        Place::Data(on) => on.settings.server.public_url.as_ref().map_or("https://YOUR-HOST", |url| &url.0),
        Place::Server(client) => client.base(),
    };
    let destination = format!("{base}/plain/batch?header_X-Tidegate-Intake-Key={key}");
    let mut row = intake.clone();
    row["key"] = json!(key);
    row["logpush_destination"] = json!(destination);
    let sentence = format!(
        "intake `{name}`\nkey (shown this once):  {key}\nLogpush destination:    {destination}\n\
         or send the key as the header `X-Tidegate-Intake-Key`, or as the password of HTTP Basic"
    );
    tell(&row, &sentence, json)
}
