//! The proof that an account belongs to a customer of the authority (RFC 8555 section 7.3.4).

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use instant_acme::ExternalAccountKey;

use crate::error::AcmeError;

/// Bytes of the file with the key; a key of 64 bytes has 86 letters.
const FILE_BYTES_MAX: u64 = 4 << 10;
/// Bytes of a key: less protects nothing.
const KEY_BYTES_MIN: usize = 16;
const ID_CHARS_MAX: usize = 256;

/// What the authority gave to a customer beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAccount {
    /// The identifier of the key: `EAB KID`, `keyId`.
    pub id: String,
    /// File whose first line is the key itself, in base64 as the authority shows it: `EAB HMAC key`, `b64MacKey`.
    pub key_file: PathBuf,
}

impl ExternalAccount {
    /// Reads the key. It is wanted only when an account is made, so the file is not kept open or in memory.
    pub(crate) fn read(&self) -> Result<ExternalAccountKey, AcmeError> {
        let wrong = |why: &str| AcmeError::ExternalAccount { path: self.key_file.clone(), why: why.to_owned() };
        let fits = (1..=ID_CHARS_MAX).contains(&self.id.len()) && self.id.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(AcmeError::Wrong("the identifier of the external account is none: copy it again".to_owned()));
        }
        let mut text = String::new();
        let read = File::open(&self.key_file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
        read.map_err(|error| wrong(&error.to_string()))?;
        let line = text.lines().next().unwrap_or_default().trim();
        let key =
            decoded(line).ok_or_else(|| wrong("its first line is no key in base64: copy it again, without quotes"))?;
        if key.len() < KEY_BYTES_MIN {
            return Err(wrong("the key in it is too short to be one: copy it again"));
        }
        Ok(ExternalAccountKey::new(self.id.clone(), &key))
    }
}

/// Authorities show the key in base64 of either alphabet, with or without padding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    BASE64URL_NOPAD.decode(plain.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: &str, text: &[u8]) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, text).unwrap();
        ExternalAccount { id: id.to_owned(), key_file }.read().map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_read_as_authorities_show_them() {
        for text in ["AAECAwQFBgcICQoLDA0ODw", " AAECAwQFBgcICQoLDA0ODw==\r\nrest", "++//AwQFBgcICQoLDA0ODw==\n"] {
            assert_eq!(read("kid_1", text.as_bytes()), Ok(()), "{text}");
        }
        assert_eq!(decoded("--__"), decoded("++//"));
    }

    #[test]
    fn what_is_no_key_is_told_without_repeating_it() {
        for (id, text, part) in [
            ("kid", &b""[..], "too short"),
            ("kid", b"c2hvcnQ", "too short"),
            ("kid", b"\"AAECAwQFBgcICQoLDA0ODw\"", "without quotes"),
            ("kid", b"\xff\xfe", "UTF-8"),
            ("", b"AAECAwQFBgcICQoLDA0ODw", "identifier"),
            ("a b", b"AAECAwQFBgcICQoLDA0ODw", "identifier"),
        ] {
            let why = read(id, text).unwrap_err();
            assert!(why.contains(part) && !why.contains("AAECAwQF"), "{why}");
        }
        let missing = ExternalAccount { id: "kid".to_owned(), key_file: "/nonexistent/key".into() };
        assert!(missing.read().err().unwrap().to_string().contains("`/nonexistent/key`"));
    }
}
