//! The binary: command line, configuration, wiring. It asks the rooms below and decides nothing of theirs.

mod ask;
mod bucket;
mod client;
mod commands;
mod config;
mod describe;
mod detection;
mod edge;
mod exit;
mod hunt;
mod input;
mod logging;
mod logpush;
mod node;
mod place;
mod progress;
mod push;
mod table;
mod when;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    config as config_verb, demo, feeds, formats, generate, import, indicators, intake, logpush as logpush_verb, parse,
    retrohunt, rules, scan, search, serve, sql, user,
};

/// Parsing a record allocates little, but Arrow builders and Parquet pages do: mimalloc gives their memory back sooner.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tidegate receives Cloudflare Gateway DNS logs, normalises them to ECS and lets you search them.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The whole product on made-up but realistic traffic
    Demo(demo::Args),
    /// Intake, pipeline, API and web pages in one process
    Serve(serve::Args),
    /// Raw records in, one ECS event a line out
    Parse(parse::Args),
    /// Run parser and detections over files and print the alerts
    Scan(scan::Args),
    /// List, show and test formats
    Formats(formats::Args),
    /// List, show, check and test detection rules
    Rules(rules::Args),
    /// Load files into a data directory or a running server
    Import(import::Args),
    /// Import, list and end indicators
    Indicators(indicators::Args),
    /// Add, list and refresh feeds of indicators
    Feeds(feeds::Args),
    /// Look for indicators in stored events
    Retrohunt(retrohunt::Args),
    /// Find events with the events query language
    Search(search::Args),
    /// Query events with read-only SQL
    Sql(sql::Args),
    /// Create, list, rotate and delete intakes
    Intake(intake::Args),
    /// Create, check and change the jobs at Cloudflare that send logs here
    Logpush(logpush_verb::Args),
    /// Add, list and change users and their tokens
    User(user::Args),
    /// Check and show the configuration
    Config(config_verb::Args),
    /// Write made-up Gateway DNS records to a file
    Generate(generate::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.verb {
        Verb::Demo(args) => demo::run(args),
        Verb::Serve(args) => serve::run(args),
        Verb::Parse(args) => parse::run(args),
        Verb::Scan(args) => scan::run(args),
        Verb::Formats(args) => formats::run(args),
        Verb::Rules(args) => rules::run(args),
        Verb::Import(args) => import::run(args),
        Verb::Indicators(args) => indicators::run(args),
        Verb::Feeds(args) => feeds::run(args),
        Verb::Retrohunt(args) => retrohunt::run(args),
        Verb::Search(args) => search::run(args),
        Verb::Sql(args) => sql::run(args),
        Verb::Intake(args) => intake::run(args),
        Verb::Logpush(args) => logpush_verb::run(args),
        Verb::User(args) => user::run(args),
        Verb::Config(args) => config_verb::run(args),
        Verb::Generate(args) => generate::run(args),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
