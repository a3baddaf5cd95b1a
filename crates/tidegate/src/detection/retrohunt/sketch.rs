//! What the stored events of a day hold, as hashes: most of what a hunt looks for was never asked for, and one reading of
//! the day tells so for all of it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;

use tidegate_detect::intel::Conditions;
use tidegate_event::Timestamp;
use tidegate_query::Engine;
use tidegate_query::language::TimeRange;

use super::question::{ADDRESSES, NAME, REGISTERED};

const DAY_MICROS: i64 = 86_400_000_000;
/// Different values of one day; a day with more is asked about everything.
const HASHES_A_DAY_MAX: usize = 4_000_000;
/// Of all days together: 128 MiB.
const HASHES_MAX: usize = 16_000_000;
/// Values gathered before repeated ones are dropped.
const GATHERED: usize = 1 << 20;

/// The days that were read.
#[derive(Default)]
pub(super) struct Sketches {
    keys: RandomState,
    /// By the number of the day; `None` where nothing can be said.
    days: HashMap<i64, Option<Vec<u64>>>,
    held: usize,
}

impl Sketches {
    /// The conditions that may be met by an event of the range. It leaves out only what is not there.
    pub(super) async fn present(
        &mut self,
        engine: &Engine,
        range: (Timestamp, Timestamp),
        conditions: &Conditions,
    ) -> Conditions {
        let days = range.0.as_micros().div_euclid(DAY_MICROS)..=(range.1.as_micros() - 1).div_euclid(DAY_MICROS);
        for day in days.clone() {
            if !self.days.contains_key(&day) {
                let read = self.read(engine, day).await;
                self.held += read.as_ref().map_or(0, Vec::len);
                self.days.insert(day, read);
            }
        }
        let sketches: Option<Vec<&[u64]>> = days.map(|day| self.days.get(&day)?.as_deref()).collect();
        let Some(sketches) = sketches else { return conditions.clone() };
        let is_there = |hash: u64| sketches.iter().any(|known| known.binary_search(&hash).is_ok());
        let names = |list: &[String]| -> Vec<String> {
            list.iter().filter(|name| is_there(self.keys.hash_one(name.as_str()))).cloned().collect()
        };
        Conditions {
            names: names(&conditions.names),
            registered_domains: names(&conditions.registered_domains),
            parents: names(&conditions.parents),
            addresses: conditions.addresses.iter().copied().filter(|ip| is_there(self.keys.hash_one(ip))).collect(),
            networks: conditions.networks.clone(),
        }
    }

    /// Reads a day. Nothing can be said of one that holds too much or cannot be read in time.
    async fn read(&self, engine: &Engine, day: i64) -> Option<Vec<u64>> {
        let room = HASHES_A_DAY_MAX.min(HASHES_MAX.saturating_sub(self.held));
        let at = |day: i64| Some(Timestamp::from_micros(day.saturating_mul(DAY_MICROS)));
        let range = TimeRange { start: at(day), end: at(day + 1) };
        let fields = [NAME, REGISTERED, ADDRESSES[0], ADDRESSES[1], ADDRESSES[2]];
        let gather = Gather { keys: self.keys.clone(), hashes: Vec::new(), sorted: 0, room };
        match engine.each_value(&fields, range, gather, Gather::take).await {
            Ok(gather) => gather.finish(),
            Err(error) => {
                tracing::debug!("a day is hunted through value by value: {error}");
                None
            }
        }
    }
}

/// Gathers the hashes of a day.
struct Gather {
    keys: RandomState,
    hashes: Vec<u64>,
    /// So many at the beginning are sorted and differ.
    sorted: usize,
    room: usize,
}

impl Gather {
    fn take(&mut self, value: &str) {
        // What is too much already needs no more.
        if self.sorted > self.room {
            return;
        }
        if let Ok(address) = value.parse::<IpAddr>() {
            self.hashes.push(self.keys.hash_one(address));
        } else {
            let name = value.trim_end_matches('.').to_ascii_lowercase();
            // The name itself, and every name above it.
            let mut rest = Some(name.as_str());
            while let Some(part) = rest {
                self.hashes.push(self.keys.hash_one(part));
                rest = part.split_once('.').map(|(_, above)| above);
            }
        }
        if self.hashes.len() - self.sorted > GATHERED {
            self.tidy();
        }
    }

    fn tidy(&mut self) {
        if self.sorted > self.room {
            return;
        }
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.sorted = self.hashes.len();
        if self.sorted > self.room {
            self.hashes = Vec::new();
        }
    }

    fn finish(mut self) -> Option<Vec<u64>> {
        self.tidy();
        self.hashes.shrink_to_fit();
        (self.sorted <= self.room).then_some(self.hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(values: &[&str], room: usize) -> (RandomState, Option<Vec<u64>>) {
        let keys = RandomState::new();
        let mut gather = Gather { keys: keys.clone(), hashes: Vec::new(), sorted: 0, room };
        values.iter().for_each(|value| gather.take(value));
        (keys, gather.finish())
    }

    #[test]
    fn names_their_parents_and_addresses_are_there() {
        let (keys, hashes) = gather(&["A.b.Example.com.", "192.0.2.1", "2001:DB8::1", "A.b.example.com"], 100);
        let hashes = hashes.unwrap();
        let has = |name: &str| hashes.binary_search(&keys.hash_one(name)).is_ok();
        assert!(["a.b.example.com", "b.example.com", "example.com", "com"].into_iter().all(has));
        assert!(!["x.example.com", "xample.com", ""].into_iter().any(has));
        let address = |text: &str| hashes.binary_search(&keys.hash_one(text.parse::<IpAddr>().unwrap())).is_ok();
        assert!(address("192.0.2.1") && address("2001:db8::1") && !address("192.0.2.2"));
        assert_eq!(hashes.len(), 6);
    }

    #[test]
    fn of_a_day_with_too_much_nothing_is_said() {
        assert_eq!(gather(&["a.b", "c.d"], 3).1, None);
        assert!(gather(&["a.b", "c.d"], 4).1.is_some());
        let many: Vec<String> = (0..GATHERED + 10).map(|number| format!("n{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(gather(&many, 1_000).1, None);
        assert_eq!(gather(&many, GATHERED + 10).1.map(|hashes| hashes.len()), Some(GATHERED + 10));
    }
}
