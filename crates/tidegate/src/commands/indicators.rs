//! `tidegate indicators`: what threat intelligence says about names and addresses.

mod import;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use eyre::eyre;
use serde_json::{Value, json};
use tidegate_detect::counted;
use tidegate_event::Timestamp;
use tidegate_state::{Collection, IndicatorFilter, IndicatorRow, Match};

use crate::client::{Client, escaped};
use crate::exit::{Failure, Outcome};
use crate::place::{Missing, OnData, Place, PlaceArgs, failure};
use crate::table;

/// Indicators asked for at a time.
const PAGE_ROWS: usize = 1_000;

/// Import, list and end indicators
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate indicators import bundle.json --collection partner --data tidegate-data")]
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
    /// Bring indicators in, and look for the new ones in stored events
    #[command(
        after_help = "Example:\n  tidegate indicators import bundle.json --collection partner --data tidegate-data"
    )]
    Import(Import),
    /// List indicators, the oldest first
    #[command(after_help = "Example:\n  tidegate indicators list --collection partner --valid --data tidegate-data")]
    List(List),
    /// End indicators now: some by number, or all of a collection
    #[command(after_help = "Example:\n  tidegate indicators expire --collection partner --data tidegate-data")]
    Expire {
        /// Their numbers, as `list` shows them
        #[arg(value_name = "NUMBER", conflicts_with = "collection", required_unless_present = "collection")]
        numbers: Vec<i64>,
        /// All of this collection
        #[arg(long, value_name = "NAME")]
        collection: Option<String>,
    },
    /// List the collections
    #[command(after_help = "Example:\n  tidegate indicators collections --data tidegate-data")]
    Collections,
    /// Look for the indicators of a collection again
    #[command(after_help = "Example:\n  tidegate indicators enable partner --data tidegate-data")]
    Enable {
        /// The collection
        #[arg(value_name = "NAME")]
        collection: String,
    },
    /// Keep a collection, and no longer look for its indicators
    #[command(after_help = "Example:\n  tidegate indicators disable partner --data tidegate-data")]
    Disable {
        /// The collection
        #[arg(value_name = "NAME")]
        collection: String,
    },
}

#[derive(Debug, clap::Args)]
struct Import {
    /// The collection they go to; made when there is none
    #[arg(long, value_name = "NAME")]
    collection: String,
    /// As what the files are read; found out if absent
    #[arg(long, value_name = "FORMAT", value_parser = ["stix", "misp", "csv", "text"])]
    format: Option<String>,
    /// Added to the tags of each; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// How sure one is of those whose source does not say, 0 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    confidence: Option<u8>,
    /// Until when those count whose source does not say: RFC 3339 or a date
    #[arg(long, value_name = "TIME")]
    valid_until: Option<String>,
    /// Do not look for the new ones in stored events
    #[arg(long)]
    no_retrohunt: bool,
    /// Read, and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// STIX or MISP JSON, CSV, or a list with one a line, also gzip; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Of this collection
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Of this kind
    #[arg(long, value_name = "KIND", value_parser = ["domain", "ip", "network"])]
    kind: Option<String>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Whose value, description or a tag holds this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those that count now
    #[arg(long)]
    valid: bool,
    /// How many to list
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

const COLLECTION_COLUMNS: [table::Column; 4] =
    [("COLLECTION", "/name"), ("INDICATORS", "/indicators"), ("VALID NOW", "/active"), ("ON", "/enabled")];

const COLUMNS: [table::Column; 8] = [
    ("NUMBER", "/id"),
    ("KIND", "/kind"),
    ("VALUE", "/value"),
    ("COLLECTION", "/collection"),
    ("TAGS", "/tag_list"),
    ("CONFIDENCE", "/confidence"),
    ("VALID UNTIL", "/valid_until"),
    ("EXPIRED", "/expired"),
];

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let missing = if matches!(args.verb, Verb::Import(_)) { Missing::Make } else { Missing::Refuse };
    let place = args.place.open(missing)?;
    match args.verb {
        Verb::Import(import) => import::run(&place, &import, args.json)?,
        Verb::List(list) => {
            let mut rows = match &place {
                Place::Data(on) => rows_on_data(on, &list)?,
                Place::Server(client) => rows_on_server(client, &list)?,
            };
            if !args.json {
                rows.iter_mut().for_each(|row| row["tag_list"] = json!(joined(&row["tags"])));
            }
            table::print(&rows, &COLUMNS, args.json)?;
        }
        Verb::Expire { numbers, collection } => {
            let changed = match &place {
                Place::Data(on) => expire_on_data(on, &numbers, collection.as_deref())?,
                Place::Server(client) => {
                    let body = match collection {
                        Some(name) => json!({"collection": name}),
                        None => json!({"ids": numbers.iter().map(i64::to_string).collect::<Vec<_>>()}),
                    };
                    client.send("POST", "indicators/expire", &body)?["changed"].as_u64().unwrap_or(0)
                }
            };
            let have = if changed == 1 { "has" } else { "have" };
            let mut out = stdout().lock();
            match args.json {
                true => writeln!(out, "{}", json!({"changed": changed}))?,
                false => writeln!(out, "{} {have} ended", counted(changed, "indicator"))?,
            }
        }
        Verb::Collections => table::print(&collections(&place)?, &COLLECTION_COLUMNS, args.json)?,
        Verb::Enable { collection } => switch(&place, &collection, true, args.json)?,
        Verb::Disable { collection } => switch(&place, &collection, false, args.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The collections as the API shows them.
fn collections(place: &Place) -> Result<Vec<Value>, Failure> {
    let on = match place {
        Place::Data(on) => on,
        Place::Server(client) => {
            let Value::Array(rows) = client.get("collections")? else {
                return Err(Failure::Work(eyre!("{} answered something unexpected", client.base())));
            };
            return Ok(rows);
        }
    };
    let counts = on.state.collection_counts().map_err(failure)?;
    let row = |collection: Collection| {
        let found = counts.iter().find(|counts| counts.id == collection.id);
        let (indicators, active) = found.map_or((0, 0), |counts| (counts.total, counts.valid));
        let (name, enabled) = (collection.name, collection.enabled);
        json!({"name": name, "indicators": indicators, "active": active, "enabled": enabled})
    };
    Ok(on.state.collections().map_err(failure)?.into_iter().map(row).collect())
}

/// Switches a collection on or off, and says so.
fn switch(place: &Place, name: &str, enabled: bool, json: bool) -> Result<(), Failure> {
    match place {
        Place::Data(on) => {
            let id = on.state.collection(name).map_err(failure)?.id;
            on.state.enable_collection(id, enabled, &on.actor).map_err(failure)?;
        }
        Place::Server(client) => {
            drop(client.send("PATCH", &format!("collections/{}", escaped(name)), &json!({"enabled": enabled}))?);
        }
    }
    let mut out = stdout().lock();
    match (json, enabled) {
        (true, _) => writeln!(out, "{}", json!({"collection": name, "enabled": enabled}))?,
        (false, true) => writeln!(out, "the indicators of `{name}` are looked for")?,
        (false, false) => writeln!(out, "the indicators of `{name}` are kept, and no longer looked for")?,
    }
    Ok(())
}

/// A list of texts in one cell.
fn joined(list: &Value) -> String {
    let texts: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    texts.join(", ")
}

fn rows_on_server(client: &Client, list: &List) -> Result<Vec<Value>, Failure> {
    let mut query = String::new();
    let given = [("collection", &list.collection), ("kind", &list.kind), ("tag", &list.tag), ("q", &list.search)];
    for (name, value) in given {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", escaped(value)));
        }
    }
    if list.valid {
        query.push_str("&expired=false");
    }
    let mut rows: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    while rows.len() < list.limit {
        let limit = (list.limit - rows.len()).min(PAGE_ROWS);
        let mut page = client.get(&format!("indicators?limit={limit}{query}{cursor}"))?;
        let Value::Array(found) = page["indicators"].take() else {
            return Err(Failure::Work(eyre!("{} answered something unexpected", client.base())));
        };
        rows.extend(found);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", escaped(next)),
            None => break,
        }
    }
    Ok(rows)
}

fn rows_on_data(on: &OnData, list: &List) -> Result<Vec<Value>, Failure> {
    let collections = on.state.collections().map_err(failure)?;
    let now = Timestamp::now();
    let filter = IndicatorFilter {
        collection: list
            .collection
            .as_deref()
            .map(|name| on.state.collection(name))
            .transpose()
            .map_err(failure)?
            .map(|found| found.id),
        kind: list.kind.as_deref().map(|kind| if kind == "domain" { "name" } else { kind }.to_owned()),
        text: list.search.clone().map(Match::Holds),
        tag: list.tag.clone(),
        valid_at: list.valid.then_some(now),
        ..IndicatorFilter::default()
    };
    let (mut rows, mut after) = (Vec::new(), None);
    while rows.len() < list.limit {
        let limit = (list.limit - rows.len()).min(PAGE_ROWS);
        let page = on.state.indicators(&filter, limit, after).map_err(failure)?;
        rows.extend(page.iter().map(|row| shown(row, &collections, now)));
        match page.last() {
            Some(last) if page.len() == limit => after = Some(last.id),
            _ => break,
        }
    }
    Ok(rows)
}

/// An indicator as the API shows it.
fn shown(row: &IndicatorRow, collections: &[Collection], now: Timestamp) -> Value {
    let mut shown = json!(row);
    let collection = collections.iter().find(|found| found.id == row.collection);
    shown["id"] = json!(row.id.to_string());
    shown["collection"] = json!(collection.map(|found| &found.name));
    shown["kind"] = json!(if row.kind == "name" { "domain" } else { row.kind.as_str() });
    shown["expired"] = json!(row.valid_until.is_some_and(|until| until <= now));
    shown
}

fn expire_on_data(on: &OnData, numbers: &[i64], collection: Option<&str>) -> Result<u64, Failure> {
    let now = Timestamp::now();
    let end = |ids: &[i64]| on.state.expire_indicators(ids, now, &on.actor).map_err(failure);
    let Some(name) = collection else {
        numbers.iter().try_for_each(|number| on.state.indicator(*number).map(drop)).map_err(failure)?;
        return end(numbers);
    };
    let collection = Some(on.state.collection(name).map_err(failure)?.id);
    let filter = IndicatorFilter { collection, valid_at: Some(now), ..IndicatorFilter::default() };
    let (mut changed, mut after) = (0, None);
    loop {
        let page = on.state.indicators(&filter, PAGE_ROWS, after).map_err(failure)?;
        let Some(last) = page.last() else { return Ok(changed) };
        after = Some(last.id);
        changed += end(&page.iter().map(|row| row.id).collect::<Vec<_>>())?;
    }
}
