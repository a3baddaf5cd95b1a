//! How a feed is read, as its settings say it.

use serde::Deserialize;
use serde_json::Value;
use tidegate_detect::intel::{Column, Columns, Format};
use tidegate_feeds::Auth;
use tidegate_state::FeedAuth;
use zeroize::Zeroizing;

/// `auto` means that it is found out.
const AUTO: &str = "auto";

/// How a feed is read. What else stands there is for others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReadSettings {
    format: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) confidence: Option<u8>,
    pub(super) valid_days: u16,
    pub(super) all_attributes: bool,
    columns: TableSettings,
}

/// Where a table holds what.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TableSettings {
    delimiter: Option<char>,
    header: bool,
    value: Option<Place>,
    tags: Vec<Place>,
    confidence: Option<Place>,
    valid_from: Option<Place>,
    valid_until: Option<Place>,
    description: Option<Place>,
    reference: Option<Place>,
}

/// A column, by name or by number from 0.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Place {
    Number(usize),
    Name(String),
}

impl From<Place> for Column {
    fn from(place: Place) -> Self {
        match place {
            Place::Number(number) => Self::Number(number),
            Place::Name(name) => Self::Name(name),
        }
    }
}

impl ReadSettings {
    /// Reads the settings of a feed.
    pub(super) fn of(settings: &Value) -> Result<Self, String> {
        if settings.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(settings).map_err(|error| format!("its settings cannot be used: {error}"))
    }

    /// As what it is read.
    pub(super) fn format(&self) -> Result<Option<Format>, String> {
        match self.format.as_deref() {
            None | Some("" | AUTO) => Ok(None),
            Some(name) => name.parse::<Format>().map(Some).map_err(|error| error.to_string()),
        }
    }

    /// Where a table holds what.
    pub(super) fn columns(&mut self) -> Columns {
        let table = std::mem::take(&mut self.columns);
        Columns {
            delimiter: table.delimiter,
            header: table.header,
            value: table.value.map(Column::from),
            tags: table.tags.into_iter().map(Column::from).collect(),
            confidence: table.confidence.map(Column::from),
            valid_from: table.valid_from.map(Column::from),
            valid_until: table.valid_until.map(Column::from),
            description: table.description.map(Column::from),
            reference: table.reference.map(Column::from),
        }
    }
}

/// How we prove who we are, in the words of the fetcher.
pub(super) fn auth(auth: FeedAuth) -> Auth {
    let secret = |secret: tidegate_state::Secret| Zeroizing::new(secret.reveal().to_owned());
    match auth {
        FeedAuth::None => Auth::None,
        FeedAuth::Basic(user, password) => Auth::Basic(user, secret(password)),
        FeedAuth::Bearer(token) => Auth::Bearer(secret(token)),
        FeedAuth::Header(name, key) => Auth::Header(name, secret(key)),
        FeedAuth::Query(name, key) => Auth::Query(name, secret(key)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_read() {
        let settings =
            json!({"format": "csv", "preset": "x", "tags": ["a"], "columns": {"value": 2, "tags": ["family"]}});
        let mut settings = ReadSettings::of(&settings).unwrap();
        assert_eq!(settings.format(), Ok(Some(Format::Csv)));
        let columns = settings.columns();
        assert_eq!(columns.value, Some(Column::Number(2)));
        assert_eq!(columns.tags, [Column::Name("family".to_owned())]);
        assert_eq!(ReadSettings::of(&json!({"format": "auto"})).unwrap().format(), Ok(None));
        assert!(ReadSettings::of(&json!({"format": "odd"})).unwrap().format().unwrap_err().contains("odd"));
        assert!(ReadSettings::of(&json!({"tags": 7})).unwrap_err().contains("settings"));
    }
}
