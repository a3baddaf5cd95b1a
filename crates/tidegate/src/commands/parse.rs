//! `tidegate parse`: raw records in, one ECS event a line out.

use std::fs::File;
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bumpalo::Bump;
use eyre::{WrapErr, eyre};
use tidegate_batch::Limits;
use tidegate_batch::file::Chunk;
use tidegate_event::{Registry, Value, json};
use tidegate_formats::enrich::{EnrichOptions, Enricher, GeoIp};
use tidegate_formats::{Format, Parser, Verdict};

use crate::exit::{Failure, Outcome};
use crate::input::Inputs;
use crate::node::load_catalog;

/// Bytes gathered before they are written out.
const OUT_BYTES: usize = 1 << 20;
/// Bytes of a rejected record that are repeated in its reject.
const RAW_BYTES_MAX: usize = 1 << 20;

/// Raw records in, one ECS event a line out, in input order
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tidegate generate --events 1000 | tidegate parse --format cloudflare-gateway-dns --enrich -"
)]
pub(crate) struct Args {
    /// The format of the records; `tidegate formats list` names them
    #[arg(long, value_name = "NAME")]
    format: String,
    /// Add what goes beyond the format: decoded answers, name statistics, places
    #[arg(long)]
    enrich: bool,
    /// Where records that cannot be parsed go, a JSON line each; standard error when not given
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Folders with formats of your own
    #[arg(long, value_name = "DIR")]
    formats: Vec<PathBuf>,
    /// MMDB file with cities, for --enrich
    #[arg(long, value_name = "FILE", requires = "enrich")]
    geoip_city: Option<PathBuf>,
    /// MMDB file with networks, for --enrich
    #[arg(long, value_name = "FILE", requires = "enrich")]
    geoip_asn: Option<PathBuf>,
    /// NDJSON, a JSON array, gzip or zstd, told apart by content; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let catalog = load_catalog(&args.formats)?;
    let format = catalog.get(&args.format).ok_or_else(|| {
        Failure::Usage(eyre!("no format is named `{}`; `tidegate formats list` names them", args.format))
    })?;
    let geoip = match (&args.geoip_city, &args.geoip_asn) {
        (None, None) => None,
        (city, asn) => {
            let geoip = GeoIp::open(city.as_deref(), asn.as_deref());
            Some(Arc::new(geoip.map_err(|error| Failure::Config(eyre!(error)))?))
        }
    };
    let options = EnrichOptions { geoip, ..EnrichOptions::default() };
    let enricher = args.enrich.then(|| Enricher::new(catalog.registry(), format.manifest(), &options));
    let enricher = enricher.transpose().map_err(|error| Failure::Config(eyre!(error)))?;
    let rejects: Box<dyn Write> = match &args.rejects {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(stderr())),
    };
    let limits = Limits::default();
    let mut work = Work::new(format, catalog.registry(), enricher, rejects, limits.record_bytes_max);
    let several = args.files.len() > 1;
    let mut inputs = Inputs::open(&args.files, &limits, "parsing");
    while let Some((name, chunk)) = inputs.next()? {
        work.chunk(several.then_some(&*name), &chunk)?;
    }
    work.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The reason for a record that was read only up to the bound.
pub(super) fn too_long(bytes_max: usize) -> String {
    format!("the record is longer than {bytes_max} bytes, the bound")
}

/// What turns chunks of records into lines.
struct Work<'c> {
    parser: Parser,
    enricher: Option<Enricher>,
    registry: &'c Registry,
    arena: Bump,
    out: Vec<u8>,
    rejects: Box<dyn Write>,
    line: Vec<u8>,
    record_bytes_max: usize,
}

impl<'c> Work<'c> {
    fn new(
        format: &Arc<Format>,
        registry: &'c Registry,
        enricher: Option<Enricher>,
        rejects: Box<dyn Write>,
        record_bytes_max: usize,
    ) -> Self {
        let out = Vec::with_capacity(OUT_BYTES + (64 << 10));
        let (parser, arena, line) = (format.parser(), Bump::new(), Vec::new());
        Self { parser, enricher, registry, arena, out, rejects, line, record_bytes_max }
    }

    fn chunk(&mut self, file: Option<&str>, chunk: &Chunk) -> Result<(), Failure> {
        for record in chunk.records() {
            let text = std::str::from_utf8(&record.raw);
            let reason = match text {
                _ if record.oversize => Some(too_long(self.record_bytes_max)),
                Err(error) => Some(format!("the record is not UTF-8: byte {} is damaged", error.valid_up_to())),
                Ok(text) => self.record(text),
            };
            if let Some(reason) = reason {
                self.reject(file, record.line, &reason, &record.raw)?;
            }
            if self.out.len() >= OUT_BYTES {
                self.flush()?;
            }
            self.arena.reset();
        }
        Ok(())
    }

    /// Writes the event; the reason when there is none.
    fn record(&mut self, text: &str) -> Option<String> {
        match self.parser.parse(text, &self.arena) {
            Verdict::Reject { reason } => Some(reason.to_owned()),
            Verdict::Event { mut event, .. } => {
                if let Some(enricher) = &self.enricher {
                    enricher.enrich(&mut event, &self.arena);
                }
                event.write_json(self.registry, &mut self.out);
                self.out.push(b'\n');
                None
            }
        }
    }

    fn reject(&mut self, file: Option<&str>, line: u32, reason: &str, raw: &[u8]) -> Result<(), Failure> {
        self.line.clear();
        self.line.push(b'{');
        if let Some(file) = file {
            self.line.extend_from_slice(b"\"file\":");
            json::write_str(file, &mut self.line);
            self.line.push(b',');
        }
        self.line.extend_from_slice(b"\"line\":");
        json::write_u64(line.into(), &mut self.line);
        self.line.extend_from_slice(b",\"reason\":");
        json::write_str(reason, &mut self.line);
        self.line.extend_from_slice(b",\"raw\":");
        let raw = String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES_MAX)]);
        Value::Str(&raw).write_json(&mut self.line);
        self.line.extend_from_slice(b"}\n");
        self.rejects.write_all(&self.line)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        stdout().lock().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        stdout().lock().flush()?;
        self.rejects.flush()?;
        Ok(())
    }
}
