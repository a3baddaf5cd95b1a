//! Signed requests (RFC 7515 flattened, ES256), as RFC 8555 section 6.2 wants them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// A public key of an account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    x: String,
    y: String,
}

pub(crate) struct Signed {
    pub(crate) nonce: String,
    pub(crate) url: String,
    pub(crate) key: Option<Key>,
    pub(crate) kid: Option<String>,
    /// Nothing for a POST-as-GET.
    pub(crate) payload: Option<Value>,
    input: String,
    signature: Vec<u8>,
}

fn decoded(value: &Value) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(value.as_str()?.as_bytes()).ok()
}

impl Signed {
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let whole: Value = serde_json::from_slice(body).ok()?;
        let head: Value = serde_json::from_slice(&decoded(&whole["protected"])?).ok()?;
        let payload = decoded(&whole["payload"])?;
        if head["alg"] != "ES256" {
            return None;
        }
        let jwk = &head["jwk"];
        let key = jwk.is_object().then(|| Key {
            x: jwk["x"].as_str().unwrap_or_default().to_owned(),
            y: jwk["y"].as_str().unwrap_or_default().to_owned(),
        });
        let kid = head["kid"].as_str().map(str::to_owned);
        if key.is_some() == kid.is_some() || (key.is_some() && (jwk["kty"] != "EC" || jwk["crv"] != "P-256")) {
            return None;
        }
        Some(Self {
            nonce: head["nonce"].as_str()?.to_owned(),
            url: head["url"].as_str()?.to_owned(),
            key,
            kid,
            payload: if payload.is_empty() { None } else { Some(serde_json::from_slice(&payload).ok()?) },
            input: format!("{}.{}", whole["protected"].as_str()?, whole["payload"].as_str()?),
            signature: decoded(&whole["signature"])?,
        })
    }

    pub(crate) fn is_signed_by(&self, key: &Key) -> bool {
        let part = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
        let point = [&[4], part(&key.x).as_slice(), part(&key.y).as_slice()].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(self.input.as_bytes(), &self.signature).is_ok()
    }
}

/// RFC 8555 section 7.3.4: whether a customer's key signed this account's key for this address.
pub(crate) fn binds(binding: &Value, account: &Key, id: &str, secret: &[u8], url: &str) -> bool {
    let part = |name: &str| decoded(&binding[name]).unwrap_or_default();
    let head: Value = serde_json::from_slice(&part("protected")).unwrap_or_default();
    let bound: Value = serde_json::from_slice(&part("payload")).unwrap_or_default();
    let input = format!("{}.{}", binding["protected"].as_str().unwrap(), binding["payload"].as_str().unwrap());
    head["alg"] == "HS256"
        && head["kid"] == id
        && head["url"] == url
        && head["nonce"].is_null()
        && (&bound["x"], &bound["y"]) == (&Value::from(account.x.as_str()), &Value::from(account.y.as_str()))
        && hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes(), &part("signature")).is_ok()
}

impl Key {
    /// RFC 7638.
    pub(crate) fn thumbprint(&self) -> String {
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x, self.y);
        BASE64URL_NOPAD.encode(digest(&SHA256, text.as_bytes()).as_ref())
    }
}
