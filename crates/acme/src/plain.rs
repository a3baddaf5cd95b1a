//! A listener for port 80 that can do two things: answer the check of an authority, and send people to https.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::challenges::{HttpChallenges, PATH};

const CONNECTIONS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 8 << 10;
/// How long a peer may take to ask and to read.
const TIME_MAX: Duration = Duration::from_secs(5);
/// The pause after the system refused to give a connection, such as when there are too many files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop` is over. A peer that is one too many waits in the system's queue.
pub(crate) async fn serve(
    challenges: HttpChallenges,
    listener: TcpListener,
    names: Vec<String>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    let names: Arc<[String]> = names.into();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (challenges, names) = (challenges.clone(), Arc::clone(&names));
        tokio::spawn(async move {
            // A peer that goes away or dawdles is its own affair.
            let _ = tokio::time::timeout(TIME_MAX, converse(stream, &challenges, &names)).await;
            drop(seat);
        });
    }
}

async fn converse(mut stream: TcpStream, challenges: &HttpChallenges, names: &[String]) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..count]);
    }
    stream.write_all(answer(&head, challenges, names).as_bytes()).await?;
    stream.shutdown().await
}

/// The whole answer to a request's head.
fn answer(head: &[u8], challenges: &HttpChallenges, names: &[String]) -> String {
    let Some((method, path, host)) = parse(head) else { return whole("400 Bad Request", "", "") };
    if !matches!(method, "GET" | "HEAD") {
        return whole("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "");
    }
    let of_head = |body: String| if method == "HEAD" { String::new() } else { body };
    if let Some(token) = path.strip_prefix(PATH) {
        return match challenges.answer(token) {
            Some(answer) => whole("200 OK", "Content-Type: application/octet-stream\r\n", &of_head(answer)),
            None => whole("404 Not Found", "", ""),
        };
    }
    // Only to our own names: the `Host` of a request is whatever its sender likes.
    match names.iter().find(|name| name.eq_ignore_ascii_case(host)) {
        Some(name) => whole("308 Permanent Redirect", &format!("Location: https://{name}{path}\r\n"), ""),
        None => whole("404 Not Found", "", ""),
    }
}

/// Method, path and host without its port.
fn parse(head: &[u8]) -> Option<(&str, &str, &str)> {
    let head = std::str::from_utf8(head).ok()?.split_once("\r\n\r\n")?.0;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path, version) = (first.next()?, first.next()?, first.next()?);
    if first.next().is_some() || !version.starts_with("HTTP/1.") || !path.starts_with('/') {
        return None;
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let host = headers.find(|(name, _)| name.eq_ignore_ascii_case("host")).map_or("", |(_, value)| value.trim());
    Some((method, path, host.split(':').next().unwrap_or_default()))
}

fn whole(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(head: &str) -> String {
        let challenges = HttpChallenges::default();
        challenges.challenge("tok_en-1", "tok_en-1.thumb").unwrap();
        answer(head.as_bytes(), &challenges, &["tidegate.example.com".to_owned()])
    }

    #[test]
    fn checks_are_answered_and_people_sent_to_https() {
        for (head, begin, end) in [
            (
                "GET /.well-known/acme-challenge/tok_en-1 HTTP/1.1\r\nHost: x\r\n\r\n",
                "HTTP/1.1 200",
                "\r\n\r\ntok_en-1.thumb",
            ),
            ("HEAD /.well-known/acme-challenge/tok_en-1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200", "\r\n\r\n"),
            ("GET /.well-known/acme-challenge/other HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "\r\n\r\n"),
            ("GET /.well-known/acme-challenge/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "\r\n\r\n"),
            ("GET /a?b HTTP/1.1\r\nhost: Tidegate.example.com:80\r\n\r\n", "HTTP/1.1 308", "\r\n\r\n"),
            ("GET /a HTTP/1.1\r\nhost: evil.example\r\n\r\n", "HTTP/1.1 404", "\r\n\r\n"),
            ("POST /plain/batch HTTP/1.1\r\nhost: tidegate.example.com\r\n\r\n", "HTTP/1.1 405", "\r\n\r\n"),
            ("GET http://tidegate.example.com/ HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "\r\n\r\n"),
            ("GET / \r\n\r\n", "HTTP/1.1 400", "\r\n\r\n"),
            ("GET /\u{7f} HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "\r\n\r\n"),
            ("", "HTTP/1.1 400", "\r\n\r\n"),
            ("\u{16}\u{3}\u{1}", "HTTP/1.1 400", "\r\n\r\n"),
        ] {
            let answer = ask(head);
            assert!(answer.starts_with(begin) && answer.ends_with(end), "{head}: {answer}");
        }
        let sent = ask("GET /a?b HTTP/1.1\r\nhost: Tidegate.example.com:80\r\n\r\n");
        assert!(sent.contains("\r\nLocation: https://tidegate.example.com/a?b\r\n"), "{sent}");
    }

    #[test]
    fn tokens_are_what_the_standard_says() {
        let challenges = HttpChallenges::default();
        for token in ["", "a/b", "a.b", "..", "a\r\nb", &"a".repeat(257)] {
            assert!(challenges.challenge(token, "x").is_err(), "{token}");
        }
        challenges.challenge("a", "x").unwrap();
        challenges.end_challenges();
        assert_eq!(challenges.answer("a"), None);
    }

    #[tokio::test]
    async fn a_silent_peer_does_not_keep_others_from_being_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let challenges = HttpChallenges::default();
        challenges.challenge("t", "t.x").unwrap();
        let serving = tokio::spawn(challenges.serve(listener, Vec::new(), async { drop(stopped.await) }));
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // In pieces, as a slow network brings it.
        stream.write_all(b"GET /.well-known/acme-challenge/t HT").await.unwrap();
        stream.write_all(b"TP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.ends_with("\r\n\r\nt.x"), "{text}");
        drop(stop);
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
