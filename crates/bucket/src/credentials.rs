//! Keys of a bucket: from a file or from the environment, never from an argument, never shown.

use std::fs;
use std::path::Path;

use tidegate_state::Secret;

use crate::error::BucketError;

const FILE_BYTES_MAX: u64 = 64 << 10;

/// Keys of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Names the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// Beside keys that end by themselves.
    pub session_token: Option<Secret>,
}

impl Credentials {
    /// Reads a file as AWS tools write it: `aws_access_key_id = …` and `aws_secret_access_key = …`, of the profile
    /// `default` if it has several; the prefix `aws_` may be missing.
    ///
    /// # Errors
    /// [`BucketError::Settings`] when it cannot be read, or lacks a key. What stands in it is never repeated.
    pub fn from_file(path: &Path) -> Result<Self, BucketError> {
        let wrong = |why: String| BucketError::Settings(format!("the credentials file `{}` {why}", path.display()));
        let size = fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?.len();
        if size > FILE_BYTES_MAX {
            return Err(wrong(format!("is larger than {FILE_BYTES_MAX} bytes")));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let mut is_ours = true;
        let (mut id, mut secret, mut token) = (None, None, None);
        for line in text.lines().map(str::trim) {
            if let Some(profile) = line.strip_prefix('[') {
                is_ours = profile.trim_end_matches(']').trim() == "default";
            }
            let Some((name, value)) = line.split_once('=').filter(|_| is_ours && !line.starts_with(['#', ';'])) else {
                continue;
            };
            let name = name.trim().to_ascii_lowercase();
            let value = Some(value.trim().trim_matches('"').to_owned()).filter(|value| !value.is_empty());
            match name.strip_prefix("aws_").unwrap_or(&name) {
                "access_key_id" => id = value,
                "secret_access_key" => secret = value,
                "session_token" => token = value,
                _ => {}
            }
        }
        let missing = |name: &str| wrong(format!("has no `{name}`"));
        Ok(Self {
            access_key_id: id.ok_or_else(|| missing("access_key_id"))?,
            secret_access_key: Secret::new(secret.ok_or_else(|| missing("secret_access_key"))?),
            session_token: token.map(Secret::new),
        })
    }

    /// Takes `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` from `variable`; nothing when none is
    /// set.
    ///
    /// # Errors
    /// [`BucketError::Settings`] when one of the two keys is missing.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, BucketError> {
        let get = |name| variable(name).filter(|value| !value.is_empty());
        match (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
            (None, None) => Ok(None),
            (Some(access_key_id), Some(secret)) => Ok(Some(Self {
                access_key_id,
                secret_access_key: Secret::new(secret),
                session_token: get("AWS_SESSION_TOKEN").map(Secret::new),
            })),
            (id, _) => {
                let (is, lacks) = match id {
                    Some(_) => ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
                    None => ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
                };
                Err(BucketError::Settings(format!("`{is}` is set and `{lacks}` is not")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Credentials, BucketError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        fs::write(&path, text).unwrap();
        Credentials::from_file(&path)
    }

    #[test]
    fn files_of_aws_and_plain_ones_are_read() {
        let text = "[other]\naws_access_key_id = no\n[default]\n# x\nAWS_ACCESS_KEY_ID = AKIA1\naws_secret_access_key=\"s/=+\"\n\
                    [third]\naws_secret_access_key = no\n";
        let read = file(text).unwrap();
        assert_eq!((read.access_key_id.as_str(), read.secret_access_key.reveal()), ("AKIA1", "s/=+"));
        let read = file("access_key_id=a\nsecret_access_key=b\nsession_token=c").unwrap();
        assert_eq!(read.session_token.as_ref().map(Secret::reveal), Some("c"));
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_repeated() {
        let refused = file("aws_access_key_id = hunter2hunter2\n").unwrap_err().to_string();
        assert!(refused.ends_with("has no `secret_access_key`") && !refused.contains("hunter2"), "{refused}");
        assert!(file("\u{0}").is_err() && file(&"x".repeat(70_000)).is_err());
        assert!(Credentials::from_file(Path::new("/nowhere/at/all")).is_err());
        let debug = format!("{:?}", file("access_key_id=a\nsecret_access_key=hunter2hunter2").unwrap());
        assert!(!debug.contains("hunter2hunter2"), "{debug}");
    }

    #[test]
    fn the_environment_gives_both_keys_or_none() {
        let with = |names: &'static [&'static str]| {
            Credentials::from_environment(move |name| names.contains(&name).then(|| name.to_lowercase()))
        };
        assert_eq!(with(&[]).unwrap(), None);
        let both = with(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]).unwrap().unwrap();
        assert_eq!((both.access_key_id.as_str(), both.session_token), ("aws_access_key_id", None));
        let half = with(&["AWS_ACCESS_KEY_ID"]).unwrap_err().to_string();
        assert_eq!(half, "`AWS_ACCESS_KEY_ID` is set and `AWS_SECRET_ACCESS_KEY` is not");
    }
}
