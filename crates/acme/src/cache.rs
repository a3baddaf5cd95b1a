//! The folder: the account's key, the certificate with its key, and the failures of the last hour. Files are for their
//! owner only and replaced whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tidegate_event::Timestamp;

const ACCOUNT: &str = "account.json";
const CERTIFICATE: &str = "certificate.pem";
const FAILURES: &str = "failures.json";
/// Bytes of a file that is read; a chain of a hundred names has about ten thousand.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Failures that are remembered.
const FAILURES_MAX: usize = 32;
const FOLDER_CHARS_MAX: usize = 120;

/// What was kept of one authority. Another authority has another folder, so that a trial's certificate is never served
/// for a real one.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder of the authority below `root`, made when it is not there.
    pub(crate) fn open(root: &Path, directory: &str) -> Result<Self, (PathBuf, io::Error)> {
        let folder = root.join(name_of(directory));
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| (folder.clone(), error))?;
        Ok(Self { folder })
    }

    /// Where the certificate lies.
    pub(crate) fn certificate_path(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    pub(crate) fn account_path(&self) -> PathBuf {
        self.folder.join(ACCOUNT)
    }

    /// The account's credentials as they were kept.
    pub(crate) fn account(&self) -> io::Result<Option<String>> {
        read(&self.account_path())
    }

    pub(crate) fn keep_account(&self, text: &str) -> io::Result<()> {
        self.replace(ACCOUNT, text)
    }

    /// Moves an account that cannot be used out of the way; it may still be looked at.
    pub(crate) fn set_account_aside(&self) -> io::Result<()> {
        fs::rename(self.account_path(), self.folder.join("account.json.unusable"))
    }

    /// Chain and key in one text, as they were kept.
    pub(crate) fn certificate(&self) -> io::Result<Option<String>> {
        read(&self.certificate_path())
    }

    pub(crate) fn keep_certificate(&self, text: &str) -> io::Result<()> {
        self.replace(CERTIFICATE, text)
    }

    /// The times of failures. What cannot be read is none: it only makes the next attempt come sooner.
    pub(crate) fn failures(&self) -> Vec<Timestamp> {
        let text = read(&self.folder.join(FAILURES)).ok().flatten().unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) fn keep_failures(&self, failures: &[Timestamp]) -> io::Result<()> {
        let recent = &failures[failures.len().saturating_sub(FAILURES_MAX)..];
        self.replace(FAILURES, &serde_json::to_string(recent).unwrap_or_default())
    }

    /// Writes beside the old file, brings it to disk, and puts it in its place.
    fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(format!("{name}.new"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&path, self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// The directory's address as the name of a folder.
fn name_of(directory: &str) -> String {
    let rest = directory.trim_start_matches("https://");
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let name: String = rest.chars().map(plain).take(FOLDER_CHARS_MAX).collect();
    // Neither hidden nor a way upwards.
    format!("at-{}", name.trim_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_for_the_owner_only() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(&root.path().join("acme"), "https://ca.example:9000/acme/../directory").unwrap();
        assert_eq!(cache.account().unwrap(), None);
        assert_eq!(cache.certificate().unwrap(), None);
        assert!(cache.failures().is_empty());
        fs::write(cache.folder.join("account.json.new"), "half of an earlier write").unwrap();
        cache.keep_account("one").unwrap();
        cache.keep_account("two").unwrap();
        cache.keep_certificate("pem").unwrap();
        let times: Vec<_> = (0..40).map(Timestamp::from_micros).collect();
        cache.keep_failures(&times).unwrap();
        assert_eq!(cache.account().unwrap().as_deref(), Some("two"));
        assert_eq!(cache.certificate().unwrap().as_deref(), Some("pem"));
        assert_eq!(cache.failures(), times[8..]);
        fs::write(cache.folder.join(FAILURES), "{").unwrap();
        assert!(cache.failures().is_empty());
        #[cfg(unix)]
        for (name, mode) in [("", 0o700), (ACCOUNT, 0o600), (CERTIFICATE, 0o600)] {
            use std::os::unix::fs::PermissionsExt;
            let found = fs::metadata(cache.folder.join(name)).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{name}");
        }
        cache.set_account_aside().unwrap();
        assert_eq!(cache.account().unwrap(), None);
    }

    #[test]
    fn authorities_have_folders_of_their_own() {
        let names = [crate::LETS_ENCRYPT, crate::LETS_ENCRYPT_STAGING, "https://..", "https://ca.example/../../x"];
        assert_eq!(
            names.map(name_of),
            [
                "at-acme-v02.api.letsencrypt.org-directory",
                "at-acme-staging-v02.api.letsencrypt.org-directory",
                "at-",
                "at-ca.example-..-..-x"
            ]
        );
    }
}
