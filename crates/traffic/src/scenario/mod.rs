//! Attacks to find, and harmless traffic that looks like them.
//!
//! Every shape follows what is publicly documented of the tool. Domains an attacker would register are made up:
//! syllables, a word and four digits, so that they are nobody's; generated names are random letters; imitations are of
//! the made-up organisation's own name. Names of existing services appear only where the
//! service itself is the indicator (a mining pool, a remote access relay), always with made-up answers from the
//! documentation address ranges. Nothing is ever sent to any of them.

mod access;
mod beacon;
mod cobalt_strike;
mod dga;
mod lookalike;
mod phishing;
mod service;
mod sliver;
mod stage;
mod tunnel;

use std::str::FromStr;

use crate::config::{ConfigError, Scenarios};
use crate::reply::Reply;
use crate::rng::{Rng, mix};
use crate::truth::{Nature, Planted};
use crate::world::World;
use stage::Stage;

/// A prepared record of a scenario.
#[derive(Debug)]
pub(crate) struct Shot {
    /// Microseconds since the start of the traffic.
    pub at: u64,
    /// Index into the truth's list.
    pub planted: u32,
    pub attachment: u32,
    pub reply: Reply,
}

macro_rules! scenarios {
    ($($variant:ident $name:literal $run:path, $like:path, [$($detection:literal),*] $about:literal;)*) => {
        /// An attack the generator can plant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Scenario { $(#[doc = $about] $variant),* }

        impl Scenario {
            /// Every scenario, in the order they are planted.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The scenario's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it is.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),* }
            }

            /// The detections that must find it.
            #[must_use]
            pub const fn detections(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($detection),*]),* }
            }

            fn attack(self, stage: &mut Stage<'_>) {
                match self { $(Self::$variant => $run(stage)),* }
            }

            /// Plays harmless traffic and says why it is harmless.
            fn look_alike(self, stage: &mut Stage<'_>) -> &'static str {
                match self { $(Self::$variant => $like(stage)),* }
            }
        }
    };
}

scenarios! {
    CobaltStrike "cobalt-strike" cobalt_strike::attack, lookalike::cobalt_strike, ["cobalt-strike-dns-beacon", "dns-tunnel-volume"]
        "Cobalt Strike beacon over DNS with the default prefixes: stager, metadata, tasks and output.";
    Sliver "sliver" sliver::attack, lookalike::sliver, ["sliver-dns-beacon"]
        "Sliver implant over DNS: protobuf messages in its own base32 alphabet.";
    Iodine "iodine" tunnel::iodine, lookalike::long_names, ["dns-tunnel-length", "dns-tunnel-correlation", "dns-tunnel-volume"]
        "IP over DNS as iodine does it: handshake, then long names of types NULL, TXT and CNAME.";
    Dnscat2 "dnscat2" tunnel::dnscat2, lookalike::lookups, ["dns-tunnel-length", "dns-tunnel-correlation", "dns-tunnel-volume"]
        "A shell over DNS as dnscat2 does it: hexadecimal labels, types TXT, CNAME and MX.";
    Dns2tcp "dns2tcp" tunnel::dns2tcp, lookalike::mail_keys, ["dns-tunnel-volume", "malicious-category-blocked"]
        "TCP over DNS as dns2tcp does it, known to the resolver's tunnelling category and blocked.";
    Bazar "bazar" dga::bazar, lookalike::bazar, ["bazar-loader-dga", "nxdomain-burst"]
        "Bazar loader looking for its server below the alternative top-level domain .bazar.";
    NxdomainBurst "nxdomain-burst" dga::burst, lookalike::search_suffix, ["nxdomain-burst"]
        "A domain generation algorithm: many registered domains that do not exist in a few minutes.";
    EvilProxy "evilproxy" phishing::evil_proxy, lookalike::single_uuid, ["evilproxy-phishing"]
        "A phishing session through EvilProxy: dashless UUIDv4 labels and login. under one domain.";
    Lookalike "brand-lookalike" phishing::lookalike, lookalike::own_brand, ["brand-lookalike"]
        "Links to domains that imitate the organisation's own.";
    Tor2web "tor2web" access::tor2web, lookalike::onion_words, ["tor-gateway"]
        "A hidden service visited through web gateways, then directly.";
    CryptoPool "crypto-pool" service::crypto_pool, lookalike::coins, ["cryptomining"]
        "A miner that looks for its pools.";
    AnyDesk "anydesk" access::anydesk, lookalike::anydesk_website, ["rmm-anydesk", "remote-access-tool"]
        "The AnyDesk client connecting through its relays.";
    Atera "atera" access::atera, lookalike::pubsub, ["rmm-atera", "remote-access-tool"]
        "The Atera agent reporting to its service.";
    TelegramBot "telegram-bot" service::telegram_bot, lookalike::telegram_user, ["telegram-bot-api"]
        "A server that talks to the Telegram bot API.";
    Eicar "eicar" service::eicar, lookalike::eicar_words, ["eicar"]
        "The self-test: the product's own test name and the resolver's test categories.";
    MaliciousAllowed "malicious-allowed" service::malicious_allowed, lookalike::parked, ["malicious-category-allowed"]
        "A domain of a malicious category that a policy lets through.";
    Exfiltration "exfiltration" service::exfiltration, lookalike::cloud_storage, ["exfiltration-domain"]
        "Files pushed to transfer, paste and request-capture services.";
    DynamicDns "dynamic-dns" service::dynamic_dns, lookalike::dynamic_words, ["dynamic-dns"]
        "Servers behind dynamic DNS providers.";
    Beacon "beacon" beacon::attack, lookalike::clock, ["beaconing"]
        "The same rare name asked for every minute, with little jitter, for as long as the period lasts.";
    FastBeacon "fast-beacon" beacon::fast, lookalike::heartbeat, ["beaconing", "first-seen-domain"]
        "The same rare name asked for every ten seconds for a quarter of an hour.";
    FastFlux "fast-flux" beacon::fast_flux, lookalike::content_network, ["fast-flux"]
        "One name, short lifetimes and ever new addresses in unrelated networks.";
}

impl FromStr for Scenario {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|scenario| scenario.name() == text).ok_or_else(|| ConfigError::Choice {
            name: "scenario",
            value: text.to_owned(),
            choices: Self::ALL.iter().map(|scenario| scenario.name()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// One planting of all selected scenarios.
pub(crate) struct Cycle {
    pub number: u32,
    /// Microseconds after the start of the traffic.
    pub begins: u64,
    pub period: u64,
    /// The start of the traffic, for the truth's times.
    pub origin: i64,
}

/// Plans a cycle: appends its shots in order of time and its entries of the truth.
pub(crate) fn plan(
    world: &World,
    selected: &Scenarios,
    cycle: &Cycle,
    shots: &mut Vec<Shot>,
    truth: &mut Vec<Planted>,
) {
    let chosen: &[Scenario] = match selected {
        Scenarios::All => Scenario::ALL,
        Scenarios::None => &[],
        Scenarios::Only(chosen) => chosen,
    };
    // Starts fill the first six tenths; what lasts long has the rest of the period.
    let room = cycle.period / 10 * 6 / (2 * chosen.len().max(1) as u64);
    for (at, scenario) in chosen.iter().enumerate() {
        for (side, nature) in [Nature::Attack, Nature::LookAlike].into_iter().enumerate() {
            let place = (2 * at + side) as u64;
            let mut rng = Rng::new(mix(world.seed ^ u64::from(cycle.number) << 32 ^ hash(scenario.name()) ^ place));
            let starts = cycle.begins + room * place + rng.below(room.max(1)) + 500_000;
            let mut stage = Stage::new(world, rng, starts, cycle, truth.len() as u32);
            let about = match nature {
                Nature::Attack => {
                    scenario.attack(&mut stage);
                    scenario.about()
                }
                Nature::LookAlike => scenario.look_alike(&mut stage),
            };
            truth.push(stage.entry(*scenario, nature, about, cycle));
            shots.append(&mut stage.shots);
        }
    }
    shots.sort_by_key(|shot| shot.at);
}

fn hash(name: &str) -> u64 {
    crate::rng::hash_text(0, name)
}
