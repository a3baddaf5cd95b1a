//! What is wanted, and whether it can be.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::error::AcmeError;
use crate::external::ExternalAccount;
use crate::pace::Pace;

/// The directory of Let's Encrypt.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// The directory of Let's Encrypt for trials: its certificates are not trusted, its limits are wide.
pub const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// Names of one certificate, as Let's Encrypt has it.
pub(crate) const NAMES_MAX: usize = 100;
/// RFC 1035 section 2.3.4.
const NAME_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;
const CONTACT_CHARS_MAX: usize = 254;

/// How the authority finds out that a name leads here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Challenge {
    /// A TLS connection to port 443 of the name (RFC 8737), answered by the same listener as everything else.
    #[default]
    TlsAlpn01,
    /// A plain request to port 80 of the name (RFC 8555 section 8.3), answered by [`crate::HttpChallenges`].
    Http01,
}

/// For whom, from whom and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The names that the certificate is for; the first is the one people are led to.
    pub names: Vec<String>,
    /// The mail address that the authority writes to.
    pub contact: Option<String>,
    /// The address of the authority's directory.
    pub directory: String,
    /// Whether the operator agreed to the authority's terms of service.
    pub terms_agreed: bool,
    /// The folder for the account and the certificate.
    pub folder: PathBuf,
    /// PEM file with the one root that the authority's own TLS is checked against; without it, the system's roots.
    pub root_file: Option<PathBuf>,
    /// What the authority gave beforehand, where it serves its customers only.
    pub external_account: Option<ExternalAccount>,
    /// How the authority is shown that the names lead here.
    pub challenge: Challenge,
    /// How patient it is.
    pub pace: Pace,
}

impl Options {
    /// A certificate of Let's Encrypt for these names.
    #[must_use]
    pub fn new(names: Vec<String>, folder: PathBuf) -> Self {
        Self {
            names,
            contact: None,
            directory: LETS_ENCRYPT.to_owned(),
            terms_agreed: false,
            folder,
            root_file: None,
            external_account: None,
            challenge: Challenge::default(),
            pace: Pace::default(),
        }
    }

    /// The same with names in lower case, or what is wrong with them.
    pub(crate) fn checked(mut self) -> Result<Self, AcmeError> {
        let wrong = |why: String| Err(AcmeError::Wrong(why));
        if !self.terms_agreed {
            return wrong(
                "the authority's terms of service are not agreed to: read them and set `terms_agreed`".into(),
            );
        }
        if self.names.is_empty() || self.names.len() > NAMES_MAX {
            return wrong(format!("a certificate needs 1 to {NAMES_MAX} names"));
        }
        for name in &mut self.names {
            name.make_ascii_lowercase();
            if let Err(why) = check_name(name) {
                return wrong(format!("`{}` {why}", shown(name)));
            }
        }
        if !self.directory.starts_with("https://") {
            return wrong(format!("the directory `{}` must be an address with https", shown(&self.directory)));
        }
        if let Some(contact) = &self.contact
            && !is_mail_address(contact)
        {
            return wrong(format!("the contact `{}` is no mail address", shown(contact)));
        }
        Ok(self)
    }
}

/// Whether an authority could be asked for the name; the error continues a sentence that begins with it.
fn check_name(name: &str) -> Result<(), &'static str> {
    if name.starts_with("*.") {
        return Err("has a wildcard, which needs a challenge by DNS that Tidegate does not do");
    }
    if name.parse::<IpAddr>().is_ok() {
        return Err("is an address; a certificate needs a name");
    }
    let fits = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > NAME_CHARS_MAX || !name.contains('.') || !name.split('.').all(fits) {
        return Err("is no full public name such as `tidegate.example.com`");
    }
    Ok(())
}

fn is_mail_address(text: &str) -> bool {
    let halves = text.split_once('@');
    text.len() <= CONTACT_CHARS_MAX
        && halves.is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b",?&<>\"".contains(&byte))
}

/// Text from outside, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 300;
    let cut = text.chars().take(SHOWN_CHARS_MAX);
    cut.map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Options)) -> Result<Options, String> {
        let mut options = Options::new(vec!["Tidegate.Example.com".into()], "x".into());
        options.terms_agreed = true;
        change(&mut options);
        options.checked().map_err(|error| error.to_string())
    }

    #[test]
    fn what_an_authority_would_refuse_is_refused_before() {
        assert_eq!(with(|_| ()).unwrap().names, ["tidegate.example.com"]);
        let long = format!("{}.example", "a".repeat(64));
        for name in
            ["", "localhost", "a..b", "-a.example", "a-.example", "a b.example", "a.example.", "_a.example", &long]
        {
            let why = with(|options| options.names = vec![name.to_owned()]).unwrap_err();
            assert!(why.contains("is no full public name"), "{why}");
        }
        assert!(with(|options| options.names = vec!["*.example.com".into()]).unwrap_err().contains("wildcard"));
        assert!(with(|options| options.names = vec!["192.0.2.1".into()]).unwrap_err().contains("is an address"));
        assert!(with(|options| options.names.clear()).is_err());
        assert!(with(|options| options.terms_agreed = false).unwrap_err().contains("terms"));
        assert!(with(|options| options.directory = "http://ca.example/".into()).unwrap_err().contains("https"));
    }

    #[test]
    fn contacts_are_mail_addresses() {
        for (contact, fits) in [
            ("ops@example.com", true),
            ("ops+tls@mail.example.com", true),
            ("ops", false),
            ("ops@", false),
            ("@example.com", false),
            ("a@b@example.com", false),
            ("a@example.com,b@example.com", false),
            ("a@example.com?x=y", false),
            ("a b@example.com", false),
        ] {
            assert_eq!(with(|options| options.contact = Some(contact.into())).is_ok(), fits, "{contact}");
        }
    }
}
