//! A stream of queries for a test to make.

use tidegate_event::{EventId, NodeId, Position, Timestamp};
use uuid::Uuid;

use super::super::{Look, NativeSettings, Natives, Raised};

pub(super) const START: i64 = 1_772_438_400_000_000;

/// The registered domain as the enrichment finds it.
pub(super) fn registered(name: &str) -> &str {
    psl::domain_str(name).unwrap_or_default()
}

pub(super) struct Stream {
    pub(super) natives: Natives,
    pub(super) raised: Vec<Raised>,
    /// Microseconds since [`START`].
    pub(super) at: i64,
    pub(super) asked: u32,
    pub(super) source_ip: &'static str,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self::with(&NativeSettings::default())
    }

    pub(super) fn with(settings: &NativeSettings) -> Self {
        Self { natives: Natives::new(settings), raised: Vec::new(), at: 0, asked: 0, source_ip: "192.0.2.7" }
    }

    pub(super) fn wait(&mut self, milliseconds: i64) {
        self.at += milliseconds * 1000;
    }

    pub(super) fn ask(&mut self, device: &str, name: &str, query_type: &str) {
        self.put(device, name, query_type, false);
    }

    pub(super) fn miss(&mut self, device: &str, name: &str) {
        self.put(device, name, "A", true);
    }

    fn put(&mut self, device: &str, name: &str, query_type: &str, nxdomain: bool) {
        let name = name.to_lowercase();
        let node = NodeId(Uuid::from_u128(7));
        let at = Timestamp::from_micros(START.wrapping_add(self.at));
        let look = Look {
            at,
            event: EventId::new(node, Position(1), at, self.asked),
            device,
            source_ip: self.source_ip,
            name: &name,
            registered_domain: registered(&name),
            query_type,
            nxdomain,
            blocked: false,
        };
        self.asked += 1;
        self.natives.observe(&look, &mut self.raised);
    }

    pub(super) fn count(&self, detector: &str) -> usize {
        self.raised.iter().filter(|raised| raised.detector == detector).count()
    }
}

/// Numbers by SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    pub(super) fn text(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| char::from(*self.pick(alphabet.as_bytes()))).collect()
    }
}
