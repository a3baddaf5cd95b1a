//! The names of the world outside: well-known domains with their hosts, what devices ask for by themselves, and the
//! procedurally made long tail.

use std::collections::HashMap;

use crate::alias::Alias;
use crate::application;
use crate::category;
use crate::network::{self, NetworkId};
use crate::rng::{Rng, hash_text, mix};
use crate::tail::Tail;

const DOMAINS: &str = include_str!("../data/domains.txt");
const BACKGROUND: &str = include_str!("../data/background.txt");

/// Hosts a site is given when the list names none.
const USUAL_HOSTS: [&str; 10] = ["www", "api", "cdn", "static", "img", "assets", "m", "login", "media", "shop"];

/// Domains in the long tail.
pub(crate) const TAIL_DOMAINS: u32 = 400_000;

/// Index of a host in [`Catalog::hosts`].
pub(crate) type HostId = u32;

/// A name with addresses behind it.
#[derive(Debug)]
pub(crate) struct Host {
    pub name: String,
    /// Index of the site it belongs to, if it belongs to one.
    pub site: Option<u32>,
    pub categories: Vec<u8>,
    pub network: NetworkId,
    pub hash: u64,
    pub application: u16,
}

/// A domain people visit.
#[derive(Debug)]
pub(crate) struct Site {
    pub domain: String,
    /// The page's own host first, then those its pages load from.
    pub hosts: Vec<HostId>,
}

/// What a device asks for without its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Windows,
    Macos,
    Ios,
    Android,
    Linux,
    Server,
    Printer,
    Camera,
    Tv,
    Thermostat,
    Embed,
    Saas,
    Dnsbl,
}

const ROLES: [&str; 13] = [
    "windows",
    "macos",
    "ios",
    "android",
    "linux",
    "server",
    "printer",
    "camera",
    "tv",
    "thermostat",
    "embed",
    "saas",
    "dnsbl",
];

/// All of it.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub hosts: Vec<Host>,
    pub sites: Vec<Site>,
    /// Third-party hosts of advertising, for the deep end of page loads.
    pub advertisers: Vec<HostId>,
    pub tail: Tail,
    by_name: HashMap<String, HostId>,
    visits: Alias,
    roles: Vec<Vec<HostId>>,
    seed: u64,
}

impl Catalog {
    pub(crate) fn new(seed: u64) -> Self {
        let mut catalog = Self {
            hosts: Vec::new(),
            sites: Vec::new(),
            advertisers: Vec::new(),
            tail: Tail::new(seed),
            by_name: HashMap::new(),
            visits: Alias::new(&[1.0]),
            roles: vec![Vec::new(); ROLES.len()],
            seed,
        };
        catalog.read_domains();
        catalog.read_background();
        // Only needed to find doubles.
        catalog.by_name = HashMap::new();
        catalog
    }

    /// A site by popularity: a group's share, and within the group the reciprocal of the rank (Zipf).
    pub(crate) fn visit(&self, rng: &mut Rng) -> u32 {
        self.visits.draw(rng) as u32
    }

    /// A host a device of this role asks for by itself; early ones more often.
    pub(crate) fn background(&self, role: Role, rng: &mut Rng) -> HostId {
        let hosts = &self.roles[role as usize];
        let at = rng.index(hosts.len()).min(rng.index(hosts.len()));
        hosts[at]
    }

    fn read_domains(&mut self) {
        let mut weights = Vec::new();
        let mut group = (Vec::new(), (0, 1.0), None);
        let (mut rank, mut groups) = (0, 0);
        for line in lines(DOMAINS) {
            if let Some(header) = heading(line) {
                let mut words = header.split_whitespace();
                let categories = words.next().unwrap_or_default().split(',').filter_map(|id| id.parse().ok()).collect();
                let weight = words.next().and_then(|weight| weight.parse().ok()).unwrap_or(1.0);
                groups += 1;
                group = (categories, (groups, weight), words.next().and_then(network::by_key));
                rank = 0;
                continue;
            }
            for word in line.split_whitespace() {
                self.add_site(word, &group.0, group.2);
                rank += 1;
                weights.push((group.1, 1.0 / f64::from(rank + 1)));
            }
        }
        self.visits = Alias::new(&shares(&weights));
    }

    /// One `domain[@network][:host,host...]`.
    fn add_site(&mut self, word: &str, categories: &[u8], group_network: Option<NetworkId>) {
        let (name, listed) = word.split_once(':').map_or((word, None), |(name, hosts)| (name, Some(hosts)));
        let (domain, network) = name.split_once('@').unwrap_or((name, ""));
        let hash = hash_text(self.seed, domain);
        let network = network::by_key(network).or(group_network).unwrap_or_else(|| network::by_chance(domain, hash));
        let site = self.sites.len() as u32;
        let prefixes: Vec<&str> = listed.map_or_else(|| usual_hosts(hash), |listed| listed.split(',').collect());
        let mut hosts: Vec<HostId> = prefixes
            .iter()
            .map(|prefix| self.add_host(&format!("{prefix}.{domain}"), Some(site), categories, network))
            .collect();
        hosts.push(self.add_host(domain, Some(site), categories, network));
        if categories.contains(&category::ADVERTISEMENTS) {
            self.advertisers.extend(&hosts);
        }
        self.sites.push(Site { domain: domain.to_owned(), hosts });
    }

    fn add_host(&mut self, name: &str, site: Option<u32>, categories: &[u8], network: NetworkId) -> HostId {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let id = self.hosts.len() as HostId;
        self.hosts.push(Host {
            name: name.to_owned(),
            site,
            categories: categories.to_vec(),
            network,
            hash: hash_text(self.seed, name),
            application: application::of(name),
        });
        self.by_name.insert(name.to_owned(), id);
        id
    }

    fn read_background(&mut self) {
        let mut role = 0;
        for line in lines(BACKGROUND) {
            if let Some(header) = heading(line) {
                role = ROLES.iter().position(|name| *name == header).unwrap_or(role);
                continue;
            }
            for word in line.split_whitespace() {
                let (name, about) = word.split_once('@').unwrap_or((word, ""));
                let (network, category) = about.split_once('/').unwrap_or((about, ""));
                let hash = hash_text(self.seed, name);
                let network = network::by_key(network).unwrap_or_else(|| network::by_chance(name, hash));
                let categories: Vec<u8> = category.parse().into_iter().collect();
                let id = self.add_host(name, None, &categories, network);
                self.roles[role].push(id);
            }
        }
    }
}

/// Weights of sites from their group (its number and share) and their weight within it.
fn shares(sites: &[((usize, f64), f64)]) -> Vec<f64> {
    let mut sums: HashMap<usize, f64> = HashMap::new();
    for ((group, _), weight) in sites {
        *sums.entry(*group).or_default() += weight;
    }
    sites.iter().map(|((group, share), weight)| share * weight / sums[group]).collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn heading(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// `www` and one to three others, the same for a domain each time.
fn usual_hosts(hash: u64) -> Vec<&'static str> {
    let mut hosts = vec!["www"];
    for at in 0..=hash % 3 {
        let prefix = USUAL_HOSTS[(mix(hash ^ at) % USUAL_HOSTS.len() as u64) as usize];
        if !hosts.contains(&prefix) {
            hosts.push(prefix);
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Categories;
    use std::collections::HashSet;

    #[test]
    fn the_lists_are_well_formed() {
        let (catalog, categories) = (Catalog::new(1), Categories::new());
        assert!(catalog.sites.len() > 2_000 && catalog.hosts.len() > 5_000);
        let mut seen = HashSet::new();
        for host in &catalog.hosts {
            assert!(seen.insert(&host.name), "{} twice", host.name);
            assert!(host.name.len() <= 253 && host.name.split('.').all(|label| (1..=63).contains(&label.len())));
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
            assert!(host.name.bytes().all(plain), "{}", host.name);
            assert!(!host.categories.is_empty(), "{}", host.name);
            assert!(host.categories.iter().all(|id| !categories.name(*id).is_empty()), "{}", host.name);
        }
        for role in &catalog.roles {
            assert!(!role.is_empty());
        }
    }

    #[test]
    fn every_network_in_the_lists_is_known() {
        for word in lines(DOMAINS)
            .chain(lines(BACKGROUND))
            .filter(|line| heading(line).is_none())
            .flat_map(str::split_whitespace)
        {
            if let Some((_, about)) = word.split_once('@') {
                let key = about.split([':', '/']).next().unwrap();
                assert!(key == "-" || network::by_key(key).is_some(), "{word}");
            }
        }
    }

    #[test]
    fn popular_sites_are_visited_most() {
        let catalog = Catalog::new(1);
        let mut rng = Rng::new(1);
        let google = catalog.sites.iter().position(|site| site.domain == "google.com").unwrap() as u32;
        let visits = (0..10_000).filter(|_| catalog.visit(&mut rng) == google).count();
        assert!((80..2_000).contains(&visits), "{visits}");
    }
}
