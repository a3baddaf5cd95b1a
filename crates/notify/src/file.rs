//! Lines of JSON in a file, for collectors that follow files. Only within the folder of the policy: whoever configures a
//! target must not thereby write to any file of this machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{ConfigError, Failure};
use crate::message::Message;
use crate::notifier::Notifier;
use crate::template::Template;
use crate::text::standard;

const NAME_BYTES_MAX: usize = 100;
/// A file of this size must be moved away first.
const FILE_BYTES_MAX: u64 = 1 << 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The name of the file, without folders.
    name: String,
}

/// A file that can be used.
#[derive(Debug)]
pub(crate) struct File {
    name: String,
}

impl File {
    pub(crate) fn new(config: &Value) -> Result<Self, ConfigError> {
        let Config { name } = Config::deserialize(config)?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || !name.chars().all(good) {
            let why = "must be a file name of ASCII letters, digits, `.`, `_`, `-` that does not begin with `.`";
            return Err(ConfigError::value("name", why));
        }
        Ok(Self { name })
    }

    pub(crate) async fn tell(
        &self,
        notifier: &Notifier,
        template: Option<&Template>,
        message: &Message,
    ) -> Result<(), Failure> {
        let folder = notifier.policy().files.clone();
        let folder = folder.ok_or_else(|| Failure::lasting("no folder for notices is configured"))?;
        let mut body = message.body();
        let text = match template {
            Some(template) => template.render(&body, str::to_owned),
            None => standard(message, str::to_owned),
        };
        body["text"] = json!(text);
        let line = format!("{body}\n");
        let name = self.name.clone();
        let written = tokio::task::spawn_blocking(move || append(&folder, &name, line.as_bytes())).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::passing(format!("cannot write `{}`: {error}", self.name))),
            Err(_) => Err(Failure::passing(format!("writing `{}` was interrupted", self.name))),
        }
    }
}

/// Appends one line in one write, readable by the owner only, and waits until it is on disk.
fn append(folder: &Path, name: &str, line: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    // A link could lead out of the folder.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if file.metadata()?.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1 GiB; move it away"));
    }
    file.write_all(line)?;
    file.sync_data()
}
