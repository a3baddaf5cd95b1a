//! What faces the outside: the certificate that is got by ACME, and the networks that may send.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use eyre::{WrapErr, eyre};
use tidegate_acme::{Acme, AcmeError};
use tidegate_event::Timestamp;
use tidegate_logpush::{ApiUrl, Network, Networks, REFRESH_PAUSE};
use tidegate_server::{Figure, Senders};
use tokio::net::TcpListener;

use crate::config::{Config, Sender};
use crate::exit::Failure;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Edge {
    pub(crate) acme: Option<Arc<Acme>>,
    http_listen: Option<SocketAddr>,
    allowed: Option<Allowed>,
}

/// The networks that may send; those of Cloudflare are renewed.
#[derive(Clone, Debug)]
struct Allowed {
    networks: Arc<RwLock<Networks>>,
    own: Vec<Network>,
    cloudflare: bool,
}

impl Edge {
    /// Loads what was kept; asks nobody yet.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let acme = config.acme.clone().map(Acme::open).transpose().map_err(|error| match error {
            AcmeError::Folder { .. } => Failure::Work(eyre!(error)),
            error => Failure::Config(eyre!(error).wrap_err("[acme]")),
        })?;
        let allowed = if config.senders.is_empty() { None } else { Some(Allowed::new(&config.senders)?) };
        let http_listen = config.http_listen.filter(|_| acme.is_some());
        Ok(Self { acme: acme.map(Arc::new), http_listen, allowed })
    }

    /// Whose batches are taken.
    pub(crate) fn senders(&self) -> Senders {
        let Some(allowed) = &self.allowed else { return Senders::anybody() };
        let networks = Arc::clone(&allowed.networks);
        Senders::only(move |address| networks.read().unwrap_or_else(PoisonError::into_inner).contains(address))
    }

    /// Renews the certificate and the networks for as long as the runtime lives. The listener for connections must be there
    /// already: an authority checks at once.
    pub(crate) async fn start(&self) -> Result<(), Failure> {
        if let Some(acme) = &self.acme {
            if let Some(address) = self.http_listen {
                let listener = TcpListener::bind(address).await;
                let listener =
                    listener.with_context(|| format!("cannot listen on `{address}` (`http_listen` in [acme])"))?;
                let names = acme.status().names;
                tokio::spawn(acme.challenges().serve(listener, names, pending()));
            }
            let acme = Arc::clone(acme);
            tokio::spawn(async move { acme.run(pending()).await });
        }
        if let Some(allowed) = self.allowed.clone().filter(|allowed| allowed.cloudflare) {
            tokio::spawn(allowed.renew());
        }
        Ok(())
    }
}

impl Allowed {
    fn new(senders: &[Sender]) -> Result<Self, Failure> {
        let own = |sender: &Sender| match sender {
            Sender::Cloudflare => None,
            Sender::Network(network) => Some((network.address, network.prefix)),
        };
        let own: Vec<_> =
            senders.iter().filter_map(own).filter_map(|(address, prefix)| Network::new(address, prefix)).collect();
        let cloudflare = senders.contains(&Sender::Cloudflare);
        let base = if cloudflare { Networks::cloudflare() } else { Networks::default() };
        let networks = base.with(own.iter().copied()).map_err(|error| Failure::Config(eyre!(error)))?;
        Ok(Self { networks: Arc::new(RwLock::new(networks)), own, cloudflare })
    }

    /// Asks Cloudflare for its networks once a day; what cannot be had or believed changes nothing.
    async fn renew(self) {
        let api = ApiUrl::default();
        loop {
            let fetched = Networks::fetch_cloudflare(&api).await;
            match fetched.and_then(|networks| networks.with(self.own.iter().copied())) {
                Ok(networks) => self.replace(networks),
                Err(error) => tracing::warn!("kept the list of Cloudflare's networks that is there: {error}"),
            }
            tokio::time::sleep(REFRESH_PAUSE).await;
        }
    }

    fn replace(&self, networks: Networks) {
        let mut current = self.networks.write().unwrap_or_else(PoisonError::into_inner);
        if *current != networks {
            let count = networks.listed().len();
            tracing::info!(networks = count, "Cloudflare publishes other networks now: batches are taken from {count}");
            *current = networks;
        }
    }
}

/// What `/metrics`, `/readyz` and the status tell about the certificate.
pub(crate) fn certificate_readings(acme: &Acme) -> (Vec<Figure>, Option<String>) {
    let status = acme.status();
    let gauge = |name, help, value: f64| Figure { name, help, cumulative: false, value };
    let end_seconds = status.not_after.map_or(0, |end| end.as_micros() / 1_000_000);
    let figures = vec![
        gauge(
            "certificate_end_time_seconds",
            "When the certificate that was got by ACME ends; 0 while there is none.",
            end_seconds as f64,
        ),
        gauge(
            "certificate_failures",
            "Attempts to get a certificate that failed since the last success; the log says why.",
            f64::from(status.failures),
        ),
    ];
    (figures, status.trouble(Timestamp::now()))
}
