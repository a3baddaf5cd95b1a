//! `tidegate generate`: made-up Gateway DNS records to a file, with attacks planted in them and the truth beside.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use eyre::{WrapErr, eyre};
use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate_event::Timestamp;
use tidegate_traffic::{Config, FieldSet, Generator, Load, Scenarios, TimeFormat};

use crate::exit::{Failure, Outcome};
use crate::progress::Progress;
use crate::when::{parse_duration, parse_moment};

/// Records made between two looks at the progress bar.
const CHUNK: usize = 10_000;
/// What is written when neither a number nor a length of time is given.
const EVENTS: u64 = 100_000;
/// Scenarios come back this often, and once in whatever is shorter.
const PERIOD: Duration = Duration::from_secs(6 * 3600);
/// A period below this has no room for a scenario.
const PERIOD_MIN: Duration = Duration::from_secs(60);

/// Write made-up Gateway DNS records to a file, as Logpush would deliver them
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate generate --for 1h --rate 200 --truth truth.json -o gateway-dns.ndjson.gz")]
pub(crate) struct Args {
    /// The same seed and settings give the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many records [default: 100000, or as many as --for takes]
    #[arg(long, value_name = "N", conflicts_with = "length")]
    events: Option<u64>,
    /// How much time the records cover, for example `24h`
    #[arg(long = "for", id = "length", value_name = "D", value_parser = parse_duration)]
    length: Option<Duration>,
    /// Time of the first record: RFC 3339, a date, `now` or an age such as `24h` [default: a Monday, 2026-03-02T08:00:00Z]
    #[arg(long, value_name = "T")]
    start: Option<String>,
    /// Records a second, on average over a week
    #[arg(long, value_name = "EPS", default_value_t = 200.0)]
    rate: f64,
    /// The same rate day and night
    #[arg(long)]
    flat: bool,
    /// People of the made-up organisation
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    users: u32,
    /// Fields of a record: full (all 82), documented (the two documented samples) or default
    #[arg(long, value_name = "SET", default_value = "default")]
    fields: FieldSet,
    /// How Datetime is written: rfc3339, rfc3339ms, rfc3339ns, unix or unixnano
    #[arg(long, value_name = "FORMAT", default_value = "rfc3339")]
    time_format: TimeFormat,
    /// Attacks to plant: all, none, or names separated by commas
    #[arg(long, value_name = "NAMES", default_value = "all")]
    scenarios: Scenarios,
    /// Compress; also when the file's name ends in .gz
    #[arg(long)]
    gzip: bool,
    /// Where to write; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Also write what was planted, as JSON
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let config = config(&args)?;
    let until = args.length.map(|length| {
        let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(config.start.as_micros().saturating_add(micros).saturating_sub(1))
    });
    let mut generator = Generator::new(config).map_err(|error| Failure::Usage(error.into()))?;
    let records = match until {
        Some(until) => write(&args, &mut generator, u64::MAX, until)?,
        None => write(&args, &mut generator, args.events.unwrap_or(EVENTS), Timestamp::from_micros(i64::MAX))?,
    };
    tracing::debug!(records, "generated");
    if let Some(path) = &args.truth {
        std::fs::write(path, generator.truth().to_json())
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the arguments ask for. Scenarios are spread over what is written, so that a short file holds them too.
fn config(args: &Args) -> Result<Config, Failure> {
    let start = match &args.start {
        Some(text) => parse_moment(text, Timestamp::now()).map_err(|message| Failure::Usage(eyre!(message)))?,
        None => Config::default().start,
    };
    let seconds = args.events.unwrap_or(EVENTS) as f64 / args.rate.max(0.001);
    let covers = args.length.unwrap_or_else(|| Duration::try_from_secs_f64(seconds).unwrap_or(PERIOD));
    Ok(Config {
        seed: args.seed,
        start,
        rate_eps: args.rate,
        load: if args.flat { Load::Flat } else { Load::Diurnal },
        users: args.users,
        devices: args.users.saturating_mul(15) / 8 + 10,
        scenarios: args.scenarios.clone(),
        scenario_period: covers.clamp(PERIOD_MIN, PERIOD),
        fields: args.fields,
        time_format: args.time_format,
        ..Config::default()
    })
}

/// Writes at most so many records up to a moment, and says how many there were.
fn write(args: &Args, generator: &mut Generator, events: u64, until: Timestamp) -> Result<u64, Failure> {
    let mut out = Output::open(args)?;
    let start = generator.config().start.as_micros();
    // By records when they are counted, else by the seconds they cover.
    let covers = until.as_micros().saturating_sub(start).unsigned_abs();
    let mut progress = Progress::start("generating", Some(if events == u64::MAX { covers } else { events }), false);
    let mut text = Vec::new();
    let (mut written, mut reached) = (0, start);
    loop {
        // A step of time at most, so that the bar moves with a thin load too.
        let left = usize::try_from(events - written).unwrap_or(usize::MAX).min(CHUNK);
        let step = if events == u64::MAX { (covers / 200).max(1) as i64 } else { i64::MAX };
        reached = reached.saturating_add(step).min(until.as_micros());
        text.clear();
        let made = generator.next_batch(Timestamp::from_micros(reached), left, &mut text);
        out.write_all(&text)?;
        written += made as u64;
        if made == left {
            // There is more up to this moment.
            reached = reached.saturating_sub(step).max(start);
        }
        let position = if events == u64::MAX { reached.abs_diff(start) } else { written };
        progress.at(position, || format!("{written} records"));
        if written == events || (made < left && reached == until.as_micros()) {
            break;
        }
    }
    out.finish()?;
    progress.finish();
    Ok(written)
}

/// Where records go, compressed or not.
enum Output {
    Plain(Box<dyn Write>),
    Gzip(Box<GzEncoder<Box<dyn Write>>>),
}

impl Output {
    fn open(args: &Args) -> Result<Self, Failure> {
        let writer: Box<dyn Write> = if args.output == Path::new("-") {
            Box::new(stdout().lock())
        } else {
            let file =
                File::create(&args.output).with_context(|| format!("cannot write `{}`", args.output.display()))?;
            Box::new(BufWriter::with_capacity(1 << 20, file))
        };
        let named = args.output.extension().is_some_and(|extension| extension == "gz");
        Ok(if args.gzip || named {
            Self::Gzip(Box::new(GzEncoder::new(writer, Compression::default())))
        } else {
            Self::Plain(writer)
        })
    }

    fn write_all(&mut self, text: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(writer) => writer.write_all(text),
            Self::Gzip(writer) => writer.write_all(text),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Plain(mut writer) => writer.flush(),
            Self::Gzip(writer) => writer.finish()?.flush(),
        }
    }
}
