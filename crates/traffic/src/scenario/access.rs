//! Ways around the perimeter: gateways to hidden services, remote access tools.

use super::stage::{Stage, Told};
use crate::category;
use crate::device::Kind;
use crate::rtype;

/// Hidden services through web gateways (`name.onion.to`), and `.onion` itself, which no resolver knows.
pub(super) fn tor2web(stage: &mut Stage<'_>) {
    let mut service = String::new();
    stage.rng.text(b"abcdefghijklmnopqrstuvwxyz234567", 55, &mut service);
    service.push('d');
    let mut old = String::new();
    stage.rng.text(b"abcdefghijklmnopqrstuvwxyz234567", 16, &mut old);
    stage.categories = vec![category::ANONYMIZER];
    for gateway in ["onion.to", "onion.ws", "onion.ly", "onion.cab", "tor2web.org", "onion.pet"] {
        stage.visit(&format!("{service}.{gateway}"));
        stage.wait(4_000);
    }
    stage.visit(&format!("{old}.onion.link"));
    stage.wait(2_000);
    stage.categories.clear();
    for name in [&service, &old] {
        stage.ask(&format!("{name}.onion"), rtype::A, Told::NoSuchName);
        stage.wait(1_000);
    }
    "onion.to".clone_into(&mut stage.domain);
}

/// AnyDesk: its boot host, then relays numbered in eight hexadecimal digits.
pub(super) fn anydesk(stage: &mut Stage<'_>) {
    stage.categories = vec![category::REMOTE_ACCESS];
    "anydesk.com".clone_into(&mut stage.domain);
    stage.visit("boot.net.anydesk.com");
    for _ in 0..8 {
        let mut relay = "relay-".to_owned();
        stage.rng.hex(8, &mut relay);
        stage.wait(20_000);
        stage.visit(&format!("{relay}.net.anydesk.com"));
    }
}

/// Atera: heartbeats, reports and its message service.
pub(super) fn atera(stage: &mut Stage<'_>) {
    stage.on(Kind::Server);
    stage.categories = vec![category::REMOTE_ACCESS];
    "atera.com".clone_into(&mut stage.domain);
    const HOSTS: [&str; 8] = [
        "agent-api.atera.com",
        "agenthb.atera.com",
        "agentreporting.atera.com",
        "ps.atera.com",
        "pubsub.atera.com",
        "atera.pubnubapi.com",
        "atera-agent-heartbeat.servicebus.windows.net",
        "agentreportingstore.blob.core.windows.net",
    ];
    for round in 0..5 {
        for host in HOSTS {
            stage.ask(host, rtype::A, Told::Address);
            stage.wait(if round == 0 { 800 } else { 9_000 });
        }
    }
}
