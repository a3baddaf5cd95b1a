//! Certificates from an authority that checks: the first, the kept, the renewed, and all that goes wrong.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::authority::Running;
use support::validate::{Stream, connect};
use support::web::Listener;
use support::{der, machine};
use tempfile::TempDir;
use tidegate_acme::{Acme, Challenge, ExternalAccount, Options, Pace};
use tokio::sync::oneshot;

const NAME: &str = "tidegate.example.com";
const WAIT_MAX: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(86_400);

struct World {
    folder: TempDir,
    authority: Running,
}

/// A server with a certificate, until it is dropped.
struct Server {
    acme: Arc<Acme>,
    machine: Listener,
    _stop: oneshot::Sender<()>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Running::start(folder.path());
        Self { folder, authority }
    }

    fn options(&self) -> Options {
        let mut options = Options::new(vec![NAME.to_owned()], self.folder.path().join("acme"));
        options.terms_agreed = true;
        options.contact = Some("ops@example.com".to_owned());
        options.directory.clone_from(&self.authority.directory);
        options.root_file = Some(self.authority.root_file.clone());
        options.pace = Pace {
            failure_pause: Duration::from_millis(50),
            failure_pause_max: Duration::from_millis(400),
            failures_max: 1000,
            failures_window: Duration::from_secs(3600),
            look_pause: Duration::from_millis(100),
            poll_pause: Duration::from_millis(20),
            poll_time_max: Duration::from_secs(20),
        };
        options
    }

    /// A server under the name, as DNS has it.
    fn start(&self) -> Server {
        self.start_with(self.options())
    }

    fn start_with(&self, options: Options) -> Server {
        let server = Server::start(options);
        self.lead_to(&server);
        server.run();
        server.into_inner()
    }

    fn lead_to(&self, server: &Starting) {
        let address = server.0.machine.address;
        self.authority.manner(|manner| {
            manner.names.insert(NAME.to_owned(), address);
        });
    }

    fn kept(&self, name: &str) -> std::path::PathBuf {
        let folder = std::fs::read_dir(self.folder.path().join("acme")).unwrap().next().unwrap().unwrap();
        folder.path().join(name)
    }
}

/// A server that asks nobody yet.
struct Starting(Server, std::cell::Cell<Option<oneshot::Receiver<()>>>);

impl Starting {
    fn run(&self) {
        let (acme, stopped) = (Arc::clone(&self.0.acme), self.1.take().unwrap());
        tokio::spawn(async move { acme.run(async { drop(stopped.await) }).await });
    }

    fn into_inner(self) -> Server {
        self.0
    }
}

impl Server {
    fn start(options: Options) -> Starting {
        let acme = Arc::new(Acme::open(options).unwrap());
        let machine = machine::start(acme.resolver());
        let (stop, stopped) = oneshot::channel();
        Starting(Self { acme, machine, _stop: stop }, std::cell::Cell::new(Some(stopped)))
    }

    fn connect(&self) -> Result<(Stream, Vec<u8>), String> {
        connect(self.machine.address, NAME, &[b"http/1.1"])
    }

    fn serial(&self) -> Option<Vec<u8>> {
        self.connect().ok().and_then(|(_, certificate)| der::facts(&certificate)).map(|facts| facts.serial)
    }

    fn error(&self) -> String {
        self.acme.status().last_error.unwrap_or_default()
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < WAIT_MAX, "in vain waited until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn echo(stream: &mut Stream, byte: u8) {
    stream.write_all(&[byte]).unwrap();
    let mut back = [0];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back[0], byte);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_certificate_is_got_and_a_restart_uses_it() {
    let world = World::new();
    let early = Server::start(world.options());
    assert!(early.0.connect().is_err(), "refused before there is a certificate");
    assert!(early.0.acme.status().trouble(tidegate_event::Timestamp::now()).unwrap().contains("no certificate"));
    world.lead_to(&early);
    world.authority.manner(|manner| (manner.bad_nonces, manner.processing) = (2, 3));
    early.run();
    let server = early.into_inner();
    until("there is a certificate", || server.acme.status().issued == 1).await;
    let (_, certificate) = server.connect().unwrap();
    let facts = der::facts(&certificate).unwrap();
    assert_eq!(facts.names, [NAME]);
    assert_eq!(server.acme.status().not_after, Some(facts.not_after));
    assert!(connect(server.machine.address, NAME, &[b"acme-tls/1"]).is_err(), "no check is going on any more");
    assert_eq!((mode(&world.kept("certificate.pem")), mode(&world.kept("account.json"))), (0o600, 0o600));
    drop(server);

    let again = world.start();
    assert_eq!(again.serial(), Some(facts.serial), "served at once, before anybody is asked");
    until("it looked whether to renew", || again.acme.status().next_try.is_some()).await;
    assert_eq!(world.authority.seen(|seen| (seen.accounts, seen.orders, seen.issued)), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_serves_its_customers_only_is_shown_whose_account_it_is() {
    let world = World::new();
    let secret: Vec<u8> = (0..32).collect();
    world.authority.manner(|manner| manner.customer = Some(("kid-7", secret.clone())));
    let stranger = world.start();
    until("the stranger is refused", || stranger.error().contains("externalAccountRequired")).await;
    assert!(stranger.error().contains("`external_account_id` and `external_account_key_file`"), "{}", stranger.error());
    drop(stranger);

    let key_file = world.folder.path().join("eab");
    let with = |id: &str, key: &[u8]| {
        std::fs::write(&key_file, format!("{}\n", data_encoding::BASE64URL_NOPAD.encode(key))).unwrap();
        let external_account = Some(ExternalAccount { id: id.to_owned(), key_file: key_file.clone() });
        Options { external_account, ..world.options() }
    };
    for (id, key) in [("kid-8", secret.clone()), ("kid-7", vec![7; 32])] {
        let wrong = world.start_with(with(id, &key));
        until("a wrong key is refused", || wrong.error().contains("binding is wrong (unauthorized)")).await;
        assert!(wrong.error().contains("`external_account_id`"), "{}", wrong.error());
        assert!(!wrong.error().contains("port 443"), "it is not about the name: {}", wrong.error());
    }
    assert_eq!(world.authority.seen(|seen| seen.accounts), 0);
    let customer = world.start_with(with("kid-7", &secret));
    until("there is a certificate", || customer.acme.status().issued == 1).await;
    drop(customer);
    // The key serves once: the account is kept, and the file may go.
    std::fs::remove_file(&key_file).unwrap();
    let options = Options {
        external_account: Some(ExternalAccount { id: "kid-7".to_owned(), key_file: key_file.clone() }),
        ..world.options()
    };
    let again = world.start_with(options.clone());
    until("it looked whether to renew", || again.acme.status().next_try.is_some()).await;
    assert_eq!(world.authority.seen(|seen| (seen.accounts, seen.issued)), (1, 1));
    drop(again);
    std::fs::remove_file(world.kept("account.json")).unwrap();
    let why = Acme::open(options).unwrap_err().to_string();
    assert!(why.contains("the key of the external account in `") && why.contains("cannot be used"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn renewal_changes_the_certificate_and_drops_no_connection() {
    let world = World::new();
    world.authority.manner(|manner| manner.lives.push_back(Duration::from_secs(6)));
    let mut options = world.options();
    // An authority without renewal information: the life decides, and the name of the certificate is not told.
    options.pace.look_pause = Duration::from_millis(100);
    let server = world.start_with(options);
    until("there is a certificate", || server.acme.status().issued == 1).await;
    let (mut open, first) = server.connect().unwrap();
    echo(&mut open, 1);
    until("it is renewed", || server.acme.status().issued == 2).await;
    echo(&mut open, 2);
    let (mut new, second) = server.connect().unwrap();
    echo(&mut new, 3);
    assert_ne!(first, second);
    assert_eq!(world.authority.seen(|seen| (seen.accounts, seen.issued)), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_wants_a_certificate_renewed_is_followed_and_told_which() {
    let world = World::new();
    let server = world.start();
    until("there is a certificate", || server.acme.status().issued == 1).await;
    world.authority.manner(|manner| manner.renew_now = true);
    until("it is renewed", || server.acme.status().issued >= 2).await;
    world.authority.manner(|manner| manner.renew_now = false);
    let replaced = world.authority.seen(|seen| seen.replaces.clone());
    assert!(!replaced.is_empty() && replaced.iter().all(|name| name.split('.').count() == 2), "{replaced:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_renewal_keeps_the_old_certificate() {
    let world = World::new();
    world.authority.manner(|manner| manner.lives.push_back(Duration::from_secs(4)));
    let server = world.start();
    until("there is a certificate", || server.acme.status().issued == 1).await;
    let first = server.serial();
    world.authority.manner(|manner| manner.names.clear());
    until("the renewal fails", || server.acme.status().failures >= 2).await;
    assert_eq!(server.serial(), first);
    let why = server.error();
    assert!(why.contains("NXDOMAIN") && why.contains("give tidegate.example.com an A or AAAA record"), "{why}");
    let address = server.machine.address;
    world.authority.manner(|manner| {
        manner.names.insert(NAME.to_owned(), address);
    });
    until("it is mended", || server.acme.status().issued == 2).await;
    assert_eq!((server.acme.status().failures, server.acme.status().last_error), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_certificate_is_told_and_ordered_again() {
    let world = World::new();
    let server = world.start();
    until("there is a certificate", || server.acme.status().issued == 1).await;
    drop(server);
    let path = world.kept("certificate.pem");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() / 3]).unwrap();
    std::fs::write(world.kept("account.json"), "{").unwrap();
    let again = Server::start(world.options());
    assert!(again.0.error().contains("certificate.pem` holds"), "{}", again.0.error());
    assert!(again.0.connect().is_err());
    world.lead_to(&again);
    again.run();
    let again = again.into_inner();
    until("there is a new one", || again.acme.status().issued == 1).await;
    assert!(again.serial().is_some());
    assert_eq!(world.authority.seen(|seen| (seen.accounts, seen.orders)), (2, 2), "the account was damaged, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_elsewhere_is_told_with_what_to_do() {
    let world = World::new();
    let elsewhere = Server::start(Options { folder: world.folder.path().join("other"), ..world.options() });
    let server = Server::start(world.options());
    world.lead_to(&elsewhere);
    server.run();
    let server = server.into_inner();
    until("it fails", || server.acme.status().failures >= 1).await;
    let why = server.error();
    assert!(why.contains("check of `tidegate.example.com` failed"), "{why}");
    assert!(why.contains("A and AAAA records must lead to this machine only"), "{why}");
    assert!(server.connect().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_directory_and_a_web_page_are_told() {
    let world = World::new();
    for (status, text, why) in [
        (200, "{}", "is no ACME directory: check `directory`"),
        (200, "<!doctype html><title>Welcome</title>", "status 200 and a web page instead of JSON: check `directory`"),
        (404, "<html>", "status 404 and a web page"),
        (502, "", "the authority has a problem"),
        (302, "", "a redirection"),
    ] {
        world.authority.manner(|manner| manner.instead = Some((status, text)));
        let server = world.start();
        until("it fails", || server.acme.status().failures >= 1).await;
        assert!(server.error().contains(why), "{why}: {}", server.error());
    }
    let nowhere = Options { directory: "https://127.0.0.1:1/directory".to_owned(), ..world.options() };
    let server = world.start_with(nowhere);
    until("it fails", || server.acme.status().failures >= 1).await;
    assert!(server.error().contains("cannot reach the authority at `127.0.0.1:1`"), "{}", server.error());
    let strange = world.folder.path().join("strange.pem");
    std::fs::write(&strange, rcgen::generate_simple_self_signed(vec!["x.example".into()]).unwrap().cert.pem()).unwrap();
    let server = world.start_with(Options { root_file: Some(strange), ..world.options() });
    until("it fails", || server.acme.status().failures >= 1).await;
    assert!(server.error().contains("a private authority needs `root_file`"), "{}", server.error());
    assert_eq!(world.authority.seen(|seen| (seen.accounts, seen.orders)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_authority_are_kept() {
    let world = World::new();
    world.authority.manner(|manner| manner.rate_limited = 1);
    let begun = Instant::now();
    let server = world.start();
    until("it is refused", || server.acme.status().failures == 1).await;
    assert!(
        server.error().contains("(rateLimited); it is tried again when the authority allows it"),
        "{}",
        server.error()
    );
    until("there is a certificate", || server.acme.status().issued == 1).await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "the authority said two seconds");
    drop(server);

    // Failed checks are counted across restarts: the third server may not ask any more.
    world.authority.manner(|manner| manner.names.clear());
    std::fs::remove_file(world.kept("certificate.pem")).unwrap();
    std::fs::remove_file(world.kept("failures.json")).unwrap();
    let mut options = world.options();
    options.pace = Pace { failures_max: 2, failure_pause: LONG, failure_pause_max: LONG, ..options.pace };
    for restart in 1..=2 {
        let server = Server::start(options.clone());
        server.run();
        until("the check fails", || world.authority.seen(|seen| seen.failed_checks) == restart).await;
        until("it is noted", || server.0.acme.status().failures == 1).await;
    }
    let server = Server::start(options);
    server.run();
    until("it waits", || server.0.acme.status().next_try.is_some()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.authority.seen(|seen| seen.failed_checks), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_authority_forgot_is_made_anew() {
    let world = World::new();
    world.authority.manner(|manner| manner.lives.push_back(Duration::from_secs(4)));
    let server = world.start();
    until("there is a certificate", || server.acme.status().issued == 1).await;
    world.authority.forget_accounts();
    until("it is renewed", || server.acme.status().issued == 2).await;
    assert_eq!(world.authority.seen(|seen| seen.accounts), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_by_http_is_answered_by_the_plain_listener() {
    let world = World::new();
    world.authority.manner(|manner| manner.http_only = true);
    let by_tls = world.start();
    until("it fails", || by_tls.acme.status().failures >= 1).await;
    assert!(by_tls.error().contains("does not check `tidegate.example.com` by TLS-ALPN-01; set `http_listen`"));
    drop(by_tls);

    let server = Server::start(Options { challenge: Challenge::Http01, ..world.options() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    world.authority.manner(|manner| {
        manner.names.insert(NAME.to_owned(), address);
    });
    tokio::spawn(server.0.acme.challenges().serve(listener, vec![NAME.to_owned()], std::future::pending()));
    server.run();
    let server = server.into_inner();
    until("there is a certificate", || server.acme.status().issued == 1).await;
    assert!(server.serial().is_some());
}
