//! Slows down the guessing of passwords: after too many failures, a growing wait.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tidegate_event::Timestamp;

use crate::clock::after;
use crate::error::StateError;

/// Attempts on one name from one address before the first wait.
const NAME_FAILURES_MAX: u32 = 10;
/// Attempts from one address on any names before the first wait: one password tried on everybody.
const ADDRESS_FAILURES_MAX: u32 = 100;
const WAIT_FIRST: Duration = Duration::from_mins(1);
const WAIT_MAX: Duration = Duration::from_hours(1);
/// Failures are forgotten when none followed for so long.
const FORGET_AFTER: Duration = Duration::from_hours(24);
/// Sources remembered; beyond it the ones that failed longest ago are forgotten.
const SOURCES_MAX: usize = 10_000;

/// Who tries to log in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Name(String, Option<IpAddr>),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
    locked_until: Option<Timestamp>,
}

/// The failures of everybody who failed lately.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    sources: HashMap<Source, Failures>,
}

impl Throttle {
    /// Announces an attempt, which counts as failed until [`Throttle::succeed`] says otherwise: so a hundred attempts at
    /// once cannot all pass before the first has failed.
    pub(crate) fn attempt(&mut self, name: &str, address: Option<IpAddr>, now: Timestamp) -> Result<(), StateError> {
        let sources = sources(name, address);
        if let Some(until) = sources.iter().filter_map(|(source, _)| self.locked(source, now)).max() {
            let micros = until.as_micros() - now.as_micros();
            return Err(StateError::Throttled { retry_after: Duration::from_micros(micros.unsigned_abs()) });
        }
        for (source, failures_max) in sources {
            self.count(source, failures_max, now);
        }
        Ok(())
    }

    /// Takes the attempt back and forgives the earlier ones on this name: name and password were right. The address gets
    /// no fresh start: whoever has a login of their own could go on guessing others'.
    pub(crate) fn succeed(&mut self, name: &str, address: Option<IpAddr>) {
        self.retract(name, address);
        for (source, _) in sources(name, address) {
            if let Source::Name(..) = source {
                self.sources.remove(&source);
            }
        }
    }

    /// Takes the attempt back: it came to no check.
    pub(crate) fn retract(&mut self, name: &str, address: Option<IpAddr>) {
        for (source, _) in sources(name, address) {
            if let Some(failures) = self.sources.get_mut(&source) {
                failures.count = failures.count.saturating_sub(1);
                failures.locked_until = None;
            }
        }
    }

    fn locked(&self, source: &Source, now: Timestamp) -> Option<Timestamp> {
        self.sources.get(source)?.locked_until.filter(|until| now < *until)
    }

    fn count(&mut self, source: Source, failures_max: u32, now: Timestamp) {
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.make_room(now);
        }
        let failures = self.sources.entry(source).or_insert(Failures { count: 0, last: now, locked_until: None });
        if now > after(failures.last, FORGET_AFTER) {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        failures.locked_until = failures.count.checked_sub(failures_max).map(|excess| after(now, wait(excess)));
    }

    /// Forgets what is old, or else the tenth that failed longest ago, so that the work is spread over many attempts.
    fn make_room(&mut self, now: Timestamp) {
        self.sources.retain(|_, failures| now <= after(failures.last, FORGET_AFTER));
        if self.sources.len() < SOURCES_MAX {
            return;
        }
        let mut times: Vec<_> = self.sources.values().map(|failures| failures.last).collect();
        let (_, oldest_kept, _) = times.select_nth_unstable(SOURCES_MAX / 10);
        let oldest_kept = *oldest_kept;
        let mut room = SOURCES_MAX / 10;
        self.sources.retain(|_, failures| {
            let drop = room > 0 && failures.last <= oldest_kept;
            room -= usize::from(drop);
            !drop
        });
    }
}

/// A minute, then twice as long each time, up to an hour.
fn wait(excess: u32) -> Duration {
    WAIT_FIRST.saturating_mul(1 << excess.min(6)).min(WAIT_MAX)
}

/// What an attempt counts against. The loopback address alone counts for nothing: behind a proxy on the same machine
/// that is not configured as trusted, everybody comes from there.
fn sources(name: &str, address: Option<IpAddr>) -> Vec<(Source, u32)> {
    let address = address.map(network);
    let mut sources = vec![(Source::Name(name.to_owned(), address), NAME_FAILURES_MAX)];
    if let Some(address) = address.filter(|address| !address.is_loopback()) {
        sources.push((Source::Address(address), ADDRESS_FAILURES_MAX));
    }
    sources
}

/// What one sender owns: an IPv4 address, or the 64-bit network of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn wait_of(result: Result<(), StateError>) -> Option<Duration> {
        match result {
            Err(StateError::Throttled { retry_after }) => Some(retry_after),
            _ => None,
        }
    }

    #[test]
    fn ten_failures_lock_for_a_minute_and_each_more_for_twice_as_long() {
        let mut throttle = Throttle::default();
        let from = address("192.0.2.1");
        for _ in 0..10 {
            throttle.attempt("alice", from, NOW).unwrap();
        }
        assert_eq!(wait_of(throttle.attempt("alice", from, NOW)), Some(Duration::from_mins(1)));
        throttle.attempt("alice", address("192.0.2.2"), NOW).unwrap();
        throttle.attempt("bob", from, NOW).unwrap();

        let mut now = NOW;
        for minutes in [2, 4, 8, 16, 32, 60, 60] {
            now = after(now, Duration::from_hours(2));
            throttle.attempt("alice", from, now).unwrap();
            assert_eq!(wait_of(throttle.attempt("alice", from, now)), Some(Duration::from_mins(minutes)));
        }
        throttle.attempt("alice", from, after(now, Duration::from_hours(25))).unwrap();
        throttle.attempt("alice", from, after(now, Duration::from_hours(25))).unwrap();
    }

    #[test]
    fn success_starts_afresh_but_not_for_the_address() {
        let mut throttle = Throttle::default();
        let from = address("2001:db8::1");
        for index in 0..99 {
            throttle.attempt(&format!("user{index}"), address(&format!("2001:db8::{index:x}")), NOW).unwrap();
        }
        throttle.attempt("mine", from, NOW).unwrap();
        throttle.succeed("mine", from);
        throttle.attempt("victim", from, NOW).unwrap();
        assert_eq!(wait_of(throttle.attempt("victim2", from, NOW)), Some(Duration::from_mins(1)));
        throttle.attempt("victim2", address("2001:db8:0:1::1"), NOW).unwrap();
        for index in 0..500 {
            throttle.attempt(&format!("user{index}"), address("::ffff:127.0.0.1"), NOW).unwrap();
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let mut throttle = Throttle::default();
        for index in 0..3 * SOURCES_MAX {
            let now = after(NOW, Duration::from_millis(index as u64));
            throttle.attempt(&format!("user{index}"), None, now).unwrap();
            assert!(throttle.sources.len() <= SOURCES_MAX);
        }
        for index in 0..3 * SOURCES_MAX {
            throttle.attempt(&format!("other{index}"), None, NOW).unwrap();
        }
        assert!(throttle.sources.len() <= SOURCES_MAX);
    }
}
