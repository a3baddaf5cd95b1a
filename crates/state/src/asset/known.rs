//! Assets ready to be asked: which of them is this address, user, device or name, and how much it weighs.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use rusqlite::{Connection, params};
use tidegate_event::Timestamp;

use super::{Asset, AssetKind};
use crate::alert::json;
use crate::database::Time;
use crate::error::StateError;
use crate::fold::urgency;

/// All assets, indexed.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    all: Vec<Asset>,
    addresses: HashMap<IpAddr, usize>,
    networks: Vec<(Network, usize)>,
    people: HashMap<String, Vec<usize>>,
    names: HashMap<String, usize>,
}

impl Assets {
    pub(super) fn new(all: Vec<Asset>) -> Self {
        let mut assets = Self::default();
        for (index, asset) in all.iter().enumerate() {
            match asset.kind {
                AssetKind::Ip => {
                    if let Ok(address) = asset.value.parse() {
                        assets.addresses.insert(address, index);
                    }
                }
                AssetKind::Network => assets.networks.extend(Network::parse(&asset.value).map(|net| (net, index))),
                AssetKind::User | AssetKind::Device => {
                    assets.people.entry(asset.value.clone()).or_default().push(index);
                }
                AssetKind::Name => {
                    assets.names.insert(asset.value.clone(), index);
                }
            }
        }
        assets.all = all;
        assets
    }

    /// The highest criticality among the assets that take part.
    pub(crate) fn criticality<'a>(&self, entities: impl Iterator<Item = &'a str>) -> Option<u8> {
        let mut highest = None;
        if !self.all.is_empty() {
            for entity in entities {
                self.each(entity, |index| highest = highest.max(Some(self.all[index].criticality)));
            }
        }
        highest
    }

    pub(super) fn of(&self, entities: &[&str]) -> Vec<Asset> {
        let mut found = Vec::new();
        for entity in entities {
            self.each(entity, |index| found.push(index));
        }
        // The list is in order of criticality, so the indices are too.
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|index| self.all[index].clone()).collect()
    }

    fn each(&self, entity: &str, mut found: impl FnMut(usize)) {
        if let Ok(address) = entity.parse::<IpAddr>() {
            let address = address.to_canonical();
            self.addresses.get(&address).into_iter().for_each(|index| found(*index));
            let holds = self.networks.iter().filter(|(network, _)| network.holds(address));
            holds.for_each(|(_, index)| found(*index));
            return;
        }
        let entity = entity.trim_end_matches('.').to_lowercase();
        self.people.get(&entity).into_iter().flatten().for_each(|index| found(*index));
        let mut rest = entity.as_str();
        loop {
            self.names.get(rest).into_iter().for_each(|index| found(*index));
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => break,
            }
        }
    }
}

/// An IP network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        let network = match address {
            IpAddr::V4(v4) if bits <= 32 => IpAddr::from((u32::from(v4) & mask(bits, 32) as u32).to_be_bytes()),
            IpAddr::V6(v6) if bits <= 128 => IpAddr::from((u128::from(v6) & mask(bits, 128)).to_be_bytes()),
            _ => return None,
        };
        Some(Self { address: network, bits })
    }

    pub(super) fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => u32::from(own) == u32::from(other) & mask(self.bits, 32) as u32,
            (IpAddr::V6(own), IpAddr::V6(other)) => u128::from(own) == u128::from(other) & mask(self.bits, 128),
            _ => false,
        }
    }
}

/// The upper `bits` of `width` bits set.
fn mask(bits: u32, width: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    if bits == 0 { 0 } else { (all << (width - bits)) & all }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Gives open alerts the criticality and urgency that the assets of now give them.
pub(super) fn weigh_open_alerts(connection: &Connection, assets: &Assets, now: Timestamp) -> Result<(), StateError> {
    let sql = "SELECT number, source, target, name, grouped, severity, criticality FROM alerts
               WHERE status IN ('pending', 'acknowledged', 'ongoing')";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let mut entities: Vec<String> = Vec::new();
        for index in 1..=3 {
            entities.extend(row.get::<_, Option<String>>(index)?);
        }
        entities.extend(json::<Vec<(String, String)>>(row, 4)?.into_iter().map(|(_, value)| value));
        let events = crate::alert::events(connection, number)?;
        entities.extend(events.into_iter().filter_map(|event| event.source_ip));
        let criticality = assets.criticality(entities.iter().map(String::as_str));
        if criticality != row.get::<_, Option<u8>>(6)? {
            let sql = "UPDATE alerts SET criticality = ?2, urgency = ?3, updated = ?4 WHERE number = ?1";
            let urgency = urgency(row.get(5)?, criticality);
            connection.prepare_cached(sql)?.execute(params![number, criticality, urgency, Time(now)])?;
        }
    }
    Ok(())
}
