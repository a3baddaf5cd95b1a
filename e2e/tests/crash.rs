//! Killed in the middle of a load, again and again: what was acknowledged is there, once.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tidegate_e2e::{Intake, Records, Server, Session, gzip, query_id, within};

const KILLS: u64 = 20;
const SENDERS: usize = 3;
const RECORDS: usize = 40;
/// Commits often, so that kills hit every step between the journal and the table.
const CONFIG: &str = "[store]\nflush_age = \"100ms\"\ncompact_files = 4\n[journal]\nbytes_max = \"256 MiB\"\n";

/// Where senders find the server; `None` while it is down.
struct Address {
    session: Mutex<Option<Session>>,
    changed: Condvar,
    acknowledged: AtomicU64,
    over: AtomicBool,
}

impl Address {
    fn set(&self, session: Option<Session>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
        self.changed.notify_all();
    }

    /// Waits while the server is down; `None` when the load is over.
    fn get(&self) -> Option<Session> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.over.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(session) = session.as_ref() {
                return Some(session.clone());
            }
            session = self.changed.wait(session).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What a sender knows at the end.
#[derive(Default)]
struct Sent {
    /// `event.id` by `QueryID` of every record that was acknowledged.
    acknowledged: HashMap<String, String>,
    /// The `QueryID`s of every record that was sent.
    tried: HashSet<String>,
}

/// Sends batches until the load is over. A stubborn sender sends a batch whose answer it did not see again, as Logpush
/// does; the other one forgets it.
fn sender(address: &Address, intake: &Intake, label: &str, stubborn: bool) -> Sent {
    let mut records = Records::new(label);
    let mut sent = Sent::default();
    let mut again: Option<(Vec<String>, Vec<u8>)> = None;
    while let Some(session) = address.get() {
        let (ids, body) = again.take().unwrap_or_else(|| {
            let first = records.made();
            let body = gzip(records.lines(RECORDS).as_bytes());
            ((first..records.made()).map(|number| query_id(label, number)).collect(), body)
        });
        sent.tried.extend(ids.iter().cloned());
        match session.try_send(intake, &body) {
            Ok(reply) if reply.status == 200 => {
                let events = reply.event_ids();
                assert_eq!(events.len(), ids.len());
                sent.acknowledged.extend(ids.into_iter().zip(events));
                address.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Ok(reply) if reply.status != 503 => panic!("{}: {}", reply.status, reply.text()),
            _ if stubborn => again = Some((ids, body)),
            _ => {}
        }
    }
    sent
}

#[test]
fn every_acknowledged_event_is_there_exactly_once_after_twenty_kills() {
    let mut server = Server::start(CONFIG);
    let intake = server.admin().gateway("gateway");
    let address = Address {
        session: Mutex::new(Some(server.admin().clone())),
        changed: Condvar::new(),
        acknowledged: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    let (server, sent) = std::thread::scope(|scope| {
        let send = |number: usize| {
            let (address, intake) = (&address, &intake);
            scope.spawn(move || sender(address, intake, &format!("sender-{number}"), number.is_multiple_of(2)))
        };
        let senders: Vec<_> = (0..SENDERS).map(send).collect();
        for round in 0..KILLS {
            // Sometimes at once after the start, sometimes after a while.
            let until = address.acknowledged.load(Ordering::SeqCst) + 1 + round * 7 % 24;
            within(Duration::from_secs(20), "batches are acknowledged", || {
                (address.acknowledged.load(Ordering::SeqCst) >= until).then_some(())
            });
            let ended = server.kill9();
            address.set(None);
            server = ended.start();
            address.set(Some(server.admin().clone()));
        }
        let until = address.acknowledged.load(Ordering::SeqCst) + 3;
        within(Duration::from_secs(20), "the last start works", || {
            (address.acknowledged.load(Ordering::SeqCst) >= until).then_some(())
        });
        address.over.store(true, Ordering::SeqCst);
        address.changed.notify_all();
        let sent: Vec<Sent> = senders.into_iter().map(|sender| sender.join().expect("a sender ends")).collect();
        (server, sent)
    });

    let (acknowledged, stored, tried) = check(&server, &sent);
    println!("{acknowledged} acknowledged, {stored} stored, {tried} sent");
    // And the same from the table alone.
    let server = server.restart();
    assert_eq!(check(&server, &sent), (acknowledged, stored, tried));
    let status = server.admin().get("status");
    assert_eq!(status.pointer("/journal/quarantined"), Some(&0.into()), "{status}");
}

/// Panics unless what is stored is what was acknowledged; how many records were acknowledged, stored and sent.
fn check(server: &Server, sent: &[Sent]) -> (u64, usize, usize) {
    let acknowledged: u64 = sent.iter().map(|sent| sent.acknowledged.len() as u64).sum();
    let admin = server.admin();
    let counts = || {
        admin.sql("SELECT count(*), count(DISTINCT \"cloudflare.QueryID\"), count(DISTINCT \"event.id\") FROM events")
    };
    within(Duration::from_secs(20), "everything acknowledged is found", || {
        (counts()[0][0].as_u64().unwrap() >= acknowledged).then_some(())
    });
    let counted = counts().remove(0);
    assert!(counted.iter().all(|count| *count == counted[0]), "nothing is there twice: {counted:?}");
    let stored = admin.ids();
    for sent in sent {
        for (query, event) in &sent.acknowledged {
            assert_eq!(stored.get(query), Some(event), "{query} was acknowledged");
        }
    }
    let tried: HashSet<&String> = sent.iter().flat_map(|sent| &sent.tried).collect();
    assert!(stored.keys().all(|query| tried.contains(query)), "nothing is there that nobody sent");
    (acknowledged, stored.len(), tried.len())
}
