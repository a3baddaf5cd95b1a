//! The validation upload against servers of every kind, over TLS.

use std::io::Write;
use std::time::Duration;

use crate::support::http::{Request, Response, Server};
use crate::tls;
use tidegate_logpush::{Destination, Probe, Reach, Verdict};

const KEY: &str = "tgi_0123456789ABCDEFGHwxyz";

fn to(server: &Server) -> Destination {
    let address = server.address;
    Destination::new(&format!(
        "https://{address}/plain/batch?header_X-Tidegate-Intake-Key={KEY}&tags=a%3Ab&header_CF-Access-Client-Id=x%20y"
    ))
}

/// A machine that is busy with other tests is not slow.
fn probe() -> Probe {
    Probe::private(tls::client()).slow_after(Duration::from_secs(600))
}

async fn check(to: &Destination) -> Reach {
    let reach = probe().check(to).await.unwrap();
    assert!(!reach.sentence.contains(KEY), "{reach:?}");
    reach
}

/// The intake: takes the validation upload, as Logpush sends it, with the key.
fn intake(request: Request) -> Response {
    use std::io::Read;
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(&request.body[..]).read_to_string(&mut text);
    let as_logpush = request.method == "POST"
        && request.path == "/plain/batch?tags=a%3Ab"
        && request.header("content-encoding") == Some("gzip")
        && request.header("cf-access-client-id") == Some("x y")
        && read.is_ok()
        && text == r#"{"content":"tests"}"#;
    match request.header("x-tidegate-intake-key") {
        Some(KEY) if as_logpush => Response::text(200, r#"{"event_ids":[]}"#),
        Some(KEY) => Response::text(400, "not as Logpush sends it"),
        _ => Response::text(401, "no key"),
    }
}

#[tokio::test]
async fn an_intake_over_trusted_tls_is_reachable() {
    let server = tls::server(tls::GOOD, intake);
    let reach = check(&to(&server)).await;
    assert_eq!(reach.verdict, Verdict::Reachable, "{}", reach.sentence);
    assert!(reach.is_fine());
    let other_key =
        Destination::new(&format!("https://{}/plain/batch?header_X-Tidegate-Intake-Key=tgi_wrong", server.address));
    assert_eq!(check(&other_key).await.verdict, Verdict::KeyRefused);
}

#[tokio::test]
async fn an_answer_from_a_private_address_is_not_enough() {
    let server = tls::server(tls::GOOD, intake);
    let reach = Probe::with_client(tls::client()).check(&to(&server)).await.unwrap();
    assert_eq!((reach.verdict, reach.is_fine()), (Verdict::Private, false));
    assert!(reach.sentence.contains("public address, or a Tunnel"), "{}", reach.sentence);
}

#[tokio::test]
async fn an_authority_of_our_own_is_not_trusted() {
    let server = tls::server(tls::GOOD, intake);
    let reach = Probe::new().unwrap().allow_private(true).check(&to(&server)).await.unwrap();
    assert_eq!(reach.verdict, Verdict::Untrusted);
    assert!(reach.sentence.contains("no public authority"), "{}", reach.sentence);
}

#[tokio::test]
async fn certificates_that_cloudflare_refuses_are_told_apart() {
    for (certificate, part) in [(tls::EXPIRED, "expired"), (tls::OTHER_NAME, "another name")] {
        let server = tls::server(certificate, intake);
        let reach = check(&to(&server)).await;
        assert_eq!(reach.verdict, Verdict::Untrusted, "{}", reach.sentence);
        assert!(reach.sentence.contains(part), "{}", reach.sentence);
    }
}

#[tokio::test]
async fn what_answers_instead_of_the_intake_is_told() {
    let cases = [
        (Response::text(200, "<!doctype html><html>welcome</html>"), Verdict::NotTheIntake, "web page"),
        (Response::text(403, "<html>Access</html>"), Verdict::NotTheIntake, "service token"),
        (
            Response::text(302, "").with("Location", "https://team.cloudflareaccess.com/login?token=secret"),
            Verdict::NotTheIntake,
            "login page",
        ),
        (Response::text(404, "{}"), Verdict::NotTheIntake, "/plain/batch"),
        (Response::text(502, "<html>bad gateway</html>"), Verdict::NotTheIntake, "502"),
        (Response::text(421, "{}"), Verdict::Failing, "public_url"),
        (Response::text(503, "{}"), Verdict::Failing, "503"),
    ];
    for (response, verdict, part) in cases {
        let answer = response.clone();
        let server = tls::server(tls::GOOD, move |_| answer.clone());
        let reach = check(&to(&server)).await;
        assert_eq!(reach.verdict, verdict, "{response:?}: {}", reach.sentence);
        assert!(reach.sentence.contains(part) && !reach.sentence.contains("secret"), "{}", reach.sentence);
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_is_told() {
    let server = tls::server(tls::GOOD, |_| Response::text(200, "").late(Duration::from_millis(30)));
    let reach = probe().slow_after(Duration::from_millis(20)).check(&to(&server)).await.unwrap();
    assert_eq!((reach.verdict, reach.is_fine()), (Verdict::Slow, true));
    assert!(reach.sentence.contains("gives up after 10") && reach.took >= Duration::from_millis(30), "{reach:?}");
}

#[tokio::test]
async fn connections_that_do_not_come_about_are_told() {
    let server = Server::accept(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let plain = check(&to(&server)).await;
    assert_eq!(plain.verdict, Verdict::Untrusted, "{}", plain.sentence);
    assert!(plain.sentence.contains("does not speak TLS"), "{}", plain.sentence);
    let nobody = to(&server);
    drop(server);
    let refused = check(&nobody).await;
    assert_eq!(refused.verdict, Verdict::Unreachable);
    assert!(refused.sentence.contains("refused"), "{}", refused.sentence);
    let unknown = check(&Destination::new("https://no-such-host.invalid/plain/batch")).await;
    assert_eq!(unknown.verdict, Verdict::Unreachable);
    assert!(unknown.sentence.contains("cannot be resolved"), "{}", unknown.sentence);
    for wrong in ["http://127.0.0.1/plain/batch", "s3://bucket", "nonsense", "https://h/?header_a%20b=c"] {
        assert!(Probe::private(tls::client()).check(&Destination::new(wrong)).await.is_err(), "{wrong}");
    }
}
