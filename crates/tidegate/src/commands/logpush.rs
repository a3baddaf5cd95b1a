//! `tidegate logpush`: the jobs at Cloudflare that send logs here.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use eyre::eyre;
use serde_json::{Value, json};
use tidegate_logpush::{
    ApiToken, ApiUrl, Client, Dataset, Destination, Header, IntakeKey, Job, JobId, JobRequest, LogpushError, Probe,
    Scope, Severity, TOKEN_VARIABLE, Wanted, WantedKey, check_setup, curl, dataset, plan, render, verify,
};
use tidegate_state::Secret;
use tokio::runtime::Runtime;

use crate::ask;
use crate::client::one_thread;
use crate::exit::{Failure, NOT_MET, Outcome};
use crate::place::{Missing, Place, PlaceArgs, failure};
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
    /// Account whose jobs are meant
    #[arg(long, value_name = "ID", global = true, env = "CLOUDFLARE_ACCOUNT_ID", conflicts_with = "zone")]
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
        /// Send exactly the request of the public guide for gateway_dns
        #[arg(long)]
        compat: bool,
        /// Do not try the public address from here, for networks that cannot reach it from inside
        #[arg(long)]
        skip_address: bool,
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
        Verb::Create { intake, dataset, here, compat, skip_address, header } => {
            let wish = Create { intake, dataset: known(&dataset)?, here, compat, skip_address, header };
            create(&wish, &cloud, place, json, dry_run)
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
        Verb::Verify { job, here } => verify_job(&Cloud::open(&cloud)?, job, &here, place, json),
        Verb::Update { job, here, yes } => update(&Cloud::open(&cloud)?, job, &here, place, json, dry_run, yes),
        Verb::Delete { job, yes } => delete(&Cloud::open(&cloud)?, job, json, dry_run, yes),
        Verb::Fields { dataset } => fields(&Cloud::open(&cloud)?, known(&dataset)?, json),
    }
}

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
        let token = match (&args.token_file, std::env::var(TOKEN_VARIABLE)) {
            (Some(file), _) => ask::secret_of_file(file, "Cloudflare API token").map_err(Failure::Usage)?,
            (None, Ok(token)) => Secret::new(token),
            (None, Err(_)) => ask::secret("Cloudflare API token").map_err(Failure::Usage)?,
        };
        let client =
            Client::new(api(args)?, ApiToken::new(token.reveal()).map_err(cloud_failure)?).map_err(cloud_failure)?;
        Ok(Self { client, scope, runtime: one_thread()? })
    }

    fn ask<T>(&self, call: impl Future<Output = Result<T, LogpushError>>) -> Result<T, Failure> {
        self.runtime.block_on(call).map_err(cloud_failure)
    }
}

fn scope(args: &CloudArgs) -> Result<Scope, Failure> {
    match (&args.account, &args.zone) {
        (_, Some(zone)) => Scope::zone(zone).map_err(cloud_failure),
        (Some(account), None) => Scope::account(account).map_err(cloud_failure),
        (None, None) => Err(Failure::Usage(eyre!("name the account with --account, or the zone with --zone"))),
    }
}

fn api(args: &CloudArgs) -> Result<ApiUrl, Failure> {
    args.api_url.as_deref().map_or_else(|| Ok(ApiUrl::default()), |url| ApiUrl::parse(url).map_err(cloud_failure))
}

fn known(name: &str) -> Result<&'static Dataset, Failure> {
    let names = || tidegate_logpush::DATASETS.iter().map(|dataset| dataset.name).collect::<Vec<_>>().join(", ");
    dataset(name).ok_or_else(|| Failure::Usage(eyre!("no format for the dataset `{name}`; there are {}", names())))
}

/// What `create` was asked for.
struct Create {
    intake: String,
    dataset: &'static Dataset,
    here: HereArgs,
    compat: bool,
    skip_address: bool,
    header: Vec<(String, PathBuf)>,
}

fn create(wish: &Create, args: &CloudArgs, place: PlaceArgs, json: bool, dry_run: bool) -> Outcome {
    // A dry run makes nothing, a data directory included.
    let place = if dry_run { place.open(Missing::Refuse).ok() } else { Some(place.open(Missing::Make)?) };
    let base = public_url(&wish.here, place.as_ref()).ok_or_else(no_public_url)?;
    let cloud = Cloud::open(args)?;
    // The validation upload needs no key, so all of this is known before an intake is made.
    let bare = Destination::without_key(&base).map_err(cloud_failure)?;
    let probe =
        if wish.skip_address || !wish.header.is_empty() { None } else { Some(Probe::new().map_err(cloud_failure)?) };
    let checks = check_setup(
        &cloud.client,
        probe.as_ref(),
        &cloud.scope,
        wish.dataset,
        &bare,
        wish.header.is_empty() && !dry_run,
    );
    let found = cloud.runtime.block_on(checks);
    for step in &found.steps {
        let mark = step.ok.map_or("?", |ok| if ok { "ok" } else { "NO" });
        tell(&step.shown(), &format!("{mark:>2}  {}", step.sentence), json)?;
    }
    if !found.is_fine() {
        return Err(Failure::Work(eyre!("no job was made: see what the checks above say")));
    }
    let key = match &place {
        Some(place) if !dry_run => intake_key(wish, place, json)?,
        _ => placeholder()?,
    };
    let header = if wish.compat { Header::Guide } else { Header::Tidegate };
    let mut extra = Vec::new();
    for (name, file) in &wish.header {
        let value = ask::secret_of_file(file, name).map_err(Failure::Usage)?;
        extra.push((name.clone(), value.reveal().to_owned().into()));
    }
    let to = Destination::of_intake(&base, &key, header, &extra).map_err(cloud_failure)?;
    let request = if wish.compat {
        JobRequest::compat(wish.dataset, to)
    } else {
        JobRequest::of_dataset(wish.dataset, to, found.fields.keys().map(String::as_str))
    };
    let command = request.curl(cloud.client.api(), &cloud.scope);
    let shown = json!({"request": request.shown(), "curl": command, "dry_run": dry_run});
    tell(&shown, &format!("request:\n{}\n\n{command}\n", pretty(&request.shown())), json)?;
    if dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let job = cloud.ask(cloud.client.create_job(&cloud.scope, &request))?;
    let sentence = format!("job {} made; the first batches come within 10 to 15 minutes", job.id);
    tell(&job.shown(), &sentence, json)?;
    Ok(ExitCode::SUCCESS)
}

/// What stands for the key of an intake that a dry run does not make. It is masked wherever it would show.
fn placeholder() -> Result<IntakeKey, Failure> {
    IntakeKey::new("tgi_0000000000000000000000000000000000000000000").map_err(cloud_failure)
}

/// The key of the intake: of a new one, or brought along for one that is there.
fn intake_key(wish: &Create, place: &Place, json: bool) -> Result<IntakeKey, Failure> {
    let brought = wish.here.key_file.as_deref().map(read_key).transpose()?;
    let exists = intake_names(place)?.iter().any(|name| name.to_lowercase() == wish.intake.to_lowercase());
    let key = match (exists, brought) {
        (_, Some(key)) => return Ok(key),
        (true, None) => {
            let why =
                "its key is stored as a hash only: give it with --key-file, or rotate it with `tidegate intake rotate`";
            return Err(Failure::Usage(eyre!("there is an intake `{}`; {why}", wish.intake)));
        }
        (false, None) => make_intake(place, &wish.intake, wish.dataset.format)?,
    };
    let row = json!({"intake": wish.intake, "key": key.reveal()});
    tell(&row, &format!("intake `{}` made\nkey (shown this once):  {}", wish.intake, key.reveal()), json)?;
    IntakeKey::new(key.reveal()).map_err(cloud_failure)
}

fn make_intake(place: &Place, name: &str, format: &str) -> Result<Secret, Failure> {
    match place {
        Place::Data(on) => on.state.create_intake(name, format, &on.actor).map(|(_, key)| key).map_err(failure),
        Place::Server(client) => {
            match client.send("POST", "intakes", &json!({"name": name, "format": format}))?["key"].take() {
                Value::String(key) => Ok(Secret::new(key)),
                _ => Err(Failure::Work(eyre!("the server answered without a key"))),
            }
        }
    }
}

fn read_key(file: &Path) -> Result<IntakeKey, Failure> {
    let key = ask::secret_of_file(file, "intake key").map_err(Failure::Usage)?;
    IntakeKey::new(key.reveal()).map_err(cloud_failure)
}

fn intake_names(place: &Place) -> Result<Vec<String>, Failure> {
    match place {
        Place::Data(on) => Ok(on.state.intakes().iter().map(|intake| intake.name.clone()).collect()),
        Place::Server(client) => {
            let rows = client.get("intakes")?;
            let names = rows.as_array().into_iter().flatten().filter_map(|row| row["name"].as_str());
            Ok(names.map(str::to_owned).collect())
        }
    }
}

/// Where Cloudflare reaches us, as far as it is known.
fn public_url(here: &HereArgs, place: Option<&Place>) -> Option<String> {
    let of_place = place.and_then(|place| match place {
        Place::Data(on) => on.settings.server.public_url.as_ref().map(|url| url.0.clone()),
        Place::Server(client) => Some(client.base().to_owned()),
    });
    here.public_url.clone().or(of_place)
}

fn no_public_url() -> Failure {
    Failure::Usage(eyre!("Cloudflare needs an address to send to: give --public-url, or set `server.public_url`"))
}

/// The job and what it should be, compared; the fields that Cloudflare offers come along for the plan.
struct Compared {
    job: Job,
    dataset: &'static Dataset,
    offered: Vec<String>,
    address: Option<String>,
    key: Option<IntakeKey>,
}

impl Compared {
    fn of(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs) -> Result<Self, Failure> {
        let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
        let name = job.dataset.clone().unwrap_or_default();
        let dataset = known(&name)?;
        let offered = cloud.ask(cloud.client.fields(&cloud.scope, dataset.name))?.into_keys().collect();
        // Without a place the address and the key may still be given; a job can be looked at from anywhere.
        let place = place.open(Missing::Refuse).ok();
        let address = public_url(here, place.as_ref());
        let key = here.key_file.as_deref().map(read_key).transpose()?;
        Ok(Self { job, dataset, offered, address, key })
    }

    fn wanted(&self) -> Result<Wanted<'_>, Failure> {
        let key = self.key.clone().map_or(WantedKey::Any, WantedKey::Exact);
        let offered = self.offered.iter().map(String::as_str).collect();
        Wanted::new(self.dataset, offered, self.address.as_deref(), key).map_err(cloud_failure)
    }
}

fn verify_job(cloud: &Cloud, id: JobId, here: &HereArgs, place: PlaceArgs, json: bool) -> Outcome {
    let compared = Compared::of(cloud, id, here, place)?;
    let differences = verify(&compared.job, &compared.wanted()?);
    let mut out = std::io::stdout().lock();
    if json {
        differences.iter().try_for_each(|difference| writeln!(out, "{}", difference.shown()))?;
    } else if differences.is_empty() {
        writeln!(out, "job {id} is as it should be")?;
    } else {
        write!(out, "{}", render(&differences))?;
    }
    let breaks = differences.iter().any(|difference| difference.severity == Severity::Breaking);
    Ok(if breaks { ExitCode::from(NOT_MET) } else { ExitCode::SUCCESS })
}

fn update(
    cloud: &Cloud,
    id: JobId,
    here: &HereArgs,
    place: PlaceArgs,
    json: bool,
    dry_run: bool,
    yes: bool,
) -> Outcome {
    let compared = Compared::of(cloud, id, here, place)?;
    let wanted = compared.wanted()?;
    let to = match (&compared.address, compared.key.clone().or_else(|| compared.job.destination_conf.intake_key())) {
        (Some(address), Some(key)) => {
            Some(Destination::of_intake(address, &key, Header::Tidegate, &[]).map_err(cloud_failure)?)
        }
        _ => None,
    };
    let plan = plan(&compared.job, &wanted, to.as_ref());
    if plan.update.is_empty() {
        let sentence = format!("nothing to change at job {id}\n{}", render(&plan.staying));
        tell(&json!({"job": id.0, "changed": false}), sentence.trim_end(), json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let command = plan.update.curl(cloud.client.api(), &cloud.scope, id);
    let shown = json!({"job": id.0, "request": plan.update.shown(), "curl": command, "dry_run": dry_run});
    let staying = if plan.staying.is_empty() { String::new() } else { format!("stays:\n{}\n", render(&plan.staying)) };
    let text = format!("{}\n{staying}request:\n{}\n\n{command}\n", render(&plan.mended), pretty(&plan.update.shown()));
    tell(&shown, &text, json)?;
    if dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    agree(yes, &format!("change job {id}?"))?;
    let job = cloud.ask(cloud.client.update_if_unchanged(&cloud.scope, &compared.job, &plan.update))?;
    tell(&job.shown(), &format!("job {id} changed; it takes 10 to 15 minutes to show"), json)?;
    Ok(ExitCode::SUCCESS)
}

fn delete(cloud: &Cloud, id: JobId, json: bool, dry_run: bool, yes: bool) -> Outcome {
    let job = cloud.ask(cloud.client.job(&cloud.scope, id))?;
    let name = job.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("without a name");
    if dry_run {
        let url = format!("{}/{}/logpush/jobs/{id}", cloud.client.api().as_str(), scope_path(&cloud.scope));
        let command = curl("DELETE", &url, None);
        tell(&json!({"job": id.0, "curl": command, "dry_run": true}), &command, json)?;
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
    Err(Failure::Usage(eyre!("nothing was sent: nobody said yes; --yes does not ask")))
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
