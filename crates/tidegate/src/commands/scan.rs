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
use tidegate_detect::{Catalogue, CatalogueParts, Effort, RuleSources, Settings, Severity};
use tidegate_event::{Registry, Timestamp};
use tidegate_formats::enrich::{EnrichOptions, Enricher};
use tidegate_formats::{Format, Parser, Verdict};

use crate::exit::{Failure, NOT_MET, Outcome};
use crate::input::Inputs;
use crate::node::load_catalog;
use crate::table::printable;

/// Rejected records that are named; the others are counted.
const REJECTS_SAID_MAX: u64 = 5;

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
    let catalogue = catalogue(&args, formats.registry())?;
    let enricher = Enricher::new(formats.registry(), format.manifest(), &EnrichOptions::default())
        .map_err(|error| Failure::Config(eyre!(error)))?;
    let mut work = Work::new(format, enricher, catalogue);
    let mut inputs = Inputs::open(&args.files, &Limits::default(), "scanning");
    while let Some((name, chunk)) = inputs.next()? {
        for record in chunk.records() {
            work.record(&name, record.line, &record.raw, record.oversize)?;
        }
    }
    let alerts = work.finish()?;
    print(&alerts, args.json)?;
    let met = args.fail_on.is_some_and(|severity| reaches(&alerts, severity));
    Ok(if met { ExitCode::from(NOT_MET) } else { ExitCode::SUCCESS })
}

/// The rules to scan with. A rule file that was named and cannot be used is an error here: the answer would not be the
/// one that was asked for.
fn catalogue(args: &Args, registry: &Arc<Registry>) -> Result<Arc<Catalogue>, Failure> {
    let mut sources = RuleSources::embedded();
    for path in &args.rules {
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
    match problems.iter().chain(&sources.problems).any(|problem| problem.grade == tidegate_detect::Grade::Error) {
        true => Err(Failure::Usage(eyre!("some rules cannot be used"))),
        false => Ok(Arc::new(catalogue)),
    }
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
    rejects: u64,
}

impl Work {
    fn new(format: &Arc<Format>, enricher: Enricher, catalogue: Arc<Catalogue>) -> Self {
        // Records tell their own times; nothing is known of their receipt.
        let scan = Scan::new(catalogue, Timestamp::now());
        Self { parser: format.parser(), enricher, scan, arena: Bump::new(), rejects: 0 }
    }

    fn record(&mut self, file: &str, line: u32, raw: &[u8], oversize: bool) -> std::io::Result<()> {
        let reason = match std::str::from_utf8(raw) {
            _ if oversize => Some("it is too long".to_owned()),
            Err(error) => Some(format!("it is not UTF-8: byte {} is damaged", error.valid_up_to())),
            Ok(text) => match self.parser.parse(text, &self.arena) {
                Verdict::Reject { reason } => Some(reason.to_owned()),
                Verdict::Event { mut event, .. } => {
                    self.enricher.enrich(&mut event, &self.arena);
                    self.scan.event(&mut event, &self.arena);
                    None
                }
            },
        };
        self.arena.reset();
        let Some(reason) = reason else { return Ok(()) };
        self.rejects += 1;
        if self.rejects <= REJECTS_SAID_MAX {
            writeln!(stderr().lock(), "{file}: line {line} is left out: {reason}")?;
        }
        Ok(())
    }

    fn finish(self) -> std::io::Result<Vec<Alert>> {
        let mut err = stderr().lock();
        if self.rejects > REJECTS_SAID_MAX {
            writeln!(err, "{} records were left out", self.rejects)?;
        }
        let (alerts, counters, left_out) = self.scan.finish();
        for (rule, dropped) in &counters.dropped {
            writeln!(err, "rule `{rule}` could not look at everything: {dropped:?}")?;
        }
        if left_out > 0 {
            writeln!(err, "{left_out} findings are more than a scan prints")?;
        }
        Ok(alerts)
    }
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
            "{}  {:13} {}  {} events  {}{}{}",
            alert.first_seen.to_rfc3339(),
            alert.rule.severity.as_str(),
            alert.rule.name,
            alert.count,
            group.join(" "),
            if alert.note.is_empty() { "" } else { "  " },
            printable(&alert.note)
        )?;
    }
    let counts: Vec<String> =
        by_severity.iter().rev().map(|(severity, count)| format!("{count} {}", severity.as_str())).collect();
    let of_them = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    writeln!(out, "{} alerts{of_them}", alerts.len())
}
