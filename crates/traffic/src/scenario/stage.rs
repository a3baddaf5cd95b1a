//! Where a scenario plays: a device, a clock, and the answers it gets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tidegate_event::Timestamp;

use super::{Cycle, Scenario, Shot};
use crate::answers;
use crate::device::Kind;
use crate::network::Place;
use crate::policy::{Decision, Policy, Verdict};
use crate::reply::{NX_DOMAIN, Reply};
use crate::rng::Rng;
use crate::rtype;
use crate::truth::{Nature, Planted};
use crate::wire::{Data, Record};
use crate::world::World;

/// Names that the truth quotes.
const SAMPLE: usize = 5;
/// A period below which scenarios run faster, so that a short file holds whole ones.
const NATURAL_PERIOD_MICROS: u64 = 3_600_000_000;
const ABROAD: [Place; 4] = [
    Place { country: "NL", continent: "EU" },
    Place { country: "MD", continent: "EU" },
    Place { country: "PA", continent: "NA" },
    Place { country: "SC", continent: "AF" },
];

/// What the asker is told.
pub(super) enum Told {
    /// An address from the documentation ranges.
    Address,
    /// This address.
    Exactly(IpAddr),
    Text(Vec<u8>),
    Alias(String),
    Mail(String),
    Bytes(Vec<u8>),
    NoSuchName,
    /// The name exists but not this type.
    Nothing,
}

pub(super) struct Stage<'w> {
    pub world: &'w World,
    pub rng: Rng,
    /// Microseconds since the start of the traffic.
    pub now: u64,
    /// End of the cycle.
    pub ends: u64,
    /// The domain everything is below, for the truth.
    pub domain: String,
    /// Categories of what is asked, and what the policies make of it.
    pub categories: Vec<u8>,
    pub verdict: Verdict,
    pub ttl: u32,
    pub shots: Vec<Shot>,
    attachment: u32,
    planted: u32,
    period: u64,
    home: Ipv4Addr,
    place: Place,
}

impl<'w> Stage<'w> {
    pub(super) fn new(world: &'w World, mut rng: Rng, starts: u64, cycle: &Cycle, planted: u32) -> Self {
        let home = Ipv4Addr::new(203, 0, 113, rng.between(1, 254) as u8);
        let place = rng.pick(&ABROAD);
        let mut stage = Self {
            world,
            rng,
            now: starts,
            ends: cycle.begins + cycle.period,
            domain: String::new(),
            categories: Vec::new(),
            verdict: Verdict::default(),
            ttl: 60,
            shots: Vec::new(),
            attachment: 0,
            planted,
            period: cycle.period,
            home,
            place,
        };
        stage.on(Kind::Laptop);
        stage
    }

    /// Moves to a device of a kind that the log knows by name.
    pub(super) fn on(&mut self, kind: Kind) {
        let devices = &self.world.org.devices;
        let fits = |at: &usize| devices[*at].kind == kind && devices[*at].enrolled;
        let candidates = (0..devices.len()).filter(fits).count();
        let chosen = self.rng.index(candidates);
        let found = (0..devices.len()).filter(fits).nth(chosen).unwrap_or(0);
        let away = kind == Kind::Laptop && self.rng.per_mille(250);
        self.attachment = found as u32 * 2 + u32::from(away);
    }

    /// Makes up the domain of an attacker: syllables, a word, four digits.
    pub(super) fn register(&mut self, word: &str, top_level: &str) -> String {
        const SYLLABLES: [&str; 12] =
            ["brou", "kesk", "vanti", "quill", "dorsa", "fenni", "harro", "jubb", "lomek", "ostra", "pirro", "zandu"];
        let (first, second) = (self.rng.pick(&SYLLABLES), self.rng.pick(&SYLLABLES));
        let domain = format!("{first}{second}-{word}{}.{top_level}", self.rng.between(1000, 9999));
        self.domain.clone_from(&domain);
        domain
    }

    /// Lets time pass: around `milliseconds`, a third more or less; faster in a short period.
    pub(super) fn wait(&mut self, milliseconds: u64) {
        self.wait_within(milliseconds, milliseconds / 3);
    }

    /// Lets `milliseconds` pass, give or take `jitter`.
    pub(super) fn wait_within(&mut self, milliseconds: u64, jitter: u64) {
        let chosen = milliseconds - jitter + self.rng.below(2 * jitter + 1);
        let micros = chosen * 1_000 + self.rng.below(1_000);
        self.now += if self.period < NATURAL_PERIOD_MICROS {
            (u128::from(micros) * u128::from(self.period) / u128::from(NATURAL_PERIOD_MICROS)) as u64
        } else {
            micros
        };
    }

    pub(super) fn ask(&mut self, name: &str, qtype: u16, told: Told) {
        debug_assert!(name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len())), "{name}");
        let mut reply = Reply {
            name: name.to_owned(),
            qtype,
            categories: self.categories.clone(),
            verdict: self.verdict.clone(),
            ..Reply::default()
        };
        if reply.verdict.blocks() {
            crate::resolve::blocked(&mut reply);
        } else {
            self.tell(&mut reply, told);
        }
        self.shots.push(Shot { at: self.now, planted: self.planted, attachment: self.attachment, reply });
    }

    fn tell(&self, reply: &mut Reply, told: Told) {
        let (ttl, owner) = (self.ttl, reply.name.clone());
        let mut push = |rtype, data| reply.records.push(Record { owner: owner.clone(), rtype, ttl, data });
        match told {
            Told::Address if reply.qtype == rtype::AAAA => {
                let [a, b, c, d] = self.home.octets().map(u16::from);
                let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, a, b, c, d, 1);
                push(rtype::AAAA, Data::Address(IpAddr::V6(v6), self.place));
            }
            Told::Address => push(rtype::A, Data::Address(IpAddr::V4(self.home), self.place)),
            Told::Exactly(address) => answers::address(reply, address, self.place, ttl),
            Told::Text(text) => push(rtype::TXT, Data::Txt(text)),
            Told::Alias(target) => push(rtype::CNAME, Data::Name(target)),
            Told::Mail(host) => push(rtype::MX, Data::Mx(10, host)),
            Told::Bytes(bytes) => {
                let shown = format!("\\# {} {}", bytes.len(), hex(&bytes));
                push(rtype::NULL, Data::Opaque(bytes, shown));
            }
            Told::NoSuchName => reply.rcode = NX_DOMAIN,
            Told::Nothing => {}
        }
    }

    /// Asks for both address families of a name.
    pub(super) fn visit(&mut self, name: &str) {
        self.ask(name, rtype::A, Told::Address);
        self.now += self.rng.between(200, 2_000);
        self.ask(name, rtype::AAAA, Told::Nothing);
    }

    /// From now on everything is blocked as one of these categories.
    pub(super) fn block(&mut self, categories: &[u8]) {
        self.categories = categories.to_vec();
        self.verdict = Verdict::new(Decision::BlockedByCategory, Some(Policy::Threats), categories);
    }

    /// The entry of the truth for what was played.
    pub(super) fn entry(&self, scenario: Scenario, nature: Nature, about: &'static str, cycle: &Cycle) -> Planted {
        let time = |at: u64| Timestamp::from_micros(cycle.origin + at as i64).to_rfc3339();
        let device = &self.world.org.devices[self.attachment as usize / 2];
        let shown = |text: &str| if device.enrolled { text.to_owned() } else { String::new() };
        let (email, _) = self.world.org.user(device);
        let (mut types, mut decisions) = (BTreeMap::new(), BTreeMap::new());
        let (mut names, mut sample) = (BTreeSet::new(), Vec::new());
        for Shot { reply, .. } in &self.shots {
            *types.entry(rtype::name(reply.qtype)).or_insert(0) += 1;
            *decisions.entry(reply.verdict.decision().name()).or_insert(0) += 1;
            if names.insert(reply.name.as_str()) && sample.len() < SAMPLE {
                sample.push(reply.name.clone());
            }
        }
        let edge = |shot: Option<&Shot>| time(shot.map_or(self.now, |shot| shot.at));
        Planted {
            scenario: scenario.name(),
            nature,
            cycle: cycle.number,
            device_id: shown(&device.id),
            device_name: shown(&device.name),
            email: shown(email),
            source_ip: self.world.org.attachments[self.attachment as usize].source.to_string(),
            first: edge(self.shots.iter().min_by_key(|shot| shot.at)),
            last: edge(self.shots.iter().max_by_key(|shot| shot.at)),
            planned: self.shots.len() as u64,
            written: 0,
            distinct_names: names.len() as u64,
            domain: self.domain.clone(),
            types,
            decisions,
            sample,
            about,
            detections: scenario.detections(),
        }
    }
}

/// Lower-case hexadecimal digits of bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Splits a text into labels of at most `label` characters and puts them before a domain.
pub(super) fn labelled(text: &str, label: usize, domain: &str) -> String {
    let mut name = String::with_capacity(text.len() + text.len() / label + domain.len() + 2);
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % label == 0 {
            name.push('.');
        }
        name.push(letter);
    }
    name.push('.');
    name.push_str(domain);
    name
}
