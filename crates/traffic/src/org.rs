//! The organisation: made-up companies, people and machines.

use crate::alias::Alias;
use crate::catalog::Role;
use crate::device::{Attachment, Device, GROUP_GUEST, GROUP_NOWHERE, GROUP_STAFF, Kind, machine_name};
use crate::office::{self, OFFICES};
use crate::rng::{Rng, mix};

const PEOPLE: &str = include_str!("../data/people.txt");

/// A company of the group, below the reserved top-level domain `example`.
#[derive(Debug)]
pub(crate) struct Company {
    pub domain: &'static str,
    /// The directory's domain, which is also the search suffix of its machines.
    pub directory: &'static str,
    pub prefix: &'static str,
}

pub(crate) const COMPANIES: [Company; 4] = [
    Company { domain: "harbourline.example", directory: "corp.harbourline.example", prefix: "HBL" },
    Company { domain: "kestrelworks.example", directory: "ad.kestrelworks.example", prefix: "KW" },
    Company { domain: "fjordbank.example", directory: "int.fjordbank.example", prefix: "FB" },
    Company { domain: "saltmarsh-labs.example", directory: "lan.saltmarsh-labs.example", prefix: "SML" },
];

/// A person.
#[derive(Debug)]
pub(crate) struct User {
    pub email: String,
    pub id: String,
}

/// Everybody and everything.
#[derive(Debug)]
pub(crate) struct Org {
    pub account: String,
    pub users: Vec<User>,
    pub devices: Vec<Device>,
    /// Two for each device, in order: at the office, elsewhere.
    pub attachments: Vec<Attachment>,
    /// Draws a device by how much its kind talks.
    pub talkers: Alias,
}

/// How much a kind of device talks, bursts relative to a printer's.
const fn talk(kind: Kind) -> f64 {
    match kind {
        Kind::Laptop => 30.0,
        Kind::Phone => 16.0,
        Kind::Server => 26.0,
        Kind::Printer => 1.0,
        Kind::Thing => 2.5,
    }
}

impl Org {
    pub(crate) fn new(seed: u64, users: u32, devices: u32, offices: usize) -> Self {
        let mut rng = Rng::new(mix(seed ^ 0x0067_726f));
        let mut account = String::new();
        rng.hex(32, &mut account);
        let mut org = Self {
            account,
            users: people(users, &mut rng),
            devices: Vec::new(),
            attachments: Vec::new(),
            talkers: Alias::new(&[1.0]),
        };
        let by_size = Alias::new(&OFFICES[..offices].iter().map(|office| office.share).collect::<Vec<_>>());
        org.place_devices(devices, &by_size, &mut rng);
        let sites = Sites::new(offices, &mut rng);
        for at in 0..org.devices.len() {
            let (office, home) = (sites.office(&org.devices[at]), sites.roaming(&org.devices[at]));
            org.attachments.extend([office, home]);
        }
        org.talkers = Alias::new(&org.devices.iter().map(|device| talk(device.kind)).collect::<Vec<_>>());
        org
    }

    /// A laptop for everybody, then phones for most, then the machines that belong to nobody.
    fn place_devices(&mut self, devices: u32, by_size: &Alias, rng: &mut Rng) {
        let homes: Vec<usize> = self.users.iter().map(|_| by_size.draw(rng)).collect();
        let mut number = 0;
        while self.devices.len() < devices as usize {
            let made = self.devices.len();
            let people = self.users.len();
            let owner = if made < people {
                Some((made, Kind::Laptop))
            } else if made < people + people * 13 / 20 {
                Some(((made - people) * 20 / 13, Kind::Phone))
            } else {
                None
            };
            number += 1;
            let device = match owner {
                Some((user, kind)) => personal(user as u32, kind, homes[user], &self.users[user].email, rng),
                None => machine(number, by_size.draw(rng), rng),
            };
            self.devices.push(device);
        }
    }

    /// Email and id of a device's user, empty for a machine.
    pub(crate) fn user(&self, device: &Device) -> (&str, &str) {
        device.user.map_or(("", ""), |user| {
            let user = &self.users[user as usize];
            (&user.email, &user.id)
        })
    }
}

fn people(count: u32, rng: &mut Rng) -> Vec<User> {
    let names = |header: &str| -> Vec<&'static str> {
        let after = PEOPLE.split(header).nth(1).unwrap_or_default();
        after.trim_start().lines().next().unwrap_or_default().split_whitespace().collect()
    };
    let (given, family) = (names("[given]"), names("[family]"));
    (0..count)
        .map(|number| {
            let company = &COMPANIES[[0, 0, 0, 1, 1, 2, 2, 3][rng.index(8)]];
            let (first, last) = (rng.pick(&given).to_lowercase(), rng.pick(&family).to_lowercase());
            // Names repeat in a large company; the directory counts them.
            let count = if number as usize > given.len() { format!("{}", number % 97) } else { String::new() };
            User { email: format!("{first}.{last}{count}@{}", company.domain), id: rng.uuid() }
        })
        .collect()
}

fn personal(user: u32, kind: Kind, office: usize, email: &str, rng: &mut Rng) -> Device {
    let company = COMPANIES.iter().position(|company| email.ends_with(company.domain)).unwrap_or(0);
    let given: String = email.split('.').next().unwrap_or_default().chars().enumerate().map(capital).collect();
    let (role, name) = match (kind, rng.below(10)) {
        (Kind::Laptop, 0..3) => (Role::Windows, windows_name(rng)),
        (Kind::Laptop, 3..7) => (Role::Windows, format!("{}-LT-{:05}", COMPANIES[company].prefix, user + 1)),
        (Kind::Laptop, 7..9) => (Role::Macos, format!("{given}’s MacBook Pro")),
        (Kind::Laptop, _) => (Role::Linux, format!("{}-thinkpad", given.to_lowercase())),
        (_, 0..5) => (Role::Ios, format!("iPhone de {given}")),
        _ => (Role::Android, format!("Pixel {} – {given}", rng.between(6, 9))),
    };
    let enrolled = rng.per_mille(if kind == Kind::Laptop { 850 } else { 600 });
    Device {
        kind,
        role,
        office,
        company,
        user: Some(user),
        // Visitors and private phones; other machines without the client are merely unmanaged.
        group: if !enrolled && rng.per_mille(280) { GROUP_GUEST } else { GROUP_STAFF },
        hash: rng.next(),
        name,
        id: rng.uuid(),
        registration: rng.uuid(),
        enrolled,
        overhead: 29,
    }
}

fn capital((at, letter): (usize, char)) -> char {
    if at == 0 { letter.to_ascii_uppercase() } else { letter }
}

fn windows_name(rng: &mut Rng) -> String {
    let mut name = "DESKTOP-".to_owned();
    rng.text(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 7, &mut name);
    name
}

fn machine(number: u64, office: usize, rng: &mut Rng) -> Device {
    let (kind, role, what, overhead) = match rng.below(20) {
        0..5 => (Kind::Server, Role::Server, "app", 41),
        5..7 => (Kind::Server, Role::Windows, "dc", 29),
        7..11 => (Kind::Printer, Role::Printer, "mfp", 18),
        11..15 => (Kind::Thing, Role::Camera, "cam", 18),
        15..17 => (Kind::Thing, Role::Tv, "room", 18),
        _ => (Kind::Thing, Role::Thermostat, "bms", 18),
    };
    Device {
        kind,
        role,
        office,
        company: rng.index(COMPANIES.len()),
        user: None,
        // A branch line that nobody entered as a location yet.
        group: if kind == Kind::Thing && rng.per_mille(60) { GROUP_NOWHERE } else { GROUP_STAFF },
        hash: rng.next(),
        name: machine_name(what, office, number),
        id: rng.uuid(),
        registration: rng.uuid(),
        // Servers carry the client software; what has no screen talks through its office's resolver.
        enrolled: kind == Kind::Server && rng.per_mille(500),
        overhead,
    }
}

/// Ids of the resolver's locations, which all devices of an office share.
struct Sites {
    ids: Vec<(String, String)>,
    roaming: (String, String),
}

impl Sites {
    fn new(offices: usize, rng: &mut Rng) -> Self {
        let mut location = || {
            let mut subdomain = String::new();
            let id = rng.uuid();
            rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 10, &mut subdomain);
            (id, subdomain)
        };
        Self { ids: (0..offices).map(|_| location()).collect(), roaming: location() }
    }

    fn office(&self, device: &Device) -> Attachment {
        let office = &OFFICES[device.office];
        let (id, subdomain) = &self.ids[device.office];
        let source = match device.kind {
            Kind::Server => office::server_egress(device.office),
            _ => office::egress(device.office, device.hash),
        };
        let guest = if device.group == GROUP_GUEST { " guest Wi-Fi" } else { "" };
        let mut at = Attachment {
            source,
            place: office.place,
            colo: office.colo,
            colo_id: office.colo_id,
            location: format!("Office {}{guest}", office.city),
            location_id: id.clone(),
            protocol: "udp",
            destination: [172, 64, 36, 1 + (device.hash & 1) as u8].into(),
            port: 53,
            doh: String::new(),
            dot: String::new(),
        };
        if device.group == GROUP_NOWHERE {
            at.location.clear();
            at.location_id.clear();
        } else if device.enrolled {
            encrypted(&mut at, subdomain, true);
        } else if device.kind == Kind::Phone && device.hash.is_multiple_of(2) {
            // A phone with private DNS set.
            encrypted(&mut at, subdomain, false);
        } else if device.hash.is_multiple_of(61) {
            at.protocol = "tcp";
        }
        at
    }

    fn roaming(&self, device: &Device) -> Attachment {
        let office = &OFFICES[device.office];
        let mut at = Attachment {
            source: office::home(device.hash),
            place: office.place,
            colo: office.colo,
            colo_id: office.colo_id,
            location: "Roaming clients".to_owned(),
            location_id: self.roaming.0.clone(),
            protocol: "https",
            destination: [162, 159, 36, 1].into(),
            port: 443,
            doh: String::new(),
            dot: String::new(),
        };
        encrypted(&mut at, &self.roaming.1, true);
        at
    }
}

fn encrypted(at: &mut Attachment, subdomain: &str, https: bool) {
    at.destination = [162, 159, 36, 1].into();
    if https {
        (at.protocol, at.port) = ("https", 443);
        subdomain.clone_into(&mut at.doh);
    } else {
        (at.protocol, at.port) = ("tls", 853);
        subdomain.clone_into(&mut at.dot);
    }
}
