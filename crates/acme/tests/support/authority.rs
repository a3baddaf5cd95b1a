//! The authority: directory, nonces, accounts, orders, checks that really connect, and certificates for signed requests.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SignatureAlgorithm, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::der::Reader;
use super::jws::{self, Key, Signed};
use super::validate;
use super::web::{Listener, Request, Response, serve};

const DAY: Duration = Duration::from_secs(86_400);

/// How it misbehaves, and whom it checks.
#[derive(Default)]
pub(crate) struct Manner {
    /// Where names lead.
    pub(crate) names: BTreeMap<String, SocketAddr>,
    /// Signed requests that are told their nonce is bad.
    pub(crate) bad_nonces: u32,
    /// Orders that are refused with `rateLimited`.
    pub(crate) rate_limited: u32,
    /// Looks at an order that find it in `processing`.
    pub(crate) processing: u32,
    /// How long certificates live, the first first; then 90 days.
    pub(crate) lives: VecDeque<Duration>,
    /// Answers everything with this.
    pub(crate) instead: Option<(u16, &'static str)>,
    /// Checks by HTTP only.
    pub(crate) http_only: bool,
    /// Wants every certificate renewed at once.
    pub(crate) renew_now: bool,
    /// Makes accounts for this customer only: identifier and key.
    pub(crate) customer: Option<(&'static str, Vec<u8>)>,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) accounts: u32,
    pub(crate) orders: u32,
    pub(crate) issued: u32,
    pub(crate) failed_checks: u32,
    /// What orders said that they replace.
    pub(crate) replaces: Vec<String>,
}

struct OrderState {
    names: Vec<String>,
    checked: Vec<bool>,
    problem: Option<Value>,
    certificate: Option<String>,
    waits: u32,
}

#[derive(Default)]
struct Inner {
    manner: Manner,
    seen: Seen,
    nonces: HashSet<String>,
    count: u64,
    accounts: Vec<Key>,
    orders: Vec<OrderState>,
}

struct Authority {
    inner: Mutex<Inner>,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A running authority.
pub(crate) struct Running {
    pub(crate) directory: String,
    pub(crate) root_file: PathBuf,
    authority: Arc<Authority>,
    _listener: Listener,
}

struct RequestKey(Vec<u8>);

impl PublicKeyData for RequestKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Running {
    /// Starts one; its root goes into `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let root_file = folder.join("root.pem");
        std::fs::write(&root_file, issuer.pem()).unwrap();
        let config = Arc::new(own_tls(&issuer));
        let authority = Arc::new(Authority { inner: Mutex::default(), issuer });
        let answering = Arc::clone(&authority);
        let listener = Listener::start(move |stream| {
            let base = format!("https://{}", stream.local_addr().unwrap());
            let _ = serve(&config, stream, |request| answering.answer(&base, &request));
        });
        Self { directory: format!("https://{}/directory", listener.address), root_file, authority, _listener: listener }
    }

    pub(crate) fn manner(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut self.authority.inner().manner);
    }

    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.authority.inner().seen)
    }

    /// Forgets all accounts, as an authority that was set up anew.
    pub(crate) fn forget_accounts(&self) {
        self.authority.inner().accounts.clear();
    }
}

fn own_tls(issuer: &CertifiedIssuer<'static, KeyPair>) -> ServerConfig {
    let pair = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&pair, issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

fn problem(status: u16, kind: &str, detail: &str) -> Response {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail, "status": status});
    Response::new(status, body.to_string()).with("content-type", "application/problem+json")
}

impl Authority {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn answer(&self, base: &str, request: &Request) -> Response {
        if let Some((status, text)) = self.inner().manner.instead {
            return Response::new(status, text);
        }
        let response = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/directory") => Response::new(200, directory(base).to_string()),
            ("HEAD", "/nonce") => Response::new(200, ""),
            ("GET", path) if path.starts_with("/renewal/") => self.renewal(),
            ("POST", path) => self.signed(base, path, &request.body).unwrap_or_else(|refusal| refusal),
            _ => problem(404, "malformed", "there is nothing"),
        };
        let mut inner = self.inner();
        inner.count += 1;
        let nonce = BASE64URL_NOPAD.encode(format!("nonce {}", inner.count).as_bytes());
        inner.nonces.insert(nonce.clone());
        response.with("replay-nonce", nonce)
    }

    fn renewal(&self) -> Response {
        let renew_now = self.inner().manner.renew_now;
        let year = if renew_now { "2020" } else { "2090" };
        let window = json!({"start": format!("{year}-01-01T00:00:00Z"), "end": format!("{year}-01-02T00:00:00Z")});
        Response::new(200, json!({"suggestedWindow": window}).to_string()).with("retry-after", "21600")
    }

    /// RFC 8555 section 6: signature, nonce and address.
    fn signed(&self, base: &str, path: &str, body: &[u8]) -> Result<Response, Response> {
        let signed = Signed::read(body).ok_or_else(|| problem(400, "malformed", "no signed request"))?;
        let mut inner = self.inner();
        if inner.manner.bad_nonces > 0 {
            inner.manner.bad_nonces -= 1;
            return Err(problem(400, "badNonce", "another one"));
        }
        if !inner.nonces.remove(&signed.nonce) {
            return Err(problem(400, "badNonce", "unknown or used"));
        }
        let of_account = signed.kid.as_ref().and_then(|kid| kid.strip_prefix(&format!("{base}/account/")));
        let key = match (&signed.key, of_account) {
            (Some(key), _) if path == "/new-account" => key.clone(),
            (None, Some(number)) => {
                let known = number.parse::<usize>().ok().and_then(|number| inner.accounts.get(number).cloned());
                known.ok_or_else(|| problem(400, "accountDoesNotExist", "no such account"))?
            }
            _ => return Err(problem(400, "malformed", "jwk or kid where it must not be")),
        };
        if signed.url != format!("{base}{path}") || !signed.is_signed_by(&key) {
            return Err(problem(403, "unauthorized", "the signature is wrong"));
        }
        drop(inner);
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |at: usize| parts.get(at).and_then(|text| text.parse::<usize>().ok());
        match (parts[0], number(1), number(2)) {
            ("new-account", ..) => self.new_account(base, &key, &signed),
            ("new-order", ..) => self.new_order(base, &signed),
            ("authz", Some(order), Some(at)) => Ok(self.authorization(base, order, at)),
            ("challenge", Some(order), Some(at)) => {
                self.check(base, order, at, &key, parts.get(3) == Some(&"http"), &signed)
            }
            ("order", Some(order), _) => Ok(self.order(base, order)),
            ("finalize", Some(order), _) => self.finalize(base, order, &signed),
            ("certificate", Some(order), _) if signed.payload.is_none() => {
                let chain = self.inner().orders[order].certificate.clone();
                chain.map(|chain| Response::new(200, chain)).ok_or_else(|| problem(404, "malformed", "none yet"))
            }
            _ => Err(problem(404, "malformed", "there is nothing")),
        }
    }

    fn new_account(&self, base: &str, key: &Key, signed: &Signed) -> Result<Response, Response> {
        let payload = signed.payload.clone().unwrap_or_default();
        if payload["termsOfServiceAgreed"] != true {
            return Err(problem(403, "userActionRequired", "the terms are not agreed to"));
        }
        let mut inner = self.inner();
        if let Some((id, secret)) = &inner.manner.customer {
            let binding = &payload["externalAccountBinding"];
            if binding.is_null() {
                return Err(problem(403, "externalAccountRequired", "this CA serves customers only"));
            }
            if !jws::binds(binding, key, id, secret, &format!("{base}/new-account")) {
                return Err(problem(401, "unauthorized", "the external account binding is wrong"));
            }
        }
        inner.seen.accounts += 1;
        inner.accounts.push(key.clone());
        let location = format!("{base}/account/{}", inner.accounts.len() - 1);
        Ok(Response::new(201, json!({"status": "valid", "contact": payload["contact"]}).to_string())
            .with("location", location))
    }

    fn new_order(&self, base: &str, signed: &Signed) -> Result<Response, Response> {
        let mut inner = self.inner();
        if inner.manner.rate_limited > 0 {
            inner.manner.rate_limited -= 1;
            return Err(problem(429, "rateLimited", "too many certificates already issued").with("retry-after", "2"));
        }
        let payload = signed.payload.clone().unwrap_or_default();
        let identifiers = payload["identifiers"].as_array().cloned().unwrap_or_default();
        let names: Vec<String> = identifiers
            .iter()
            .filter(|identifier| identifier["type"] == "dns")
            .filter_map(|identifier| identifier["value"].as_str().map(str::to_owned))
            .collect();
        if names.is_empty() {
            return Err(problem(400, "malformed", "no names"));
        }
        inner.seen.orders += 1;
        let replaces = payload["replaces"].as_str().map(str::to_owned);
        inner.seen.replaces.extend(replaces.clone());
        let waits = inner.manner.processing;
        let checked = vec![false; names.len()];
        inner.orders.push(OrderState { names, checked, problem: None, certificate: None, waits });
        let number = inner.orders.len() - 1;
        drop(inner);
        let mut response = self.order(base, number).with("location", format!("{base}/order/{number}"));
        response.status = 201;
        if let Some(replaces) = replaces {
            let mut body: Value = serde_json::from_str(&response.body).unwrap();
            body["replaces"] = json!(replaces);
            response.body = body.to_string();
        }
        Ok(response)
    }

    fn order(&self, base: &str, number: usize) -> Response {
        let mut inner = self.inner();
        let order = &mut inner.orders[number];
        let ready = order.checked.iter().all(|checked| *checked);
        let status = match (&order.certificate, &order.problem) {
            (_, Some(_)) => "invalid",
            (Some(_), _) if order.waits > 0 => {
                order.waits -= 1;
                "processing"
            }
            (Some(_), _) => "valid",
            _ if ready => "ready",
            _ => "pending",
        };
        let authorizations: Vec<_> = (0..order.names.len()).map(|at| format!("{base}/authz/{number}/{at}")).collect();
        let identifiers: Vec<_> = order.names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
        let mut body = json!({
            "status": status, "identifiers": identifiers, "authorizations": authorizations,
            "finalize": format!("{base}/finalize/{number}"),
        });
        if status == "valid" {
            body["certificate"] = json!(format!("{base}/certificate/{number}"));
        }
        Response::new(200, body.to_string())
    }

    fn authorization(&self, base: &str, number: usize, at: usize) -> Response {
        let inner = self.inner();
        let order = &inner.orders[number];
        let status = match (&order.problem, order.checked[at]) {
            (Some(_), _) => "invalid",
            (None, true) => "valid",
            (None, false) => "pending",
        };
        let kinds: &[(&str, &str)] = if inner.manner.http_only {
            &[("http-01", "http")]
        } else {
            &[("http-01", "http"), ("tls-alpn-01", "tls")]
        };
        let challenges = kinds.iter().map(|(kind, path)| {
            let mut challenge = json!({
                "type": kind, "url": format!("{base}/challenge/{number}/{at}/{path}"), "token": token(number, at),
                "status": status,
            });
            if let Some(problem) = &order.problem {
                challenge["error"] = problem.clone();
            }
            challenge
        });
        let body = json!({
            "identifier": {"type": "dns", "value": order.names[at]}, "status": status,
            "challenges": challenges.collect::<Vec<_>>(),
        });
        Response::new(200, body.to_string())
    }

    fn check(
        &self,
        base: &str,
        number: usize,
        at: usize,
        key: &Key,
        by_http: bool,
        signed: &Signed,
    ) -> Result<Response, Response> {
        if signed.payload != Some(json!({})) {
            return Err(problem(400, "malformed", "an empty object is wanted"));
        }
        let (name, to) = {
            let inner = self.inner();
            let name = inner.orders[number].names[at].clone();
            let to = inner.manner.names.get(&name).copied();
            (name, to)
        };
        let key_authorization = format!("{}.{}", token(number, at), key.thumbprint());
        let outcome = match to {
            None => Err(("dns", format!("DNS problem: NXDOMAIN looking up A for {name}"))),
            Some(to) if by_http => {
                validate::by_http(to, &token(number, at), &key_authorization).map_err(|why| ("unauthorized", why))
            }
            Some(to) => validate::by_tls(to, &name, &key_authorization).map_err(|why| ("unauthorized", why)),
        };
        let mut inner = self.inner();
        match outcome {
            Ok(()) => inner.orders[number].checked[at] = true,
            Err((kind, why)) => {
                inner.seen.failed_checks += 1;
                inner.orders[number].problem =
                    Some(json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": why, "status": 403}));
            }
        }
        let kind = if by_http { "http-01" } else { "tls-alpn-01" };
        // As authorities do: the outcome of the check is found in the authorization, later.
        let body = json!({"type": kind, "status": "processing", "token": token(number, at),
            "url": format!("{base}/challenge/{number}/{at}/{}", if by_http { "http" } else { "tls" })});
        Ok(Response::new(200, body.to_string()))
    }

    fn finalize(&self, base: &str, number: usize, signed: &Signed) -> Result<Response, Response> {
        let refused = || problem(400, "badCSR", "the request is damaged or not signed by its key");
        let payload = signed.payload.clone().unwrap_or_default();
        let csr = payload["csr"].as_str().and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
        let csr = csr.ok_or_else(refused)?;
        let mut inner = self.inner();
        let names = inner.orders[number].names.clone();
        let key = requested_key(&csr, &names).ok_or_else(refused)?;
        if !inner.orders[number].checked.iter().all(|checked| *checked) {
            return Err(problem(403, "orderNotReady", "names are not checked"));
        }
        let life = inner.manner.lives.pop_front().unwrap_or(90 * DAY);
        let mut params = CertificateParams::new(names).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        params.not_before = date_time_ymd(1970, 1, 1) + now;
        params.not_after = params.not_before + life;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        inner.orders[number].certificate = Some(format!("{}{}", certificate.pem(), self.issuer.pem()));
        inner.seen.issued += 1;
        drop(inner);
        Ok(self.order(base, number))
    }
}

fn directory(base: &str) -> Value {
    json!({
        "newNonce": format!("{base}/nonce"), "newAccount": format!("{base}/new-account"),
        "newOrder": format!("{base}/new-order"), "renewalInfo": format!("{base}/renewal"),
        "meta": {"termsOfService": format!("{base}/terms")},
    })
}

fn token(order: usize, at: usize) -> String {
    BASE64URL_NOPAD.encode(format!("a token of order {order}, name {at}").as_bytes())
}

/// The key of a request (RFC 2986) that is signed by it and names exactly these names.
fn requested_key(csr: &[u8], names: &[String]) -> Option<RequestKey> {
    const SEQUENCE: u8 = 0x30;
    let whole = Reader(csr).only(SEQUENCE)?;
    let mut outer = Reader(whole);
    let info = outer.take(SEQUENCE)?;
    let signed = &whole[..whole.len() - outer.0.len()];
    let _algorithm = outer.take(SEQUENCE)?;
    let signature = outer.take(0x03)?.strip_prefix(&[0])?;
    let mut parts = Reader(info);
    let (_version, _subject) = (parts.take(0x02)?, parts.take(SEQUENCE)?);
    let mut key_info = Reader(parts.take(SEQUENCE)?);
    let _algorithm = key_info.take(SEQUENCE)?;
    let key = key_info.take(0x03)?.strip_prefix(&[0])?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(signed, signature).ok()?;
    let has = |name: &String| {
        let encoded = [&[0x82, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
        parts.0.windows(encoded.len()).any(|window| window == encoded)
    };
    names.iter().all(has).then(|| RequestKey(key.to_vec()))
}
