//! `tidegate search`: hunting from the shell.

use std::io::{Write, stdout};
use std::process::ExitCode;

use eyre::eyre;
use futures::StreamExt;
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_query::language::TimeRange;
use tidegate_query::{Engine, Error, Export, Format, Scope, Search};

use crate::exit::{Failure, Outcome};
use crate::hunt::{Hunt, HuntArgs, query_failure};
use crate::table;
use crate::when::{parse_length, parse_range};

const LIMIT_DEFAULT: usize = 100;

/// Find events with the events query language
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tidegate search 'dns.question.name:*.example.com AND NOT dns.response_code:NXDomain' --last 24h --data tidegate-data"
)]
pub(crate) struct Args {
    /// What to find; `*` finds everything (docs/query-language.md)
    query: String,
    #[command(flatten)]
    hunt: HuntArgs,
    /// Only the events of the last so long, such as 24h or 7d
    #[arg(long, value_name = "DURATION", value_parser = parse_length, conflicts_with_all = ["from", "to"])]
    last: Option<i64>,
    /// Only events from this time on: RFC 3339, a date, or an age such as 24h
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only events before this time; of a date, the whole day belongs
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Events to show, the newest first, 10,000 at most [default: 100; with --csv all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Only these fields, with what lies below them
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    fields: Option<Vec<String>>,
    /// Print events as JSON lines
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print as CSV, everything that matches unless --limit is given
    #[arg(long)]
    csv: bool,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let now = Timestamp::now();
    let range = range(&args, now).map_err(|why| Failure::Usage(eyre!(why)))?;
    match args.hunt.open()? {
        Hunt::Data(engine, runtime) => {
            let scope = Scope { query: args.query.clone(), range, now };
            runtime.block_on(async {
                if args.csv { export(&engine, scope, &args).await } else { page(&engine, scope, &args).await }
            })
        }
        Hunt::Server(client) => {
            let mut body = json!({
                "query": args.query,
                "from": range.start.map(Timestamp::to_rfc3339),
                "to": range.end.map(Timestamp::to_rfc3339),
                "fields": args.fields,
            });
            if args.csv {
                body["format"] = json!("csv");
                if let Some(limit) = args.limit {
                    body["limit"] = json!(limit);
                }
                client.copy("events/export", &body, &mut stdout().lock())?;
                return Ok(ExitCode::SUCCESS);
            }
            body["limit"] = json!(args.limit.unwrap_or(LIMIT_DEFAULT));
            show(&client.send("POST", "events/search", &body)?, args.json)
        }
    }
}

fn range(args: &Args, now: Timestamp) -> Result<TimeRange, String> {
    if let Some(length) = args.last {
        let start = Timestamp::from_micros(now.as_micros().saturating_sub(length));
        return Ok(TimeRange { start: Some(start), end: None });
    }
    parse_range(args.from.as_deref(), args.to.as_deref(), now)
}

async fn page(engine: &Engine, scope: Scope, args: &Args) -> Outcome {
    let text = scope.query.clone();
    let search =
        Search { scope, limit: args.limit.unwrap_or(LIMIT_DEFAULT), fields: args.fields.clone(), ..Search::default() };
    let found = engine.search(search).await.map_err(|error| query_failure(error, &text))?;
    show(&serde_json::to_value(&found).map_err(|error| eyre!(error))?, args.json)
}

async fn export(engine: &Engine, scope: Scope, args: &Args) -> Outcome {
    let text = scope.query.clone();
    let export = Export { scope, format: Format::Csv, fields: args.fields.clone(), limit: args.limit };
    let failure = |error: Error| query_failure(error, &text);
    let mut chunks = engine.export(export).await.map_err(failure)?;
    let mut out = stdout().lock();
    while let Some(chunk) = chunks.next().await {
        out.write_all(&chunk.map_err(failure)?)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a page of events: a JSON line each, or a sentence each and how many there are.
fn show(found: &Value, as_json: bool) -> Outcome {
    let rows = found["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out = stdout().lock();
    for row in rows {
        if as_json {
            writeln!(out, "{}", row["event"])?;
        } else {
            let text = row["description"].as_str().map_or_else(|| row["event"].to_string(), ToOwned::to_owned);
            writeln!(out, "{}  {}", table::printable(&time_of(row)), table::printable(&text))?;
        }
    }
    if !as_json {
        let least = if found["partial"] == Value::Bool(true) { "at least " } else { "" };
        writeln!(out, "{} of {least}{} events, {} ms", rows.len(), found["total"], found["took_ms"])?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A row's time as text: a server sends it so, the engine has microseconds.
fn time_of(row: &Value) -> String {
    match &row["timestamp"] {
        Value::String(text) => text.clone(),
        micros => micros.as_i64().map_or_else(|| "-".to_owned(), |micros| Timestamp::from_micros(micros).to_rfc3339()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_server_and_of_a_data_directory_have_their_time() {
        let micros = Timestamp::parse_rfc3339("2026-05-04T10:20:30.5Z").unwrap();
        assert_eq!(time_of(&json!({"timestamp": micros})), "2026-05-04T10:20:30.500000Z");
        assert_eq!(time_of(&json!({"timestamp": "2026-05-04T10:20:30Z"})), "2026-05-04T10:20:30Z");
    }
}
