//! Takes batches from the configured networks only. A second fence: the key stays what counts.

use axum::http::StatusCode;
use axum::http::request::Parts;

use super::Refused;
use super::refusal::Reason;
use crate::error::ApiError;
use crate::extract::peer;
use crate::parts::Shared;

/// The refusal of a sender whose address is not one of those that may send. It says the address, which the sender knows
/// and an operator needs: a proxy that is not in `trusted_proxies` shows here.
pub(super) fn refuse_stranger(shared: &Shared, parts: &Parts) -> Option<Refused> {
    let address = peer(parts, &shared.options);
    if shared.senders.allow(address) {
        return None;
    }
    let from = address.map_or_else(|| "an unknown address".to_owned(), |address| format!("`{address}`"));
    let message = format!("batches from {from} are not taken here: it is not in `allow_networks`");
    let error = ApiError::new(StatusCode::FORBIDDEN, "network", message).and_close();
    Some(Refused { reason: Reason::Network, intake: None, error })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::http::Request;

    use super::*;
    use crate::options::{Network, Options};
    use crate::parts::Senders;
    use crate::testing::Fixture;

    fn fixture() -> Fixture {
        let proxies = Network { address: "127.0.0.0".parse().unwrap(), prefix: 8 };
        let options = Options { trusted_proxies: vec![proxies], ..Options::default() };
        let allowed: IpAddr = "198.51.100.7".parse().unwrap();
        Fixture::for_senders(options, Senders::only(move |address| address == allowed))
    }

    async fn post(fixture: &Fixture, path: &str, from: Option<&str>, forwarded: Option<&str>) -> (StatusCode, String) {
        let mut request = Request::post(path).header("x-tidegate-intake-key", &fixture.key);
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut request = request.body(Body::from("{}")).unwrap();
        if let Some(from) = from {
            let from: IpAddr = from.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((from, 1))));
        }
        let answer = fixture.send(request).await;
        (answer.status, answer.text())
    }

    #[tokio::test]
    async fn only_allowed_addresses_send_and_only_trusted_proxies_speak_for_others() {
        let fixture = fixture();
        for (from, forwarded, taken) in [
            (Some("198.51.100.7"), None, true),
            (Some("::ffff:198.51.100.7"), None, true),
            (Some("127.0.0.1"), Some("198.51.100.7"), true),
            (Some("127.0.0.1"), Some("198.51.100.7, 203.0.113.1"), false),
            (Some("127.0.0.1"), None, false),
            (Some("203.0.113.1"), Some("198.51.100.7"), false),
            (Some("203.0.113.1"), None, false),
            (None, None, false),
        ] {
            for path in ["/plain/batch", "/plain", "/api/v1/intake-http/plain/batch"] {
                let (status, text) = post(&fixture, path, from, forwarded).await;
                let expected = if taken { StatusCode::OK } else { StatusCode::FORBIDDEN };
                assert_eq!(status, expected, "{path} {from:?} {forwarded:?}: {text}");
                assert!(taken || text.contains("`allow_networks`"), "{text}");
            }
        }
        let refused = fixture.shared.intakes.refusals.totals().find(|(reason, _)| *reason == "network");
        assert_eq!(refused, Some(("network", 15)));
    }
}
