//! A bucket, a journal and a database in memory, each of which can break off before or after what it does.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use tidegate_event::Timestamp;
use tidegate_state::{BucketMark, BucketObject, BucketReject, BucketState, BucketStep, StateError};

use crate::source::before;
use crate::{Batch, BucketError, Object, Options, Positions, ReadError, Refused, Shelf, Sink, Source, Taken};

const START: i64 = 1_777_000_000_000_000;
/// As the journal.
const DEDUPE_MICROS: i64 = 24 * 3600 * 1_000_000;
const LOOK_BACK: Duration = Duration::from_hours(7 * 24);

#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Puts an object of the present, or overwrites it with the same or other content.
    Put {
        slot: u8,
        content: u8,
    },
    /// Puts an object whose name is so many hours old.
    PutLate {
        slot: u8,
        hours: i64,
    },
    Delete {
        slot: u8,
    },
    Poll,
    /// The process dies after so many steps, and starts again.
    PollThatBreaks {
        steps: u32,
    },
    Restart,
    Wait {
        seconds: i64,
    },
    /// The object of this slot cannot be read for one look.
    Unreadable {
        slot: u8,
    },
}

#[derive(Default)]
struct Shared {
    objects: BTreeMap<String, (String, Timestamp)>,
    /// Keys of slots.
    slots: BTreeMap<u8, String>,
    unreadable: HashSet<String>,
    /// Every stored batch: token, first receipt.
    journal: Vec<([u8; 16], Timestamp)>,
    /// What the journal was given, by content.
    stored: Vec<String>,
    /// Contents whose look ended well.
    rows: BTreeMap<String, BucketObject>,
    rejects: BTreeMap<String, BucketReject>,
    mark: BucketMark,
    /// Steps until everything breaks.
    fuse: Option<u32>,
}

impl Shared {
    /// Whether it breaks here.
    fn burns(&mut self) -> bool {
        match &mut self.fuse {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

#[derive(Clone, Default)]
struct Room(Arc<Mutex<Shared>>);

impl Room {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap()
    }
}

fn broken() -> BucketError {
    BucketError::Unreachable("the process died".into())
}

impl Shelf for Room {
    fn list<'a>(&'a self, after: Option<&'a str>) -> BoxStream<'a, Result<Vec<Object>, BucketError>> {
        let mut shared = self.lock();
        if shared.burns() {
            return stream::iter([Err(broken())]).boxed();
        }
        let found: Vec<Object> = shared
            .objects
            .iter()
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .map(|(key, (content, changed))| Object {
                key: key.clone(),
                bytes: content.len() as u64,
                changed: *changed,
                etag: Some(format!("\"{content}\"")),
            })
            .collect();
        let pages: Vec<_> = found.chunks(3).map(|page| Ok(page.to_vec())).collect();
        stream::iter(pages).boxed()
    }

    fn read<'a>(&'a self, object: &'a Object) -> BoxFuture<'a, Result<Bytes, ReadError>> {
        let mut shared = self.lock();
        let read = match shared.objects.get(&object.key).cloned() {
            _ if shared.burns() => Err(ReadError::Failed(broken())),
            None => Err(ReadError::Gone),
            Some(_) if shared.unreadable.contains(&object.key) => {
                Err(ReadError::Failed(BucketError::Denied("may not".into())))
            }
            Some((content, _)) => Ok(Bytes::from(content)),
        };
        async move { read }.boxed()
    }
}

impl Sink for Room {
    fn look(&self, body: Bytes, at: Timestamp) -> Result<Option<Batch>, Refused> {
        let mut token = [0; 16];
        token[..body.len().min(16)].copy_from_slice(&body[..body.len().min(16)]);
        Ok(Some(Batch { body, records: 1, token, at }))
    }

    async fn take(&self, batch: Batch) -> Result<Taken, Refused> {
        let mut shared = self.lock();
        let died = || Refused::Later("the process died".into());
        if shared.burns() {
            return Err(died());
        }
        let is_known = shared.knows(&batch.token, batch.at);
        if !is_known {
            shared.journal.push((batch.token, batch.at));
            shared.stored.push(String::from_utf8(batch.body.to_vec()).unwrap());
        }
        // Stored, but nobody hears of it.
        if shared.burns() { Err(died()) } else { Ok(Taken { records: 1, repeated: is_known }) }
    }

    fn holds(&self, token: &[u8; 16], at: Timestamp) -> bool {
        self.lock().knows(token, at)
    }
}

impl Shared {
    /// As the journal: receipts expire behind the newest batch, and answer within the window of the first.
    fn knows(&self, token: &[u8; 16], at: Timestamp) -> bool {
        let newest = self.journal.iter().map(|(_, at)| at.as_micros()).max().unwrap_or(0);
        let recent = self.journal.iter().filter(|(_, first)| newest - first.as_micros() <= DEDUPE_MICROS);
        recent.rev().any(|(known, first)| known == token && (at.as_micros() - first.as_micros()).abs() <= DEDUPE_MICROS)
    }
}

fn failed() -> StateError {
    StateError::Invalid { what: "process", why: "died".into() }
}

impl Positions for Room {
    fn mark(&self) -> Result<BucketMark, StateError> {
        Ok(self.lock().mark.clone())
    }

    fn count(&self) -> Result<u64, StateError> {
        Ok(self.lock().rows.len() as u64)
    }

    fn between(&self, after: &str, upto: Option<&str>, limit: u32) -> Result<Vec<BucketObject>, StateError> {
        let shared = self.lock();
        let rows = shared.rows.values().filter(|row| row.key.as_str() > after);
        let rows = rows.filter(|row| upto.is_none_or(|upto| row.key.as_str() <= upto));
        Ok(rows.take(limit as usize).cloned().collect())
    }

    fn begun(&self) -> Result<Vec<BucketObject>, StateError> {
        let is_begun = |row: &&BucketObject| matches!(row.state, BucketState::Begun { .. });
        Ok(self.lock().rows.values().filter(is_begun).cloned().collect())
    }

    fn step(&self, step: &BucketStep) -> Result<(), StateError> {
        let mut shared = self.lock();
        if shared.burns() {
            return Err(failed());
        }
        for object in &step.objects {
            shared.rows.insert(object.key.clone(), object.clone());
        }
        for key in &step.forget {
            shared.rows.remove(key);
        }
        for reject in &step.rejects {
            shared.rejects.insert(reject.key.clone(), reject.clone());
        }
        if let Some(mark) = &step.mark {
            shared.mark = BucketMark { forgotten: shared.mark.forgotten, ..mark.clone() };
        }
        if let Some(until) = step.forget_until {
            let floor = shared.mark.floor.clone();
            let is_gone = |row: &BucketObject| {
                let is_done = matches!(row.state, BucketState::Done | BucketState::Rejected);
                is_done && row.key <= floor && row.changed <= until
            };
            let latest = shared.rows.values().filter(|row| is_gone(row)).map(|row| row.changed).max();
            shared.mark.forgotten = shared.mark.forgotten.max(latest);
            shared.rows.retain(|_, row| !is_gone(row));
        }
        if shared.burns() { Err(failed()) } else { Ok(()) }
    }
}

pub(super) struct World {
    room: Room,
    now: Arc<AtomicI64>,
    source: Source<Room, Room>,
    puts: u32,
    /// Contents that were put and may be stored.
    put: HashSet<String>,
}

impl World {
    pub(super) fn new() -> Self {
        let (room, now) = (Room::default(), Arc::new(AtomicI64::new(START)));
        let source = source(&room, &now);
        Self { room, now, source, puts: 0, put: HashSet::new() }
    }

    pub(super) async fn take(&mut self, op: Op) {
        match op {
            Op::Put { slot, content } => self.put(slot, content, 0),
            Op::PutLate { slot, hours } => self.put(slot, 0, hours),
            Op::Delete { slot } => {
                let mut shared = self.room.lock();
                if let Some(key) = shared.slots.remove(&slot) {
                    shared.objects.remove(&key);
                }
            }
            Op::Poll => {
                let _ = self.source.poll().await;
            }
            Op::PollThatBreaks { steps } => {
                self.room.lock().fuse = Some(steps);
                let failures = self.source.failures;
                let _ = self.source.poll().await;
                let is_broken = self.room.lock().fuse.take() == Some(0);
                if is_broken {
                    // Only what a test of pauses looks at survives.
                    self.source = source(&self.room, &self.now);
                    self.source.failures = failures + 1;
                }
            }
            Op::Restart => self.source = source(&self.room, &self.now),
            Op::Wait { seconds } => {
                self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
            }
            Op::Unreadable { slot } => {
                let mut shared = self.room.lock();
                if let Some(key) = shared.slots.get(&slot).cloned() {
                    shared.unreadable.insert(key);
                }
            }
        }
    }

    /// Names begin with the time of their batch, as those of Logpush do. A slot that is put again within the time that
    /// is looked back keeps its key; content 0 to 2 of a slot is always the same, 3 is always new.
    fn put(&mut self, slot: u8, content: u8, hours: i64) {
        let now = self.now.load(Ordering::SeqCst);
        let named = Timestamp::from_micros(now - hours * 3_600_000_000).to_string();
        let name: String = named.chars().filter(char::is_ascii_alphanumeric).take(15).collect();
        let mut shared = self.room.lock();
        let is_young = |(_, changed): &(String, Timestamp)| now - changed.as_micros() < LOOK_BACK.as_micros() as i64;
        let known = shared.slots.get(&slot).filter(|key| shared.objects.get(*key).is_some_and(is_young)).cloned();
        let key = known.unwrap_or_else(|| format!("logs/{}/{name}Z_{slot:03}.gz", &name[..8]));
        self.puts += 1;
        let last = shared.objects.get(&key).map(|(content, _)| content.clone());
        let content = match (content, last) {
            // The same again.
            (0, Some(last)) => last,
            _ => format!("{:08}", self.puts),
        };
        self.put.insert(content.clone());
        shared.objects.insert(key.clone(), (content, Timestamp::from_micros(now)));
        shared.slots.insert(slot, key);
    }

    /// Everything can be read, and enough looks follow that all that waits is due.
    pub(super) async fn settle(&mut self) {
        self.heal();
        for _ in 0..3 {
            self.take(Op::Wait { seconds: 3600 }).await;
            self.source.poll().await.unwrap();
        }
    }

    pub(super) fn heal(&self) {
        self.room.lock().unreadable.clear();
    }

    /// What is there now was stored, and nothing was stored twice.
    pub(super) fn check(&self) {
        let shared = self.room.lock();
        let mut once = HashSet::new();
        for content in &shared.stored {
            assert!(once.insert(content.as_str()), "{content} was stored twice");
            assert!(self.put.contains(content), "{content} was never put");
        }
        for (key, (content, _)) in &shared.objects {
            let is_given_up = shared.rejects.get(key).is_some_and(|reject| reject.is_final);
            assert!(is_given_up || once.contains(content.as_str()), "{key} ({content}) was not stored");
        }
        let now = Timestamp::from_micros(self.now.load(Ordering::SeqCst));
        let old = before(now, LOOK_BACK * 2 + Duration::from_hours(24));
        let kept = shared.rows.values().filter(|row| row.changed < old && row.key <= shared.mark.floor).count();
        assert_eq!(kept, 0, "what is old is forgotten");
    }

    pub(super) fn stored(&self) -> Vec<String> {
        self.room.lock().stored.clone()
    }

    pub(super) fn rejects(&self) -> Vec<BucketReject> {
        self.room.lock().rejects.values().cloned().collect()
    }

    pub(super) fn floor(&self) -> String {
        self.room.lock().mark.floor.clone()
    }

    pub(super) fn remembered(&self) -> usize {
        self.room.lock().rows.len()
    }

    pub(super) fn pause(&self) -> Duration {
        self.source.pause()
    }
}

fn source(room: &Room, now: &Arc<AtomicI64>) -> Source<Room, Room> {
    let now = Arc::clone(now);
    let clock = move || Timestamp::from_micros(now.load(Ordering::SeqCst));
    let options = Options { look_back: LOOK_BACK, ..Options::default() };
    Source::new(Box::new(room.clone()), room.clone(), room.clone(), options, clock)
}
