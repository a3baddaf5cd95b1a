//! `tidegate scan`: files of captured traffic in, alerts out. No server.

use std::collections::BTreeMap;
use std::io::{Write, stderr, stdout};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bumpalo::Bump;
use eyre::{WrapErr, eyre};
use tidegate_batch::Limits;
use tidegate_detect::intel::{self, Indicator, IndicatorsBuilder, ReadOptions};
use tidegate_detect::lists::Lists;
use tidegate_detect::scan::{Alert, Scan, reaches};
use tidegate_detect::{Catalogue, CatalogueParts, Effort, RuleSources, Settings, Severity, counted};
use tidegate_event::{Registry, Timestamp};
use tidegate_formats::enrich::{EnrichOptions, Enricher};
use tidegate_formats::{Format, Parser, Verdict};

use super::parse::too_long;
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::input::Inputs;
use crate::node::load_catalog;
use crate::table::printable;

/// Rejected records that are named; the others are counted.
const REJECTS_SAID_MAX: u64 = 5;
/// Reasons that are told apart.
const REASONS_MAX: usize = 1_000;
/// Reasons that are said.
const REASONS_SAID_MAX: usize = 10;

/// Run parser and detections over files and print the alerts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate generate --for 1h --rate 200 | tidegate scan --effort master -")]
pub(crate) struct Args {
    /// The format of the records; `tidegate formats list` names them
    #[arg(long, value_name = "NAME", default_value = "cloudflare-gateway-dns")]
    format: String,
    /// Rule files and folders of your own, beside the built-in rules
    #[arg(long, value_name = "PATH", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// Folders with lists of names of your own
    #[arg(long, value_name = "DIR")]
    lists: Vec<PathBuf>,
    /// Rules up to this effort are on: elementary, intermediate, advanced or master
    #[arg(long, value_name = "LEVEL", default_value = "advanced")]
    effort: Effort,
    /// Files with indicators: STIX 2.1, MISP, CSV or plain text
    #[arg(long, value_name = "FILE", num_args = 1..)]
    indicators: Vec<PathBuf>,
    /// End with exit code 1 when an alert is at least this severe: informational, low, medium, high or critical
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Folders with formats of your own
    #[arg(long, value_name = "DIR")]
    formats: Vec<PathBuf>,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    /// NDJSON, a JSON array, gzip or zstd, told apart by content; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let formats = load_catalog(&args.formats)?;
    let format = formats.get(&args.format).ok_or_else(|| {
        Failure::Usage(eyre!("no format is named `{}`; `tidegate formats list` names them", args.format))
    })?;
    let (catalogue, broken) = catalogue(&args, formats.registry())?;
    let enricher = Enricher::new(formats.registry(), format.manifest(), &EnrichOptions::default())
        .map_err(|error| Failure::Config(eyre!(error)))?;
    let limits = Limits::default();
    let mut work = Work::new(format, enricher, catalogue, limits.record_bytes_max);
    let mut inputs = Inputs::open(&args.files, &limits, "scanning");
    while let Some((name, chunk)) = inputs.next()? {
        for record in chunk.records() {
            work.record(&name, record.line, &record.raw, record.oversize)?;
        }
    }
    let (alerts, tally) = work.finish()?;
    // With --json only alerts are for the reader of standard output.
    match args.json {
        true => tally.print(&mut stderr().lock())?,
        false => tally.print(&mut stdout().lock())?,
    }
    print(&alerts, args.json)?;
    if args.fail_on.is_some_and(|severity| reaches(&alerts, severity)) {
        return Ok(ExitCode::from(NOT_MET));
    }
    match broken {
        0 => Ok(ExitCode::SUCCESS),
        _ => Err(Failure::Usage(eyre!("{} in the rules; the others judged", counted(broken, "mistake")))),
    }
}

/// The rules to scan with, and how many mistakes left some out: those are said, and the others judge.
fn catalogue(args: &Args, registry: &Arc<Registry>) -> Result<(Arc<Catalogue>, u64), Failure> {
    let mut sources = RuleSources::embedded();
    for path in &args.rules {
        if !path.exists() {
            return Err(Failure::Usage(eyre!("no rules are at `{}`", path.display())));
        }
        sources.add_path(path);
    }
    let mut lists = Lists::embedded();
    for folder in &args.lists {
        if let Some(problem) = lists.load_folder(folder).first() {
            return Err(Failure::Usage(eyre!("{problem}")));
        }
    }
    let settings = Settings { effort: args.effort, ..Settings::default() };
    let (catalogue, problems) = Catalogue::build(&CatalogueParts {
        registry: Arc::clone(registry),
        rules: &sources.files,
        settings: &settings,
        lists: Arc::new(lists),
        indicators: Arc::new(indicators(args)?.build().0),
    });
    let mut err = stderr().lock();
    for problem in sources.problems.iter().chain(&problems) {
        writeln!(err, "{problem}")?;
    }
    let all = problems.iter().chain(&sources.problems);
    let broken = all.filter(|problem| problem.grade == tidegate_detect::Grade::Error).count() as u64;
    Ok((Arc::new(catalogue), broken))
}

fn indicators(args: &Args) -> Result<IndicatorsBuilder, Failure> {
    let mut builder = IndicatorsBuilder::default().with_self_test();
    for path in &args.indicators {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let name = path.display().to_string();
        let mut taken = |indicator: Indicator| {
            builder.add(0, "scan", &name, &indicator);
            ControlFlow::Continue(())
        };
        intel::read(file, &ReadOptions::default(), &mut taken)
            .map_err(|error| Failure::Usage(eyre!(error).wrap_err(format!("indicators in `{name}`"))))?;
    }
    Ok(builder)
}

/// Records on their way to the judge.
struct Work {
    parser: Parser,
    enricher: Enricher,
    scan: Scan,
    arena: Bump,
    record_bytes_max: usize,
    tally: Tally,
}

impl Work {
    fn new(format: &Arc<Format>, enricher: Enricher, catalogue: Arc<Catalogue>, record_bytes_max: usize) -> Self {
        // Records tell their own times; nothing is known of their receipt.
        let scan = Scan::new(catalogue, Timestamp::now());
        let (parser, arena) = (format.parser(), Bump::new());
        Self { parser, enricher, scan, arena, record_bytes_max, tally: Tally::default() }
    }

    fn record(&mut self, file: &str, line: u32, raw: &[u8], oversize: bool) -> std::io::Result<()> {
        let reason = match std::str::from_utf8(raw) {
            _ if oversize => Some(too_long(self.record_bytes_max)),
            Err(error) => Some(format!("the record is not UTF-8: byte {} is damaged", error.valid_up_to())),
            Ok(text) => match self.parser.parse(text, &self.arena) {
                Verdict::Reject { reason } => Some(reason.to_owned()),
                Verdict::Event { mut event, warnings } => {
                    self.tally.event(&warnings);
                    self.enricher.enrich(&mut event, &self.arena);
                    self.scan.event(&mut event, &self.arena);
                    None
                }
            },
        };
        self.arena.reset();
        let Some(reason) = reason else { return Ok(()) };
        self.tally.reject(&reason);
        if self.tally.invalid <= REJECTS_SAID_MAX {
            writeln!(stderr().lock(), "{file}: line {line} is left out: {reason}")?;
        }
        Ok(())
    }

    fn finish(self) -> std::io::Result<(Vec<Alert>, Tally)> {
        let mut err = stderr().lock();
        let (alerts, counters, left_out) = self.scan.finish();
        for (rule, dropped) in &counters.dropped {
            writeln!(err, "rule `{rule}` could not look at everything: {dropped:?}")?;
        }
        if left_out > 0 {
            writeln!(err, "{left_out} findings are more than a scan prints")?;
        }
        Ok((alerts, self.tally))
    }
}

/// What became of the records.
#[derive(Default)]
struct Tally {
    valid: u64,
    warning: u64,
    invalid: u64,
    /// Reasons without their places, and how many records had each.
    reasons: BTreeMap<String, u64>,
}

impl Tally {
    fn event(&mut self, warnings: &[&str]) {
        match warnings {
            [] => self.valid += 1,
            _ => self.warning += 1,
        }
        warnings.iter().for_each(|warning| self.reason(warning));
    }

    fn reject(&mut self, reason: &str) {
        self.invalid += 1;
        self.reason(reason);
    }

    fn reason(&mut self, reason: &str) {
        let kind = without_places(reason);
        let kind =
            if self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&kind) { kind } else { "other".into() };
        *self.reasons.entry(kind).or_default() += 1;
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Self { valid, warning, invalid, reasons } = self;
        let all = counted(valid + warning + invalid, "record");
        writeln!(out, "{all}: {valid} valid, {warning} warning, {invalid} invalid")?;
        let mut reasons: Vec<_> = reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons.iter().take(REASONS_SAID_MAX) {
            writeln!(out, "  {count}: {}", printable(reason))?;
        }
        if reasons.len() > REASONS_SAID_MAX {
            writeln!(out, "  and {}", counted((reasons.len() - REASONS_SAID_MAX) as u64, "further reason"))?;
        }
        Ok(())
    }
}

/// A reason with `N` for the place, so that places do not tell equal reasons apart.
fn without_places(reason: &str) -> String {
    let mut place_follows = false;
    let words = reason.split(' ').map(|word| {
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_place = place_follows && rest.len() < word.len();
        place_follows = matches!(word, "byte" | "line" | "column" | "character");
        if is_place { format!("N{rest}") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn print(alerts: &[Alert], json: bool) -> std::io::Result<()> {
    let mut out = stdout().lock();
    if json {
        return alerts.iter().try_for_each(|alert| writeln!(out, "{}", alert.to_json()));
    }
    let mut by_severity: BTreeMap<Severity, usize> = BTreeMap::new();
    for alert in alerts {
        *by_severity.entry(alert.rule.severity).or_default() += 1;
        let group: Vec<String> =
            alert.group.iter().map(|(name, value)| format!("{name}={}", printable(value))).collect();
        writeln!(
            out,
            "{}  {:13} {}  {}  {}{}{}",
            alert.first_seen.to_rfc3339(),
            alert.rule.severity.as_str(),
            alert.rule.name,
            counted(alert.count, "event"),
            group.join(" "),
            if alert.note.is_empty() { "" } else { "  " },
            printable(&alert.note)
        )?;
    }
    let counts: Vec<String> =
        by_severity.iter().rev().map(|(severity, count)| format!("{count} {}", severity.as_str())).collect();
    let of_them = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    writeln!(out, "{}{of_them}", counted(alerts.len() as u64, "alert"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_with_their_reasons() {
        let mut tally = Tally::default();
        tally.event(&[]);
        tally.event(&["`bad-ip` is no address"]);
        tally.reject("not UTF-8: byte 12: damaged");
        tally.reject("not UTF-8: byte 7: damaged");
        let mut out = Vec::new();
        tally.print(&mut out).unwrap();
        let expected =
            "4 records: 1 valid, 1 warning, 2 invalid\n  2: not UTF-8: byte N: damaged\n  1: `bad-ip` is no address\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
