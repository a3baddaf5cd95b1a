//! Who is asking: credentials of requests, and what each role may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use tidegate_state::{Actor, Principal, Role, SessionId, Via};

use crate::error::ApiError;
use crate::extract::peer;
use crate::guard::host;
use crate::options::Options;
use crate::parts::Shared;

/// The header that requests which change something carry beside the session's cookie.
pub(crate) const CSRF_HEADER: &str = "x-tidegate-csrf";

/// Longer texts are no credential of ours.
const CREDENTIAL_BYTES_MAX: usize = 512;

/// Somebody whose credential was checked.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) actor: Actor,
    /// The secret of the session, when that is the credential.
    pub(crate) session_secret: Option<String>,
}

/// Marks a request whose credential was checked: its body may be larger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known;

/// A caller who may look.
#[derive(Debug)]
pub(crate) struct Viewer;

/// A caller who may work on what is found.
#[derive(Debug)]
pub(crate) struct Analyst(pub(crate) Caller);

/// A caller who may administer.
#[derive(Debug)]
pub(crate) struct Admin(pub(crate) Caller);

impl Caller {
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.principal.via {
            Via::Session { id } => Some(id),
            Via::Token { .. } => None,
        }
    }

    /// Refuses a token: who holds one must not be able to make more of it than it is.
    pub(crate) fn only_in_session(&self) -> Result<SessionId, ApiError> {
        self.session().ok_or_else(|| ApiError::forbidden("this needs a login; an API token is not enough"))
    }

    pub(crate) fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.principal.role.allows(role) {
            return Ok(());
        }
        let have = self.principal.role;
        Err(ApiError::forbidden(format!("this needs the role `{role}`, this credential has `{have}`")))
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, ApiError> {
        let caller = Self::find(parts, shared).await?;
        parts.extensions.insert(Known);
        Ok(caller)
    }
}

impl Caller {
    async fn find(parts: &Parts, shared: &Shared) -> Result<Self, ApiError> {
        let address = peer(parts, &shared.options);
        if let Some(token) = bearer(&parts.headers)? {
            let found = shared.ask(move |state| state.token(&token)).await?;
            let principal = found.ok_or_else(|| ApiError::unauthorized("the API token is not known or is over"))?;
            let actor = principal.actor(address);
            return Ok(Self { principal, actor, session_secret: None });
        }
        let Some(secret) = cookie(&parts.headers, cookie_name(&shared.options)) else {
            return Err(ApiError::unauthorized("log in, or send an API token as `Authorization: Bearer …`"));
        };
        let asked = secret.clone();
        let found = shared.ask(move |state| state.session(&asked)).await?;
        let principal = found.ok_or_else(|| ApiError::unauthorized("the session is over; log in again"))?;
        if !is_safe(&parts.method) {
            same_origin(parts, &shared.options)?;
            let token = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
            if !shared.state.csrf_matches(&secret, token) {
                return Err(ApiError::forbidden(format!("`{CSRF_HEADER}` is not the token of this session")));
            }
        }
        let actor = principal.actor(address);
        Ok(Self { principal, actor, session_secret: Some(secret) })
    }
}

impl FromRequestParts<Shared> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        caller.require(Role::Viewer)?;
        Ok(Self)
    }
}

impl FromRequestParts<Shared> for Analyst {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        caller.require(Role::Analyst)?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<Shared> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        caller.require(Role::Admin)?;
        Ok(Self(caller))
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The token of `Authorization: Bearer`; `None` without the header, an error for any other use of it.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.len() <= CREDENTIAL_BYTES_MAX => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(ApiError::unauthorized("`Authorization` must be `Bearer` and an API token")),
    }
}

/// The cookie's name. With the prefix, browsers take it only over TLS, for this host alone and for all its paths, so no
/// neighbouring host can plant one.
pub(crate) fn cookie_name(options: &Options) -> &'static str {
    if options.is_secure() { "__Host-tidegate" } else { "tidegate" }
}

/// The `Set-Cookie` that gives a browser its session, or with an empty secret takes it away.
pub(crate) fn set_cookie(options: &Options, secret: &str, age_seconds: u64) -> String {
    let name = cookie_name(options);
    let secure = if options.is_secure() { "; Secure" } else { "" };
    format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_seconds}{secure}")
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, value)| *key == name && value.len() <= CREDENTIAL_BYTES_MAX)?;
    Some(value.to_owned())
}

/// Refuses what a page of another site made the browser send. Programs send neither header and pass.
pub(crate) fn same_origin(parts: &Parts, options: &Options) -> Result<(), ApiError> {
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let foreign_site = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let foreign_origin = text("origin").is_some_and(|origin| {
        let ours = options.public_origin().is_some_and(|ours| ours.eq_ignore_ascii_case(origin));
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        !ours && !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host(&parts.headers, &parts.uri)))
    });
    if foreign_site || foreign_origin {
        return Err(ApiError::forbidden("the request comes from a page of another site"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post("/api/v1/logout");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let options = Options { public_url: Some("https://tide.example/".into()), ..Options::default() };
        for (headers, ours) in [
            (&[("host", "127.0.0.1:8080")][..], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (
                &[("host", "127.0.0.1:8080"), ("origin", "https://tide.example"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:9999")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "null")], false),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "same-site")], false),
            (&[("origin", "null")], false),
        ] {
            assert_eq!(same_origin(&parts(headers), &options).is_ok(), ours, "{headers:?}");
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let headers = parts(&[("cookie", "a=b; tidegate=tgs_x"), ("cookie", "c=d")]).headers;
        assert_eq!(cookie(&headers, "tidegate").as_deref(), Some("tgs_x"));
        assert_eq!(cookie(&headers, "c").as_deref(), Some("d"));
        assert_eq!(cookie(&headers, "b"), None);
    }

    #[test]
    fn a_cookie_is_secure_when_clients_see_https() {
        let plain = Options::default();
        assert_eq!(set_cookie(&plain, "s", 60), "tidegate=s; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
        let secure = Options { public_url: Some("https://x".into()), ..Options::default() };
        assert!(set_cookie(&secure, "", 0).starts_with("__Host-tidegate=;"));
        assert!(set_cookie(&secure, "", 0).ends_with("; Secure"));
    }
}
