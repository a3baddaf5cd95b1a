//! `tidegate logpush`: the jobs at Cloudflare that send logs here.

mod compare;
mod create;
mod intakes;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use eyre::eyre;
use serde_json::{Value, json};
use tidegate_logpush::{
    ApiToken, ApiUrl, Client, Dataset, IntakeKey, Job, JobId, LogpushError, Scope, TOKEN_VARIABLE, TokenStatus, curl,
    dataset,
};
use tidegate_state::Secret;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::ask;
use crate::client::one_thread;
use crate::exit::{Failure, Outcome};
use crate::place::{Place, PlaceArgs};
use crate::table;

/// Make, check and change the Logpush jobs that send logs here
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The Cloudflare API token is read from CLOUDFLARE_API_TOKEN, --token-file, the terminal or standard input.\n\n\
                  Example:\n  tidegate logpush create gateway --dataset gateway_dns --account 023e105f4ecef8ad9ca31a8372d0c353 \
                  --public-url https://tidegate.example.com --data tidegate-data"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    cloud: CloudArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
    /// Say what would be sent, and send nothing that changes anything
    #[arg(long, global = true)]
    dry_run: bool,
}

/// The arguments that say where at Cloudflare.
#[derive(Debug, clap::Args)]
struct CloudArgs {
    /// Account whose jobs are meant; default the variable CLOUDFLARE_ACCOUNT_ID
    #[arg(long, value_name = "ID", global = true, conflicts_with = "zone")]
    account: Option<String>,
    /// Zone whose jobs are meant
    #[arg(long, value_name = "ID", global = true)]
    zone: Option<String>,
    /// File whose first line is the Cloudflare API token
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// Server to ask instead of api.cloudflare.com
    #[arg(long, value_name = "URL", global = true)]
    api_url: Option<String>,
}

/// The arguments that say where Cloudflare sends to.
#[derive(Debug, clap::Args)]
struct HereArgs {
    /// Address under which Cloudflare reaches this server; default `server.public_url`, or the server of --url
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// File whose first line is the intake's key, for an intake that is there already
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make an intake and the job that sends to it, after checking that it will work
    #[command(
        after_help = "Example:\n  tidegate logpush create gateway --dataset gateway_dns --account 023e105f4ecef8ad9ca31a8372d0c353 \
                      --public-url https://tidegate.example.com --data tidegate-data --dry-run"
    )]
    Create {
        /// The intake; made when there is none of this name
        intake: String,
        /// What to send; `tidegate logpush fields --help` names the choice
        #[arg(long, value_name = "NAME", default_value = "gateway_dns")]
        dataset: String,
        #[command(flatten)]
        here: HereArgs,
        /// Give an intake that is there already a new key; the old one is taken for a day more
        #[arg(long, conflicts_with = "key_file")]
        rotate_key: bool,
        /// Send exactly the request of the public guide for gateway_dns
        #[arg(long)]
        compat: bool,
        /// Do not try the public address from here, for networks that cannot reach it from inside
        #[arg(long)]
        skip_address: bool,
        /// Take an address of this network for public, as for a relay that forwards to it
        #[arg(long)]
        allow_private: bool,
        /// Header that Cloudflare sends too, its value in a file; for Access: CF-Access-Client-Id and CF-Access-Client-Secret
        #[arg(long, value_name = "NAME=FILE", value_parser = parse_header)]
        header: Vec<(String, PathBuf)>,
    },
    /// List the jobs
    #[command(after_help = "Example:\n  tidegate logpush list --account 023e105f4ecef8ad9ca31a8372d0c353 --json")]
    List,
    /// Show a job
    #[command(after_help = "Example:\n  tidegate logpush show 123456 --account 023e105f4ecef8ad9ca31a8372d0c353")]
    Show {
        /// The job's number
        job: JobId,
    },
    /// Compare a job with what it should be; ends with 1 when something breaks events or rules
    #[command(after_help = "Example:\n  tidegate logpush verify 123456 --account 023e105f4ecef8ad9ca31a8372d0c353 \
                      --public-url https://tidegate.example.com")]
    Verify {
        /// The job's number
        job: JobId,
        #[command(flatten)]
        here: HereArgs,
    },
    /// Change a job into what it should be, after asking
    #[command(after_help = "Example:\n  tidegate logpush update 123456 --account 023e105f4ecef8ad9ca31a8372d0c353 \
                      --public-url https://tidegate.example.com --dry-run")]
    Update {
        /// The job's number
        job: JobId,
        #[command(flatten)]
        here: HereArgs,
        /// Give this intake a new key and put it into the job; the old one is taken for a day more
        #[arg(long, value_name = "INTAKE", conflicts_with = "key_file")]
        rotate_key: Option<String>,
        /// Header that Cloudflare sends too, its value in a file, in place of one of the same name
        #[arg(long, value_name = "NAME=FILE", value_parser = parse_header)]
        header: Vec<(String, PathBuf)>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Delete a job, after asking; what was received stays
    #[command(after_help = "Example:\n  tidegate logpush delete 123456 --account 023e105f4ecef8ad9ca31a8372d0c353")]
    Delete {
        /// The job's number
        job: JobId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// List the fields of a dataset: what Cloudflare offers, and what our format reads
    #[command(
        after_help = "Datasets: access_requests, audit_logs, dns_logs, firewall_events, gateway_dns, gateway_http, \
                      gateway_network, http_requests, zero_trust_network_sessions.\n\nExample:\n  tidegate logpush fields \
                      gateway_dns --account 023e105f4ecef8ad9ca31a8372d0c353"
    )]
    Fields {
        /// The dataset
        dataset: String,
    },
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let Args { verb, cloud, place, json, dry_run } = args;
    match verb {
        Verb::Create { intake, dataset, here, rotate_key, compat, skip_address, allow_private, header } => {
            let dataset = known(&dataset)?;
            let wish =
                create::Create { intake, dataset, here, rotate_key, compat, skip_address, allow_private, header };
            create::run(&wish, &cloud, place, json, dry_run)
        }
        Verb::List => {
            let cloud = Cloud::open(&cloud)?;
            let jobs = cloud.ask(cloud.client.jobs(&cloud.scope))?;
            table::print(&jobs.iter().map(Job::shown).collect::<Vec<_>>(), &COLUMNS, json)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Show { job } => {
            let cloud = Cloud::open(&cloud)?;
            let shown = cloud.ask(cloud.client.job(&cloud.scope, job))?.shown();
            tell(&shown, &pretty(&shown), json)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Verify { job, here } => compare::verify(&Cloud::open(&cloud)?, job, &here, place, json),
        Verb::Update { job, here, rotate_key, header, yes } => {
            let wish = compare::Update { job, here, rotate_key, header, yes };
            compare::update(&Cloud::open(&cloud)?, &wish, place, json, dry_run)
        }
        Verb::Delete { job, yes } => delete(&Cloud::open(&cloud)?, job, json, dry_run, yes),
        Verb::Fields { dataset } => fields(&Cloud::open(&cloud)?, known(&dataset)?, json),
    }
}

/// What a dry run ends with.
const DRY: &str = "nothing was sent, since this was a dry run";
/// The variable that names the account.
const ACCOUNT_VARIABLE: &str = "CLOUDFLARE_ACCOUNT_ID";
/// Cloudflare's code for a token that may not do this, whatever the reason.
const REFUSED_TOKEN: u64 = 10000;

const COLUMNS: [table::Column; 7] = [
    ("JOB", "/id"),
    ("NAME", "/name"),
    ("DATASET", "/dataset"),
    ("ENABLED", "/enabled"),
    ("LAST COMPLETE", "/last_complete"),
    ("ERROR", "/error_message"),
    ("DESTINATION", "/destination_conf"),
];

const FIELD_COLUMNS: [table::Column; 4] =
    [("FIELD", "/field"), ("OFFERED", "/offered"), ("READ", "/read"), ("SENT BY US", "/wanted")];

/// A client, a scope and something to run requests on.
struct Cloud {
    client: Client,
    scope: Scope,
    runtime: Runtime,
}

impl Cloud {
    fn open(args: &CloudArgs) -> Result<Self, Failure> {
        let scope = scope(args)?;
        let client = Client::new(api(args)?, token(args)?).map_err(cloud_failure)?;
        Ok(Self { client, scope, runtime: one_thread()? })
    }

    fn ask<T>(&self, call: impl Future<Output = Result<T, LogpushError>>) -> Result<T, Failure> {
        self.runtime.block_on(call).map_err(|error| match &error {
            LogpushError::Refused(refusal) => {
                let mut refusal = refusal.clone();
                if refusal.code == Some(REFUSED_TOKEN) {
                    refusal.advice = self.of_token().or(refusal.advice);
                }
                cloud_failure(LogpushError::Refused(refusal)).context(self.scope.to_string())
            }
            _ => cloud_failure(error),
        })
    }

    /// Which of the reasons for a refused token it is: one that works lacks the right, or has it elsewhere.
    fn of_token(&self) -> Option<String> {
        let asked = self.runtime.block_on(self.client.verify_token(Some(&self.scope)));
        Some(match asked {
            Ok(state) if state.status == TokenStatus::Active => {
                "the token itself works, so it has no right here: check the identifier, whether the token's resources include it, \
                 and its permissions: `Logs: Edit`, and for Access, Gateway and DEX datasets `Zero Trust: PII Read`"
                    .to_owned()
            }
            Ok(_) => "the token itself is switched off or has expired: make a new one".to_owned(),
            Err(LogpushError::Refused(_)) => {
                "Cloudflare does not know the token: it was damaged in copying, or deleted; give another".to_owned()
            }
            Err(_) => return None,
        })
    }
}

/// The token: of a file, of the variable, or typed in.
fn token(args: &CloudArgs) -> Result<ApiToken, Failure> {
    const WHAT: &str = "Cloudflare API token";
    let of = |secret: &Secret, source: &str| {
        ApiToken::new(secret.reveal()).map_err(|error| Failure::Usage(eyre!("{source}: {error}")))
    };
    if let Some(file) = &args.token_file {
        let secret = ask::secret_of_file(file, WHAT).map_err(Failure::Usage)?;
        return of(&secret, &format!("`{}`", file.display()));
    }
    if let Some(token) = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty()) {
        return of(&Secret::new(token), TOKEN_VARIABLE);
    }
    let ways = format!("set the variable {TOKEN_VARIABLE}, name a file with --token-file");
    of(&ask::secret(WHAT, &ways).map_err(Failure::Usage)?, "what was given")
}

/// Where the jobs live. A zone that is named counts before the account of the environment.
fn scope(args: &CloudArgs) -> Result<Scope, Failure> {
    if let Some(zone) = &args.zone {
        return Scope::zone(zone).map_err(cloud_failure);
    }
    let of_environment = || std::env::var(ACCOUNT_VARIABLE).ok().filter(|id| !id.trim().is_empty());
    match args.account.clone().or_else(of_environment) {
        Some(account) => Scope::account(&account).map_err(cloud_failure),
        None => Err(Failure::Usage(eyre!(
            "name the account with --account (or the variable {ACCOUNT_VARIABLE}), or the zone with --zone"
        ))),
    }
}

fn api(args: &CloudArgs) -> Result<ApiUrl, Failure> {
    args.api_url.as_deref().map_or_else(|| Ok(ApiUrl::default()), |url| ApiUrl::parse(url).map_err(cloud_failure))
}

fn known(name: &str) -> Result<&'static Dataset, Failure> {
    let names = || tidegate_logpush::DATASETS.iter().map(|dataset| dataset.name).collect::<Vec<_>>().join(", ");
    dataset(name).ok_or_else(|| Failure::Usage(eyre!("no format for the dataset `{name}`; there are {}", names())))
}

fn read_key(file: &Path) -> Result<IntakeKey, Failure> {
    let key = ask::secret_of_file(file, "intake key").map_err(Failure::Usage)?;
    IntakeKey::new(key.reveal()).map_err(cloud_failure)
}

/// The headers that Cloudflare is to send besides, each with its value from a file.
fn read_headers(named: &[(String, PathBuf)]) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
    let read = |(name, file): &(String, PathBuf)| {
        let value = ask::secret_of_file(file, name).map_err(Failure::Usage)?;
        Ok((name.clone(), Zeroizing::new(value.reveal().to_owned())))
    };
    named.iter().map(read).collect()
}

/// Where Cloudflare reaches us, as far as it is known.
fn public_url(here: &HereArgs, place: Option<&Place>) -> Option<String> {
    let of_place = place.and_then(|place| match place {
        Place::Data(on) => on.settings.public_url(),
        Place::Server(client) => Some(client.base().to_owned()),
    });
    here.public_url.clone().or(of_place)
}

fn no_public_url() -> Failure {
    Failure::Usage(eyre!("Cloudflare needs an address to send to: give --public-url, or set `server.public_url`"))
}

fn delete(cloud: &Cloud, id: JobId, json: bool, dry_run: bool, yes: bool) -> Outcome {
    let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
    let name = job.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("without a name");
    if dry_run {
        let url = format!("{}/{}/logpush/jobs/{id}", cloud.client.api().as_str(), scope_path(&cloud.scope));
        let command = curl("DELETE", &url, None);
        let sentence = format!("{command}\n\n{DRY}: job {id} ({}) is there still", table::printable(name));
        tell(&json!({"job": id.0, "curl": command, "dry_run": true}), &sentence, json)?;
        return Ok(ExitCode::SUCCESS);
    }
    agree(yes, &format!("delete job {id} ({}, {})?", table::printable(name), job.destination_conf))?;
    cloud.ask(cloud.client.delete_job(&cloud.scope, id))?;
    tell(&json!({"job": id.0, "deleted": true}), &format!("job {id} deleted; what was received stays"), json)?;
    Ok(ExitCode::SUCCESS)
}

fn fields(cloud: &Cloud, dataset: &'static Dataset, json: bool) -> Outcome {
    let offered = cloud.ask(cloud.client.fields(&cloud.scope, dataset.name))?;
    let known = dataset.known_fields();
    let wanted = dataset.wanted_fields(offered.keys().map(String::as_str));
    let mut names: Vec<&str> = offered.keys().map(String::as_str).chain(known.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    let row = |name: &&str| {
        json!({"field": name, "offered": offered.contains_key(*name), "read": known.contains(name),
            "wanted": wanted.iter().any(|field| field == name), "type": offered.get(*name)})
    };
    table::print(&names.iter().map(row).collect::<Vec<_>>(), &FIELD_COLUMNS, json)?;
    Ok(ExitCode::SUCCESS)
}

fn scope_path(scope: &Scope) -> String {
    let group = if scope.level() == tidegate_logpush::Level::Account { "accounts" } else { "zones" };
    format!("{group}/{}", scope.id())
}

fn agree(yes: bool, question: &str) -> Result<(), Failure> {
    if yes || ask::agrees(question)? {
        return Ok(());
    }
    Err(Failure::Usage(eyre!("nothing was sent: nobody said yes; --yes goes on without asking")))
}

fn parse_header(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("a header is given as NAME=FILE")?;
    Ok((name.to_owned(), PathBuf::from(file)))
}

fn cloud_failure(error: LogpushError) -> Failure {
    if error.is_usage() { Failure::Usage(error.into()) } else { Failure::Work(error.into()) }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

fn tell(row: &Value, sentence: &str, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json { writeln!(out, "{row}") } else { writeln!(out, "{sentence}") }
}
