//! `tidegate rules`: which rules there are, whether files of rules are right, whether their cases hold.

use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use eyre::{WrapErr, eyre};
use serde_json::json;
use tidegate_detect::intel::IndicatorsBuilder;
use tidegate_detect::lists::Lists;
use tidegate_detect::{
    Catalogue, CatalogueParts, Effort, RuleSettings, RuleSources, Settings, cases, check, counted, navigator,
};
use tidegate_event::Registry;

use crate::exit::{Failure, NOT_MET, Outcome};
use crate::node::load_catalog;

/// List, show, check and test detection rules
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate rules list --json")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Rule files and folders of your own, beside the built-in rules
    #[arg(long, value_name = "PATH", global = true)]
    rules: Vec<PathBuf>,
    /// Rules up to this effort are on: elementary, intermediate, advanced or master
    #[arg(long, value_name = "LEVEL", default_value = "advanced", global = true)]
    effort: Effort,
    /// Folders with formats of your own
    #[arg(long, value_name = "DIR", global = true)]
    formats: Vec<PathBuf>,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rules
    #[command(after_help = "Example:\n  tidegate rules list --effort master")]
    List,
    /// Show one rule
    #[command(after_help = "Example:\n  tidegate rules show eicar-detection")]
    Show {
        /// Its id, short name or title
        rule: String,
    },
    /// Say file, line and column of every mistake
    #[command(after_help = "Example:\n  tidegate rules check ./my-rules")]
    Check {
        /// Rule files and folders; the built-in rules when none is named
        paths: Vec<PathBuf>,
    },
    /// Run the cases that rules ship with
    #[command(after_help = "Example:\n  tidegate rules test")]
    Test {
        /// A folder with rules and `cases/<rule>.yml` below it; the built-in rules when none is named
        dir: Option<PathBuf>,
    },
    /// Write a layer for the ATT&CK Navigator
    #[command(after_help = "Example:\n  tidegate rules navigator > layer.json")]
    Navigator,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let formats = load_catalog(&args.formats)?;
    let registry = formats.registry();
    match &args.verb {
        Verb::List => list(&args, registry),
        Verb::Show { rule } => show(&args, registry, rule),
        Verb::Check { paths } => check_paths(&args, registry, paths),
        Verb::Test { dir } => test(&args, registry, dir.as_deref()),
        Verb::Navigator => {
            let catalogue = load(&args, registry)?;
            let layer = navigator::layer("Tidegate", catalogue.rules());
            writeln!(stdout().lock(), "{}", serde_json::to_string_pretty(&layer).map_err(|error| eyre!(error))?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn sources(paths: &[PathBuf]) -> RuleSources {
    let mut sources = RuleSources::embedded();
    paths.iter().for_each(|path| sources.add_path(path));
    sources
}

/// The built-in rules and those named. Mistakes are said, and the other rules used.
fn load(args: &Args, registry: &Arc<Registry>) -> Result<Arc<Catalogue>, Failure> {
    let sources = sources(&args.rules);
    let settings = Settings { effort: args.effort, ..Settings::default() };
    let (catalogue, problems) = build(registry, &sources, &settings);
    let mut err = stderr().lock();
    for problem in sources.problems.iter().chain(&problems) {
        writeln!(err, "{problem}")?;
    }
    Ok(catalogue)
}

fn build(
    registry: &Arc<Registry>,
    sources: &RuleSources,
    settings: &Settings,
) -> (Arc<Catalogue>, Vec<tidegate_detect::Problem>) {
    let builder = IndicatorsBuilder::default().with_self_test();
    let (catalogue, problems) = Catalogue::build(&CatalogueParts {
        registry: Arc::clone(registry),
        rules: &sources.files,
        settings,
        lists: Arc::new(Lists::embedded()),
        indicators: Arc::new(builder.build().0),
    });
    (Arc::new(catalogue), problems)
}

fn list(args: &Args, registry: &Arc<Registry>) -> Outcome {
    let catalogue = load(args, registry)?;
    let mut out = stdout().lock();
    for rule in catalogue.rules() {
        if args.json {
            writeln!(out, "{}", rule.list_line())?;
        } else {
            let state = if rule.enabled { "on " } else { "off" };
            let (effort, severity) = (rule.effort.as_str(), rule.severity.as_str());
            writeln!(out, "{state} {effort:12} {severity:13} {:46} {}", rule.slug, rule.name)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &Args, registry: &Arc<Registry>, text: &str) -> Outcome {
    let catalogue = load(args, registry)?;
    let rule = catalogue
        .find(text)
        .ok_or_else(|| Failure::Usage(eyre!("no rule is named `{text}`; `tidegate rules list` names them")))?;
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&**rule).map_err(|error| eyre!(error))?)?;
    } else {
        writeln!(out, "# {}, {}", rule.path, if rule.enabled { "on" } else { "off" })?;
        writeln!(out, "{}", rule.yaml.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// 2 when a rule had to be left out: scripts rely on it.
fn check_paths(args: &Args, registry: &Arc<Registry>, paths: &[PathBuf]) -> Outcome {
    let sources = if paths.is_empty() {
        sources(&args.rules)
    } else {
        let mut sources = RuleSources::default();
        paths.iter().for_each(|path| sources.add_path(path));
        sources
    };
    let checked = check::check(&sources, registry, &Settings::default());
    let mut out = stdout().lock();
    for problem in &checked.problems {
        if args.json {
            writeln!(out, "{}", serde_json::to_string(problem).map_err(|error| eyre!(error))?)?;
        } else {
            writeln!(out, "{problem}")?;
        }
    }
    if !args.json {
        let remark = match checked.not_applicable {
            0 => String::new(),
            count => format!(", {count} of them for other products"),
        };
        let (rules, remarks) =
            (counted(checked.rules as u64, "rule"), counted(checked.problems.len() as u64, "remark"));
        writeln!(out, "{rules}{remark}, {remarks}")?;
    }
    Ok(if checked.failed() { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn test(args: &Args, registry: &Arc<Registry>, dir: Option<&Path>) -> Outcome {
    let mut rules = RuleSources::embedded();
    let all: Vec<(String, String)> = match dir {
        None => cases::embedded().map(|(stem, text)| (stem.to_owned(), text.to_owned())).collect(),
        Some(dir) => {
            rules.add_path(dir);
            cases_below(dir)?
        }
    };
    // Rules that others are built of, or that are off at any effort, have cases too.
    let on = RuleSettings { enabled: Some(true), ..RuleSettings::default() };
    let enabled = all.iter().map(|(stem, _)| (stem.clone(), on.clone())).collect();
    let settings = Settings { effort: Effort::Master, rules: enabled, ..Settings::default() };
    // Case files lie among the rules and are no rules.
    rules.files.retain(|file| !file.path.contains("/cases/"));
    let (catalogue, problems) = build(registry, &rules, &settings);
    let (mut passed, mut failed) = (0_u64, 0_u64);
    let mut out = stdout().lock();
    for problem in &problems {
        failed += u64::from(problem.grade == tidegate_detect::Grade::Error);
        writeln!(stderr().lock(), "{problem}")?;
    }
    for (stem, text) in &all {
        let results = match catalogue.find(stem) {
            None => Err(format!("cases of `{stem}`: no rule is named so")),
            Some(rule) => cases::run(rule, text, &catalogue, registry),
        };
        let results = results.unwrap_or_else(|failure| {
            vec![cases::CaseResult { rule: stem.clone(), case: "file".to_owned(), failure: Some(failure) }]
        });
        for result in results {
            let pass = result.failure.is_none();
            if pass {
                passed += 1
            } else {
                failed += 1
            }
            if args.json {
                let line = json!({"rule": result.rule, "case": result.case, "pass": pass, "failure": result.failure});
                writeln!(out, "{line}")?;
            } else if let Some(failure) = &result.failure {
                writeln!(out, "FAILED {} {}: {failure}", result.rule, result.case)?;
            }
        }
    }
    if !args.json {
        writeln!(out, "{passed} passed, {failed} failed")?;
    }
    Ok(if failed > 0 { ExitCode::from(NOT_MET) } else { ExitCode::SUCCESS })
}

/// The case files of a folder of rules, by stem.
fn cases_below(dir: &Path) -> Result<Vec<(String, String)>, Failure> {
    let folder = dir.join("cases");
    if !folder.is_dir() {
        let what =
            if dir.is_file() { "is a file; name the folder that holds it and" } else { "is no folder with rules and" };
        return Err(Failure::Usage(eyre!("`{}` {what} `cases/<short name>.yml`", dir.display())));
    }
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            found.push((stem, text));
        }
    }
    found.sort();
    Ok(found)
}
