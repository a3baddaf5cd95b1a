//! Phishing: a session through a reverse proxy, and imitations of the organisation's own names.

use super::stage::{Stage, Told};
use crate::category;
use crate::org::COMPANIES;
use crate::rtype;

/// EvilProxy: every proxied host becomes a UUIDv4 without dashes directly below the phishing domain.
pub(super) fn evil_proxy(stage: &mut Stage<'_>) {
    let domain = stage.register("documents", "com");
    stage.categories = vec![category::NEW, category::NEWLY_SEEN];
    stage.visit(&domain);
    stage.wait(1_200);
    for host in ["login", "lmo", "www"] {
        stage.visit(&format!("{host}.{domain}"));
        stage.wait(400);
    }
    for _ in 0..7 {
        let label = stage.rng.uuid().replace('-', "");
        let name = format!("{label}.{domain}");
        stage.ask(&name, rtype::HTTPS, Told::Nothing);
        stage.visit(&name);
        stage.wait(2_500);
    }
}

/// One letter off, a homoglyph, a hyphen, another ending.
pub(super) fn lookalike(stage: &mut Stage<'_>) {
    stage.categories = vec![category::NEW, category::NEWLY_SEEN];
    let company = COMPANIES[0].domain.split('.').next().unwrap_or_default();
    let names = [
        company.replacen('o', "0", 1),
        company.replacen("rl", "r1", 1),
        format!("{company}-sso"),
        format!("{company}s"),
        company.replacen("bour", "buor", 1),
    ];
    for (at, name) in names.into_iter().enumerate() {
        let top_level = ["com", "net", "co", "online", "com"][at];
        stage.visit(&format!("login.{name}.{top_level}"));
        stage.wait(9_000);
    }
    stage.domain = format!("{}.com", company.replacen('o', "0", 1));
}
