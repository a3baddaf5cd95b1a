//! Every section and key, with its meaning and its default. The reference page is made from this file.

use std::net::SocketAddr;
use std::path::PathBuf;

use tidegate_batch::Limits;
use tidegate_journal::Options as Journaling;
use tidegate_query::Options as Querying;
use tidegate_server::Options as Serving;
use tidegate_state::Options as Controlling;
use tidegate_store::Options as Storing;

use super::Written;
use super::kind::{ApiAddress, CloudflareId, LogFormat, LogLevel, Network, PublicUrl, Size, Span};
use super::names::{DirectoryUrl, HostName, KeyId, MailAddress, Sender};
use super::value::{Raw, Value};

/// A section, for whoever asks what there is.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) about: String,
    pub(super) settings: Vec<Setting>,
}

/// A key of a section.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) about: String,
    pub(super) kind: &'static str,
    pub(super) list: bool,
    pub(super) default: Raw,
}

macro_rules! sections {
    ($($(#[doc = $about:literal])+ [$section:ident] $Section:ident {
        $($(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:expr;)+
    })+) => {
        $($(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $Section {
            $($(#[doc = $doc])+ pub(crate) $key: $kind,)+
        })+

        /// Everything that can be configured, as it was written or by default.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Settings {
            $($(#[doc = $about])+ pub(crate) $section: $Section,)+
        }

        impl Settings {
            /// Takes what was written, and the default for what was not.
            pub(super) fn resolve(written: &mut Written) -> Self {
                Self { $($section: $Section {
                    $($key: written.take(stringify!($section), stringify!($key), $default),)+
                },)+ }
            }

            /// Every value as it would be written.
            pub(super) fn show(&self) -> Vec<(&'static str, &'static str, Raw)> {
                vec![$($((stringify!($section), stringify!($key), self.$section.$key.show()),)+)+]
            }
        }

        /// All sections in the order of the reference page.
        pub(super) fn sections() -> Vec<Section> {
            vec![$(Section {
                name: stringify!($section),
                about: [$($about),+].concat().trim().to_owned(),
                settings: vec![$(Setting {
                    key: stringify!($key),
                    about: [$($doc),+].concat().trim().to_owned(),
                    kind: <$kind as Value>::KIND,
                    list: <$kind as Value>::LIST,
                    default: <$kind as Value>::show(&$default),
                },)+],
            },)+]
        }
    };
}

sections! {
    /// Where everything is kept.
    [data] Data {
        /// The data directory: journal, table, accounts. One process at a time writes to it.
        dir: PathBuf = PathBuf::from("tidegate-data");
    }

    /// How people and Cloudflare reach the server.
    [server] Server {
        /// The address to listen on; port 0 lets the system choose.
        listen: SocketAddr = Serving::default().listen;
        /// The address under which people and Cloudflare reach the server, when a proxy stands in front. With `https` it
        /// marks the session cookie as secure.
        public_url: Option<PublicUrl> = Serving::default().public_url.map(PublicUrl);
        /// PEM file with the certificate chain; with `tls_key` it turns TLS on.
        tls_certificate: Option<PathBuf> = Serving::default().tls_certificate;
        /// PEM file with the private key of `tls_certificate`.
        tls_key: Option<PathBuf> = Serving::default().tls_key;
        /// Proxies whose `X-Forwarded-For` tells the true address of a client. Nobody else's is believed.
        trusted_proxies: Vec<Network> = Vec::new();
        /// Connections open at the same time; one more is closed at once.
        connections_max: usize = Serving::default().connections_max;
        /// How long a client may take to send the headers of a request.
        header_timeout: Span = seconds(Serving::default().header_seconds_max);
        /// How long a body may pause. Cloudflare itself gives up after ten seconds without progress.
        body_pause_timeout: Span = seconds(Serving::default().body_pause_seconds_max);
        /// How long a body may take in all.
        body_timeout: Span = seconds(Serving::default().body_seconds_max);
        /// Memory for the bodies of all requests together; at the bound, senders wait.
        bodies_memory_max: Size = Size(Serving::default().bodies_bytes_max as u64);
        /// How long requests in flight may take to finish when the server stops.
        stop_timeout: Span = seconds(Serving::default().stop_seconds_max);
    }

    /// A certificate that the server gets and renews by itself, by ACME (RFC 8555). Instead of `tls_certificate`.
    [acme] Acme {
        /// The public names that the certificate is for. None: no certificate is got.
        names: Vec<HostName> = Vec::new();
        /// Whether you agree to the terms of service of the authority. Nothing is asked of it before.
        terms_agreed: bool = false;
        /// Mail address that the authority may write to.
        contact: Option<MailAddress> = None;
        /// The authority's directory. For trials: `https://acme-staging-v02.api.letsencrypt.org/directory`.
        directory: DirectoryUrl = DirectoryUrl(tidegate_acme::LETS_ENCRYPT.to_owned());
        /// PEM file with the root that a private authority's own TLS is checked against.
        root_file: Option<PathBuf> = None;
        /// Identifier of the key that an authority gives to its customers (external account binding: `EAB KID`, `keyId`).
        external_account_id: Option<KeyId> = None;
        /// File whose first line is that key (`EAB HMAC key`, `b64MacKey`). Wanted only when the account is made.
        external_account_key_file: Option<PathBuf> = None;
        /// Address of a second, plain listener for port 80. With it the authority checks by HTTP; without it by TLS, at the
        /// address in `listen`, to which port 443 of the names must lead.
        http_listen: Option<SocketAddr> = None;
    }

    /// Who may send batches, and what they may hold. A larger one is answered with 413 and not stored.
    [intake] Intake {
        /// Networks from which batches are taken; none: from everywhere. The key is wanted in any case. A proxy must be in
        /// `trusted_proxies`, else it is the sender. Cloudflare does not say that Logpush keeps to the networks it publishes.
        allow_networks: Vec<Sender> = Vec::new();
        /// Size of a batch as sent.
        compressed_bytes_max: Size = Size(Limits::default().compressed_bytes_max as u64);
        /// Size of a batch with its compression undone; at least the `max_upload_bytes` of the Logpush job, which counts
        /// before compression.
        decompressed_bytes_max: Size = Size(Limits::default().decompressed_bytes_max as u64);
        /// Size of one record. A longer one is kept as invalid.
        record_bytes_max: Size = Size(Limits::default().record_bytes_max as u64);
    }

    /// The journal, which holds each batch until it is in the table.
    [journal] Journal {
        /// Disk space for batches that are not in the table yet; at the bound, senders get 503 and try again later.
        bytes_max: Size = Size(Journaling::default().journal_bytes_max);
        /// For how long a batch that is sent again is recognised and stored only once.
        dedupe_window: Span = Span(Journaling::default().dedupe_window);
    }

    /// The table of events.
    [store] Store {
        /// Events after which memory is written to the table. They are searchable before.
        flush_rows: usize = Storing::default().flush_rows;
        /// Age after which memory is written to the table.
        flush_age: Span = Span(Storing::default().flush_age);
        /// Memory for events that are not in the table yet; at the bound, parsing waits.
        memory_max: Size = Size(Storing::default().tail_bytes_max as u64);
        /// Days that events are kept; none keeps them for ever.
        retention_days: Option<u32> = Storing::default().retention_days;
        /// Disk space for the table; the oldest days go first. None sets no bound.
        retention_size: Option<Size> = Storing::default().retention_bytes.map(Size);
        /// Small files of one day that are worth being rewritten as large ones.
        compact_files: usize = Storing::default().compact_files;
        /// Size that compaction aims at for a file of the table.
        compact_size: Size = Size(Storing::default().file_bytes);
        /// How long a file that left the table stays on disk, for whoever still reads it.
        vacuum_after: Span = Span(Storing::default().vacuum_after);
    }

    /// What one search may cost.
    [query] Query {
        /// Memory for all searches together.
        memory_max: Size = Size(Querying::default().memory_bytes_max as u64);
        /// How long a search may take. Exports may take longer.
        timeout: Span = Span(Querying::default().timeout);
        /// Rows that one SQL statement may return.
        rows_max: usize = Querying::default().sql_rows_max;
    }

    /// What is added to events beside parsing.
    [enrich] Enrich {
        /// Whether answers are decoded, and name statistics and places added.
        enabled: bool = true;
        /// MMDB file with cities, such as GeoLite2-City.
        geoip_city: Option<PathBuf> = None;
        /// MMDB file with networks, such as GeoLite2-ASN.
        geoip_asn: Option<PathBuf> = None;
    }

    /// Formats beside the built-in ones.
    [formats] Formats {
        /// Folders with formats of your own, each `<vendor>/<format>/`. A format of a built-in's name replaces it.
        dirs: Vec<PathBuf> = Vec::new();
    }

    /// Rules, lists and behaviour that events are judged by.
    [detect] Detect {
        /// Whether events are judged at all.
        enabled: bool = true;
        /// Files and folders with Sigma rules of your own. A rule with a built-in's id replaces it.
        rules: Vec<PathBuf> = Vec::new();
        /// Folders with lists of names of your own, `<tag>.txt` each.
        lists: Vec<PathBuf> = Vec::new();
        /// Whether notification targets may be on this machine, such as a relay of your own.
        allow_loopback: bool = false;
    }

    /// The jobs at Cloudflare that send logs here. With a token and an account or zone they are watched.
    [logpush] Logpush {
        /// File whose first line is a Cloudflare API token with `Logs: Edit`, and `Zero Trust: PII Read` for Access, Gateway
        /// and DEX datasets. Without it, the variable `CLOUDFLARE_API_TOKEN` counts.
        token_file: Option<PathBuf> = None;
        /// Accounts whose jobs are watched.
        accounts: Vec<CloudflareId> = Vec::new();
        /// Zones whose jobs are watched.
        zones: Vec<CloudflareId> = Vec::new();
        /// How often they are looked at; ten seconds at least.
        interval: Span = seconds(60);
        /// How long an intake may hear nothing while its job delivers before somebody is told. Longer where nobody asks anything
        /// for so long, such as a small office at night.
        silent_after: Span = Span(tidegate_logpush::SILENT_AFTER);
        /// Whether an address of this network will do where Cloudflare needs a public one, as for a relay that forwards here.
        allow_private: bool = false;
        /// Server to ask instead of `https://api.cloudflare.com`, for a proxy or a test.
        api_url: Option<ApiAddress> = None;
    }

    /// Logging in.
    [auth] Auth {
        /// How long a login lasts at most.
        session_ttl: Span = seconds(7 * 86_400);
        /// How long a login lasts without being used.
        session_idle: Span = Span(Controlling::default().session_idle);
        /// How long the audit trail is kept.
        audit_age_max: Span = Span(Controlling::default().audit_age_max);
    }

    /// The program's own log, on standard error.
    [log] Log {
        /// Which lines are written.
        level: LogLevel = LogLevel("info".to_owned());
        /// How they look: for people or for machines.
        format: LogFormat = LogFormat::Text;
    }
}

const fn seconds(seconds: u64) -> Span {
    Span(std::time::Duration::from_secs(seconds))
}
