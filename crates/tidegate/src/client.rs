//! A client of a Tidegate server's API.

use std::time::Duration;

use eyre::{WrapErr, eyre};
use reqwest::{Method, Response};
use serde_json::Value;
use tidegate_query::language::{QueryError, Span};
use tidegate_state::{Secret, mask};
use tokio::runtime::Runtime;

use crate::exit::Failure;

/// Bytes of an answer that is read as a whole; an export is copied as it comes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(120);

/// Speaks to one server with one token.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    runtime: Runtime,
    base: String,
    token: Secret,
}

impl Client {
    /// A client of the server at `url`.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let token = token.ok_or_else(|| Failure::Usage(eyre!("a server wants a token: set TIDEGATE_TOKEN")))?;
        let base = checked_base(url)?;
        let (http, runtime) = (http_client()?, one_thread()?);
        Ok(Self { http, runtime, base, token: Secret::new(token) })
    }

    /// The server's address, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for something; `path` begins after `/api/v1/`.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.ask("GET", path, None)
    }

    /// Sends a request with a JSON body.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(method, path, Some(body))
    }

    /// Deletes something.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.ask("DELETE", path, None)
    }

    /// Sends a request and copies the answer's body, however long, to `out`.
    pub(crate) fn copy(&self, path: &str, body: &Value, out: &mut impl std::io::Write) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let mut answer = self.exchange("POST", path, Some(body)).await?;
            if !answer.status().is_success() {
                return self.understand(answer, query_of(Some(body))).await.map(|_| ());
            }
            while let Some(chunk) = answer.chunk().await.with_context(|| self.broke_off())? {
                out.write_all(&chunk)?;
            }
            Ok(out.flush()?)
        })
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.runtime.block_on(async {
            let answer = self.exchange(method, path, body).await?;
            self.understand(answer, query_of(body)).await
        })
    }

    async fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Response, Failure> {
        let method = Method::from_bytes(method.as_bytes()).context("no HTTP method")?;
        let mut request = self
            .http
            .request(method, format!("{}/api/v1/{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token.reveal()))
            .header("Accept", "application/json");
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        Ok(request.send().await.with_context(|| format!("cannot reach `{}`", self.base))?)
    }

    /// The answer, or why there is none; a mistake in `query` is shown where it is.
    async fn understand(&self, mut answer: Response, query: Option<&str>) -> Result<Value, Failure> {
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.with_context(|| self.broke_off())? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(Failure::Work(eyre!("`{}` answered more than {ANSWER_BYTES_MAX} bytes", self.base)));
            }
        }
        let value: Option<Value> =
            if bytes.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&bytes).ok() };
        if status.is_success() {
            return value.ok_or_else(|| Failure::Work(eyre!("`{}` answered something that is not JSON", self.base)));
        }
        let told = value.as_ref().and_then(|value| value.pointer("/error/message")).and_then(Value::as_str);
        let why = match told {
            Some(message) => match query.zip(place_of(value.as_ref())) {
                Some((query, place)) => {
                    let mistake = QueryError { message: printable(message), span: place, chars: place };
                    eyre!("the query is wrong\n{}", mistake.caret(query))
                }
                None => eyre!("{}: {}", self.base, printable(message)),
            },
            None => eyre!("{}: status {status}; is this a Tidegate server?", self.base),
        };
        // The server found a mistake in what was asked, not in doing it.
        if matches!(status.as_u16(), 400 | 404 | 409 | 422) {
            Err(Failure::Usage(why))
        } else {
            Err(Failure::Work(why))
        }
    }

    fn broke_off(&self) -> String {
        format!("the answer of `{}` broke off", self.base)
    }
}

/// The address of a server without a slash at its end, when secrets may be sent there.
pub(crate) fn checked_base(url: &str) -> Result<String, Failure> {
    let usage = |why: String| Failure::Usage(eyre!(why));
    let base = url.trim_end_matches('/');
    let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let Some(host) = host.filter(|host| !host.is_empty() && !host.contains(['@', '?', '#'])) else {
        return Err(usage(format!("`{}` is no server such as `https://tidegate.example.com`", mask(url))));
    };
    if base.starts_with("http://") && !is_local(host) {
        return Err(usage(format!(
            "`{base}` is not encrypted, and the secret would be readable on the way; use https"
        )));
    }
    Ok(base.to_owned())
}

/// A client that trusts what the system trusts.
pub(crate) fn http_client() -> Result<reqwest::Client, Failure> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(TIMEOUT)
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(client.context("cannot speak HTTP")?)
}

/// Runs requests on the calling thread.
pub(crate) fn one_thread() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A text as it may stand in the query of an address.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Whether `host`, perhaps with port and path, is this machine.
fn is_local(host: &str) -> bool {
    let authority = host.split('/').next().unwrap_or(host);
    let name = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or(authority),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The text of the query or the statement that a request asks for.
fn query_of(body: Option<&Value>) -> Option<&str> {
    let body = body?;
    body.get("query").or_else(|| body.get("statement"))?.as_str()
}

/// Where in the query the server found a mistake, in characters.
fn place_of(answer: Option<&Value>) -> Option<Span> {
    let error = answer?.get("error")?;
    let end = |name| error.pointer(name).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
    matches!(error.get("code")?.as_str()?, "query" | "sql")
        .then_some(Span { start: end("/span/start")?, end: end("/span/end")? })
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(1_000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_sent_unencrypted_over_the_network() {
        for url in ["https://a.example", "http://localhost:8080", "http://127.0.0.1:8080/", "http://[::1]:8080"] {
            assert!(Client::new(url, Some("tgt_x")).is_ok(), "{url}");
        }
        for url in [
            "http://a.example",
            "http://localhost.example",
            "http://127.0.0.1@a.example",
            "a.example",
            "https://",
            "https://u:p@a",
        ] {
            assert!(matches!(Client::new(url, Some("tgt_x")), Err(Failure::Usage(_))), "{url}");
        }
        assert!(matches!(Client::new("https://a.example", None), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_client_does_not_print_its_token() {
        let client = Client::new("https://a.example", Some("tgt_0123456789abcdefghij")).unwrap();
        assert!(!format!("{client:?}").contains("0123456789"));
    }

    /// A server that gives one answer and returns the request it got.
    fn serve_once(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serve = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|window| window == b"\r\n\r\n") && !request.ends_with(b"}") {
                let count = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap().to_lowercase()
        });
        (url, serve)
    }

    #[test]
    fn a_request_carries_the_token_and_the_answer_is_json() {
        let (url, serve) =
            serve_once("HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{\"a\":[1]}\n");
        let answer = Client::new(&format!("{url}/"), Some("tgt_secret")).unwrap().get("intakes").unwrap();
        assert_eq!(answer, serde_json::json!({"a": [1]}));
        let request = serve.join().unwrap();
        assert!(request.starts_with("get /api/v1/intakes http/1.1"), "{request}");
        assert!(request.contains("authorization: bearer tgt_secret"), "{request}");
    }

    #[test]
    fn a_mistake_in_a_query_is_shown_where_it_is() {
        let (url, serve) = serve_once(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 82\r\nconnection: close\r\n\r\n{\"error\":{\"code\":\"query\",\"message\":\"never closed\",\"span\":{\"start\":6,\"end\":7}}}    ",
        );
        let client = Client::new(&url, Some("tgt_secret")).unwrap();
        let failure = client.send("POST", "events/search", &serde_json::json!({"query": "a AND (b"})).unwrap_err();
        serve.join().unwrap();
        let Failure::Usage(error) = failure else { panic!("{failure:?}") };
        assert_eq!(format!("{error:#}"), "the query is wrong\na AND (b\n      ^\nnever closed");
    }

    #[test]
    fn what_the_server_says_is_what_the_caller_reads() {
        let cases = [
            (
                "HTTP/1.1 409 Conflict\r\ncontent-length: 43\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"the \\u001bname is\"}}\n ",
                true,
                ": the name is",
            ),
            ("HTTP/1.1 401 No\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}", false, "status 401"),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                false,
                "status 302",
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>", false, "not JSON"),
        ];
        for (answer, is_usage, part) in cases {
            let (url, serve) = serve_once(answer);
            let failure = Client::new(&url, Some("tgt_secret")).unwrap().get("users").unwrap_err();
            serve.join().unwrap();
            assert_eq!(matches!(failure, Failure::Usage(_)), is_usage, "{failure:?}");
            let (Failure::Usage(error) | Failure::Config(error) | Failure::Work(error)) = failure;
            assert!(format!("{error:#}").contains(part), "{error:#}");
        }
    }
}
