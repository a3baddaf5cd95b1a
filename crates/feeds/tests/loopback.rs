//! Feeds and TAXII collections on this machine's loopback, with a server that answers what a test wants.

#![allow(clippy::unwrap_used, reason = "a test says what it expects in one word")]

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use tidegate_detect::intel::{ReadOptions, Report};
use tidegate_feeds::{
    Auth, Body, FeedError, FetchOptions, Fetched, Fetcher, Pull, Request, api_root, collections, discover, open_file,
};
use zeroize::Zeroizing;

/// Answers each request with the next of its answers and remembers what was asked.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (told, own) = (Arc::clone(&asked), address.clone());
        let mut answers: VecDeque<Vec<u8>> = answers.into();
        std::thread::spawn(move || {
            while let Some(answer) = answers.pop_front() {
                let Ok((mut stream, _)) = listener.accept() else { return };
                told.lock().unwrap().push(request(&mut stream));
                let text = String::from_utf8_lossy(&answer).into_owned();
                let own_body = text.split_once("\r\n\r\n").filter(|(_, body)| body.contains("SELF"));
                let answer = own_body.map_or(answer, |(_, body)| ok(&body.replace("SELF", &own)));
                // The client may have had enough before the end.
                let _ = stream.write_all(&answer);
                if answer.ends_with(b"STALL") {
                    std::thread::sleep(Duration::from_secs(20));
                }
            }
        });
        Self { address, asked }
    }

    fn asked(&self, index: usize) -> String {
        self.asked.lock().unwrap()[index].clone()
    }

    fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// The head of a request.
fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len())
            .into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "", body.as_bytes())
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

struct Client {
    fetcher: Fetcher,
    _spool: TempDir,
}

fn client(bytes_max: u64) -> Client {
    let spool = tempfile::tempdir().unwrap();
    let options =
        FetchOptions { bytes_max, idle_timeout: Duration::from_millis(700), ..FetchOptions::new(spool.path()) };
    Client { fetcher: Fetcher::new(options).unwrap(), _spool: spool }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn fetch_with(url: &str, auth: &Auth, bytes_max: u64) -> Result<Fetched, FeedError> {
    let client = client(bytes_max);
    run(client.fetcher.fetch(&Request { url, auth, etag: None, last_modified: None }))
}

fn fetch(url: &str) -> Result<Fetched, FeedError> {
    fetch_with(url, &Auth::None, 1 << 20)
}

fn body(fetched: Fetched) -> Body {
    match fetched {
        Fetched::Body(body) => body,
        Fetched::Unchanged => panic!("nothing new"),
    }
}

fn names(body: &mut Body) -> Result<(Vec<String>, Report), FeedError> {
    let mut names = Vec::new();
    let report = body.read(&ReadOptions::default(), &mut |indicator| {
        names.push(indicator.value.to_string());
        ControlFlow::Continue(())
    })?;
    Ok((names, report))
}

#[test]
fn a_feed_is_fetched_and_not_again_until_it_changes() {
    let server = Server::new(vec![
        answer("200 OK", "etag: \"v1\"\r\nlast-modified: Mon, 02 Mar 2026 00:00:00 GMT\r\n", b"evil.example\n"),
        answer("304 Not Modified", "", b""),
    ]);
    let client = client(1 << 20);
    let first = run(client.fetcher.fetch(&Request {
        url: &server.address,
        auth: &Auth::None,
        etag: None,
        last_modified: None,
    }));
    let mut first = body(first.unwrap());
    assert_eq!(names(&mut first).unwrap().0, ["evil.example"]);
    assert_eq!((first.etag.as_deref(), first.bytes), (Some("\"v1\""), 13));
    let again = run(client.fetcher.fetch(&Request {
        url: &server.address,
        auth: &Auth::None,
        etag: first.etag.as_deref(),
        last_modified: first.last_modified.as_deref(),
    }));
    assert!(matches!(again.unwrap(), Fetched::Unchanged));
    assert!(!server.asked(0).contains("if-none-match"));
    assert!(server.asked(1).contains("if-none-match: \"v1\""));
    assert!(server.asked(1).contains("if-modified-since: mon, 02 mar 2026"));
    assert!(server.asked(0).contains("user-agent: tidegate/"));
}

#[test]
fn gzip_is_undone_whether_it_is_told_or_not() {
    let packed = gzip(b"evil.example\nworse.example\n");
    let mut double = packed.clone();
    double.extend(gzip(b"third.example\n"));
    let server = Server::new(vec![
        answer("200 OK", "content-encoding: gzip\r\n", &packed),
        answer("200 OK", "content-type: application/gzip\r\n", &double),
        answer("200 OK", "content-encoding: br\r\n", &packed),
    ]);
    assert_eq!(names(&mut body(fetch(&server.address).unwrap())).unwrap().0.len(), 2);
    assert_eq!(names(&mut body(fetch(&server.address).unwrap())).unwrap().0.len(), 3);
    assert!(matches!(fetch(&server.address), Err(FeedError::Encoding(encoding)) if encoding == "br"));
    assert!(server.asked(0).contains("accept-encoding: gzip"));
}

#[test]
fn a_small_packed_feed_that_is_huge_inside_ends_at_its_bound() {
    let huge = gzip(&b"evil.example\n".repeat(3_000_000));
    assert!(huge.len() < 1 << 20);
    let server = Server::new(vec![answer("200 OK", "", &huge)]);
    let mut body = body(fetch(&server.address).unwrap());
    let options = ReadOptions { indicators_max: 1_000, ..ReadOptions::default() };
    let report = body.read(&options, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(report.accepted, 1_000);
    assert!(report.cut_short.is_some());
}

#[test]
fn a_feed_that_is_too_large_is_refused_told_or_not() {
    let large = "evil.example\n".repeat(1_000);
    let untold = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{large}").into_bytes();
    let server = Server::new(vec![ok(&large), untold]);
    for _ in 0..2 {
        let error = fetch_with(&server.address, &Auth::None, 1_000).unwrap_err();
        assert!(matches!(error, FeedError::TooLarge { bytes_max: 1_000 }), "{error}");
    }
}

#[test]
fn what_goes_wrong_is_told_without_the_address_or_the_secret() {
    let html = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
    let server = Server::new(vec![
        answer("401 Unauthorized", "", b"no"),
        answer("404 Not Found", "", b""),
        answer("429 Too Many Requests", "retry-after: 120\r\n", b""),
        ok(html),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nevilSTALL".to_vec(),
    ]);
    let auth = Auth::Query("key".into(), Zeroizing::new("hunter2".into()));
    let url = format!("{}/list.txt", server.address);
    let error = fetch_with(&url, &auth, 1000).unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 refused: 401; check the authentication");
    assert!(matches!(fetch(&url), Err(FeedError::Status { status: 404, .. })));
    let busy = fetch(&url).unwrap_err();
    assert!(matches!(busy, FeedError::Busy { retry_after: Some(wait), .. } if wait == Duration::from_secs(120)));
    let page = names(&mut body(fetch(&url).unwrap())).unwrap_err();
    assert_eq!(page.to_string(), "this is an HTML page titled `Sign in`, not a feed of indicators");
    let slow = fetch_with(&url, &auth, 1000).unwrap_err();
    assert!(matches!(slow, FeedError::Slow { .. }), "{slow}");
    assert!(server.asked(0).contains("/list.txt?key=hunter2"));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch_with(&format!("http://{closed}/"), &auth, 1000).unwrap_err();
    assert!(matches!(error, FeedError::Unreachable { .. }));
    for error in [error, slow, busy] {
        assert!(!format!("{error} {error:?} {auth:?}").contains("hunter2"));
    }
    for bad in ["", "ftp://x.example", "http://user:pw@x.example/", "file:///etc/passwd"] {
        let error = fetch(bad).unwrap_err();
        assert!(matches!(error, FeedError::Address(_)), "{bad}");
    }
}

#[test]
fn each_way_of_authentication_reaches_the_server() {
    let secret = || Zeroizing::new("s3cret".to_owned());
    let ways = [
        (Auth::Basic("me".into(), secret()), "authorization: basic bwu6cznjcmv0"),
        (Auth::Bearer(secret()), "authorization: bearer s3cret"),
        (Auth::Header("Auth-Key".into(), secret()), "auth-key: s3cret"),
        (Auth::Query("auth-key".into(), secret()), "?auth-key=s3cret"),
    ];
    let server = Server::new(vec![ok("evil.example"); ways.len()]);
    for (index, (auth, seen)) in ways.iter().enumerate() {
        fetch_with(&server.address, auth, 1000).unwrap();
        assert!(server.asked(index).contains(seen), "{}", server.asked(index));
    }
    let bad = Auth::Header("Auth-Key".into(), Zeroizing::new("a\r\nhost: x".into()));
    assert!(matches!(fetch_with(&server.address, &bad, 1000), Err(FeedError::Auth)));
}

#[test]
fn redirects_are_followed_but_a_secret_stays_on_its_host() {
    let stranger = Server::new(vec![ok("evil.example"); 1]);
    let elsewhere = format!("location: {}/moved\r\n", stranger.address);
    let server = Server::new(vec![
        answer("302 Found", "location: /moved\r\n", b""),
        ok("evil.example"),
        answer("302 Found", &elsewhere, b""),
        answer("302 Found", &elsewhere, b""),
    ]);
    let auth = Auth::Header("Auth-Key".into(), Zeroizing::new("s3cret".into()));
    fetch_with(&server.address, &auth, 1000).unwrap();
    assert!(server.asked(1).starts_with("get /moved") && server.asked(1).contains("auth-key: s3cret"));
    fetch(&server.address).unwrap();
    assert_eq!(stranger.times_asked(), 1);
    let error = fetch_with(&server.address, &auth, 1000).unwrap_err();
    assert!(matches!(error, FeedError::Redirect { .. }), "{error}");
    assert!(error.to_string().contains("must not get the secret"), "{error}");
    assert_eq!(stranger.times_asked(), 1);
    let circle = Server::new(vec![answer("302 Found", "location: /again\r\n", b""); 10]);
    assert!(matches!(fetch(&circle.address), Err(FeedError::Redirect { .. })));
}

const DISCOVERY: &str = r#"{"title":"Example","api_roots":["SELF/api1/","/api2","https://elsewhere.example/api/"]}"#;

#[test]
fn a_taxii_server_is_discovered() {
    let collection = r#"{"collections":[{"id":"91a7b528","title":"Bad names","can_read":true,"can_write":false},{"id":"a/../b","title":"","description":"x","can_read":false}]}"#;
    let server = Server::new(vec![
        ok(DISCOVERY),
        ok(r#"{"title":"One","versions":["application/taxii+json;version=2.1"],"max_content_length":1000}"#),
        ok(collection),
        ok(r#"{"title":"Old","versions":["taxii-2.0"]}"#),
        ok("<html></html>"),
        ok("{}"),
    ]);
    let client = client(1 << 20);
    let auth = Auth::Basic("me".into(), Zeroizing::new("s3cret".into()));
    let url = format!("{}/taxii2", server.address);
    run(async {
        let roots = discover(&client.fetcher, &url, &auth).await.unwrap();
        let urls: Vec<&str> = roots.iter().map(|root| root.url.as_str()).collect();
        assert_eq!(urls, [format!("{}/api1/", server.address), format!("{}/api2/", server.address)]);
        assert_eq!(api_root(&client.fetcher, urls[0], &auth).await.unwrap().title, "One");
        let found = collections(&client.fetcher, urls[0], &auth).await.unwrap();
        assert_eq!((found[0].title.as_str(), found[0].can_read), ("Bad names", true));
        assert_eq!(found[0].url, format!("{}/api1/collections/91a7b528/", server.address));
        assert_eq!(found[1].url, format!("{}/api1/collections/a%2F..%2Fb/", server.address));
        for _ in 0..3 {
            let error = api_root(&client.fetcher, urls[0], &auth).await.unwrap_err();
            assert!(matches!(error, FeedError::NotTaxii { .. }), "{error}");
        }
    });
    assert!(server.asked(0).starts_with("get /taxii2/ "));
    assert!(server.asked(0).contains("accept: application/taxii+json;version=2.1"));
    assert!(server.asked(2).starts_with("get /api1/collections/ "));
    assert!(server.asked(2).contains("authorization: basic"));
}

fn page(name: &str, rest: &str, added_last: &str) -> Vec<u8> {
    let body = format!(
        r#"{{{rest}"objects":[{{"type":"indicator","id":"indicator--1","pattern":"[domain-name:value = '{name}']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}}]}}"#
    );
    let headers =
        format!("content-type: application/taxii+json;version=2.1\r\nX-TAXII-Date-Added-Last: {added_last}\r\n");
    answer("200 OK", &headers, body.as_bytes())
}

fn pull_all(server: &Server, added_after: Option<&str>) -> Result<(Vec<String>, Option<String>), FeedError> {
    let client = client(1 << 20);
    let url = format!("{}/api1/collections/91a7b528/", server.address);
    let mut pull = Pull::new(&client.fetcher, &url, &Auth::None, added_after)?;
    let mut all = Vec::new();
    run(async {
        while let Some(mut body) = pull.page().await? {
            let (names, report) = names(&mut body)?;
            all.extend(names);
            pull.turn(&report.page);
        }
        Ok::<(), FeedError>(())
    })?;
    Ok((all, pull.added_after().map(str::to_owned)))
}

#[test]
fn a_collection_is_pulled_page_by_page_and_goes_on_where_it_was() {
    let server = Server::new(vec![
        page("a.example", r#""more":true,"next":"c 2&x","#, "2026-01-01T00:00:01Z"),
        page("b.example", r#""more":true,"#, "2026-01-01T00:00:02Z"),
        page("c.example", r#""more":false,"#, "2026-01-01T00:00:03Z"),
        ok("{}"),
    ]);
    let (names, added_after) = pull_all(&server, None).unwrap();
    assert_eq!(names, ["a.example", "b.example", "c.example"]);
    assert_eq!(added_after.as_deref(), Some("2026-01-01T00:00:03Z"));
    assert!(
        server.asked(0).starts_with("get /api1/collections/91a7b528/objects/?limit=1000&match%5btype%5d=indicator ")
    );
    assert!(server.asked(1).contains("&next=c+2%26x"));
    assert!(!server.asked(0).contains("added_after"));
    // A page without a cursor leads on by its time.
    assert!(server.asked(2).contains("added_after=2026-01-01t00%3a00%3a02z"));
    // The server has nothing new: an empty answer, and the time stays.
    let (names, kept) = pull_all(&server, added_after.as_deref()).unwrap();
    assert_eq!((names.len(), kept), (0, added_after));
    assert!(server.asked(3).contains("added_after=2026-01-01t00%3a00%3a03z"));
}

#[test]
fn a_server_that_turns_in_circles_is_left() {
    let round = page("a.example", r#""more":true,"next":"1","#, "2026-01-01T00:00:01Z");
    let server = Server::new(vec![round; 10]);
    let (names, _) = pull_all(&server, None).unwrap();
    assert_eq!((names.len(), server.times_asked()), (2, 2));
}

#[test]
fn the_same_files_work_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("list.txt", b"evil.example\n".to_vec()), ("list.txt.gz", gzip(b"evil.example\n"))] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(names(&mut open_file(&path).unwrap()).unwrap().0, ["evil.example"], "{name}");
    }
    assert!(matches!(open_file(&folder.path().join("missing")), Err(FeedError::Disk(_))));
}
