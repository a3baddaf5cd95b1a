//! Kinds of values that name somebody: hosts, mail addresses, authorities, senders.

use super::kind::Network;
use super::value::{Raw, Value, must_be, text};

/// RFC 1035 section 2.3.4.
const NAME_CHARS_MAX: usize = 253;
const KEY_ID_CHARS_MAX: usize = 256;

/// A public name of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName(pub(crate) String);

impl Value for HostName {
    const KIND: &'static str = "a name such as `tidegate.example.com`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let name = text::<Self>(raw)?.to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        let fits = name.len() <= NAME_CHARS_MAX && name.contains('.') && name.bytes().all(plain);
        // The last label of an address is a number; that of a name never is.
        let is_address = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        if fits && !is_address { Ok(Self(name)) } else { Err(must_be::<Self>(raw)) }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// A mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailAddress(pub(crate) String);

impl Value for MailAddress {
    const KIND: &'static str = "a mail address such as `ops@example.com`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let address = text::<Self>(raw)?;
        let halves = address.split_once('@').filter(|(user, host)| !user.is_empty() && host.contains('.'));
        halves.map(|_| Self(address.to_owned())).ok_or_else(|| must_be::<Self>(raw))
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// The identifier of a key that an ACME authority gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyId(pub(crate) String);

impl Value for KeyId {
    const KIND: &'static str = "an identifier of up to 256 characters without spaces";

    fn read(raw: &Raw) -> Result<Self, String> {
        let id = text::<Self>(raw)?;
        let fits = (1..=KEY_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(id.to_owned())) } else { Err(must_be::<Self>(raw)) }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// The directory of an ACME authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirectoryUrl(pub(crate) String);

impl Value for DirectoryUrl {
    const KIND: &'static str = "an address such as `https://acme-v02.api.letsencrypt.org/directory`";

    fn read(raw: &Raw) -> Result<Self, String> {
        let url = text::<Self>(raw)?;
        let host = url.strip_prefix("https://").filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
        let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
        host.filter(|_| plain).map(|_| Self(url.to_owned())).ok_or_else(|| must_be::<Self>(raw))
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// Who may send batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The networks that Cloudflare publishes.
    Cloudflare,
    /// A network of one's own.
    Network(Network),
}

impl Value for Sender {
    const KIND: &'static str = "`cloudflare`, or an IP address or network such as `203.0.113.0/24`";

    fn read(raw: &Raw) -> Result<Self, String> {
        match text::<Self>(raw)? {
            "cloudflare" => Ok(Self::Cloudflare),
            _ => Network::read(raw).map(Self::Network).map_err(|_| must_be::<Self>(raw)),
        }
    }

    fn show(&self) -> Raw {
        match self {
            Self::Cloudflare => Raw::Text("cloudflare".to_owned()),
            Self::Network(network) => network.show(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Value>(text: &str) -> Option<String> {
        T::read(&Raw::Text(text.to_owned())).ok().map(|value| value.show().to_toml())
    }

    #[test]
    fn names_of_others() {
        assert_eq!(read::<HostName>("Tidegate.Example.com").as_deref(), Some("\"tidegate.example.com\""));
        for text in ["", "localhost", "192.0.2.1", "https://a.example", "*.example.com", "a b.example"] {
            assert_eq!(read::<HostName>(text), None, "{text}");
        }
        assert!(read::<MailAddress>("ops@example.com").is_some());
        for text in ["", "ops", "@example.com", "ops@localhost"] {
            assert_eq!(read::<MailAddress>(text), None, "{text}");
        }
        assert!(read::<DirectoryUrl>("https://ca.example:9000/acme/acme/directory").is_some());
        for text in ["", "http://ca.example/", "https://", "https:///x", "https://a b"] {
            assert_eq!(read::<DirectoryUrl>(text), None, "{text}");
        }
        assert!(read::<KeyId>("a-B_9").is_some() && read::<KeyId>("a b").is_none() && read::<KeyId>("").is_none());
        assert_eq!(read::<Sender>("cloudflare").as_deref(), Some("\"cloudflare\""));
        assert_eq!(read::<Sender>("203.0.113.0/24").as_deref(), Some("\"203.0.113.0/24\""));
        for text in ["", "Cloudflare!", "203.0.113.0/33"] {
            assert_eq!(read::<Sender>(text), None, "{text}");
        }
    }
}
