//! What machines do: each burst of questions has one reason, as on a real network.

use std::net::IpAddr;

use crate::catalog::{HostId, Role, TAIL_DOMAINS};
use crate::device::{Device, Kind};
use crate::network::NETWORKS;
use crate::question::Name;
use crate::rng::{Rng, mix};
use crate::rtype;
use crate::tail::Tail;
use crate::world::World;

/// The longest a burst lasts, in microseconds; the schedule relies on it.
pub(crate) const BURST_MICROS_MAX: u64 = 30_000_000;

/// Sites a person keeps coming back to.
const FAVOURITES: usize = 24;
const MILLISECOND: u64 = 1_000;

/// One question of a burst: microseconds after its start, the name and the type.
pub(crate) type Ask = (u64, Name, u16);

/// Fills in the questions of one burst.
pub(crate) struct Burst<'a> {
    pub world: &'a World,
    pub device: &'a Device,
    pub rng: &'a mut Rng,
    pub asks: &'a mut Vec<Ask>,
    pub now: u64,
}

impl Burst<'_> {
    /// Decides why this device talks now, and lets it.
    pub(crate) fn run(&mut self) {
        let dice = self.rng.below(1000);
        match self.device.kind {
            Kind::Laptop => match dice {
                0..560 => self.browse(4, 14),
                560..720 => self.background(6),
                720..835 => self.saas(),
                835..925 => self.lost_names(),
                925..955 => self.directory(),
                955..982 => self.reputation(),
                _ => self.odd(),
            },
            Kind::Phone => match dice {
                0..480 => self.browse(2, 9),
                480..950 => self.background(9),
                950..970 => self.lost_names(),
                _ => self.odd(),
            },
            Kind::Server => match dice {
                0..330 => self.background(5),
                330..560 => self.mail(),
                560..700 => self.internal(),
                700..820 => self.directory(),
                820..900 => self.reverse(),
                900..950 => self.reputation(),
                _ => self.odd(),
            },
            Kind::Printer => match dice {
                0..800 => self.background(1),
                _ => self.noise(),
            },
            Kind::Thing => match dice {
                0..960 => self.background(1),
                _ => self.noise(),
            },
        }
    }

    fn ask(&mut self, name: Name, qtype: u16) {
        self.now = self.now.min(BURST_MICROS_MAX - 1);
        self.asks.push((self.now, name, qtype));
    }

    /// Lets a memoryless time with this mean pass.
    fn pause(&mut self, milliseconds: u64) {
        self.now += (self.rng.exponential() * (milliseconds * MILLISECOND) as f64) as u64;
    }

    /// What a program asks to connect somewhere: both families, and what browsers add.
    fn connect(&mut self, name: Name, browser: bool) {
        let dual = self.device.kind != Kind::Printer && self.device.role != Role::Camera;
        if browser && self.rng.per_mille(650) {
            self.ask(name, rtype::HTTPS);
            self.now += self.rng.between(20, 900);
        }
        self.ask(name, rtype::A);
        if dual && self.rng.per_mille(850) {
            self.now += self.rng.between(20, 1_500);
            self.ask(name, rtype::AAAA);
        }
    }

    /// Page after page, each with what it loads from its own hosts and from everybody's.
    fn browse(&mut self, pages: u64, embeds: u64) {
        for _ in 0..self.rng.between(1, pages) {
            if self.rng.per_mille(200) {
                self.visit_tail();
            } else {
                self.visit_site();
            }
            for _ in 0..self.rng.below(embeds) {
                self.pause(60);
                let host = if self.rng.per_mille(180) {
                    self.rng.pick(&self.world.catalog.advertisers)
                } else {
                    self.world.catalog.background(Role::Embed, self.rng)
                };
                self.connect(Name::Host(host), true);
            }
            self.pause(5_000);
        }
    }

    fn visit_site(&mut self) {
        let catalog = &self.world.catalog;
        let site = if self.rng.per_mille(700) {
            let favourite = self.rng.index(FAVOURITES).min(self.rng.index(FAVOURITES));
            catalog.visit(&mut Rng::new(mix(self.device.hash ^ favourite as u64)))
        } else {
            catalog.visit(self.rng)
        };
        let hosts = &catalog.sites[site as usize].hosts;
        // Half the people type the bare domain first.
        if self.rng.per_mille(350)
            && let Some(apex) = hosts.last()
        {
            self.connect(Name::Host(*apex), true);
            self.pause(90);
        }
        self.connect(Name::Host(hosts[0]), true);
        for _ in 0..self.rng.index(hosts.len().min(6)) {
            self.pause(80);
            let host = hosts[self.rng.index(hosts.len())];
            self.connect(Name::Host(host), true);
        }
    }

    fn visit_tail(&mut self) {
        let domain = Tail::visit(TAIL_DOMAINS, self.rng);
        self.connect(Name::Tail { domain, host: 0 }, true);
        for _ in 0..self.rng.below(3) {
            self.pause(80);
            let host = self.rng.below(10) as u8;
            self.connect(Name::Tail { domain, host }, true);
        }
    }

    /// The system's own questions: time, updates, push, telemetry.
    fn background(&mut self, most: u64) {
        for _ in 0..self.rng.between(1, most) {
            let host = self.world.catalog.background(self.device.role, self.rng);
            self.connect(Name::Host(host), false);
            self.pause(400);
        }
    }

    fn saas(&mut self) {
        for _ in 0..self.rng.between(2, 8) {
            let host = self.world.catalog.background(Role::Saas, self.rng);
            self.connect(Name::Host(host), self.device.hash.is_multiple_of(2));
            self.pause(700);
        }
    }

    fn any_host(&mut self) -> HostId {
        let site = self.world.catalog.visit(self.rng) as usize;
        self.world.catalog.sites[site].hosts[0]
    }

    fn company(&self) -> u8 {
        self.device.company as u8
    }

    /// Search suffixes and single labels: everything a laptop has open is asked again when it changes networks.
    fn lost_names(&mut self) {
        match self.rng.below(10) {
            0..6 => {
                for _ in 0..self.rng.between(4, 22) {
                    let host = self.any_host();
                    self.connect(Name::Suffixed { host, company: self.company() }, false);
                    self.pause(300);
                }
            }
            6..8 => {
                for _ in 0..3 {
                    let number = self.rng.next() as u32;
                    self.ask(Name::Probe(number), rtype::A);
                    self.pause(2);
                }
            }
            _ => self.noise(),
        }
    }

    fn noise(&mut self) {
        for _ in 0..self.rng.between(1, 3) {
            let kind = self.rng.below(32) as u8;
            self.ask(Name::Noise(kind), if matches!(kind % 18, 7..=9) { rtype::PTR } else { rtype::A });
            self.pause(900);
        }
    }

    fn directory(&mut self) {
        let company = self.company();
        for _ in 0..self.rng.between(1, 2) {
            let service = self.rng.below(8) as u8;
            self.ask(Name::Service { company, service }, rtype::SRV);
            self.pause(5);
        }
        self.internal();
    }

    fn internal(&mut self) {
        for _ in 0..self.rng.between(1, 5) {
            let number = self.rng.below(24) as u8;
            let name = if self.device.kind == Kind::Server && self.rng.per_mille(500) {
                Name::Hosted(number)
            } else {
                Name::Internal { company: self.company(), host: number }
            };
            self.connect(name, false);
            self.pause(300);
        }
    }

    /// A message arrives: who may send for its domain, who is the sender, is it on a list.
    fn mail(&mut self) {
        let site = self.world.catalog.visit(self.rng);
        let address = self.address();
        self.ask(Name::Reverse4(address), rtype::PTR);
        self.pause(12);
        self.ask(Name::Domain(site), rtype::TXT);
        self.ask(Name::Domain(site), rtype::MX);
        for kind in 0..self.rng.between(2, 4) {
            self.pause(6);
            self.ask(Name::MailPolicy(site, kind as u8), rtype::TXT);
        }
        for _ in 0..self.rng.between(1, 2) {
            let zone = self.world.catalog.background(Role::Dnsbl, self.rng);
            self.ask(Name::Listed { zone, address }, rtype::A);
            self.pause(4);
        }
    }

    fn address(&mut self) -> u32 {
        match NETWORKS[self.rng.index(NETWORKS.len())].v4(self.rng.below(4_000), 0) {
            IpAddr::V4(address) => address.to_bits(),
            IpAddr::V6(_) => 0,
        }
    }

    fn reverse(&mut self) {
        for _ in 0..self.rng.between(1, 4) {
            let name = if self.rng.per_mille(120) {
                Name::Reverse6(self.rng.below(4_000) as u32)
            } else {
                Name::Reverse4(self.address())
            };
            self.ask(name, rtype::PTR);
            self.pause(40);
        }
    }

    /// Long names: virus scanners' file reputation, load balancers, telemetry.
    fn reputation(&mut self) {
        for _ in 0..self.rng.between(1, 4) {
            let kind = self.rng.below(8) as u8;
            // Telemetry and load balancers are few and stable, file hashes are many.
            let number = if matches!(kind, 1 | 4 | 5) { self.rng.below(20_000) } else { self.rng.below(12) };
            let qtype = if kind == 5 { rtype::TXT } else { rtype::A };
            self.ask(Name::Long { kind, number: number as u32 }, qtype);
            self.pause(500);
        }
    }

    /// The types that hardly anybody asks for.
    fn odd(&mut self) {
        const TYPES: [u16; 10] = [
            rtype::NS,
            rtype::SOA,
            rtype::CAA,
            rtype::NAPTR,
            rtype::DS,
            rtype::DNSKEY,
            rtype::ANY,
            rtype::TXT,
            rtype::MX,
            rtype::SVCB,
        ];
        for _ in 0..self.rng.between(1, 3) {
            if self.rng.per_mille(60) {
                self.ask(Name::Root, rtype::NS);
                continue;
            }
            let site = self.world.catalog.visit(self.rng);
            let qtype = self.rng.pick(&TYPES);
            self.ask(Name::Domain(site), qtype);
            self.pause(100);
        }
    }
}
