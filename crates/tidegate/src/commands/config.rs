//! `tidegate config`: checks and shows the configuration.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::config::{Loaded, Sources, reference};
use crate::exit::Outcome;

/// Check and show the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate config check --config tidegate.toml")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// Configuration file
    #[arg(long, value_name = "FILE", global = true, env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find mistakes; also looks at the files that are named
    #[command(after_help = "Example:\n  tidegate config check --config tidegate.toml")]
    Check,
    /// Print every value in effect and where it comes from
    #[command(after_help = "Example:\n  TIDEGATE_LOG__FORMAT=json tidegate config show --json")]
    Show,
    /// Print the reference page
    #[command(after_help = "Example:\n  tidegate config reference > configuration.md")]
    Reference,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let mut out = std::io::stdout().lock();
    if matches!(args.verb, Verb::Reference) {
        out.write_all(reference().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let loaded = Loaded::read(&Sources::of_process(args.config.as_deref()))?;
    if matches!(args.verb, Verb::Check) {
        loaded.check_files()?;
        let name = args.config.map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
        match args.json {
            true => writeln!(out, "{}", json!({"config": name, "ok": true}))?,
            false => writeln!(out, "{name} has no mistakes")?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    show(&loaded, args.json, &mut out)?;
    Ok(ExitCode::SUCCESS)
}

fn show(loaded: &Loaded, json: bool, out: &mut impl Write) -> std::io::Result<()> {
    let mut last = "";
    for (section, key, value, origin) in loaded.values() {
        let value = value.masked();
        let origin = origin.to_string();
        if json {
            writeln!(out, "{}", json!({"section": section, "key": key, "value": value.to_json(), "origin": origin}))?;
            continue;
        }
        if section != last {
            writeln!(out, "{}[{section}]", if last.is_empty() { "" } else { "\n" })?;
            last = section;
        }
        writeln!(out, "{:<40} # {origin}", format!("{key} = {}", value.to_toml()))?;
    }
    for (index, bucket) in loaded.bucket_values().into_iter().enumerate() {
        if !json {
            writeln!(out, "\n[[buckets]]")?;
        }
        for (key, value) in bucket {
            let value = value.masked();
            match json {
                true => {
                    let section = format!("buckets.{index}");
                    writeln!(
                        out,
                        "{}",
                        json!({"section": section, "key": key, "value": value.to_json(), "origin": "file"})
                    )?;
                }
                false => writeln!(out, "{key} = {}", value.to_toml())?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_toml_with_origins() {
        let sources = Sources::default().with("server.listen", Some("127.0.0.1:9"));
        let loaded = Loaded::read(&sources).unwrap();
        let mut text = Vec::new();
        show(&loaded, false, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("[data]\ndir = \"tidegate-data\"  "), "{text}");
        assert!(text.contains("listen = \"127.0.0.1:9\"                   # command line\n"), "{text}");
        toml::from_str::<toml::Table>(&text).unwrap();
        let mut lines = Vec::new();
        show(&loaded, true, &mut lines).unwrap();
        for line in String::from_utf8(lines).unwrap().lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(row["section"].is_string() && row["origin"].is_string());
        }
    }
}
