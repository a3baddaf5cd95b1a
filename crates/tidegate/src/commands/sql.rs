//! `tidegate sql`: read-only SQL over the table `events`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use eyre::eyre;
use serde_json::{Map, Value, json};

use crate::exit::{Failure, Outcome};
use crate::hunt::{Hunt, HuntArgs, query_failure};
use crate::table;

/// Query events with read-only SQL
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tidegate sql 'SELECT \"dns.response_code\", count(*) AS n FROM events GROUP BY 1 ORDER BY n DESC' --data tidegate-data"
)]
pub(crate) struct Args {
    /// One SELECT over the table `events`; its columns are the dotted field names
    statement: String,
    #[command(flatten)]
    hunt: HuntArgs,
    /// Print rows as JSON lines
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print rows as CSV
    #[arg(long)]
    csv: bool,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    match args.hunt.open()? {
        Hunt::Data(engine, runtime) => runtime.block_on(async {
            let failure = |error| query_failure(error, &args.statement);
            let mut rows = engine.sql(&args.statement).await.map_err(failure)?;
            let names: Vec<String> = rows.columns().iter().map(|column| column.name.clone()).collect();
            let mut printer = Printer::new(names, &args);
            while let Some(batch) = rows.next().await {
                batch.map_err(failure)?.into_iter().try_for_each(|row| printer.row(row))?;
            }
            printer.finish(rows.truncated())
        }),
        Hunt::Server(client) => {
            let answer = client.send("POST", "sql", &json!({"statement": args.statement, "format": "json"}))?;
            let strange = || Failure::Work(eyre!("the server answered something that is no table"));
            let columns = answer["columns"].as_array().ok_or_else(strange)?;
            let names = columns.iter().map(|column| column["name"].as_str().unwrap_or_default().to_owned()).collect();
            let mut printer = Printer::new(names, &args);
            for row in answer["rows"].as_array().ok_or_else(strange)? {
                printer.row(row.as_array().ok_or_else(strange)?.clone())?;
            }
            printer.finish(answer["truncated"] == Value::Bool(true))
        }
    }
}

/// Rows as they come, or gathered for a table.
struct Printer {
    names: Vec<String>,
    json: bool,
    csv: bool,
    gathered: Vec<Vec<Value>>,
    begun: bool,
}

impl Printer {
    fn new(names: Vec<String>, args: &Args) -> Self {
        Self { names, json: args.json, csv: args.csv, gathered: Vec::new(), begun: false }
    }

    fn row(&mut self, row: Vec<Value>) -> Result<(), Failure> {
        let mut out = stdout().lock();
        if self.json {
            let row: Map<String, Value> = self.names.iter().cloned().zip(row).collect();
            writeln!(out, "{}", Value::Object(row))?;
        } else if self.csv {
            if !self.begun {
                write_csv(&mut out, self.names.iter().map(|name| Value::String(name.clone())))?;
            }
            write_csv(&mut out, row.into_iter())?;
        } else {
            self.gathered.push(row);
        }
        self.begun = true;
        Ok(())
    }

    #[expect(clippy::print_stderr, reason = "a remark about the answer that is no part of it")]
    fn finish(self, truncated: bool) -> Outcome {
        if self.csv && !self.begun {
            write_csv(&mut stdout().lock(), self.names.iter().map(|name| Value::String(name.clone())))?;
        }
        if !self.json && !self.csv {
            table::print_cells(&self.names, &self.gathered)?;
        }
        if truncated {
            eprintln!("more rows than one statement may return; the rest is left out (`query.rows_max`)");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// One line of CSV (RFC 4180).
fn write_csv(out: &mut impl Write, cells: impl Iterator<Item = Value>) -> std::io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        let text = match cell {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        if text.contains([',', '"', '\n', '\r']) {
            write!(out, "\"{}\"", text.replace('"', "\"\""))?;
        } else {
            out.write_all(text.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}
