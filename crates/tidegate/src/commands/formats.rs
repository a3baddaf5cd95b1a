//! `tidegate formats`: which formats there are, and whether their cases hold.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use eyre::{WrapErr, eyre};
use serde_json::json;
use tidegate_event::Timestamp;
use tidegate_formats::{Catalog, Format, cases};

use crate::exit::{Failure, NOT_MET, Outcome};
use crate::node::load_catalog;

/// List, show and test formats
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate formats show cloudflare-gateway-dns")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Folders with formats of your own
    #[arg(long, value_name = "DIR", global = true)]
    formats: Vec<PathBuf>,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the formats that are loaded
    #[command(after_help = "Example:\n  tidegate formats list --json")]
    List,
    /// Show one format and the fields it may produce
    #[command(after_help = "Example:\n  tidegate formats show cloudflare-gateway-dns")]
    Show {
        /// Its name or UUID
        name: String,
    },
    /// Run every case below a folder against the format beside it
    #[command(after_help = "Example:\n  tidegate formats test ./my-formats")]
    Test {
        /// The folder: VENDOR/FORMAT/{_meta,ingest,tests}, whatever tree it is
        dir: PathBuf,
        /// Only the cases whose paths this file names, one a line
        #[arg(long, value_name = "LISTFILE")]
        cases: Option<PathBuf>,
    },
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    match &args.verb {
        Verb::List => list(&*load_catalog(&args.formats)?, args.json),
        Verb::Show { name } => {
            let catalog = load_catalog(&args.formats)?;
            let format = catalog.get(name).ok_or_else(|| {
                Failure::Usage(eyre!("no format is named `{name}`; `tidegate formats list` names them"))
            })?;
            show(&catalog, format, args.json)
        }
        Verb::Test { dir, cases } => test(dir, cases.as_deref(), args.json),
    }
}

fn list(catalog: &Catalog, as_json: bool) -> Outcome {
    let mut out = stdout().lock();
    for format in catalog.iter() {
        let manifest = format.manifest();
        if as_json {
            let row = json!({"name": format.name(), "uuid": manifest.uuid, "title": manifest.name});
            writeln!(out, "{row}")?;
        } else {
            writeln!(out, "{:44} {}", format.name(), manifest.name)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(catalog: &Catalog, format: &Format, as_json: bool) -> Outcome {
    let (manifest, registry) = (format.manifest(), catalog.registry());
    let mut out = stdout().lock();
    let fields = format.targets().iter().map(|id| registry.field(*id));
    if as_json {
        let fields: Vec<_> = fields
            .map(|field| json!({"name": &*field.name, "type": format!("{:?}", field.kind).to_lowercase(), "list": field.array}))
            .collect();
        let row = json!({
            "name": format.name(),
            "uuid": manifest.uuid,
            "title": manifest.name,
            "description": manifest.description,
            "fields": fields,
        });
        writeln!(out, "{row}")?;
    } else {
        writeln!(out, "{}  {}\n{}\n", format.name(), manifest.uuid, manifest.description)?;
        for field in fields {
            let kind = format!("{:?}", field.kind).to_lowercase();
            writeln!(out, "{:52} {kind}{}", field.name, if field.array { " (list)" } else { "" })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn test(dir: &std::path::Path, list: Option<&std::path::Path>, as_json: bool) -> Outcome {
    if !dir.is_dir() {
        return Err(Failure::Usage(eyre!("`{}` is no folder", dir.display())));
    }
    let only = match list {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(PathBuf::from).collect::<Vec<_>>())
        }
        None => None,
    };
    let (mut passed, mut failed) = (0_u64, 0_u64);
    let mut out = stdout().lock();
    for case in cases::run(dir, only, Timestamp::now()).with_context(|| format!("cannot read `{}`", dir.display()))? {
        if case.pass {
            passed += 1
        } else {
            failed += 1
        }
        if as_json {
            let diff = (!case.pass).then_some(&case.diff);
            writeln!(out, "{}", json!({"format": case.format, "case": case.case, "pass": case.pass, "diff": diff}))?;
        } else if !case.pass {
            writeln!(out, "FAILED {} {}\n{}\n", case.format, case.case.display(), case.diff.trim_end())?;
        }
    }
    if !as_json {
        writeln!(out, "{passed} passed, {failed} failed")?;
    }
    if passed + failed == 0 {
        let why = if list.is_some() { "that the list names" } else { "(`VENDOR/FORMAT/tests/*.json`)" };
        return Err(Failure::Usage(eyre!("below `{}` is no case {why}", dir.display())));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(NOT_MET) })
}
