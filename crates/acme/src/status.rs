//! How it stands with the certificate, for whoever asks.

use serde::Serialize;
use tidegate_event::Timestamp;

/// One look. Times are microseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The names that a certificate is wanted for.
    pub names: Vec<String>,
    /// The authority's directory.
    pub directory: String,
    /// When the certificate that is served ends; none while there is none.
    pub not_after: Option<Timestamp>,
    /// When something is tried or looked at next.
    pub next_try: Option<Timestamp>,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// Why the last attempt failed, a sentence that says what to do; none after a success.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_time: Option<Timestamp>,
    /// Certificates got since the start.
    pub issued: u64,
}

impl Status {
    /// What an operator should see to, a sentence.
    #[must_use]
    pub fn trouble(&self, now: Timestamp) -> Option<String> {
        let names = self.names.join(", ");
        let why = self.last_error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        match self.not_after {
            None => Some(format!("there is no certificate for {names} yet{why}")),
            Some(end) if end <= now => Some(format!("the certificate for {names} ended at {}{why}", end.to_rfc3339())),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_having_no_certificate_not_failing_to_renew_one() {
        let mut status = Status { names: vec!["a.example".into()], ..Status::default() };
        let now = Timestamp::from_micros(10_000_000);
        assert_eq!(status.trouble(now).as_deref(), Some("there is no certificate for a.example yet"));
        status.last_error = Some("x".into());
        status.not_after = Some(Timestamp::from_micros(11_000_000));
        assert_eq!(status.trouble(now), None);
        status.not_after = Some(now);
        assert_eq!(
            status.trouble(now).as_deref(),
            Some("the certificate for a.example ended at 1970-01-01T00:00:10Z: x")
        );
    }
}
