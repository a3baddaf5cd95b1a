//! From what was written to what the rooms run with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_batch::Limits;
use tidegate_formats::enrich::{EnrichOptions, GeoIp};

use super::sections::{Data, Detect, Formats, Log, Logpush, Settings};
use super::{Bucket, Loaded, Network, Problem, Problems, Sender, Size, Sources, Span};

/// The folder in the data directory for what a query cannot hold in memory.
const SPILL: &str = "spill";

/// The folder in the data directory for the certificate and the account that it was got by.
const ACME: &str = "acme";

/// A configuration to run with: the options of every room.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) data: Data,
    pub(crate) formats: Formats,
    pub(crate) detect: Detect,
    pub(crate) logpush: Logpush,
    pub(crate) log: Log,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) limits: Limits,
    pub(crate) journal: tidegate_journal::Options,
    pub(crate) store: tidegate_store::Options,
    pub(crate) query: tidegate_query::Options,
    pub(crate) pipeline: tidegate_pipeline::Options,
    pub(crate) state: tidegate_state::Options,
    pub(crate) server: tidegate_server::Options,
    /// How to get a certificate, where that is wanted.
    pub(crate) acme: Option<tidegate_acme::Options>,
    /// Where the plain listener for checks by HTTP is.
    pub(crate) http_listen: Option<std::net::SocketAddr>,
    /// Who may send batches; empty: everybody with a key.
    pub(crate) senders: Vec<Sender>,
}

impl Config {
    /// Reads all sources and opens what they name.
    pub(crate) fn load(sources: &Sources) -> Result<Self, Problems> {
        Loaded::read(sources)?.config()
    }
}

impl Loaded {
    /// The options of every room.
    pub(crate) fn config(&self) -> Result<Config, Problems> {
        let settings = &self.settings;
        let limits = settings.limits();
        let enrich = self.enrich()?;
        Ok(Config {
            data: settings.data.clone(),
            formats: settings.formats.clone(),
            detect: settings.detect.clone(),
            logpush: settings.logpush.clone(),
            log: settings.log.clone(),
            journal: settings.journal(),
            store: settings.store(),
            query: settings.query(),
            pipeline: tidegate_pipeline::Options { limits, enrich, ..Default::default() },
            state: settings.state(),
            server: settings.server(),
            acme: settings.acme(),
            http_listen: settings.acme.http_listen,
            senders: settings.intake.allow_networks.clone(),
            buckets: self.buckets.clone(),
            limits,
        })
    }

    /// Enrichment, if it is on, with the MMDB files open.
    fn enrich(&self) -> Result<Option<EnrichOptions>, Problems> {
        let enrich = &self.settings.enrich;
        if !enrich.enabled {
            return Ok(None);
        }
        let (city, asn) = (enrich.geoip_city.as_deref(), enrich.geoip_asn.as_deref());
        if city.is_none() && asn.is_none() {
            return Ok(Some(EnrichOptions::default()));
        }
        match GeoIp::open(city, asn) {
            Ok(geoip) => Ok(Some(EnrichOptions { geoip: Some(Arc::new(geoip)), ..EnrichOptions::default() })),
            Err(error) => Err(self.geoip_problem(city, &error.to_string())),
        }
    }

    /// The problem at the key whose file cannot be opened.
    fn geoip_problem(&self, city: Option<&Path>, why: &str) -> Problems {
        let is_city = city.is_some() && GeoIp::open(city, None).is_err();
        let key = if is_city { "geoip_city" } else { "geoip_asn" };
        let problem: Problem = self.problem("enrich", key, format!("names a file that does not open: {why}"));
        Problems(vec![problem])
    }
}

impl Settings {
    /// The bounds on a batch.
    fn limits(&self) -> Limits {
        let intake = &self.intake;
        Limits {
            compressed_bytes_max: intake.compressed_bytes_max.in_memory(),
            decompressed_bytes_max: intake.decompressed_bytes_max.in_memory(),
            record_bytes_max: intake.record_bytes_max.in_memory(),
            ..Limits::default()
        }
    }

    /// Segments shrink with a small journal, which could not recycle any otherwise.
    fn journal(&self) -> tidegate_journal::Options {
        let defaults = tidegate_journal::Options::default();
        let Size(bytes_max) = self.journal.bytes_max;
        tidegate_journal::Options {
            segment_bytes: defaults.segment_bytes.min((bytes_max / 8).max(1 << 20)),
            journal_bytes_max: bytes_max,
            dedupe_window: self.journal.dedupe_window.0,
            ..defaults
        }
    }

    fn store(&self) -> tidegate_store::Options {
        let store = &self.store;
        let defaults = tidegate_store::Options::default();
        tidegate_store::Options {
            flush_rows: store.flush_rows,
            flush_age: store.flush_age.0,
            tail_bytes_max: store.memory_max.in_memory(),
            // Memory must be written out before it is full.
            flush_bytes: defaults.flush_bytes.min(store.memory_max.in_memory() / 2),
            retention_days: store.retention_days,
            retention_bytes: store.retention_size.map(|Size(bytes)| bytes),
            compact_files: store.compact_files,
            file_bytes: store.compact_size.0,
            vacuum_after: store.vacuum_after.0,
            ..defaults
        }
    }

    /// The query engine's options.
    pub(crate) fn query(&self) -> tidegate_query::Options {
        let query = &self.query;
        tidegate_query::Options {
            memory_bytes_max: query.memory_max.in_memory(),
            timeout: query.timeout.0,
            sql_rows_max: query.rows_max,
            spill_dir: Some(self.spill_dir()),
            ..tidegate_query::Options::default()
        }
    }

    fn spill_dir(&self) -> PathBuf {
        self.data.dir.join(SPILL)
    }

    /// The control plane's options.
    pub(crate) fn state(&self) -> tidegate_state::Options {
        tidegate_state::Options {
            session_idle: self.auth.session_idle.0,
            audit_age_max: self.auth.audit_age_max.0,
            ..tidegate_state::Options::default()
        }
    }

    /// The address that was written or, with a certificate of our own, the first name it is for: authorities check at port
    /// 443, whatever leads from there to us.
    pub(crate) fn public_url(&self) -> Option<String> {
        let written = self.server.public_url.as_ref().map(|url| url.0.clone());
        written.or_else(|| self.acme.names.first().map(|name| format!("https://{}", name.0)))
    }

    fn acme(&self) -> Option<tidegate_acme::Options> {
        let acme = &self.acme;
        if acme.names.is_empty() {
            return None;
        }
        let names = acme.names.iter().map(|name| name.0.clone()).collect();
        let by_http = acme.http_listen.is_some();
        Some(tidegate_acme::Options {
            contact: acme.contact.as_ref().map(|address| address.0.clone()),
            directory: acme.directory.0.clone(),
            terms_agreed: acme.terms_agreed,
            root_file: acme.root_file.clone(),
            external_account: acme
                .external_account_id
                .clone()
                .zip(acme.external_account_key_file.clone())
                .map(|(id, key_file)| tidegate_acme::ExternalAccount { id: id.0, key_file }),
            challenge: if by_http { tidegate_acme::Challenge::Http01 } else { tidegate_acme::Challenge::TlsAlpn01 },
            ..tidegate_acme::Options::new(names, self.data.dir.join(ACME))
        })
    }

    fn server(&self) -> tidegate_server::Options {
        let server = &self.server;
        tidegate_server::Options {
            listen: server.listen,
            trusted_proxies: server.trusted_proxies.iter().map(trusted).collect(),
            session_seconds_max: whole_seconds(self.auth.session_ttl),
            record_bytes_max: self.intake.record_bytes_max.in_memory(),
            public_url: self.public_url(),
            tls_certificate: server.tls_certificate.clone(),
            tls_key: server.tls_key.clone(),
            connections_max: server.connections_max,
            header_seconds_max: whole_seconds(server.header_timeout),
            body_pause_seconds_max: whole_seconds(server.body_pause_timeout),
            body_seconds_max: whole_seconds(server.body_timeout),
            bodies_bytes_max: server.bodies_memory_max.in_memory(),
            compressed_bytes_max: self.intake.compressed_bytes_max.in_memory(),
            decompressed_bytes_max: self.intake.decompressed_bytes_max.in_memory(),
            stop_seconds_max: whole_seconds(server.stop_timeout),
            ..tidegate_server::Options::default()
        }
    }
}

fn trusted(network: &Network) -> tidegate_server::Network {
    tidegate_server::Network { address: network.address, prefix: network.prefix }
}

/// Rounded up: half a second is not none.
fn whole_seconds(span: Span) -> u64 {
    u64::try_from(span.0.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}
