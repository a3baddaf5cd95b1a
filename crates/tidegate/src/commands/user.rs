//! `tidegate user`: users and their API tokens.

use std::io::Write;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use eyre::eyre;
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_state::{NewToken, Role, Secret};

use crate::ask;
use crate::client::Client;
use crate::exit::{Failure, Outcome};
use crate::place::{Missing, OnData, Place, PlaceArgs, failure};
use crate::table;
use crate::when::parse_duration;

/// Add, list and change users and their tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate user add alice --role analyst --data tidegate-data < password.txt")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON lines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a user; the password is asked for, or read from standard input
    #[command(after_help = "Example:\n  tidegate user add alice --role analyst --data tidegate-data < password.txt")]
    Add {
        /// The name to log in with
        name: String,
        /// What they may do
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleArg,
    },
    /// List the users
    #[command(after_help = "Example:\n  tidegate user list --json --data tidegate-data")]
    List,
    /// Make an API token for a user; it is shown this once. On a data directory only
    #[command(after_help = "Example:\n  tidegate user token alice --name ci --expires 90d --data tidegate-data")]
    Token {
        /// The user's name
        user: String,
        /// The token's name
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it may do, at most what the user may
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleArg,
        /// When it ends; never, if not given
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        expires: Option<std::time::Duration>,
    },
    /// Give a user a new password; asked for, or read from standard input
    #[command(after_help = "Example:\n  tidegate user password alice --data tidegate-data")]
    Password {
        /// The user's name
        name: String,
    },
    /// Keep a user out: ends their sessions, suspends their tokens
    #[command(after_help = "Example:\n  tidegate user disable alice --data tidegate-data")]
    Disable {
        /// The user's name
        name: String,
    },
    /// Let a disabled user in again
    #[command(after_help = "Example:\n  tidegate user enable alice --data tidegate-data")]
    Enable {
        /// The user's name
        name: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Searches and looks
    Viewer,
    /// Works on what is found
    Analyst,
    /// Administers
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Analyst => Self::Analyst,
            RoleArg::Admin => Self::Admin,
        }
    }
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> Outcome {
    let missing = if matches!(args.verb, Verb::Add { .. }) { Missing::Make } else { Missing::Refuse };
    let place = args.place.open(missing)?;
    let json = args.json;
    match args.verb {
        Verb::Add { name, role } => {
            let password = ask::new_password(&name)?;
            let user = add(&place, &name, &password, role.into())?;
            let role = user["role"].as_str().unwrap_or_default().to_owned();
            tell(&user, &format!("user `{name}` added as {role}"), json)?;
        }
        Verb::List => {
            let rows = match &place {
                Place::Data(on) => on.state.users().map_err(failure)?.iter().map(|user| json!(user)).collect(),
                Place::Server(client) => users(client)?,
            };
            table::print(&rows, &COLUMNS, json)?;
        }
        Verb::Token { user, name, role, expires } => token(&place, &user, &name, role.into(), expires, json)?,
        Verb::Password { name } => {
            let password = ask::new_password(&name)?;
            match &place {
                Place::Data(on) => {
                    let id = on.state.user_by_name(&name).map_err(failure)?.id;
                    on.state.set_password(id, &password, None, &on.actor).map_err(failure)?;
                }
                Place::Server(client) => {
                    change(client, &name, &json!({"password": password.reveal()}))?;
                }
            }
            tell(&json!({"name": name, "password": "changed"}), &format!("password of `{name}` changed"), json)?;
        }
        Verb::Disable { name } => enable(&place, &name, false, json)?,
        Verb::Enable { name } => enable(&place, &name, true, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: [table::Column; 5] = [
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("ENABLED", "/enabled"),
    ("CREATED", "/created"),
    ("LAST LOGIN", "/last_login"),
];

fn add(place: &Place, name: &str, password: &Secret, role: Role) -> Result<Value, Failure> {
    match place {
        Place::Data(on) => {
            on.state.create_user(name, password, role, &on.actor).map(|user| json!(user)).map_err(failure)
        }
        Place::Server(client) => {
            client.send("POST", "users", &json!({"name": name, "password": password.reveal(), "role": role}))
        }
    }
}

fn token(
    place: &Place,
    user: &str,
    name: &str,
    role: Role,
    expires: Option<std::time::Duration>,
    json: bool,
) -> Result<(), Failure> {
    let Place::Data(on) = place else {
        let why =
            "an API token cannot make another one; do it in the web pages, or with --data on the server's machine";
        return Err(Failure::Usage(eyre!(why)));
    };
    let OnData { state, actor, .. } = &**on;
    let id = state.user_by_name(user).map_err(failure)?.id;
    let expires = expires.map(|after| {
        let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(Timestamp::now().as_micros().saturating_add(micros))
    });
    let (made, secret) = state.create_token(id, &NewToken { name, role, expires }, actor).map_err(failure)?;
    let mut row = json!(made);
    row["token"] = json!(secret.reveal());
    let end = made.expires.map_or_else(|| "never".to_owned(), Timestamp::to_rfc3339);
    let sentence = format!(
        "token `{name}` of `{user}`, role {role}, ends {end}\ntoken (shown this once):  {}\nuse it as TIDEGATE_TOKEN",
        secret.reveal()
    );
    tell(&row, &sentence, json)?;
    Ok(())
}

fn enable(place: &Place, name: &str, enabled: bool, json: bool) -> Result<(), Failure> {
    let user = match place {
        Place::Data(on) => {
            let id = on.state.user_by_name(name).map_err(failure)?.id;
            json!(on.state.set_user_enabled(id, enabled, &on.actor).map_err(failure)?)
        }
        Place::Server(client) => change(client, name, &json!({"enabled": enabled}))?,
    };
    let done = if enabled { "enabled" } else { "disabled" };
    tell(&user, &format!("user `{name}` {done}"), json)?;
    Ok(())
}

fn users(client: &Client) -> Result<Vec<Value>, Failure> {
    match client.get("users")? {
        Value::Array(rows) => Ok(rows),
        _ => Err(Failure::Work(eyre!("{} answered something unexpected", client.base()))),
    }
}

fn change(client: &Client, name: &str, change: &Value) -> Result<Value, Failure> {
    let users = users(client)?;
    let same = |user: &&Value| user["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name));
    let id = users.iter().find(same).and_then(|user| user["id"].as_str());
    let id = id.ok_or_else(|| Failure::Usage(eyre!("no user `{name}` on {}", client.base())))?;
    client.send("PATCH", &format!("users/{id}"), change)
}

fn tell(row: &Value, sentence: &str, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json { writeln!(out, "{row}") } else { writeln!(out, "{sentence}") }
}
