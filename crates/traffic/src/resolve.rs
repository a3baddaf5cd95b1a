//! Answers a question, always the same way for a seed: the made-up DNS of the made-up world.

use std::net::{IpAddr, Ipv4Addr};

use crate::answers;
use crate::catalog::HostId;
use crate::device::{GROUP_GUEST, GROUP_NOWHERE};
use crate::network::{NETWORKS, Place};
use crate::org::COMPANIES;
use crate::policy::{Decision, Policy, Verdict, depends_on_group, judge, safe_search};
use crate::question::Name;
use crate::reply::{NX_DOMAIN, REFUSED, Reply, Route, SERV_FAIL};
use crate::rng::{Rng, mix};
use crate::rtype;
use crate::tail::{Fate, Tail};
use crate::wire::{Data, Record};
use crate::world::World;

/// Ages an answer is prepared in: fresh, and from the cache with part of its life gone.
pub(crate) const AGES: u8 = 3;

/// The private addresses behind the organisation's own names.
const PRIVATE: Place = Place { country: "", continent: "" };
const NAME_SERVER: &str = "10.20.0.10:53";

const INTERNAL_HOSTS: [&str; 24] = [
    "dc01", "dc02", "files", "print", "intranet", "git", "jira", "wiki", "vpn", "mail", "erp", "portal", "build",
    "registry", "kms", "wsus", "proxy", "sql01", "sql02", "backup", "nas01", "monitor", "sso", "time",
];
const HOSTED: [&str; 8] = ["orders", "billing", "search", "gateway", "queue", "cache", "ledger", "sessions"];
const SERVICES: [&str; 8] = [
    "_ldap._tcp.dc._msdcs",
    "_kerberos._tcp.dc._msdcs",
    "_ldap._tcp",
    "_kerberos._tcp",
    "_gc._tcp",
    "_kpasswd._udp",
    "_ldap._tcp.Default-First-Site-Name._sites",
    "_sipfederationtls._tcp",
];
/// What stacks ask for that no public resolver can know.
const NOISE: [&str; 18] = [
    "wpad",
    "isatap",
    "printer",
    "localhost.localdomain",
    "fritz.box",
    "router",
    "nas",
    "lb._dns-sd._udp.0.1.168.192.in-addr.arpa",
    "b._dns-sd._udp.home.arpa",
    "db._dns-sd._udp.lan",
    "_airplay._tcp.local",
    "_companion-link._tcp.local",
    "wpad.home",
    "wpad.lan",
    "hp-printer",
    "intranet",
    "_googlecast._tcp.local",
    "gateway",
];

/// Places names into replies.
pub(crate) struct Resolver<'w>(pub &'w World);

impl Resolver<'_> {
    /// The group that matters for a name: staff, unless the answer depends on it.
    pub(crate) fn group(&self, name: Name, group: u8) -> u8 {
        match name {
            _ if group == GROUP_NOWHERE => GROUP_NOWHERE,
            Name::Host(host) if group == GROUP_GUEST => {
                let host = &self.0.catalog.hosts[host as usize];
                if depends_on_group(&host.name, &host.categories) { GROUP_GUEST } else { 0 }
            }
            _ => 0,
        }
    }

    /// The reply to a question, `age` of [`AGES`] old.
    pub(crate) fn reply(&self, name: Name, qtype: u16, age: u8, group: u8) -> Reply {
        let mut reply = Reply { qtype, cached: age > 0, ..Reply::default() };
        match name {
            Name::Host(host) => self.host(&mut reply, host, age, group),
            Name::Domain(site) => self.domain(&mut reply, site, None, age),
            Name::MailPolicy(site, kind) => self.domain(&mut reply, site, Some(kind), age),
            Name::Tail { domain, host } => self.tail(&mut reply, domain, host, age),
            Name::Internal { company, host } => internal(&mut reply, company, host),
            Name::Hosted(host) => hosted(&mut reply, host),
            Name::Service { company, service } => directory_service(&mut reply, company, service),
            Name::Suffixed { host, company } => {
                let host = &self.0.catalog.hosts[host as usize].name;
                reply.name = format!("{host}.{}", COMPANIES[usize::from(company)].directory);
                reply.route = Route::Custom { server: NAME_SERVER, milliseconds: 3 };
                no_such_name(&mut reply, COMPANIES[usize::from(company)].directory);
            }
            Name::Noise(kind) => {
                reply.name = NOISE[usize::from(kind) % NOISE.len()].to_owned();
                no_such_name(&mut reply, "");
            }
            Name::Probe(number) => {
                let mut rng = Rng::new(mix(self.0.seed ^ u64::from(number)));
                let length = rng.between(7, 15) as usize;
                rng.text(b"abcdefghijklmnopqrstuvwxyz", length, &mut reply.name);
                no_such_name(&mut reply, "");
            }
            Name::Reverse4(address) => answers::reverse4(&mut reply, address, self.0.seed),
            Name::Reverse6(number) => answers::reverse6(&mut reply, number, self.0.seed),
            Name::Listed { zone, address } => self.listed(&mut reply, zone, address),
            Name::Long { kind, number } => answers::long(&mut reply, kind, number, self.0.seed, age),
            Name::Root => answers::root(&mut reply),
            Name::Planted(_) => {}
        }
        if group == GROUP_NOWHERE && reply.verdict.decision.is_none() {
            reply.verdict.decision = Some(Decision::AllowedOnNoLocation);
        }
        reply
    }

    fn host(&self, reply: &mut Reply, id: HostId, age: u8, group: u8) {
        let host = &self.0.catalog.hosts[id as usize];
        let network = &NETWORKS[usize::from(host.network)];
        reply.name.clone_from(&host.name);
        reply.categories.clone_from(&host.categories);
        reply.application = host.application;
        let country = network.place.country;
        reply.verdict = judge(&self.0.desk.categories, &host.name, &host.categories, group, country, host.application);
        if reply.verdict.blocks() {
            return blocked(reply);
        }
        if reply.verdict.decision == Some(Decision::OverrideForSafeSearch)
            && let Some(safe) = safe_search(&host.name)
        {
            answers::alias(reply, safe, 300);
            return answers::addresses(reply, safe, network, mix(host.hash), age);
        }
        if host.site.is_some_and(|site| host.name == self.0.catalog.sites[site as usize].domain)
            && !matches!(reply.qtype, rtype::A | rtype::AAAA | rtype::HTTPS)
        {
            return answers::zone_records(reply, host.hash, age);
        }
        answers::resolved(reply, network, host.hash, age);
        // Some zones' name servers are overloaded: what is not in the cache fails.
        if age == 0 && host.hash.is_multiple_of(101) {
            reply.records.clear();
            reply.rcode = SERV_FAIL;
            reply.ede.push(if host.hash.is_multiple_of(2) { 22 } else { 23 });
        }
        // One answer in some hundred is served after its time because the name servers do not answer.
        if age == AGES - 1 && host.hash.is_multiple_of(311) {
            reply.ede.push(3);
        }
    }

    fn domain(&self, reply: &mut Reply, site: u32, kind: Option<u8>, age: u8) {
        let site = &self.0.catalog.sites[site as usize % self.0.catalog.sites.len()];
        let hash = crate::rng::hash_text(self.0.seed, &site.domain);
        let host = site.hosts.last().map(|host| &self.0.catalog.hosts[*host as usize]);
        if let Some(host) = host {
            reply.categories.clone_from(&host.categories);
        }
        match kind {
            None => {
                reply.name.clone_from(&site.domain);
                answers::zone_records(reply, hash, age);
            }
            Some(kind) => answers::mail_policy(reply, &site.domain, kind, hash),
        }
    }

    fn tail(&self, reply: &mut Reply, number: u32, host: u8, age: u8) {
        let domain = self.0.catalog.tail.domain(number);
        reply.name = Tail::host(host, &domain.name);
        let network = &NETWORKS[usize::from(domain.network)];
        reply.verdict = judge(&self.0.desk.categories, &reply.name, &domain.categories, 0, network.place.country, 0);
        reply.categories = domain.categories;
        if reply.verdict.blocks() {
            return blocked(reply);
        }
        match domain.fate {
            Fate::Answers => answers::resolved(reply, network, domain.hash, age),
            Fate::Gone => {
                reply.categories.clear();
                no_such_name(reply, &domain.name);
            }
            Fate::Broken(code) => {
                reply.rcode = SERV_FAIL;
                reply.ede.push(code);
            }
            Fate::Refused => {
                reply.rcode = REFUSED;
                reply.ede.push(20);
            }
        }
    }

    fn listed(&self, reply: &mut Reply, zone: HostId, address: u32) {
        let zone = &self.0.catalog.hosts[zone as usize];
        let [a, b, c, d] = address.to_be_bytes();
        reply.name = format!("{d}.{c}.{b}.{a}.{}", zone.name);
        reply.categories.clone_from(&zone.categories);
        // Most senders are on no list; being listed is an address in 127/8.
        if mix(u64::from(address)).is_multiple_of(5) {
            let listed = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + (address % 9) as u8));
            answers::address(reply, listed, PRIVATE, 60);
        } else {
            no_such_name(reply, &zone.name);
        }
    }
}

/// What a blocked asker gets: the unspecified address.
pub(crate) fn blocked(reply: &mut Reply) {
    let nowhere = match reply.qtype {
        rtype::A => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        rtype::AAAA => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        _ => return,
    };
    reply.cached = false;
    answers::address(reply, nowhere, PRIVATE, 60);
}

/// The name does not exist: nothing in the answer, as the log holds no authority section.
pub(crate) fn no_such_name(reply: &mut Reply, zone: &str) {
    reply.rcode = NX_DOMAIN;
    reply.records.clear();
    if !zone.is_empty() {
        reply.servers.extend(answers::name_servers(crate::rng::hash_text(1, zone)));
    }
}

fn internal(reply: &mut Reply, company: u8, host: u8) {
    let company = usize::from(company) % COMPANIES.len();
    let host = usize::from(host) % INTERNAL_HOSTS.len();
    reply.name = format!("{}.{}", INTERNAL_HOSTS[host], COMPANIES[company].directory);
    reply.route = Route::Custom { server: NAME_SERVER, milliseconds: 2 + host as u64 % 5 };
    if INTERNAL_HOSTS[host] == "portal" {
        reply.verdict = Verdict::new(Decision::OverrideApplied, Some(Policy::Portal), &[]);
    }
    if reply.qtype == rtype::A {
        let address = IpAddr::V4(Ipv4Addr::new(10, 20 + company as u8, 1 + host as u8 / 8, 10 + host as u8));
        answers::address(reply, address, PRIVATE, 1200);
    }
}

fn hosted(reply: &mut Reply, host: u8) {
    let host = usize::from(host) % HOSTED.len();
    reply.name = format!("{}.svc.harbourline.internal", HOSTED[host]);
    reply.route = Route::Internal { milliseconds: 1 };
    if reply.qtype == rtype::A {
        answers::address(reply, IpAddr::V4(Ipv4Addr::new(10, 64, 0, 10 + host as u8)), PRIVATE, 30);
    }
}

fn directory_service(reply: &mut Reply, company: u8, service: u8) {
    let directory = COMPANIES[usize::from(company) % COMPANIES.len()].directory;
    let service = SERVICES[usize::from(service) % SERVICES.len()];
    reply.name = format!("{service}.{directory}");
    reply.route = Route::Custom { server: NAME_SERVER, milliseconds: 2 };
    let port = if service.contains("kerberos") { 88 } else { 389 };
    for controller in ["dc01", "dc02"] {
        let data = Data::Srv(port, format!("{controller}.{directory}"));
        reply.records.push(Record { owner: reply.name.clone(), rtype: rtype::SRV, ttl: 600, data });
    }
}
