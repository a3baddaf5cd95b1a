//! Services that are the indicator themselves, and what the resolver's categories say.

use super::stage::{Stage, Told};
use crate::category;
use crate::device::Kind;
use crate::policy::{Decision, Policy, Verdict};
use crate::rtype;

/// A miner tries its pools in turn; the resolver knows one as mining and blocks it.
pub(super) fn crypto_pool(stage: &mut Stage<'_>) {
    stage.on(Kind::Server);
    "supportxmr.com".clone_into(&mut stage.domain);
    for round in 0..12 {
        for pool in ["pool.supportxmr.com", "xmr-eu1.nanopool.org", "gulf.moneroocean.stream", "pool.minexmr.com"] {
            if round % 4 == 3 {
                stage.block(&[category::CRYPTOMINING]);
            } else {
                stage.categories.clear();
                stage.verdict = Verdict::default();
            }
            stage.ask(pool, rtype::A, Told::Address);
            stage.wait(5_000);
        }
    }
}

/// A bot polls for commands.
pub(super) fn telegram_bot(stage: &mut Stage<'_>) {
    stage.on(Kind::Server);
    stage.categories = vec![110];
    "telegram.org".clone_into(&mut stage.domain);
    for _ in 0..30 {
        stage.visit("api.telegram.org");
        stage.wait(15_000);
    }
}

/// The names that exist to be found.
pub(super) fn eicar(stage: &mut Stage<'_>) {
    stage.domain = "eicar-test.tidegate.test".to_owned();
    stage.ask("eicar-test.tidegate.test", rtype::A, Told::NoSuchName);
    stage.wait(900);
    stage.categories = vec![108];
    stage.visit("www.eicar.org");
    for (name, category) in [
        ("malware", category::MALWARE),
        ("phishing", category::PHISHING),
        ("commandandcontrolandbotnet", category::COMMAND_AND_CONTROL),
        ("cryptomining", category::CRYPTOMINING),
        ("spyware", category::SPYWARE),
        ("dnstunneling", category::DNS_TUNNELING),
    ] {
        stage.wait(1_500);
        stage.block(&[category]);
        stage.visit(&format!("{name}.testcategory.com"));
    }
}

/// Known to be malicious, but a test range is excepted from the policy, and a monitor-only location has none.
pub(super) fn malicious_allowed(stage: &mut Stage<'_>) {
    let domain = stage.register("invoice", "top");
    for number in 0..12 {
        let category = stage.rng.pick(&[category::MALWARE, category::COMMAND_AND_CONTROL, category::PHISHING]);
        stage.categories = vec![category];
        stage.verdict = if number % 2 == 0 {
            Verdict::new(Decision::AllowedRule, Some(Policy::Partner), &[category])
        } else {
            Verdict::new(Decision::AllowedOnNoPolicyMatch, None, &[])
        };
        let host = stage.rng.pick(&["cdn", "dl", "gate", "www"]);
        stage.visit(&format!("{host}.{domain}"));
        stage.wait(12_000);
    }
}

/// Transfer, paste and request-capture services within a few minutes.
pub(super) fn exfiltration(stage: &mut Stage<'_>) {
    stage.categories = vec![95];
    "transfer.sh".clone_into(&mut stage.domain);
    const SERVICES: [&str; 8] = [
        "transfer.sh",
        "file.io",
        "gofile.io",
        "store1.gofile.io",
        "pastebin.com",
        "webhook.site",
        "temp.sh",
        "pixeldrain.com",
    ];
    for service in SERVICES {
        for _ in 0..3 {
            stage.visit(service);
            stage.wait(6_000);
        }
    }
}

/// Remote ends at home connections.
pub(super) fn dynamic_dns(stage: &mut Stage<'_>) {
    stage.ttl = 60;
    "ddns.net".clone_into(&mut stage.domain);
    for provider in ["ddns.net", "hopto.org", "duckdns.org", "dyndns.org", "sytes.net"] {
        let mut host = "srv".to_owned();
        stage.rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 9, &mut host);
        for _ in 0..4 {
            stage.visit(&format!("{host}.{provider}"));
            stage.wait(25_000);
        }
    }
}
