use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use flate2::read::MultiGzDecoder;

use tidegate_event::Timestamp;

use super::*;
use crate::batch::Packer;
use crate::config::{Config, Scenarios};
use crate::feed::{Clock, Feed};
use crate::generator::Generator;

/// A request as the server saw it.
#[derive(Clone, Debug, Default)]
struct Seen {
    headers: Vec<String>,
    text: String,
}

/// A server that answers with these statuses in turn, the last one forever.
fn server(statuses: &'static [&'static str]) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/plain/batch", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || serve(stream.unwrap(), statuses, &log));
        }
    });
    (url, seen)
}

fn serve(stream: std::net::TcpStream, statuses: &[&str], log: &Mutex<Vec<Seen>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            headers.push(line);
        }
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut text = String::new();
        MultiGzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
        let mut log = log.lock().unwrap();
        let status = statuses[log.len().min(statuses.len() - 1)];
        log.push(Seen { headers, text });
        drop(log);
        writer.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nno").as_bytes()).unwrap();
    }
}

fn sender(url: String) -> Sender {
    let retry_wait = Duration::from_millis(1);
    Sender::new(SenderOptions { url, key: "secret".to_owned(), retry_wait, retries: 3, ..SenderOptions::default() })
}

fn generator() -> Generator {
    let config = Config { users: 50, devices: 90, scenarios: Scenarios::None, ..Config::default() };
    Generator::new(config).unwrap()
}

#[test]
fn requests_look_like_logpush() {
    let (url, seen) = server(&["200 OK"]);
    sender(url).validate().unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].text, "{\"content\":\"tests\"}");
    for header in ["content-encoding: gzip", "x-tidegate-intake-key: secret", "user-agent: go-http-client/1.1"] {
        assert!(seen[0].headers.iter().any(|line| line == header), "{header} not in {:?}", seen[0].headers);
    }
    assert!(!seen[0].headers.iter().any(|line| line.contains("application/json")));
}

#[test]
fn the_same_body_comes_again_until_it_is_taken() {
    let (url, seen) = server(&["503 Busy\r\nretry-after: 0", "500 Oh", "200 OK"]);
    let batch = Packer::new(10, 6).next(&mut generator(), Timestamp::from_micros(i64::MAX)).unwrap();
    sender(url).post(&batch).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| request.text == seen[0].text && request.text.lines().count() == 10));
}

#[test]
fn a_refusal_is_not_repeated_and_patience_ends() {
    let (url, seen) = server(&["401 No"]);
    let error = sender(url).validate().unwrap_err();
    assert!(matches!(error, SendError::Refused { status: 401, .. }), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
    let (url, seen) = server(&["500 Oh"]);
    let error = sender(url).validate().unwrap_err();
    assert!(matches!(error, SendError::GaveUp { attempts: 4, .. }), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 4);
}

#[test]
fn a_flood_sends_each_batch_once() {
    let (url, seen) = server(&["200 OK"]);
    let (mut packer, mut generator) = (Packer::new(50, 1), generator());
    let batches: Vec<Batch> =
        (0..20).filter_map(|_| packer.next(&mut generator, Timestamp::from_micros(i64::MAX))).collect();
    let report = sender(url).flood(batches.into_iter(), 3).unwrap();
    assert_eq!((report.batches(), report.records), (20, 1_000));
    assert!(report.percentile(50.0) <= report.percentile(99.0));
    assert_eq!(seen.lock().unwrap().len(), 20);
}

/// A clock that only moves when somebody sleeps.
struct Still(Cell<i64>);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.get())
    }

    fn sleep(&self, duration: Duration) {
        self.0.set(self.0.get() + duration.as_micros() as i64);
    }
}

#[test]
fn history_first_then_as_time_goes_by() {
    let (url, seen) = server(&["200 OK"]);
    let generator = generator();
    let start = generator.config().start.as_micros();
    let mut feed = Feed::new(generator, sender(url));
    let stop = AtomicBool::new(false);
    let noon = Timestamp::from_micros(start + 20_000_000);
    let past = feed.backfill(noon, 700, &stop, |_| {}).unwrap();
    assert!(past.records > 1_000 && past.until == noon);
    let end = Timestamp::from_micros(start + 25_000_000);
    let all = feed.live(&Still(Cell::new(noon.as_micros())), Some(end), &stop, |_| {}).unwrap();
    assert!(all.records > past.records && all.until == end);
    let lines: usize = seen.lock().unwrap().iter().map(|request| request.text.lines().count()).sum();
    assert_eq!(lines as u64, all.records);
    assert_eq!(feed.truth().totals.records, all.records);
}
