//! The relay list of the Tor project (<https://metrics.torproject.org/onionoo.html>): every address of a relay.

use serde_json::{Map, Value as Json};

use super::indicator::add_tag;
use super::read::Taker;

/// More addresses of one relay are not taken.
const ADDRESSES_MAX: usize = 32;

pub(super) fn relay(own: &Map<String, Json>, taker: &mut Taker<'_, '_>) {
    let at = taker.record();
    let flags: Vec<&str> =
        own.get("flags").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    let listed = |key: &str| own.get(key).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let mut seen = Vec::new();
    for address in listed("or_addresses").chain(listed("exit_addresses")).take(ADDRESSES_MAX) {
        let Some(mut indicator) = taker.value(at, address) else { continue };
        if seen.contains(&indicator.value) {
            continue;
        }
        seen.push(indicator.value.clone());
        add_tag(&mut indicator.tags, "tor-relay");
        for (flag, tag) in [("Exit", "tor-exit"), ("Guard", "tor-guard")] {
            if flags.contains(&flag) {
                add_tag(&mut indicator.tags, tag);
            }
        }
        indicator.description = own.get("nickname").and_then(Json::as_str).map(|name| format!("tor relay {name}"));
        taker.take(indicator);
    }
    if seen.is_empty() {
        taker.report.problem(at, "the relay has no address");
        taker.barren();
    }
}
