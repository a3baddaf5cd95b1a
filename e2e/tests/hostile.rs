//! Senders that mean harm, or might as well: they are refused, memory stays bounded, and everybody else is served.

#![allow(clippy::unwrap_used, reason = "a test says what it expects in one word")]

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_e2e::{Http, Intake, Raw, Records, Server, Session, eventually, gzip, within, zstd};

const MIB: usize = 1 << 20;
/// What a server with default bounds may take, whatever comes.
const MEMORY_MAX_MIB: u64 = 1_536;

fn post(server: &Server, intake: &Intake, body: Vec<u8>) -> tidegate_e2e::Request {
    server.request("POST", "/plain/batch").header("X-Tidegate-Intake-Key", &intake.key).body(body)
}

/// The head of a raw request with these header lines.
fn head(intake: &Intake, lines: &str) -> String {
    format!("POST /plain/batch HTTP/1.1\r\nHost: localhost\r\nX-Tidegate-Intake-Key: {}\r\n{lines}\r\n", intake.key)
}

/// Takes a batch and answers a search, quickly.
fn serves(session: &Session, intake: &Intake, records: &mut Records) {
    let started = Instant::now();
    assert_eq!(session.push(intake, &records.lines(3)).len(), 3);
    let _ = session.total("*");
    assert!(started.elapsed() < Duration::from_secs(3), "others wait: {:?}", started.elapsed());
}

/// Gzip that is as small as it can be.
fn dense(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    // 10 GiB of zeros in 10 MB: one member after the other.
    let bomb = dense(&vec![0; 64 * MIB]).repeat(160);
    assert!(bomb.len() < 16 * MIB);
    let nested = zstd(&vec![b'\n'; 64 * MIB]).repeat(160);
    std::thread::scope(|scope| {
        for body in [&bomb, &bomb, &nested] {
            let (server, intake) = (&server, &intake);
            scope.spawn(move || {
                let reply = Http::default().send(&post(server, intake, body.clone())).unwrap();
                assert!(reply.refusal(413).contains("decompressed"), "{}", reply.text());
            });
        }
        serves(server.admin(), &intake, &mut Records::new("beside"));
    });
    let peak = server.memory_peak_mib();
    println!("bombs: {peak} MiB resident at most");
    assert!(peak < MEMORY_MAX_MIB, "{peak} MiB");
    // Without a key, a bomb is not even opened.
    let stranger = server.request("POST", "/plain/batch").body(&bomb[..512 << 10]);
    assert_eq!(Http::default().send(&stranger).unwrap().status, 401);
    server.admin().wait_for("*", 3);
}

#[test]
fn truncated_gzip_is_refused_wherever_it_ends() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("cut");
    let whole = gzip(records.lines(40).as_bytes());
    let several = [whole.clone(), gzip(records.lines(40).as_bytes())].concat();
    let step = whole.len() / 23;
    let mut cuts: Vec<&[u8]> = (1..23).map(|cut| &whole[..cut * step]).collect();
    cuts.extend([&whole[..1], &whole[..3], &whole[..9], &whole[..10], &whole[..11]]);
    cuts.extend((1..=8).map(|cut| &whole[..whole.len() - cut]));
    // The second member cut off; between the two it is a whole body.
    cuts.extend([1, 2, 10, 18, 100].map(|more| &several[..whole.len() + more]));
    for cut in cuts {
        let reply =
            server.http().send(&post(&server, &intake, cut.to_vec()).header("Content-Encoding", "gzip")).unwrap();
        assert!(reply.refusal(400).contains("byte"), "{} of {}: {}", cut.len(), several.len(), reply.text());
    }
    serves(server.admin(), &intake, &mut Records::new("behind"));
    server.admin().wait_for("*", 3);
}

#[test]
fn a_line_of_a_gigabyte_is_refused_or_kept_in_part_and_the_memory_stays_bounded() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    // As it is, announced: refused by its head.
    let mut announced = Raw::connect(server.address());
    assert!(announced.send(head(&intake, "Content-Length: 1073741824\r\n").as_bytes()));
    assert!(announced.reply(Duration::from_secs(10)).unwrap().refusal(413).contains("67108864"));
    // As it is, in chunks that never say how many follow.
    let mut chunked = Raw::connect(server.address());
    assert!(chunked.send(head(&intake, "Transfer-Encoding: chunked\r\n").as_bytes()));
    let block = [b"100000\r\n".as_slice(), &vec![b'a'; MIB], b"\r\n"].concat();
    let sent = (0..1024).take_while(|_| chunked.send(&block)).count();
    assert!(sent < 200, "the server took {sent} MiB of a body above its bound");
    if let Some(reply) = chunked.reply(Duration::from_secs(10)) {
        let _ = reply.refusal(413);
    }
    // Compressed: above the bound, then below it.
    let line = |mib: usize| gzip(&vec![b'a'; MIB]).repeat(mib);
    let reply = server.http().send(&post(&server, &intake, line(1024))).unwrap();
    assert!(reply.refusal(413).contains("decompressed"));
    assert_eq!(server.http().send(&post(&server, &intake, line(300))).unwrap().event_ids().len(), 1);
    server.admin().wait_for("tidegate.status:invalid", 1);
    let event = server.admin().events("*").remove(0);
    let reason = event.pointer("/tidegate/reason").and_then(Value::as_str).unwrap();
    assert!(reason.contains("314572800 bytes"), "{reason}");
    let kept = event.pointer("/message").and_then(Value::as_str).unwrap();
    assert!(kept.starts_with("aaa") && kept.len() <= MIB, "{} bytes are kept", kept.len());
    let peak = server.memory_peak_mib();
    println!("long lines: {peak} MiB resident at most");
    assert!(peak < MEMORY_MAX_MIB, "{peak} MiB");
    serves(server.admin(), &intake, &mut Records::new("behind"));
}

#[test]
fn text_that_is_none_is_kept_as_invalid() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("utf");
    let bodies: [&[u8]; 5] =
        [b"\xff\xfe\x00x", b"{\"QueryName\":\"\xc3\x28\"}", b"\xed\xa0\x80", b"a\0b", b"{\"QueryName\":\"\\ud800\"}"];
    let text = [&bodies.join(&b"\n"[..])[..], b"\n", records.one().as_bytes()].concat();
    assert_eq!(server.http().send(&post(&server, &intake, text)).unwrap().event_ids().len(), bodies.len() + 1);
    server.admin().wait_for("*", bodies.len() as u64 + 1);
    server.admin().wait_for("tidegate.status:invalid AND tidegate.reason:*UTF-8*", 3);
    assert_eq!(server.admin().total("cloudflare.QueryID:utf-00000000"), 1);
}

#[test]
fn deep_nesting_overflows_nothing() {
    const DEPTH: usize = 100_000;
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("deep");
    let arrays = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH));
    let inside = format!("{{\"QueryName\":{arrays}}}");
    let string = format!("{{\"ResourceRecordsJSON\":\"{}\"}}", "[".repeat(DEPTH));
    let deep = [arrays.as_str(), &objects, &inside, &string, &"[".repeat(DEPTH), &"{\"a\":[".repeat(DEPTH)];
    for path in ["/plain/batch", "/plain", "/jsons", "/jsons?path=$.a.a", "/batch", "/array", "/"] {
        for text in deep {
            let request = server.request("POST", path).header("X-Tidegate-Intake-Key", &intake.key).body(text);
            let reply = server.http().send(&request).unwrap();
            assert!(matches!(reply.status, 200 | 400), "{path}: {}", reply.text());
        }
    }
    for text in deep {
        let raw = server.request("POST", "/api/v1/events/search").header("Content-Type", "application/json");
        let raw = raw.header("Authorization", format!("Bearer {}", server.admin().token())).body(text);
        assert_eq!(server.http().send(&raw).unwrap().status, 400, "a body of the API");
    }
    let parentheses = "(".repeat(60_000);
    let query = json!({"query": parentheses});
    assert_eq!(server.admin().ask("POST", "events/search", Some(&query)).status, 400, "a query");
    let query = json!({"query": "NOT ".repeat(15_000) + "a"});
    assert_eq!(server.admin().ask("POST", "events/search", Some(&query)).status, 400, "a query of negations");
    let statement = json!({"statement": format!("SELECT {parentheses}1")});
    assert_eq!(server.admin().ask("POST", "sql", Some(&statement)).status, 400, "a statement");
    // Whole documents of several records that nest deeply, inside records that are good.
    let mixed = format!("{}\n{inside}\n{}\n", records.one(), records.one());
    assert_eq!(server.http().send(&post(&server, &intake, mixed.into_bytes())).unwrap().event_ids().len(), 3);
    server.admin().wait_for("cloudflare.QueryID:*", 2);
    serves(server.admin(), &intake, &mut records);
    eventually("the pipeline has gone through everything", || server.admin().total("tidegate.status:valid") == 5);
}

#[test]
fn slow_senders_are_given_up_and_nobody_waits_for_them() {
    let server =
        Server::start("[server]\nheader_timeout = \"2s\"\nbody_pause_timeout = \"2s\"\nbody_timeout = \"4s\"\n");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("slow");
    let connect = |text: &str| {
        let mut raw = Raw::connect(server.address());
        assert!(raw.send(text.as_bytes()));
        raw
    };
    let mut heads: Vec<Raw> = (0..40).map(|_| connect("POST /plain/batch HTTP/1.1\r\nHost: loc")).collect();
    let mut silent: Vec<Raw> = (0..40).map(|_| connect("")).collect();
    let half = head(&intake, "Content-Length: 1000\r\n") + "{\"half\":";
    let mut bodies: Vec<Raw> = (0..40).map(|_| connect(&half)).collect();
    let mut drip = connect(&head(&intake, "Content-Length: 100000\r\n"));
    let started = Instant::now();
    for _ in 0..5 {
        serves(server.admin(), &intake, &mut records);
    }
    // A byte now and then keeps the pause short, but not the whole.
    let dripped = within(Duration::from_secs(12), "the dripping sender is given up", || {
        std::thread::sleep(Duration::from_millis(100));
        (!drip.send(b"x") || started.elapsed() > Duration::from_secs(6)).then(|| started.elapsed())
    });
    assert!(dripped >= Duration::from_secs(3), "it had its time: {dripped:?}");
    assert!(drip.is_closed_within(Duration::from_secs(5)), "the dripping sender");
    for raw in &mut bodies {
        let reply = raw.reply(Duration::from_secs(10)).unwrap();
        assert!(reply.refusal(408).contains("seconds"), "{}", reply.text());
        assert!(raw.is_closed_within(Duration::from_secs(5)), "a body that pauses");
    }
    assert!(heads.iter_mut().all(|raw| raw.is_closed_within(Duration::from_secs(10))), "a head that pauses");
    assert!(silent.iter_mut().all(|raw| raw.is_closed_within(Duration::from_secs(10))), "nothing at all");
    serves(server.admin(), &intake, &mut records);
    server.admin().wait_for("*", records.made());
}

#[test]
fn ten_thousand_bad_keys_are_ten_thousand_refusals_and_no_more() {
    const SENDERS: usize = 4;
    const KEYS: usize = 2_500;
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let body = gzip(Records::new("bad").lines(20).as_bytes());
    let before = server.log().len();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (server, body) = (&server, &body);
            scope.spawn(move || {
                let http = Http::default();
                for number in 0..KEYS {
                    let key = format!("tgi_{sender:04}{number:024}");
                    let request = server.request("POST", "/plain/batch").header("X-SEKOIAIO-INTAKE-KEY", key);
                    assert_eq!(http.send(&request.body(&body[..])).unwrap().status, 401);
                }
            });
        }
        serves(server.admin(), &intake, &mut Records::new("good"));
    });
    let took = started.elapsed();
    println!("{} bad keys in {took:?}", SENDERS * KEYS);
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(server.log().len() - before < 20_000, "a flood of refusals is no flood of lines");
    let refused = server.admin().get("status");
    assert_eq!(refused.pointer("/refused/key"), Some(&(SENDERS * KEYS).into()), "{refused}");
    server.admin().wait_for("*", 3);
    assert!(server.memory_peak_mib() < MEMORY_MAX_MIB / 2);
}

#[test]
fn requests_that_are_none_end_their_connection_only() {
    let server = Server::start("[server]\nheader_timeout = \"2s\"\nbody_pause_timeout = \"2s\"\n");
    let intake = server.admin().gateway("gateway");
    let mut records = Records::new("odd");
    let good = records.one();
    let length = good.len();
    let whole = head(&intake, &format!("Content-Length: {length}\r\n")) + &good;
    let exchange = |text: &[u8], finish: bool| {
        let mut raw = Raw::connect(server.address());
        let _ = raw.send(text);
        if finish {
            raw.finish();
        }
        (raw.reply(Duration::from_secs(10)), raw)
    };
    // A head that promises a body, and no body.
    let (reply, _) = exchange(head(&intake, "Content-Length: 100\r\n").as_bytes(), true);
    assert!(reply.is_none_or(|reply| reply.status == 400));
    // No body at all is an empty batch.
    let (reply, _) = exchange(head(&intake, "").as_bytes(), false);
    assert_eq!(reply.unwrap().event_ids(), Vec::<String>::new());
    // Fewer bytes than promised, then silence.
    let (reply, mut raw) =
        exchange((head(&intake, &format!("Content-Length: {}\r\n", length + 9)) + &good).as_bytes(), false);
    assert_eq!(reply.unwrap().status, 408);
    assert!(raw.is_closed_within(Duration::from_secs(5)));
    // More bytes than promised: what follows is no request.
    let (reply, mut raw) = exchange((whole.clone() + "\r\n\0\u{1}garbage\r\n\r\n").as_bytes(), false);
    assert_eq!(reply.unwrap().event_ids().len(), 1);
    assert!(raw.reply(Duration::from_secs(10)).is_none_or(|reply| reply.status == 400), "the garbage");
    assert!(raw.is_closed_within(Duration::from_secs(5)));
    // Two lengths, and a length beside chunks: how the body ends is not agreed on.
    for lines in ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5x\r\n", "Content-Length: -1\r\n"] {
        let (reply, _) = exchange((head(&intake, lines) + "hello").as_bytes(), true);
        assert!(reply.is_none_or(|reply| reply.status == 400), "{lines}");
    }
    let (reply, _) =
        exchange((head(&intake, "Transfer-Encoding: chunked\r\n") + "zz\r\nhello\r\n0\r\n\r\n").as_bytes(), true);
    assert!(reply.is_none_or(|reply| reply.status == 400));
    // Requests in one go are answered in order.
    let second = head(&intake, &format!("Content-Length: {length}\r\nConnection: close\r\n")) + &good;
    let (reply, mut raw) = exchange((whole.clone() + &second).as_bytes(), false);
    let first_ids = reply.unwrap().event_ids();
    assert_eq!(raw.reply(Duration::from_secs(10)).unwrap().event_ids(), first_ids, "the same batch again");
    // What is not HTTP at all.
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: b\r\n".repeat(5_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let garbage: [&[u8]; 6] = [
        b"\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        many.as_bytes(),
        long.as_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff",
    ];
    for bytes in garbage {
        let mut raw = Raw::connect(server.address());
        let _ = raw.send(bytes);
        raw.finish();
        assert!(raw.is_closed_within(Duration::from_secs(10)));
    }
    serves(server.admin(), &intake, &mut records);
    server.admin().wait_for("*", 1 + 3);
}
