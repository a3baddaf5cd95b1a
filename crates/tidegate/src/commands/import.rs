//! `tidegate import`: files into a data directory or a running server, by the path every batch takes.

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bumpalo::Bump;
use eyre::eyre;
use serde_json::json;
use tidegate_batch::{Framing, Head, Limits};
use tidegate_detect::{LATENESS_SECONDS, counted};
use tidegate_event::{FieldId, Timestamp, names};
use tidegate_formats::{Parser, Verdict};
use tidegate_journal::{Entry, JournalError};
use tidegate_state::Intake;

use crate::ask;
use crate::config::{Config, Sources};
use crate::exit::{Failure, Outcome};
use crate::input::Inputs;
use crate::logging;
use crate::node::{Node, load_catalog};
use crate::push::Push;

/// Bytes of text gathered into one batch.
const BATCH_BYTES: usize = 4 << 20;
/// Records gathered into one batch.
const BATCH_RECORDS: u32 = 10_000;
/// How long to wait before a full journal is tried again.
const FULL_WAIT: Duration = Duration::from_millis(250);
/// How long the last batches may take to reach the table.
const DRAIN_MAX: Duration = Duration::from_secs(3600);

/// Load files into a data directory or a running server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate import --data tidegate-data --intake gateway gateway-dns.ndjson.gz")]
pub(crate) struct Args {
    /// The intake that receives the records; it decides the format
    #[arg(long, value_name = "NAME", required_unless_present = "url")]
    intake: Option<String>,
    /// Data directory to load into; no server may run on it
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// Server to load into instead; the intake's key is read from TIDEGATE_INTAKE_KEY or asked for
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Configuration file, for the data directory
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Print what was loaded as JSON
    #[arg(long)]
    json: bool,
    /// NDJSON, a JSON array, gzip or zstd, told apart by content; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

/// Finds the times of records whose format is only known to the server: by the first of our formats that finds one.
struct Times {
    parsers: Vec<Parser>,
    timestamp: Option<FieldId>,
    arena: Bump,
    oldest: Option<Timestamp>,
}

impl Times {
    fn new() -> Result<Self, Failure> {
        let formats = load_catalog(&[])?;
        Ok(Self {
            parsers: formats.iter().map(|format| format.parser()).collect(),
            timestamp: formats.registry().id(names::TIMESTAMP),
            arena: Bump::new(),
            oldest: None,
        })
    }

    /// Looks at the first and the last record of a batch: files are in the order of time, or nearly so.
    fn look(&mut self, lines: &[u8]) {
        let lines = lines.trim_ascii_end();
        let first = lines.split(|byte| *byte == b'\n').next();
        let last = lines.rsplit(|byte| *byte == b'\n').next();
        for line in [first, last].into_iter().flatten() {
            let time = self.time(line);
            self.oldest = self.oldest.into_iter().chain(time).min();
        }
    }

    fn time(&mut self, line: &[u8]) -> Option<Timestamp> {
        let (line, id) = (std::str::from_utf8(line).ok()?, self.timestamp?);
        let mut found = None;
        for (at, parser) in self.parsers.iter_mut().enumerate() {
            self.arena.reset();
            if let Verdict::Event { event, .. } = parser.parse(line, &self.arena)
                && let Some(time) = event.get(id).and_then(|value| value.as_str())
            {
                found = Timestamp::parse_rfc3339(time).ok().map(|time| (at, time));
                break;
            }
        }
        let (at, time) = found?;
        // The next record is most likely of the same format.
        self.parsers.swap(0, at);
        Some(time)
    }

    /// What is to be said of records that are older than what counts in time, if any is.
    fn remark(&self) -> Option<String> {
        let oldest = self.oldest?;
        let bound = Timestamp::now().as_micros() - i64::from(LATENESS_SECONDS) * 1_000_000;
        (oldest.as_micros() < bound).then(|| {
            format!(
                "the oldest records are of {}: where the server has judged newer ones already, rules that count and \
                 behaviour leave them out; load a past into an empty data directory, or `scan` the file",
                oldest.to_rfc3339()
            )
        })
    }
}

/// What was loaded.
#[derive(Default)]
struct Loaden {
    records: u64,
    batches: u64,
    duplicate_batches: u64,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let loaded = match &args.url {
        Some(url) => {
            let key = match std::env::var("TIDEGATE_INTAKE_KEY") {
                Ok(key) => tidegate_state::Secret::new(key),
                Err(_) => ask::existing_key()?,
            };
            let push = Push::new(url, &key)?;
            let mut times = Times::new()?;
            let take = |text: &[u8], records| {
                times.look(text);
                push.lines(text, records)
            };
            let loaded = each_batch(&args.files, &Limits::default(), take)?;
            if let Some(remark) = times.remark() {
                writeln!(stderr().lock(), "tidegate: {remark}")?;
            }
            loaded
        }
        None => into_data(&args)?,
    };
    let mut out = stdout().lock();
    if args.json {
        let Loaden { records, batches, duplicate_batches } = loaded;
        writeln!(out, "{}", json!({"records": records, "batches": batches, "duplicate_batches": duplicate_batches}))?;
    } else {
        writeln!(out, "{} in {}", counted(loaded.records, "record"), counted(loaded.batches, "batch"))?;
        if loaded.duplicate_batches > 0 {
            writeln!(out, "{} of the batches were there already and are stored once", loaded.duplicate_batches)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn into_data(args: &Args) -> Result<Loaden, Failure> {
    let data = args.data.as_ref().map(|dir| dir.display().to_string());
    let config = Config::load(&Sources::of_process(args.config.as_deref()).with("data.dir", data))?;
    logging::start(&config);
    let (node, first) = Node::open(&config)?;
    if let Some(first) = first {
        tracing::warn!(
            "new data directory; first login (shown this once): user `{}`, password `{}`",
            first.user,
            first.password.reveal()
        );
    }
    let name = args.intake.as_deref().unwrap_or_default();
    let intake = node.state.intake_by_name(name).ok_or_else(|| {
        let dir = config.data.dir.display();
        Failure::Usage(eyre!(
            "no intake is named `{name}`; make one with `tidegate intake create {name} --format NAME --data {dir}`"
        ))
    })?;
    let loaded = each_batch(&args.files, &config.limits, |text, records| append(&node, &intake, text, records));
    // What was appended is acknowledged, whatever came after it.
    let drained = node.drain(DRAIN_MAX);
    node.stop();
    let loaded = loaded?;
    if drained {
        Ok(loaded)
    } else {
        Err(Failure::Work(eyre!(
            "the records are in the journal, but not all in the table yet; the next start reads them"
        )))
    }
}

/// Gathers records into batches of lines and hands each to `take`, which says whether it was a duplicate.
fn each_batch(
    files: &[PathBuf],
    limits: &Limits,
    mut take: impl FnMut(&[u8], u32) -> Result<bool, Failure>,
) -> Result<Loaden, Failure> {
    let mut inputs = Inputs::open(files, limits, "loading");
    let (mut text, mut records) = (Vec::with_capacity(BATCH_BYTES + (64 << 10)), 0);
    let mut loaded = Loaden::default();
    let mut send = |text: &mut Vec<u8>, records: &mut u32| -> Result<(), Failure> {
        if *records > 0 {
            loaded.duplicate_batches += u64::from(take(text, *records)?);
            loaded.batches += 1;
            loaded.records += u64::from(*records);
        }
        text.clear();
        *records = 0;
        Ok(())
    };
    while let Some((_, chunk)) = inputs.next()? {
        for record in chunk.records() {
            if record.raw.trim_ascii().is_empty() {
                continue;
            }
            // A line break between the tokens of a JSON document is only white space; inside strings there is none.
            text.extend(record.raw.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
            text.push(b'\n');
            records += 1;
            if text.len() >= BATCH_BYTES || records >= BATCH_RECORDS {
                send(&mut text, &mut records)?;
            }
        }
    }
    send(&mut text, &mut records)?;
    Ok(loaded)
}

fn append(node: &Node, intake: &Intake, text: &[u8], records: u32) -> Result<bool, Failure> {
    let entry = Entry {
        intake: intake.id,
        received: Timestamp::now(),
        records,
        head: Head::new(Framing::Lines).to_bytes(),
        body: crate::push::gzip(text)?.into(),
    };
    loop {
        match node.journal.append_wait(entry.clone()) {
            Ok(receipt) => return Ok(receipt.duplicate),
            Err(JournalError::Full { .. } | JournalError::Busy { .. }) if node.pipeline.failure().is_none() => {
                std::thread::sleep(FULL_WAIT);
            }
            Err(error) => return Err(Failure::Work(eyre!(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_is_remarked_and_the_present_is_not() {
        let record = |time: &str| format!("{{\"Datetime\":\"{time}\",\"QueryName\":\"a.example\"}}\n");
        let remark = |text: &str| {
            let mut times = Times::new().unwrap();
            times.look(text.as_bytes());
            times.remark()
        };
        let now = record(&Timestamp::now().to_rfc3339());
        assert_eq!(remark(&now), None);
        assert_eq!(remark("no record\n"), None);
        for text in [now.clone() + &record("2026-05-04T10:00:00Z"), record("2026-05-04T10:00:00Z") + &now] {
            let said = remark(&text).unwrap();
            assert!(said.starts_with("the oldest records are of 2026-05-04T10:00:00Z: "), "{said}");
        }
    }
}
