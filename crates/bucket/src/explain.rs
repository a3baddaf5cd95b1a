//! From what a server or the network said to one sentence that says what to do.

use std::error::Error;

use crate::error::BucketError;
use crate::place::Place;

/// How much of an error is looked at; servers may answer with whole web pages.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// How much of what a server said is repeated.
const SAID_CHARS_MAX: usize = 200;
/// Causes that are looked at behind an error.
const CAUSES_MAX: usize = 16;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing<'a> {
    Listing,
    Reading(&'a str),
}

/// Explains an error of the object store.
pub(crate) fn explain(place: &Place, doing: Doing<'_>, error: &object_store::Error) -> BucketError {
    let (text, deepest) = texts(error);
    if let Place::Folder(path) = place {
        let path = path.display();
        return match error {
            object_store::Error::NotFound { .. } => {
                BucketError::NoBucket(format!("the folder `{path}` does not exist"))
            }
            _ => BucketError::Unreachable(format!("the folder `{path}` cannot be read: {}", said(&deepest))),
        };
    }
    let code = between(&text, "<Code>", "</Code>").unwrap_or_default();
    explain_s3(place, doing, code, &text, &deepest)
}

fn explain_s3(place: &Place, doing: Doing<'_>, code: &str, text: &str, deepest: &str) -> BucketError {
    let message = said(between(text, "<Message>", "</Message>").unwrap_or_default());
    let status = between(text, "status code: ", " ").unwrap_or_default();
    match (code, status) {
        ("InvalidAccessKeyId", _) => BucketError::Denied(format!(
            "{place}: the server does not know this access key; is it for this endpoint, and was it deleted?"
        )),
        ("SignatureDoesNotMatch", _) => BucketError::Denied(format!(
            "{place}: the secret key does not belong to the access key, or the region is not the one that the server expects"
        )),
        ("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired", _) => {
            BucketError::Denied(format!("{place}: the session token has run out or is wrong; new keys are needed"))
        }
        ("RequestTimeTooSkewed" | "RequestExpired", _) => BucketError::Clock(format!(
            "{place}: this machine's clock and the server's differ by more than 15 minutes; set the clock (NTP)"
        )),
        ("NoSuchBucket", _) => {
            BucketError::NoBucket(format!("{place}: there is no such bucket; check its name, endpoint and region"))
        }
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => {
            let region = between(text, "<Region>", "</Region>").map(|region| format!("; it says `{}`", said(region)));
            BucketError::Region(format!(
                "{place}: the bucket lies in another region{}; set `region`",
                region.unwrap_or_default()
            ))
        }
        ("SlowDown" | "ServiceUnavailable" | "InternalError", _) | (_, "429" | "500" | "502" | "503" | "504") => {
            BucketError::Unreachable(format!(
                "{place}: the server is overloaded or failing ({status} {code}): {message}"
            ))
        }
        (_, "401" | "403") => denied(place, doing, status, code, &message),
        ("", "404") if doing == Doing::Listing => BucketError::Unreachable(format!(
            "{place}: nothing like a bucket answers there (404); check the endpoint, or whether it wants `path_style`"
        )),
        _ if text.contains("invalid path") => BucketError::Listing(format!(
            "{place}: it holds a key that cannot be followed, such as one with an empty part (`a//b`): {}",
            said(deepest)
        )),
        ("", "") if text.contains("redirect without LOCATION") => {
            BucketError::Region(format!("{place}: the bucket lies in another region; set `region`"))
        }
        ("", "") => network(place, text, deepest),
        _ => BucketError::Unreachable(format!("{place}: the server answers {status} {code}: {message}")),
    }
}

fn denied(place: &Place, doing: Doing<'_>, status: &str, code: &str, message: &str) -> BucketError {
    let right = match doing {
        Doing::Listing => "list the bucket (`s3:ListBucket`)".to_owned(),
        Doing::Reading(key) => format!("read `{}` (`s3:GetObject`)", said(key)),
    };
    let said = if message.is_empty() { String::new() } else { format!(": {message}") };
    BucketError::Denied(format!("{place}: these credentials may not {right} ({status} {code}{said})"))
}

fn network(place: &Place, text: &str, deepest: &str) -> BucketError {
    let deepest = said(deepest);
    let lower = text.to_lowercase();
    let why = if lower.contains("certificate") {
        format!("its certificate is not trusted ({deepest}); a private authority is trusted by `SSL_CERT_FILE`")
    } else if lower.contains("dns error") || lower.contains("failed to lookup") {
        format!("its name cannot be resolved ({deepest})")
    } else if lower.contains("timed out") {
        format!("it did not answer in time ({deepest})")
    } else if lower.contains("169.254.169.254") || lower.contains("credential") {
        format!(
            "no credentials: set `credentials_file`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` ({deepest})"
        )
    } else if lower.contains("error getting list response") || lower.contains("invalid list response") {
        format!("what answers there is no S3-compatible server ({deepest})")
    } else {
        format!("it cannot be reached ({deepest}); it is tried again")
    };
    BucketError::Unreachable(format!("{place}: {why}"))
}

/// All that the error and its causes say, and what the deepest says.
fn texts(error: &object_store::Error) -> (String, String) {
    let (mut all, mut deepest) = (error.to_string(), error.to_string());
    let mut cause: Option<&dyn Error> = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(next) = cause else { break };
        deepest = next.to_string();
        if !all.contains(&deepest) {
            all.push_str(" | ");
            all.push_str(&deepest);
        }
        cause = next.source();
    }
    all.truncate(all.floor_char_boundary(TEXT_BYTES_MAX));
    (all, deepest)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(part, _)| part)
}

/// What came from outside, cut and without control characters.
fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3() -> Place {
        Place::parse("s3://logs/gateway", Some("http://127.0.0.1:9"), None, None).unwrap()
    }

    fn of(text: &str, doing: Doing<'_>) -> BucketError {
        explain(&s3(), doing, &object_store::Error::Generic { store: "S3", source: text.to_owned().into() })
    }

    fn answered(status: &str, code: &str) -> String {
        format!(
            "Error performing GET http://x in 3ms - Server returned non-2xx status code: {status} Whatever: \
             <?xml?><Error><Code>{code}</Code><Message>why \u{1b}[2J not</Message><Region>eu-west-1</Region></Error>"
        )
    }

    #[test]
    fn codes_of_the_server_become_sentences() {
        for (status, code, part) in [
            ("403", "InvalidAccessKeyId", "does not know this access key"),
            ("403", "SignatureDoesNotMatch", "secret key does not belong"),
            ("400", "ExpiredToken", "session token"),
            ("403", "AccessDenied", "`s3:ListBucket`) (403 AccessDenied: why [2J not"),
            ("403", "RequestTimeTooSkewed", "clock"),
            ("404", "NoSuchBucket", "no such bucket"),
            ("301", "PermanentRedirect", "it says `eu-west-1`; set `region`"),
            ("503", "SlowDown", "overloaded"),
            ("418", "Teapot", "answers 418 Teapot"),
        ] {
            let sentence = of(&answered(status, code), Doing::Listing).to_string();
            assert!(sentence.starts_with("s3://logs/gateway at http://127.0.0.1:9: "), "{sentence}");
            assert!(sentence.contains(part), "{code}: {sentence}");
            assert!(!sentence.contains('\u{1b}'), "{sentence}");
        }
        let sentence = of(&answered("403", "AccessDenied"), Doing::Reading("a/b.gz")).to_string();
        assert!(sentence.contains("read `a/b.gz` (`s3:GetObject`)"), "{sentence}");
        assert!(matches!(of(&answered("403", "RequestTimeTooSkewed"), Doing::Listing), BucketError::Clock(_)));
    }

    #[test]
    fn troubles_of_the_network_become_sentences() {
        for (text, part) in [
            ("error sending request | tcp connect error | Connection refused (os error 111)", "cannot be reached"),
            ("dns error: failed to lookup address information", "cannot be resolved"),
            ("invalid peer certificate: UnknownIssuer", "`SSL_CERT_FILE`"),
            ("operation timed out", "did not answer in time"),
            ("Server returned non-2xx status code: 404 Not Found: <html>", "nothing like a bucket"),
        ] {
            let sentence = of(text, Doing::Listing).to_string();
            assert!(sentence.contains(part), "{text}: {sentence}");
        }
        let long = of(&"x".repeat(100_000), Doing::Listing).to_string();
        assert!(long.len() < 1000, "{}", long.len());
    }
}
