//! What no single value can know: whether values fit together, and whether the files that they name are there.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use super::problem::Problem;
use super::{Loaded, Problems, Sender};

/// Cloudflare allows 1,200 calls in five minutes for all tokens of a user.
const INTERVAL_MIN: Duration = Duration::from_secs(10);

impl Loaded {
    /// Finds values that do not fit together.
    pub(super) fn check_sense(&mut self, problems: &mut Vec<Problem>) {
        let config = &self.settings;
        let server = &config.server;
        match (&server.tls_certificate, &server.tls_key) {
            (Some(_), None) => problems.push(self.problem("server", "tls_certificate", "needs `tls_key` as well")),
            (None, Some(_)) => problems.push(self.problem("server", "tls_key", "needs `tls_certificate` as well")),
            _ => {}
        }
        self.check_acme(problems);
        self.check_senders(problems);
        if server.body_pause_timeout > server.body_timeout {
            problems.push(self.problem("server", "body_pause_timeout", "is longer than `body_timeout`"));
        }
        if config.intake.record_bytes_max > config.intake.decompressed_bytes_max {
            problems.push(self.problem("intake", "record_bytes_max", "is larger than `decompressed_bytes_max`"));
        }
        if config.intake.compressed_bytes_max > server.bodies_memory_max {
            let why = "is larger than `bodies_memory_max` in [server], so the largest batch could never be received";
            problems.push(self.problem("intake", "compressed_bytes_max", why));
        }
        if config.journal.bytes_max.0 < config.intake.compressed_bytes_max.0.saturating_mul(2) {
            let why = "is less than twice `compressed_bytes_max` in [intake]; two batches must fit";
            problems.push(self.problem("journal", "bytes_max", why));
        }
        if config.logpush.interval.0 < INTERVAL_MIN {
            problems.push(self.problem("logpush", "interval", "is shorter than 10s; Cloudflare counts calls"));
        }
        if config.auth.session_idle > config.auth.session_ttl {
            problems.push(self.problem("auth", "session_idle", "is longer than `session_ttl`"));
        }
    }

    fn check_acme(&self, problems: &mut Vec<Problem>) {
        let (acme, server) = (&self.settings.acme, &self.settings.server);
        if acme.names.is_empty() {
            return;
        }
        if !acme.terms_agreed {
            let why = "must be `true` before a certificate is asked for: read the authority's terms of service";
            problems.push(self.problem("acme", "terms_agreed", why));
        }
        if server.tls_certificate.is_some() {
            let why = "and `tls_certificate` in [server] exclude each other: the certificate comes from one of them";
            problems.push(self.problem("acme", "names", why));
        }
        match (&acme.external_account_id, &acme.external_account_key_file) {
            (Some(_), None) => {
                problems.push(self.problem("acme", "external_account_id", "needs `external_account_key_file` as well"));
            }
            (None, Some(_)) => {
                problems.push(self.problem("acme", "external_account_key_file", "needs `external_account_id` as well"));
            }
            _ => {}
        }
        if acme.http_listen == Some(server.listen) {
            problems.push(self.problem("acme", "http_listen", "is the same as `listen` in [server]"));
        }
    }

    /// On a loopback address every sender is a proxy of this machine.
    fn check_senders(&self, problems: &mut Vec<Problem>) {
        let (allowed, server) = (&self.settings.intake.allow_networks, &self.settings.server);
        let has_own = allowed.iter().any(|sender| matches!(sender, Sender::Network(_)));
        if !allowed.is_empty() && !has_own && server.listen.ip().is_loopback() && server.trusted_proxies.is_empty() {
            let why = "lets nobody in: `listen` in [server] is reached through a proxy only, and `trusted_proxies` names none";
            problems.push(self.problem("intake", "allow_networks", why));
        }
    }

    /// Finds files and folders that are named but cannot be used.
    pub(crate) fn check_files(&self) -> Result<(), Problems> {
        let config = &self.settings;
        let mut problems = Vec::new();
        let files = [
            ("server", "tls_certificate", &config.server.tls_certificate, "-----BEGIN CERTIFICATE-----"),
            ("server", "tls_key", &config.server.tls_key, "PRIVATE KEY-----"),
            ("acme", "root_file", &config.acme.root_file, "-----BEGIN CERTIFICATE-----"),
            ("acme", "external_account_key_file", &config.acme.external_account_key_file, ""),
            ("enrich", "geoip_city", &config.enrich.geoip_city, ""),
            ("enrich", "geoip_asn", &config.enrich.geoip_asn, ""),
            ("logpush", "token_file", &config.logpush.token_file, ""),
        ];
        for (section, key, path, holds) in files {
            if let Some(path) = path
                && let Err(why) = check_file(path, holds)
            {
                problems.push(self.problem(section, key, why));
            }
        }
        for (section, key, dirs) in
            [("formats", "dirs", &config.formats.dirs), ("detect", "lists", &config.detect.lists)]
        {
            for dir in dirs {
                if let Err(error) = fs::read_dir(dir) {
                    problems.push(self.problem(section, key, format!("names `{}`: {error}", dir.display())));
                }
            }
        }
        for path in config.detect.rules.iter().filter(|path| !path.exists()) {
            problems.push(self.problem("detect", "rules", format!("names `{}`, which does not exist", path.display())));
        }
        for bucket in &self.buckets {
            if let tidegate_bucket::Place::Folder(dir) = &bucket.place
                && let Err(error) = fs::read_dir(dir)
            {
                problems.push(self.problem("buckets", "url", format!("names `{}`: {error}", dir.display())));
            }
            if let Some(path) = &bucket.credentials_file
                && let Err(error) = tidegate_bucket::Credentials::from_file(path)
            {
                problems.push(self.problem("buckets", "credentials_file", format!("does not do: {error}")));
            }
        }
        if let Err(why) = check_data(&config.data.dir) {
            problems.push(self.problem("data", "dir", why));
        }
        if problems.is_empty() { self.config().map(|_| ()) } else { Err(Problems(problems)) }
    }
}

/// The file opens, is no folder, and holds the text early on.
fn check_file(path: &Path, holds: &str) -> Result<(), String> {
    const LOOK_BYTES_MAX: u64 = 64 << 10;
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOK_BYTES_MAX).read_to_end(&mut start));
    read.map_err(|error| format!("names `{}`: {error}", path.display()))?;
    if String::from_utf8_lossy(&start).contains(holds) {
        Ok(())
    } else {
        Err(format!("names `{}`, which holds no `{holds}`", path.display()))
    }
}

/// The data directory is a folder, or can become one in the nearest folder above it that exists.
fn check_data(dir: &Path) -> Result<(), String> {
    let existing = dir.ancestors().find(|path| path.as_os_str().is_empty() || path.exists());
    let existing = existing.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(existing) {
        Ok(found) if !found.is_dir() => Err(format!("is `{}`, which is no folder", existing.display())),
        Ok(found) if found.permissions().readonly() => {
            Err(format!("lies in `{}`, which cannot be written to", existing.display()))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(format!("lies in `{}`: {error}", existing.display())),
    }
}
