//! How the records lie in a body: one kind for each intake endpoint.

use crate::path::JsonPath;

/// How the records lie in a body: one kind for each intake endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `/plain`: the whole body is one record.
    Plain,
    /// `/plain/batch`: one record a line; also a JSON array, or one object that wraps an array, as the whole body.
    Lines,
    /// `/jsons`: JSON documents one after the other or in an array; with a path, what lies there in each document.
    Jsons {
        /// Where the records are.
        path: Option<JsonPath>,
    },
    /// `/batch`: `{"intake_key":"…","jsons":["…"]}`.
    Batch,
    /// `/array`: an array of records, each bare or as `{"intake_key":"…","json":"…","timestamp":"…"}`.
    Array {
        /// Only the records sent with this intake key. A body may mix intakes; each of them gets its own journal entry
        /// of the same body.
        intake_key: Option<String>,
    },
    /// `/`: `{"intake_key":"…","json":"…"}`.
    Single,
}

impl Framing {
    /// A compact form to keep beside a body, for [`Framing::from_bytes`]. Never changes its meaning: journals hold it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (tag, text) = match self {
            Self::Plain => (0, ""),
            Self::Lines => (1, ""),
            Self::Jsons { path: None } => (2, ""),
            Self::Jsons { path: Some(path) } => (3, path.as_str()),
            Self::Batch => (4, ""),
            Self::Array { intake_key: None } => (5, ""),
            Self::Array { intake_key: Some(key) } => (6, key.as_str()),
            Self::Single => (7, ""),
        };
        let mut bytes = Vec::with_capacity(1 + text.len());
        bytes.push(tag);
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// The framing that [`Framing::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, text) = bytes.split_first()?;
        let text = std::str::from_utf8(text).ok()?;
        match (tag, text.is_empty()) {
            (0, true) => Some(Self::Plain),
            (1, true) => Some(Self::Lines),
            (2, true) => Some(Self::Jsons { path: None }),
            (3, _) => Some(Self::Jsons { path: Some(JsonPath::parse(text).ok()?) }),
            (4, true) => Some(Self::Batch),
            (5, true) => Some(Self::Array { intake_key: None }),
            (6, _) => Some(Self::Array { intake_key: Some(text.to_owned()) }),
            (7, true) => Some(Self::Single),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_bring_back_the_framing() {
        let path = JsonPath::parse("$.a['b c'][0]").unwrap();
        for framing in [
            Framing::Plain,
            Framing::Lines,
            Framing::Jsons { path: None },
            Framing::Jsons { path: Some(path) },
            Framing::Batch,
            Framing::Array { intake_key: None },
            Framing::Array { intake_key: Some("k\u{e9}y".into()) },
            Framing::Single,
        ] {
            assert_eq!(Framing::from_bytes(&framing.to_bytes()), Some(framing));
        }
    }

    #[test]
    fn foreign_bytes_are_no_framing() {
        for bytes in [&b""[..], b"\x08", b"\x00x", b"\x03$.", b"\x06\xff"] {
            assert_eq!(Framing::from_bytes(bytes), None, "{bytes:?}");
        }
    }
}
