//! Regularity: beacons and fast flux.

use std::net::{IpAddr, Ipv4Addr};

use super::stage::{Stage, Told};
use crate::category;
use crate::rtype;

/// Rounds of the slow beacon at most: a day of minutes.
const ROUNDS_MAX: u32 = 1_440;

/// Every minute, three seconds more or less, until the cycle ends.
pub(super) fn attack(stage: &mut Stage<'_>) {
    let domain = stage.register("sync", "com");
    let name = format!("status.{domain}");
    for _ in 0..ROUNDS_MAX {
        stage.ask(&name, rtype::A, Told::Address);
        stage.wait_within(60_000, 3_000);
        if stage.now >= stage.ends {
            break;
        }
    }
}

/// Every ten seconds for a quarter of an hour.
pub(super) fn fast(stage: &mut Stage<'_>) {
    let domain = stage.register("feed", "xyz");
    stage.categories = vec![category::NEWLY_SEEN];
    stage.ttl = 5;
    for _ in 0..90 {
        stage.ask(&format!("c.{domain}"), rtype::A, Told::Address);
        stage.wait_within(10_000, 400);
    }
}

/// A name whose addresses change with every answer. They lie in the reserved block 240.0.0.0/4, which is nobody's:
/// the documentation ranges are too few to look unrelated.
pub(super) fn fast_flux(stage: &mut Stage<'_>) {
    let domain = stage.register("pharm", "biz");
    stage.categories = vec![category::NEWLY_SEEN];
    stage.ttl = 60;
    for _ in 0..40 {
        let address = Ipv4Addr::from_bits(0xf000_0000 | (stage.rng.next() as u32 & 0x0fff_fffe) | 1);
        stage.ask(&format!("www.{domain}"), rtype::A, Told::Exactly(IpAddr::V4(address)));
        stage.wait(20_000);
    }
}
