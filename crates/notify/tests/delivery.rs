//! Deliveries to servers of our own on this machine.
#![allow(clippy::unwrap_used, reason = "a test may say what it expects in one word")]

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_notify::{
    Channel, Failure, Message, Notifier, Policy, SIGNATURE_HEADER, TIMESTAMP_HEADER, Template, signature,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

const SECRET: &str = "a-signing-key-of-32-characters!!";
const NOW: Timestamp = Timestamp::from_micros(1_777_000_000_000_000);

fn notifier() -> Notifier {
    Notifier::new(Policy { loopback: true, files: None }, || NOW).unwrap()
}

fn message() -> Message {
    let alert = json!({"id": "a1", "number": 7, "urgency": 80, "urgency_level": "high",
        "rule": {"name": "Sliver <!channel>", "attack": ["T1071.004"]}, "source": "10.0.0.1", "target": "evil.example"});
    Message {
        key: "a1:alert.raised".into(),
        kind: "alert.raised".into(),
        created: NOW,
        payload: json!({"alert": alert, "events": []}),
        link: Some("https://tide.example/alerts/a1".into()),
    }
}

#[tokio::test]
async fn what_delivery_always_refuses_is_refused_beforehand() {
    let notifier = Notifier::new(Policy::default(), || NOW).unwrap();
    for (kind, config, secret) in [
        ("webhook", json!({"url": "http://169.254.169.254/latest"}), None),
        ("webhook", json!({"url": "http://[::ffff:169.254.169.254]/"}), None),
        ("slack", json!({}), Some("http://224.0.0.1:9/x")),
        ("syslog", json!({"host": "fe80::1"}), None),
        ("email", json!({"host": "0.0.0.0", "from": "a@x.example", "to": ["b@x.example"]}), None),
    ] {
        let channel = Channel::new(kind, &config, secret).unwrap();
        let refused = channel.check().unwrap_err();
        assert_eq!(refused, notifier.test(&channel, None).await.unwrap_err(), "{config}");
    }
    for url in ["http://192.0.2.1/", "http://127.0.0.1/", "https://hooks.example/"] {
        Channel::new("webhook", &json!({"url": url}), None).unwrap().check().unwrap();
    }
}

/// What a server saw of one HTTP request.
struct Seen {
    head: String,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// Answers one HTTP request with `answer`.
async fn http(answer: &'static str) -> (String, JoinHandle<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/sesame?x=1", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).await.unwrap() > 0);
        }
        let mut seen = Seen { head, body: String::new() };
        let mut body = vec![0; seen.header("content-length").unwrap().parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        seen.body = String::from_utf8(body).unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        seen
    });
    (url, served)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_webhook_is_signed_and_says_everything() {
    let (url, served) = http(OK).await;
    let config = json!({"url": url, "headers": {"X-Tenant": "one"}});
    let channel = Channel::new("webhook", &config, Some(SECRET)).unwrap();
    notifier().deliver(&channel, None, &message()).await.unwrap();
    let seen = served.await.unwrap();
    assert!(seen.head.starts_with("POST /hook/sesame?x=1 HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("x-tenant"), Some("one"));
    assert_eq!(seen.header("x-tidegate-key"), Some("a1:alert.raised"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let timestamp = seen.header(TIMESTAMP_HEADER).unwrap();
    assert_eq!(timestamp, "1777000000");
    let expected = format!("v1={}", signature(SECRET.as_bytes(), timestamp, seen.body.as_bytes()));
    assert_eq!(seen.header(SIGNATURE_HEADER), Some(expected.as_str()));
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!((&body["kind"], &body["alert"]["number"]), (&json!("alert.raised"), &json!(7)));
    assert!(body["text"].as_str().unwrap().starts_with("[high] Sliver <!channel>: 10.0.0.1 to evil[.]example\n"));
    assert!(!seen.head.contains(SECRET) && !seen.body.contains(SECRET));
}

#[test]
fn the_signature_is_hmac_sha256() {
    // Computed with: printf '1777000000.{}' | openssl dgst -sha256 -hmac key
    assert_eq!(
        signature(b"key", "1777000000", b"{}"),
        "da42b904bba513f4e9a02b59e3b6833c6e12a587cf78e9413ebc0c5276462553"
    );
}

#[tokio::test]
async fn a_secret_header_takes_the_place_of_signing() {
    let (url, served) = http(OK).await;
    let config = json!({"url": url, "secret_header": "Authorization"});
    let channel = Channel::new("webhook", &config, Some("Bearer open-sesame")).unwrap();
    let template: Template = "{alert.number}".parse().unwrap();
    notifier().deliver(&channel, Some(&template), &message()).await.unwrap();
    let seen = served.await.unwrap();
    assert_eq!(seen.header("authorization"), Some("Bearer open-sesame"));
    assert_eq!(seen.header(SIGNATURE_HEADER), None);
    assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap()["text"], "7");
}

#[tokio::test]
async fn answers_tell_whether_to_try_again() {
    for (answer, retry, seconds) in [
        ("HTTP/1.1 429 Too Many Requests\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n", true, Some(90)),
        ("HTTP/1.1 503 Service Unavailable\r\nretry-after: 999999\r\ncontent-length: 0\r\n\r\n", true, Some(3_600)),
        ("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n", true, None),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", false, None),
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", false, None),
        ("this is no HTTP\r\n\r\n", true, None),
    ] {
        let (url, served) = http(answer).await;
        let channel = Channel::new("slack", &json!({}), Some(&url)).unwrap();
        let failure = notifier().deliver(&channel, None, &message()).await.unwrap_err();
        served.await.unwrap();
        assert_eq!((failure.retry, failure.retry_after), (retry, seconds.map(Duration::from_secs)), "{failure}");
        assert!(!failure.text.contains("sesame"), "the address is a secret: {failure}");
    }
}

#[tokio::test]
async fn slack_gets_escaped_text() {
    let (url, served) = http(OK).await;
    let channel = Channel::new("slack", &json!({"channel": "#soc"}), Some(&url)).unwrap();
    notifier().deliver(&channel, None, &message()).await.unwrap();
    let body: Value = serde_json::from_str(&served.await.unwrap().body).unwrap();
    assert_eq!(body["channel"], "#soc");
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("[high] Sliver &lt;!channel&gt;: 10.0.0.1 to evil[.]example\n"), "{text}");
    assert!(!format!("{channel:?}").contains("sesame"));
}

#[tokio::test]
async fn this_machine_is_out_of_reach_by_default() {
    let (url, served) = http(OK).await;
    let port = url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let notifier = Notifier::new(Policy::default(), || NOW).unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "169.254.169.254"] {
        let config = json!({"url": format!("http://{host}:{port}/")});
        let channel = Channel::new("webhook", &config, None).unwrap();
        let failure = notifier.deliver(&channel, None, &message()).await.unwrap_err();
        assert!(!failure.retry && failure.text.contains("targets may not be at"), "{host}: {failure}");
    }
    for (kind, config) in [
        ("syslog", json!({"host": "127.0.0.1", "transport": "tcp"})),
        ("email", json!({"host": "localhost", "tls": "none", "from": "a@b.example", "to": ["c@d.example"]})),
    ] {
        let channel = Channel::new(kind, &config, None).unwrap();
        let failure = notifier.deliver(&channel, None, &message()).await.unwrap_err();
        assert!(failure.text.contains("targets may not be at"), "{kind}: {failure}");
    }
    assert!(!served.is_finished());
    served.abort();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for (kind, config) in [
        ("webhook", json!({"url": format!("http://127.0.0.1:{port}/?token=abcdefgh")})),
        ("syslog", json!({"host": "127.0.0.1", "port": port, "transport": "tcp"})),
        (
            "email",
            json!({"host": "127.0.0.1", "port": port, "tls": "none", "from": "a@b.example", "to": ["c@d.example"]}),
        ),
    ] {
        let channel = Channel::new(kind, &config, None).unwrap();
        let failure = notifier().deliver(&channel, None, &message()).await.unwrap_err();
        assert!(failure.retry && !failure.text.contains("abcdefgh"), "{kind}: {failure}");
    }
}

/// A mail server for one mail; answers `MAIL FROM` with `verdict`.
async fn smtp(verdict: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let mut stream: BufReader<TcpStream> = BufReader::new(listener.accept().await.unwrap().0);
        let mut seen = String::new();
        stream.write_all(b"220 test\r\n").await.unwrap();
        let mut data = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return seen;
            }
            seen.push_str(&line);
            let answer = match line.trim_end() {
                "." if data => {
                    data = false;
                    "250 taken"
                }
                _ if data => continue,
                "DATA" => {
                    data = true;
                    "354 go on"
                }
                line if line.starts_with("MAIL") => verdict,
                line if line.starts_with("EHLO") => "250-test\r\n250 8BITMIME",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return seen;
            }
        }
    });
    (port, served)
}

fn mail(port: u16) -> Channel {
    let config = json!({"host": "127.0.0.1", "port": port, "tls": "none", "from": "Tidegate <tide@corp.example>",
        "to": ["soc@corp.example", "lead@corp.example"], "subject": "{title}"});
    Channel::new("email", &config, None).unwrap()
}

#[tokio::test]
async fn a_mail_arrives_and_names_cannot_add_headers() {
    let (port, served) = smtp("250 ok").await;
    let mut message = message();
    message.payload["alert"]["source"] = json!("x\r\nBcc: all@corp.example\r\n\r\n.\r\nMAIL FROM:<forged>");
    notifier().deliver(&mail(port), None, &message).await.unwrap();
    let seen = served.await.unwrap();
    assert!(seen.contains("RCPT TO:<soc@corp.example>") && seen.contains("RCPT TO:<lead@corp.example>"), "{seen}");
    assert!(seen.contains("Message-ID: <a1-alert.raised@tidegate>"), "{seen}");
    assert!(seen.contains("Subject: Tidegate: [high] Sliver"), "{seen}");
    assert!(!seen.lines().any(|line| line.starts_with("Bcc") || line.starts_with("MAIL FROM:<forged>")), "{seen}");
}

#[tokio::test]
async fn a_mail_server_says_later_or_never() {
    for (verdict, retry) in [("451 later", true), ("550 never", false)] {
        let (port, served) = smtp(verdict).await;
        let failure: Failure = notifier().deliver(&mail(port), None, &message()).await.unwrap_err();
        assert_eq!(failure.retry, retry, "{failure}");
        assert!(failure.text.contains(&verdict[4..]), "{failure}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn mail_without_the_tls_that_was_asked_for_is_not_sent() {
    let (port, served) = smtp("250 ok").await;
    let config =
        json!({"host": "127.0.0.1", "port": port, "username": "u", "from": "a@b.example", "to": ["c@d.example"]});
    let channel = Channel::new("email", &config, Some("open-sesame")).unwrap();
    let failure = notifier().deliver(&channel, None, &message()).await.unwrap_err();
    let seen = served.await.unwrap();
    assert!(!seen.contains("MAIL") && !seen.contains("AUTH"), "{seen}");
    assert!(!failure.text.contains("open-sesame"), "{failure}");
}

#[tokio::test]
async fn syslog_by_udp_and_tcp() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let channel = Channel::new("syslog", &json!({"host": "127.0.0.1", "port": port}), None).unwrap();
    notifier().deliver(&channel, None, &message()).await.unwrap();
    let mut datagram = vec![0; 4_096];
    let length = socket.recv(&mut datagram).await.unwrap();
    let line = std::str::from_utf8(&datagram[..length]).unwrap();
    assert!(
        line.starts_with("<130>1 2026-04-24T03:06:40.000000Z - tidegate - alert.raised [tidegate@32473 "),
        "{line}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let mut text = String::new();
        listener.accept().await.unwrap().0.read_to_string(&mut text).await.unwrap();
        text
    });
    let config = json!({"host": "127.0.0.1", "port": port, "transport": "tcp"});
    let channel = Channel::new("syslog", &config, None).unwrap();
    notifier().deliver(&channel, None, &message()).await.unwrap();
    let text = served.await.unwrap();
    let (length, framed) = text.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), framed.len());
    assert!(framed.starts_with("<130>1 "), "{text}");
}

#[tokio::test]
async fn a_file_gets_a_line_each_and_only_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("notices");
    let notifier = Notifier::new(Policy { loopback: false, files: Some(folder.clone()) }, || NOW).unwrap();
    let channel = Channel::new("file", &json!({"name": "alerts.ndjson"}), None).unwrap();
    notifier.deliver(&channel, None, &message()).await.unwrap();
    notifier.test(&channel, None).await.unwrap();
    let text = std::fs::read_to_string(folder.join("alerts.ndjson")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["alert"]["number"], &lines[1]["kind"]), (&json!(7), &json!("test")));
    for bad in ["", ".", "..", "../x", "a/b", ".ssh", "a\0b", &"x".repeat(101)] {
        assert!(Channel::new("file", &json!({"name": bad}), None).is_err(), "{bad:?}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), folder.join("link")).unwrap();
        let channel = Channel::new("file", &json!({"name": "link"}), None).unwrap();
        assert!(notifier.deliver(&channel, None, &message()).await.is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }
    let nowhere = Notifier::new(Policy::default(), || NOW).unwrap();
    assert!(!nowhere.deliver(&channel, None, &message()).await.unwrap_err().retry);
}

#[test]
fn bad_configurations_are_refused_with_a_sentence() {
    let mail = |change: Value| {
        let mut config = json!({"host": "h", "from": "a@b.example", "to": ["c@d.example"]});
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        config
    };
    for (kind, config, secret, expected) in [
        ("pigeon", json!({}), None, "is no kind of target"),
        ("webhook", json!({}), None, "missing field `url`"),
        ("webhook", json!({"url": "ftp://x/"}), None, "must begin with `https://`"),
        ("webhook", json!({"url": "https://u:open-sesame@x/"}), None, "must not hold a user"),
        ("webhook", json!({"url": "https://x/", "urls": 1}), None, "unknown field `urls`"),
        ("webhook", json!({"url": "https://x/"}), Some("short"), "shorter than 16 bytes"),
        ("webhook", json!({"url": "https://x/", "headers": {"Host": "y"}}), None, "is set by Tidegate"),
        ("webhook", json!({"url": "https://x/", "headers": {"X": "a\r\nB: c"}}), None, "holds characters"),
        ("webhook", json!({"url": "https://x/", "secret_header": "X-Key"}), None, "is needed for `secret_header`"),
        ("slack", json!({}), None, "must be the address"),
        ("slack", json!({}), Some("not a url open-sesame"), "cannot be read"),
        ("email", mail(json!({"to": []})), None, "must name 1 to 50"),
        ("email", mail(json!({"from": "nobody"})), None, "is no mail address"),
        ("email", mail(json!({"username": "u"})), None, "must be the password"),
        ("email", mail(json!({"username": "u", "tls": "none"})), Some("open-sesame"), "must be `starttls` or `tls`"),
        ("email", mail(json!({"subject": "{oops"})), None, "brace without a partner"),
    ] {
        let error = Channel::new(kind, &config, secret).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("open-sesame"), "{kind} {config}: {error}");
    }
}
