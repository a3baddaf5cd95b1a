//! What the authority says about when to renew (RFC 9773), where it says anything.

use instant_acme::CertificateIdentifier;
use rustls::pki_types::Der;
use serde_json::Value;
use tidegate_event::Timestamp;

use crate::der::Facts;
use crate::http::Http;

/// How the authority knows a certificate; nothing when it does not name its key.
pub(crate) fn identifier(facts: &Facts) -> Option<CertificateIdentifier<'static>> {
    let key = facts.authority_key.as_deref()?;
    Some(CertificateIdentifier::new(Der::from_slice(key), Der::from_slice(&facts.serial)).into_owned())
}

/// The window in which the authority wants the certificate renewed. Nothing when it has no such service or gives no
/// sensible answer: then the certificate's life decides.
pub(crate) async fn window(http: &Http, directory: &str, facts: &Facts) -> Option<(Timestamp, Timestamp)> {
    let identifier = identifier(facts)?;
    let directory = http.get(directory).await.ok()?;
    let service = directory.get("renewalInfo")?.as_str()?;
    let answer = http.get(&format!("{}/{identifier}", service.trim_end_matches('/'))).await.ok()?;
    read(&answer)
}

fn read(answer: &Value) -> Option<(Timestamp, Timestamp)> {
    let window = answer.get("suggestedWindow")?;
    let moment = |name: &str| Timestamp::parse_rfc3339(window.get(name)?.as_str()?).ok();
    let (start, end) = (moment("start")?, moment("end")?);
    (start <= end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_window_is_a_window() {
        let window = |start: &str, end: &str| read(&json!({"suggestedWindow": {"start": start, "end": end}}));
        let (start, end) = window("2026-01-02T04:00:00Z", "2026-01-03T04:00:00+01:00").unwrap();
        assert_eq!(
            (start.to_rfc3339().as_str(), end.to_rfc3339().as_str()),
            ("2026-01-02T04:00:00Z", "2026-01-03T03:00:00Z")
        );
        assert_eq!(window("2026-01-03T04:00:00Z", "2026-01-02T04:00:00Z"), None);
        assert_eq!(window("soon", "later"), None);
        assert_eq!(read(&json!({})), None);
        assert_eq!(read(&json!([1])), None);
    }

    #[test]
    fn certificates_are_named_as_the_standard_has_it() {
        // The example of RFC 9773 section 4.1.
        let facts = Facts {
            not_before: Timestamp::from_micros(0),
            not_after: Timestamp::from_micros(0),
            names: Vec::new(),
            serial: vec![0x00, 0x87, 0x65, 0x43, 0x21],
            authority_key: Some(vec![
                0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde,
                0x01, 0xc8, 0xd4,
            ]),
        };
        assert_eq!(identifier(&facts).unwrap().to_string(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    }
}
