//! From what an authority says to a sentence that tells an operator what to do.

use instant_acme::{Error, Problem};

use crate::error::Failure;
use crate::http::HttpTrouble;
use crate::options::{Challenge, shown};

/// The beginning of the problem types of RFC 8555 section 6.7.
const TYPES: &str = "urn:ietf:params:acme:error:";

const EXTERNAL_ACCOUNT: &str = "an authority that serves its customers only wants to know whose account it is: have it make a \
    key for external account binding (EAB), and set `external_account_id` and `external_account_key_file`; most such keys serve \
    once and not for long";

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Account,
    Order,
    Validation,
    Issue,
}

impl Step {
    const fn words(self) -> &'static str {
        match self {
            Self::Account => "opening the account",
            Self::Order => "ordering the certificate",
            Self::Validation => "checking the names",
            Self::Issue => "issuing the certificate",
        }
    }
}

/// Explains an error of the ACME library.
pub(crate) fn explain(step: Step, directory: &str, challenge: Challenge, error: &Error) -> Failure {
    let directory = shown(directory);
    match error {
        Error::Api(problem) => explain_problem(step, None, challenge, problem),
        Error::Timeout(_) => {
            let words = step.words();
            Failure::new(format!("{words} took the authority too long; it is tried again"))
        }
        Error::Json(_) if step == Step::Account => Failure::new(format!(
            "`{directory}` is no ACME directory: check `directory`; that of Let's Encrypt is `{}`",
            crate::LETS_ENCRYPT
        )),
        Error::Other(cause) => match cause.downcast_ref::<HttpTrouble>() {
            Some(trouble) => explain_http(step, trouble),
            None => Failure::new(format!("{} failed: {}", step.words(), shown(&cause.to_string()))),
        },
        other => Failure::new(format!("{} failed: {}", step.words(), shown(&other.to_string()))),
    }
}

fn explain_http(step: Step, trouble: &HttpTrouble) -> Failure {
    let advice = match trouble {
        HttpTrouble::Unreachable { cause, .. } if cause.contains("certificate") => {
            "a private authority needs `root_file`, and a proxy that looks into TLS must not stand in between"
        }
        HttpTrouble::Unreachable { .. } => {
            "this machine must reach it by HTTPS: check `directory`, name resolution and the firewall"
        }
        HttpTrouble::NotJson { status: 500.., .. } => "the authority has a problem; it is tried again",
        HttpTrouble::NotJson { .. } if step == Step::Account => {
            "check `directory`, and whether a proxy or login page stands in between"
        }
        HttpTrouble::NotJson { .. } | HttpTrouble::TooLong { .. } => {
            "check whether a proxy or login page stands in between"
        }
    };
    Failure::new(format!("{trouble}: {advice}"))
}

/// Explains a problem document, of `name` if it is about one.
pub(crate) fn explain_problem(step: Step, name: Option<&str>, challenge: Challenge, problem: &Problem) -> Failure {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    let kind = shown(kind.strip_prefix(TYPES).unwrap_or(kind));
    let detail = problem.detail.as_deref().map(shown).unwrap_or_default();
    let subject = match name {
        Some(name) => format!("the authority's check of `{name}` failed"),
        None => format!("the authority refused {}", step.words()),
    };
    let mut sentence = match (detail.is_empty(), kind.is_empty()) {
        (false, false) => format!("{subject}: {} ({kind})", detail.trim_end_matches('.')),
        (false, true) => format!("{subject}: {}", detail.trim_end_matches('.')),
        (true, false) => format!("{subject} ({kind})"),
        (true, true) => format!("{subject} and did not say why"),
    };
    for part in problem.subproblems.iter().take(3) {
        sentence.push_str(&format!("; {}", shown(&part.to_string())));
    }
    if let Some(advice) = advice(step, &kind, name, challenge) {
        sentence.push_str("; ");
        sentence.push_str(&advice);
    }
    let mut failure = Failure::new(sentence);
    failure.account_is_gone = kind == "accountDoesNotExist";
    failure
}

fn advice(step: Step, kind: &str, name: Option<&str>, challenge: Challenge) -> Option<String> {
    if step == Step::Account && matches!(kind, "unauthorized" | "malformed" | "externalAccountRequired") {
        return Some(EXTERNAL_ACCOUNT.to_owned());
    }
    let name = name.unwrap_or("the name");
    let (port, listener) = match challenge {
        Challenge::TlsAlpn01 => (443, "`listen` in [server]"),
        Challenge::Http01 => (80, "`http_listen` in [acme]"),
    };
    let advice = match kind {
        "dns" => format!("give {name} an A or AAAA record with the address of this machine"),
        "connection" => format!(
            "port {port} of {name} must lead to {listener} of this machine from everywhere: \
             check the A and AAAA records, the firewall and the port forwarding"
        ),
        "tls" | "unauthorized" | "incorrectResponse" => format!(
            "something else answers at port {port} of {name}: its A and AAAA records must lead to this machine only, \
             and nothing in between may end TLS or answer itself, such as a proxy of Cloudflare or a load balancer"
        ),
        "caa" => format!("a CAA record of {name} or of a domain above it forbids this authority: change it"),
        _ => return plain_advice(kind).map(str::to_owned),
    };
    Some(advice)
}

/// Advice that is the same for every name.
fn plain_advice(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "rateLimited" => {
            "it is tried again when the authority allows it; do not delete the folder with the certificate"
        }
        "rejectedIdentifier" | "unsupportedIdentifier" => {
            "this authority gives no certificate for this name: check `names`"
        }
        "userActionRequired" => "the authority's terms changed: read them",
        "invalidContact" | "unsupportedContact" => "check `contact`, or leave it out",
        "accountDoesNotExist" => "the account is made anew at the next attempt",
        "serverInternal" => "the authority has a problem; it is tried again",
        _ => return None,
    })
}

/// Whether the problem is of this type.
pub(crate) fn is_kind(error: &Error, kind: &str) -> bool {
    let Error::Api(problem) = error else { return false };
    problem.r#type.as_deref().and_then(|text| text.strip_prefix(TYPES)) == Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Problem {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_told_with_what_to_do() {
        let found = problem(
            r#"{"type":"urn:ietf:params:acme:error:unauthorized","detail":"Incorrect validation certificate.","status":403}"#,
        );
        let failure = explain_problem(Step::Validation, Some("a.example"), Challenge::TlsAlpn01, &found);
        assert!(failure.sentence.starts_with(
            "the authority's check of `a.example` failed: Incorrect validation certificate (unauthorized); something else answers at port 443 of a.example"
        ), "{}", failure.sentence);
        let failure = explain_problem(Step::Validation, Some("a.example"), Challenge::Http01, &found);
        assert!(failure.sentence.contains("port 80 of a.example"));
    }

    #[test]
    fn strange_problems_are_still_sentences() {
        for (text, expected) in [
            ("{}", "the authority refused ordering the certificate and did not say why"),
            (r#"{"type":"about:blank"}"#, "the authority refused ordering the certificate (about:blank)"),
            (r#"{"detail":"a\u0007b."}"#, "the authority refused ordering the certificate: a b"),
            (
                r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}"#,
                "the authority refused ordering the certificate: too many (rateLimited); it is tried again",
            ),
            (
                r#"{"type":"urn:ietf:params:acme:error:compound","subproblems":[{"detail":"deep","identifier":{"type":"dns","value":"a.example"}}]}"#,
                "the authority refused ordering the certificate (compound); for \"a.example\": deep",
            ),
        ] {
            let found = explain_problem(Step::Order, None, Challenge::TlsAlpn01, &problem(text)).sentence;
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn a_directory_that_is_none_is_told() {
        let error = Error::Json(serde_json::from_str::<Problem>("[").unwrap_err());
        let failure = explain(Step::Account, "https://example.com/", Challenge::TlsAlpn01, &error);
        assert!(failure.sentence.starts_with("`https://example.com/` is no ACME directory"));
    }
}
