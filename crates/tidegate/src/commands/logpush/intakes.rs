//! Intakes as jobs need them: on a data directory or on a running server.

use eyre::eyre;
use serde_json::{Value, json};
use tidegate_logpush::IntakeKey;
use tidegate_state::Secret;

use super::cloud_failure;
use crate::exit::Failure;
use crate::logpush::KEY_GRACE;
use crate::place::{Place, failure};

/// An intake that is there.
pub(super) struct Intake {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) format: String,
}

/// The intake of this name, in any case.
pub(super) fn find(place: &Place, name: &str) -> Result<Option<Intake>, Failure> {
    match place {
        Place::Data(on) => Ok(on.state.intake_by_name(name).map(|intake| Intake {
            id: intake.id.to_string(),
            name: intake.name.clone(),
            format: intake.format.clone(),
        })),
        Place::Server(client) => {
            let rows = client.get("intakes")?;
            let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let read =
                |row: &Value| Intake { id: text(row, "id"), name: text(row, "name"), format: text(row, "format") };
            let mut all = rows.as_array().into_iter().flatten().map(read);
            Ok(all.find(|intake| intake.name.to_lowercase() == name.to_lowercase()))
        }
    }
}

/// Makes an intake; its key.
pub(super) fn make(place: &Place, name: &str, format: &str) -> Result<IntakeKey, Failure> {
    let key = match place {
        Place::Data(on) => on.state.create_intake(name, format, &on.actor).map_err(failure)?.1,
        Place::Server(client) => key_in(client.send("POST", "intakes", &json!({"name": name, "format": format}))?)?,
    };
    IntakeKey::new(key.reveal()).map_err(cloud_failure)
}

/// Gives an intake a new key; the old one is taken for a day more.
pub(super) fn rotate(place: &Place, intake: &Intake) -> Result<IntakeKey, Failure> {
    let key = match place {
        Place::Data(on) => {
            let found = on.state.intake_by_name(&intake.name);
            let found = found.ok_or_else(|| Failure::Usage(eyre!("there is no intake `{}` any more", intake.name)))?;
            on.state.rotate_intake_key(found.id, Some(KEY_GRACE), &on.actor).map_err(failure)?
        }
        Place::Server(client) => {
            let body = json!({"grace_seconds": KEY_GRACE.as_secs()});
            key_in(client.send("POST", &format!("intakes/{}/rotate", intake.id), &body)?)?
        }
    };
    IntakeKey::new(key.reveal()).map_err(cloud_failure)
}

/// Takes an intake back that was just made.
pub(super) fn remove(place: &Place, name: &str) -> Result<(), Failure> {
    let Some(intake) = find(place, name)? else { return Ok(()) };
    match place {
        Place::Data(on) => match on.state.intake_by_name(&intake.name) {
            Some(found) => on.state.delete_intake(found.id, &on.actor).map_err(failure),
            None => Ok(()),
        },
        Place::Server(client) => client.delete(&format!("intakes/{}", intake.id)).map(|_| ()),
    }
}

/// Whether an intake takes this key; not known of a server, which does not tell.
pub(super) fn takes(place: &Place, key: &IntakeKey) -> Option<bool> {
    match place {
        Place::Data(on) => Some(on.state.intake_by_key(key.reveal()).is_some_and(|intake| intake.enabled)),
        Place::Server(_) => None,
    }
}

/// The format of the intake that takes this key; not known of a server.
pub(super) fn format_of(place: &Place, key: &IntakeKey) -> Option<String> {
    match place {
        Place::Data(on) => on.state.intake_by_key(key.reveal()).map(|intake| intake.format.clone()),
        Place::Server(_) => None,
    }
}

fn key_in(mut answer: Value) -> Result<Secret, Failure> {
    match answer["key"].take() {
        Value::String(key) => Ok(Secret::new(key)),
        _ => Err(Failure::Work(eyre!("the server answered without a key"))),
    }
}
