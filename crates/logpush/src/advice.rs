//! What to do about what Cloudflare says: codes of the API, and codes of failed uploads.

/// Codes of the API, what they are about and what to do. From Cloudflare's API reference and
/// `https://developers.cloudflare.com/logs/logpush/permissions/`; what differs by message stands in [`advice`].
const API_CODES: [(u64, &str); 12] = [
    (
        1000,
        "the token is not one that Cloudflare knows, or it was deleted: make a new one under My Profile, API Tokens",
    ),
    (1001, "the account, zone or job does not exist as far as this token sees: check its identifier"),
    (6003, "the token is damaged, often by a space or quotes around it: copy it again"),
    (6111, "the token is damaged, often by a space or quotes around it: copy it again"),
    (7000, "there is no such address of the API: check the identifier of the account or zone"),
    (
        7003,
        "the identifier of the account or zone is wrong: it has 32 letters and digits and stands on the overview page",
    ),
    (9103, "Cloudflare takes this for a global API key: make an API token instead"),
    (9106, "no token reached Cloudflare: give it again"),
    (
        9109,
        "the token does not reach this account or zone, was revoked, or may not be used from this network: check its \
            resources and its address filter",
    ),
    (
        10000,
        "the token was refused: it is wrong, expired, or has no right for this account or zone; it needs `Logs: Edit`, \
             and for Access, Gateway and DEX datasets `Zero Trust: PII Read` as well",
    ),
    (10001, "the token was refused: give it again"),
    (10013, "Cloudflare has a problem of its own: look at https://www.cloudflarestatus.com and try later"),
];

/// What a token needs, in the words of the dashboard. Since November 2025 the second is wanted beside the first.
pub(crate) const PERMISSIONS: &str = "the token lacks `Logs: Edit` (also shown as `Logs Write`) or, for Access, Gateway and DEX \
    datasets, `Zero Trust: PII Read`: add both, for the account or zone of the job (older guides name `Zero Trust: Read`, \
    which is not enough)";

/// Codes of a failed upload, as a job's health shows them. 1102, 1105 and 1106 from cloudflare-docs#32514 and #20684; the
/// others of the range are known by their range only.
const UPLOAD_CODES: [(u64, &str); 9] = [
    (1101, UPLOAD_OTHER),
    (
        1102,
        "Cloudflare could not open a connection within 5 seconds: check that the address is right, the server runs and no \
            firewall is in the way",
    ),
    (1103, UPLOAD_OTHER),
    (1104, UPLOAD_OTHER),
    (1105, "Cloudflare cannot resolve the name of the destination: check that its DNS record exists in public DNS"),
    (
        1106,
        "the TLS handshake took more than 5 seconds, or nothing moved for 10 seconds: check the load of the server and what \
            stands in front of it",
    ),
    (1107, UPLOAD_OTHER),
    (1108, UPLOAD_OTHER),
    (1201, "Cloudflare gave up on the upload: check the server's log for requests that were refused or took long"),
];

const UPLOAD_OTHER: &str =
    "Cloudflare could not deliver over the network: check name, certificate, firewall and proxy of the public address";

/// Words in messages, in lower case, and what to do about them. Looked at in this order.
const WORDS: [(&str, &str); 14] = [
    ("no such host", UPLOAD_CODES[4].1),
    ("connection refused", "nothing listens at the public address: check that the server runs and the port is open"),
    ("x509: certificate has expired", "the certificate of the public address has expired: renew it"),
    ("certificate has expired", "the certificate of the public address has expired: renew it"),
    (
        "x509",
        "the certificate of the public address is not trusted: it must come from a public authority, match the name, and be \
              sent with its whole chain",
    ),
    (
        "certificate",
        "the certificate of the public address is not trusted: it must come from a public authority, match the name, \
                     and be sent with its whole chain",
    ),
    ("timeout", UPLOAD_CODES[5].1),
    ("timed out", UPLOAD_CODES[5].1),
    ("status code 401", KEY_REFUSED),
    ("unauthorized", KEY_REFUSED),
    (
        "status code 403",
        "something in front of the intake refuses Cloudflare, such as Access or a firewall rule: add the service \
                         token's headers to the destination, or an exception",
    ),
    (
        "status code 413",
        "a batch is larger than the intake or a proxy takes: lower `max_upload_bytes` of the job or raise the limit",
    ),
    ("error writing object", DESTINATION),
    ("error validating destination", DESTINATION),
];

const KEY_REFUSED: &str =
    "the intake refused the key: the job carries an old or foreign one; `tidegate logpush update` sets it";
const DESTINATION: &str =
    "Cloudflare's validation upload did not succeed: the address must answer it with 200 over trusted TLS";

/// What to do about a refusal: `None` when nothing better is known than what Cloudflare says.
#[must_use]
pub fn advice(status: u16, code: Option<u64>, message: &str) -> Option<String> {
    let lower = message.to_lowercase();
    let text = match (code, status) {
        (Some(1004), _) if lower.contains("not allowed") || lower.contains("permission") => PERMISSIONS,
        _ if lower.contains("not allowed") && lower.contains("product") => PERMISSIONS,
        _ if lower.contains("exceeded max jobs")
            || lower.contains("too many jobs")
            || lower.contains("maximum number of jobs") =>
        {
            "there are as many jobs as the plan allows (4 for a zone): delete one that is not needed"
        }
        _ if lower.contains("not entitled")
            || lower.contains("not available for your plan")
            || lower.contains("entitlement") =>
        {
            "the plan of this account or zone does not include Logpush for this dataset: ask Cloudflare, or change the plan"
        }
        _ => match by_code_or_words(code, &lower).or_else(|| by_status(status)) {
            Some(text) => text,
            // What else Logpush means by 1004 is said in its message.
            None if code == Some(1004) => PERMISSIONS,
            None => return None,
        },
    };
    Some(text.to_owned())
}

fn by_code_or_words(code: Option<u64>, lower: &str) -> Option<&'static str> {
    let of_code = code.and_then(|code| look_up(&API_CODES, code).or_else(|| look_up(&UPLOAD_CODES, code)));
    of_code.or_else(|| by_words(lower))
}

fn by_words(lower: &str) -> Option<&'static str> {
    WORDS.iter().find(|(words, _)| lower.contains(words)).map(|(_, text)| *text)
}

fn look_up(table: &[(u64, &'static str)], code: u64) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

const fn by_status(status: u16) -> Option<&'static str> {
    match status {
        401 => Some("the token is wrong, expired or revoked: give another"),
        403 => Some(PERMISSIONS),
        404 => {
            Some("the account, zone, dataset or job does not exist as far as this token sees: check the identifiers")
        }
        429 => Some("Cloudflare allows 1,200 calls in five minutes: wait, and look who else uses this user's tokens"),
        500.. => Some("Cloudflare has a problem of its own: look at https://www.cloudflarestatus.com and try later"),
        _ => None,
    }
}

/// What to do about an upload that failed, from a job's `error_message`.
#[must_use]
pub fn explain_delivery(message: &str) -> Option<&'static str> {
    let numbers = message.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    let of_code = numbers.into_iter().find_map(|code: u64| look_up(&UPLOAD_CODES, code));
    let lower = message.to_lowercase();
    of_code.or_else(|| by_words(&lower)).or_else(|| {
        let has = |status: &str| lower.split(|c: char| !c.is_ascii_digit()).any(|digits| digits == status);
        let table = [("401", "status code 401"), ("403", "status code 403"), ("413", "status code 413")];
        table.iter().find(|(status, _)| has(status)).and_then(|(_, words)| by_words(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_dataset_names_both_permissions() {
        for (status, code) in [(403, Some(1004)), (400, Some(1004)), (403, None)] {
            let text = advice(status, code, "reading job for product 'gateway_dns' is not allowed").unwrap();
            assert!(text.contains("`Logs: Edit`") && text.contains("`Zero Trust: PII Read`"), "{text}");
        }
    }

    #[test]
    fn what_the_message_says_counts_more_than_the_code() {
        let cases = [
            (
                400,
                Some(1002),
                "error validating destination: error writing object: error uploading",
                "validation upload",
            ),
            (400, Some(1004), "exceeded max jobs allowed", "4 for a zone"),
            (403, Some(10000), "Authentication error", "expired"),
            (400, Some(7003), "Could not route to /accounts/x/logpush/jobs", "32 letters"),
            (400, Some(1002), "x509: certificate has expired or is not yet valid", "renew"),
            (429, None, "", "1,200"),
            (502, None, "", "cloudflarestatus"),
        ];
        for (status, code, message, part) in cases {
            let text = advice(status, code, message).unwrap();
            assert!(text.contains(part), "{message}: {text}");
        }
        assert_eq!(advice(400, Some(424242), "something new"), None);
    }

    #[test]
    fn every_code_of_a_failed_upload_is_explained() {
        for code in (1101..=1108).chain([1201]) {
            assert!(explain_delivery(&format!("error {code}: x")).is_some(), "{code}");
        }
        for (message, part) in [
            ("1102 ConnectionTimeout", "5 seconds"),
            ("upload failed (1105)", "DNS record"),
            ("1106 Timeout", "10 seconds"),
            ("error uploading: status code 401", "refused the key"),
            ("destination answered 403 Forbidden", "service token"),
            ("dial tcp: connect: connection refused", "listens"),
            ("dial tcp: lookup t.example: no such host", "DNS record"),
            ("x509: certificate signed by unknown authority", "whole chain"),
        ] {
            assert!(explain_delivery(message).unwrap().contains(part), "{message}");
        }
        assert_eq!(explain_delivery("something new 20260504"), None);
    }
}
