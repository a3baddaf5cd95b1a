//! The source against a real S3-compatible server, a real journal and a real database.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use support::{Data, KEYS, Server, batch, key, line, put};
use tidegate_bucket::{BucketError, Options, Place, Polled};

const DAY: &str = "20261120";

fn place(server: &Server) -> Place {
    Place::parse("s3://logs/gateway", Some(&server.endpoint()), Some("us-east-1"), None).unwrap()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[tokio::test]
async fn new_repeated_late_and_strange_objects_are_stored_once_each_across_restarts() {
    let Some(server) = Server::start(&[]) else { return };
    server.make_bucket("logs");
    let (client, place) = (server.client("logs", KEYS), place(&server));
    let mut data = Data::new();

    // New ones, and what stands beside them.
    put(&client, &key(DAY, 10), batch(&["a", "b"])).await;
    put(&client, &key(DAY, 11), batch(&["c"])).await;
    put(&client, "gateway/ownership-challenge-1a2b.txt", b"eyJhbGciOi".to_vec()).await;
    put(&client, "gateway/test.txt.gz", batch(&["never"])).await;
    put(&client, "other/20261120/x.log.gz", batch(&["never"])).await;
    let mut source = data.source(&place, KEYS, Options::default());
    let polled = source.poll().await.unwrap();
    assert_eq!((polled.taken, polled.records, polled.rejected), (2, 3, 0));
    let again = source.poll().await.unwrap();
    assert_eq!(Polled { listed: 0, ..again }, Polled::default());

    // A restart, late objects that sort before all others, and ones that come with them.
    drop(source);
    data = data.again();
    put(&client, &key(DAY, 9), batch(&["late"])).await;
    put(&client, &key("20261119", 3), batch(&["later"])).await;
    put(&client, &key(DAY, 12), batch(&["d"])).await;
    let mut source = data.source(&place, KEYS, Options::default());
    assert_eq!(source.poll().await.unwrap().taken, 3);

    // The same key with the same content, and with another.
    put(&client, &key(DAY, 11), batch(&["c"])).await;
    assert_eq!(source.poll().await.unwrap().taken, 0);
    put(&client, &key(DAY, 11), batch(&["c2"])).await;
    assert_eq!(source.poll().await.unwrap().taken, 1);

    // The same content under another key is a repeat, as it is when it is sent.
    put(&client, &key(DAY, 13), batch(&["d"])).await;
    let polled = source.poll().await.unwrap();
    assert_eq!((polled.taken, polled.records), (1, 0));

    // Damage is put aside with its reason, and holds up nothing.
    let mut damaged = batch(&["gone", "too"]);
    damaged.truncate(damaged.len() - 9);
    put(&client, &key(DAY, 14), damaged).await;
    put(&client, &key(DAY, 15), Vec::new()).await;
    put(&client, &key(DAY, 16), b"\x1f\x8b\x08no gzip".to_vec()).await;
    put(&client, &key(DAY, 17), batch(&["e"])).await;
    let polled = source.poll().await.unwrap();
    assert_eq!((polled.records, polled.rejected), (1, 2));
    let rejects = data.state.bucket_rejects(data.bucket().id, 10).unwrap();
    let reasons: Vec<_> = rejects.iter().map(|reject| (reject.key.as_str(), reject.is_final)).collect();
    assert_eq!(reasons, [(key(DAY, 14).as_str(), true), (key(DAY, 16).as_str(), true)]);
    assert!(rejects[0].reason.contains("gzip"), "{}", rejects[0].reason);

    // What is too large is not even read.
    let small = Options { object_bytes_max: 10, ..Options::default() };
    put(&client, &key(DAY, 18), batch(&["large"])).await;
    drop(source);
    data = data.again();
    let mut source = data.source(&place, KEYS, small);
    assert_eq!(source.poll().await.unwrap().rejected, 1);

    let expected: Vec<String> = ["a", "b", "c", "c2", "d", "e", "late", "later"].map(line).into();
    assert_eq!(sorted(data.lines()), expected);
    let bucket = data.bucket();
    assert_eq!((bucket.counts.records, bucket.counts.repeated, bucket.counts.rejected), (8, 1, 3));
    assert!(bucket.error.is_none() && bucket.polled.is_some() && bucket.newest.is_some());
}

#[tokio::test]
async fn an_upload_in_parts_is_seen_when_it_is_complete() {
    let Some(server) = Server::start(&[]) else { return };
    server.make_bucket("logs");
    let (client, place, data) = (server.client("logs", KEYS), place(&server), Data::new());
    let mut source = data.source(&place, KEYS, Options::default());
    // Stored without compression, so that the first part is as large as parts must be.
    let lines: Vec<String> = (0..60_000).map(|number| format!("{number:0100}")).collect();
    let text: String = lines.iter().map(|name| line(name) + "\n").collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let (first, second) = body.split_at(5 << 20);

    let mut upload = client.put_multipart(&Path::from(key(DAY, 1))).await.unwrap();
    upload.put_part(first.to_vec().into()).await.unwrap();
    assert_eq!(source.poll().await.unwrap(), Polled::default());
    upload.put_part(second.to_vec().into()).await.unwrap();
    assert_eq!(source.poll().await.unwrap(), Polled::default());
    upload.complete().await.unwrap();
    let polled = source.poll().await.unwrap();
    assert_eq!((polled.taken, polled.records), (1, 60_000));
    assert_eq!(data.lines().len(), 60_000);

    let mut given_up = client.put_multipart(&Path::from(key(DAY, 2))).await.unwrap();
    given_up.put_part(first.to_vec().into()).await.unwrap();
    given_up.abort().await.unwrap();
    assert_eq!(source.poll().await.unwrap().taken, 0);
}

#[tokio::test]
async fn a_server_that_goes_and_comes_back_costs_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    server.make_bucket("logs");
    let (place, data, port) = (place(&server), Data::new(), server.port);
    put(&server.client("logs", KEYS), &key(DAY, 1), batch(&["a"])).await;
    let mut source = data.source(&place, KEYS, Options::default());
    source.poll().await.unwrap();
    drop(server);
    for _ in 0..2 {
        let error = source.poll().await.unwrap_err();
        assert!(matches!(&error, BucketError::Unreachable(why) if why.contains("cannot be reached")), "{error}");
    }
    assert!(source.pause() > Duration::from_secs(5) && source.pause() < Options::default().interval);
    assert!(data.bucket().failing.is_some());

    let server = Server::start_at(port, &[]).unwrap();
    let error = source.poll().await.unwrap_err();
    assert!(matches!(&error, BucketError::NoBucket(why) if why.contains("no such bucket")), "{error}");
    assert_eq!(data.bucket().error.as_deref(), Some(error.to_string().as_str()));
    server.make_bucket("logs");
    let client = server.client("logs", KEYS);
    put(&client, &key(DAY, 1), batch(&["a"])).await;
    put(&client, &key(DAY, 2), batch(&["b"])).await;
    assert_eq!(source.poll().await.unwrap().taken, 1);
    assert_eq!(data.lines(), [line("a"), line("b")]);
    assert_eq!((data.bucket().error, data.bucket().failing), (None, None));
}

#[tokio::test]
async fn an_unknown_key_and_a_wrong_secret_are_told_apart() {
    // The first calls, which make bucket, object, user and key, need no right.
    let Some(server) = Server::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", "4")]) else { return };
    server.make_bucket("logs");
    put(&server.client("logs", KEYS), &key(DAY, 1), batch(&["a"])).await;
    let iam = |form: &str| {
        let scope =
            "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0";
        let headers = [("Authorization", scope), ("Content-Type", "application/x-www-form-urlencoded")];
        let (status, body) = server.request("POST", "/", &headers, &format!("Version=2010-05-08&{form}"));
        assert_eq!(status, 200, "{body}");
        body
    };
    iam("Action=CreateUser&UserName=reader");
    let answer = iam("Action=CreateAccessKey&UserName=reader");
    let part = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap();
        rest.split_once("</").unwrap().0.to_owned()
    };
    let (id, secret) = (part("AccessKeyId"), part("SecretAccessKey"));
    let (place, data) = (place(&server), Data::new());
    for (keys, part) in [
        (("AKIAUNKNOWN", "x"), "does not know this access key"),
        ((id.as_str(), "wrong"), "secret key does not belong"),
    ] {
        let mut source = data.source(&place, keys, Options::default());
        let error = source.poll().await.unwrap_err();
        assert!(matches!(&error, BucketError::Denied(why) if why.contains(part)), "{part}: {error}");
        assert!(!error.to_string().contains(&secret), "{error}");
    }
    assert!(data.lines().is_empty());
    assert!(data.state.bucket_rejects(data.bucket().id, 10).unwrap().is_empty());
}

#[tokio::test]
async fn ten_thousand_objects_with_a_restart_in_the_middle() {
    const OBJECTS: u32 = 10_000;
    let Some(server) = Server::start(&[]) else { return };
    server.make_bucket("logs");
    let client = server.client("logs", KEYS);
    let started = Instant::now();
    let puts = (0..OBJECTS).map(|number| {
        let (client, day) = (&client, format!("202611{:02}", 1 + number / 1440));
        async move { put(client, &key(&day, number % 1440), batch(&[&format!("q{number:05}")])).await }
    });
    stream::iter(puts).buffer_unordered(8).collect::<Vec<()>>().await;
    let put_in = started.elapsed();

    let (place, mut data) = (place(&server), Data::new());
    // The process dies in the middle, several times, wherever it is.
    let started = Instant::now();
    let mut deaths = 0;
    for millis in [300, 700, 1100, 2500] {
        let mut source = data.source(&place, KEYS, Options::default());
        let ended = tokio::time::timeout(Duration::from_millis(millis), source.poll()).await;
        deaths += u32::from(ended.is_err());
        drop(source);
        data = data.again();
    }
    let stored_before = data.lines().len();
    let mut source = data.source(&place, KEYS, Options::default());
    let polled = source.poll().await.unwrap();
    let taken_in = started.elapsed();
    let started = Instant::now();
    assert_eq!(source.poll().await.unwrap().taken, 0);
    println!(
        "{OBJECTS} objects: put in {put_in:.1?}, taken in {taken_in:.1?} with {deaths} deaths ({stored_before} stored \
         before the last), looked through again in {:.1?}",
        started.elapsed()
    );
    assert!(deaths > 0 && stored_before < OBJECTS as usize);
    assert!(polled.rejected == 0);
    let expected: Vec<String> = (0..OBJECTS).map(|number| line(&format!("q{number:05}"))).collect();
    assert_eq!(sorted(data.lines()), expected);
    assert_eq!(data.bucket().counts.objects, u64::from(OBJECTS));
    assert!(client.list(None).count().await == OBJECTS as usize);
}
