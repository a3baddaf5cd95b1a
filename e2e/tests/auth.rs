//! Who may do what, and that secrets stay secret.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tidegate_e2e::{Records, Reply, Request, Server, Session, contains, gzip, run};

const UNKNOWN: &str = "00000000-0000-4000-8000-00000000dead";

/// A route of the description, with what it asks of its caller.
struct Route {
    method: String,
    path: String,
    /// Scheme and role, as the description names them; none for a route that is open.
    needs: Vec<(String, Option<String>)>,
    open: bool,
}

impl Route {
    fn role(&self, scheme: &str) -> Option<Option<&str>> {
        self.needs.iter().find(|(name, _)| name == scheme).map(|(_, role)| role.as_deref())
    }

    fn is_intake(&self) -> bool {
        self.needs.iter().any(|(name, _)| name.starts_with("intake"))
    }
}

fn routes(server: &Server) -> Vec<Route> {
    let description = server.admin().get("openapi.json");
    let mut routes = Vec::new();
    for (path, operations) in description["paths"].as_object().expect("paths are an object") {
        for (method, operation) in operations.as_object().expect("operations are an object") {
            let mut needs = Vec::new();
            let mut open = false;
            for requirement in
                operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path} says no security"))
            {
                let requirement = requirement.as_object().expect("a requirement is an object");
                open |= requirement.is_empty();
                let role = |scopes: &Value| scopes[0].as_str().map(str::to_owned);
                needs.extend(requirement.iter().map(|(scheme, scopes)| (scheme.clone(), role(scopes))));
            }
            let path = path.replace("{id}", UNKNOWN).replace("{key}", "no-such").replace("{name}", "no-such");
            assert!(!path.contains('{'), "{path}");
            routes.push(Route { method: method.to_uppercase(), path, needs, open });
        }
    }
    assert!(routes.len() > 40, "the description names every route");
    routes
}

fn send(server: &Server, request: &Request) -> Reply {
    server.http().send(request).unwrap_or_else(|error| panic!("{error}"))
}

/// A request without a credential, with a body where one is usual.
fn bare(server: &Server, route: &Route) -> Request {
    let request = server.request(&route.method, &route.path);
    match (route.method.as_str(), route.path.as_str()) {
        (_, "/api/v1/me/password") => request.json(&json!({"old": "correct horse", "new": "battery staple wrong"})),
        ("POST", "/api/v1/tokens") => request.json(&json!({"name": "more", "role": "viewer"})),
        ("POST" | "PUT" | "PATCH", _) => request.json(&json!({})),
        _ => request,
    }
}

#[test]
fn every_route_wants_a_credential_but_the_ones_that_say_so() {
    let server = Server::start("");
    let mut open = BTreeSet::new();
    for route in routes(&server) {
        let name = format!("{} {}", route.method, route.path);
        if route.open && !route.is_intake() {
            open.insert(name);
            continue;
        }
        let reply = send(&server, &bare(&server, &route));
        if route.is_intake() && route.open {
            // The body may hold the key, so it is read; one that is not even of the right shape is told so.
            assert!(matches!(reply.status, 400 | 401), "{name}: {}", reply.status);
        } else {
            assert_eq!(reply.status, 401, "{name}");
            reply.refusal(401);
        }
        for (header, value) in [
            ("Authorization", "Bearer tgt_0000000000000000000000000000000000000000"),
            ("Authorization", "Bearer "),
            ("Authorization", "Basic YWRtaW46YWRtaW4="),
            ("Authorization", "garbage"),
            ("Cookie", "tidegate=tgs_0000000000000000000000000000000000000000"),
        ] {
            let reply = send(&server, &bare(&server, &route).header(header, value));
            assert!(matches!(reply.status, 400 | 401), "{name} with `{header}: {value}`: {}", reply.status);
        }
    }
    let expected = ["GET /healthz", "GET /readyz", "POST /api/v1/login"].map(str::to_owned);
    assert_eq!(open, BTreeSet::from(expected));
    send(&server, &server.request("GET", "/api/v1/openapi.json")).refusal(401);
    send(&server, &server.request("GET", "/api/v1/nothing")).refusal(404);
}

/// Whoever is further up may do all that those below may.
fn rank(role: &str) -> Option<usize> {
    ["viewer", "analyst", "admin"].iter().position(|known| *known == role)
}

#[test]
fn roles_may_do_what_the_description_says_and_no_more() {
    let server = Server::start("");
    let admin = server.login("admin", server.password());
    for role in ["viewer", "analyst"] {
        admin.create_user(role, "correct horse battery", role);
    }
    for role in ["viewer", "analyst", "admin"] {
        let password = if role == "admin" { server.password() } else { "correct horse battery" };
        let login = server.login(role, password);
        let session = server.session(&login.token("roles", role));
        for route in routes(&server).iter().filter(|route| !route.open && !route.is_intake()) {
            let name = format!("{} {} as {role}", route.method, route.path);
            // What ends sessions would end the ones this test needs.
            if route.method == "DELETE" && route.path == "/api/v1/sessions" {
                continue;
            }
            let body = bare(&server, route).header("Authorization", format!("Bearer {}", session.token()));
            let status = send(&server, &body).status;
            match route.role("token") {
                None => assert_eq!(status, 403, "{name}: a token is not enough"),
                Some(Some(needed)) if rank(needed) > rank(role) => assert_eq!(status, 403, "{name}"),
                Some(_) => assert!(!matches!(status, 401 | 403 | 500), "{name}: {status}"),
            }
        }
    }
}

#[test]
fn a_token_may_not_do_more_than_its_owner_nor_outlive_it() {
    let server = Server::start("");
    let admin = server.login("admin", server.password());
    admin.create_user("vera", "correct horse battery", "viewer");
    let vera = server.login("vera", "correct horse battery");
    let wanted = json!({"name": "more", "role": "admin"});
    let reply = vera.send(&vera.request("POST", "tokens").json(&wanted));
    assert!(matches!(reply.status, 400 | 403), "{}", reply.text());
    let token = vera.token("hers", "viewer");
    let session = server.session(&token);
    assert_eq!(session.get("me")["user"], "vera");
    assert_eq!(session.get("me")["role"], "viewer");
    let id = session.get("tokens")[0]["id"].as_str().expect("a token has an id").to_owned();

    let lesser = server.session(&admin.token("lesser", "viewer"));
    assert_eq!(lesser.ask("POST", "intakes", Some(&json!({"name": "x", "format": "y"}))).status, 403);
    let over = json!({"name": "over", "role": "viewer", "expires": "2020-01-01T00:00:00Z"});
    let over = admin.send(&admin.request("POST", "tokens").json(&over));
    if over.status == 201 {
        let secret = over.json()["secret"].as_str().expect("a token has a secret").to_owned();
        assert_eq!(server.session(&secret).ask("GET", "me", None).status, 401);
    } else {
        over.refusal(400);
    }

    assert_eq!(session.ask("DELETE", &format!("tokens/{id}"), None).status, 204);
    assert_eq!(session.ask("GET", "me", None).status, 401);
    let second = server.session(&vera.token("second", "viewer"));
    let users = server.admin().get("users");
    let users = users.as_array().expect("users are a list");
    let id =
        users.iter().find(|user| user["name"] == "vera").and_then(|user| user["id"].as_str()).expect("vera is there");
    server.admin().ask("PATCH", &format!("users/{id}"), Some(&json!({"enabled": false}))).expect(200);
    assert_eq!(second.ask("GET", "me", None).status, 401, "the token of a disabled user");
    assert_eq!(vera.send(&vera.request("GET", "me")).status, 401, "the session of a disabled user");
}

#[test]
fn what_a_foreign_page_sends_is_refused() {
    let server = Server::start("");
    let login = server.login("admin", server.password());
    let body = json!({"query": "*"});
    let plain =
        |method: &str, path: &str| server.request(method, &format!("/api/v1/{path}")).header("Cookie", &login.cookie);
    assert_eq!(login.send(&login.request("POST", "events/search").json(&body)).status, 200);
    assert_eq!(send(&server, &plain("GET", "me")).status, 200, "reading needs no token");
    assert!(send(&server, &plain("POST", "events/search").json(&body)).refusal(403).contains("csrf"));
    let wrong = plain("POST", "events/search").header("X-Tidegate-CSRF", "x".repeat(43)).json(&body);
    send(&server, &wrong).refusal(403);
    for (header, value) in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        let foreign = login.request("POST", "events/search").header(header, value).json(&body);
        assert!(send(&server, &foreign).refusal(403).contains("another site"), "{header}: {value}");
    }
    let ours =
        login.request("POST", "events/search").header("Origin", server.url()).header("Sec-Fetch-Site", "same-origin");
    assert_eq!(send(&server, &ours.json(&body)).status, 200);
    let other = server.login("admin", server.password());
    let mixed = plain("POST", "events/search").header("X-Tidegate-CSRF", &other.csrf).json(&body);
    send(&server, &mixed).refusal(403);
    let form = server.request("POST", "/api/v1/login").header("Content-Type", "text/plain");
    send(&server, &form.body(json!({"user": "admin", "password": server.password()}).to_string())).refusal(415);
    assert_eq!(login.send(&login.request("POST", "logout")).status, 204);
    assert_eq!(login.send(&login.request("GET", "me")).status, 401, "after logging out");
    assert_eq!(other.send(&other.request("GET", "me")).status, 200, "another session goes on");
}

#[test]
fn every_answer_keeps_browsers_safe() {
    let server = Server::start("");
    let login = server.login("admin", server.password());
    assert!(login.cookie.starts_with("tidegate="));
    let request =
        server.request("POST", "/api/v1/login").json(&json!({"user": "admin", "password": server.password()}));
    let reply = send(&server, &request);
    let cookie = reply.header("set-cookie").expect("a login sets a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    for path in ["/", "/healthz", "/api/v1/me", "/nothing", "/plain/batch"] {
        let reply = send(&server, &server.request("GET", path));
        for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options"] {
            assert!(reply.header(name).is_some(), "{path} without `{name}`");
        }
    }
    assert_eq!(send(&server, &server.request("GET", "/api/v1/me")).header("cache-control"), Some("no-store"));
}

#[test]
fn guessing_a_password_is_slowed_down() {
    let server = Server::start("");
    server.login("admin", server.password()).create_user("vera", "correct horse battery", "viewer");
    let attempt = |user: &str, password: &str| {
        let body = json!({"user": user, "password": password});
        send(&server, &server.request("POST", "/api/v1/login").json(&body))
    };
    let mut refused = 0;
    let throttled = loop {
        let reply = attempt("vera", "wrong horse battery");
        if reply.status == 429 {
            break reply;
        }
        assert_eq!(reply.refusal(401), attempt("nobody", "wrong horse battery").refusal(401), "names are not told");
        refused += 1;
        assert!(refused < 50, "nobody slows the guessing down");
    };
    assert!(refused >= 3, "a typing mistake or two are forgiven");
    let seconds: u64 =
        throttled.header("retry-after").and_then(|text| text.parse().ok()).expect("it says when to come back");
    assert!(seconds > 0);
    assert_eq!(attempt("vera", "correct horse battery").status, 429, "the right one waits as well");
    assert_eq!(attempt("VERA", "correct horse battery").status, 429, "in any case");
    assert_eq!(attempt("admin", server.password()).status, 200, "others do not wait");
    let audit = server.admin().get("audit?limit=1000").to_string();
    assert!(audit.contains("login"), "{audit}");
    assert!(!audit.contains("wrong horse") && !audit.contains("correct horse"), "no password in the audit trail");
}

#[test]
fn no_secret_is_logged_or_stored_in_clear() {
    let server = Server::start("[log]\nlevel = \"trace\"\n");
    let intake = server.admin().gateway("gateway");
    let login = server.login("admin", server.password());
    login.create_user("vera", "a very secret password", "viewer");
    let vera = server.login("vera", "a very secret password");
    let token = vera.token("hers", "viewer");
    let brought = json!({"name": "kept", "format": "cloudflare-gateway-dns", "key": "BroughtAlongKey0123456789"});
    server.admin().ask("POST", "intakes", Some(&brought)).expect(201);
    let mut records = Records::new("secret");
    let _ = server.admin().push(&intake, &records.lines(5));
    for request in [
        server.request("POST", &format!("/plain?intake_key={}", intake.key)).body(records.one()),
        server.request("POST", &format!("/nothing?intake_key={}", intake.key)).body(records.one()),
        server.request("POST", "/plain").header("X-Tidegate-Intake-Key", format!("{}x", intake.key)).body("x"),
        server.request("POST", "/plain/batch").header("X-SEKOIAIO-INTAKE-KEY", &intake.key).body(&gzip(b"x")[..9]),
        server.request("GET", &format!("/api/v1/me?token={token}")).header("Authorization", format!("Bearer {token}")),
        server.request("POST", "/api/v1/login").json(&json!({"user": "vera", "password": "a very secret password?"})),
        server.request("POST", "/api/v1/login").json(&json!({"user": "vera", "pass": "a very secret password"})),
    ] {
        let _ = send(&server, &request);
    }
    server.admin().wait_for("*", 6);
    let session = vera.cookie.split_once('=').expect("a cookie has a value").1;
    let secrets = [
        ("intake key", intake.key.as_str()),
        ("brought key", "BroughtAlongKey0123456789"),
        ("token", &token),
        ("first password", server.password()),
        ("password", "a very secret password"),
        ("session", session),
        ("csrf token", &vera.csrf),
    ]
    .map(|(name, secret)| (name, secret.to_owned()));
    let bearer = format!("Bearer {}", server.admin().token());
    let mut shown = send(&server, &server.request("GET", "/metrics").header("Authorization", bearer)).text();
    for path in ["intakes", "users", "tokens", "sessions", "audit?limit=1000", "settings", "status"] {
        shown += &server.admin().get(path).to_string();
    }
    assert!(server.log().len() > 1_000, "the log is verbose");
    hidden(&secrets, &server.log(), server.data());
    for (name, secret) in &secrets {
        assert!(!shown.contains(secret), "the API shows the {name}");
    }
    let ended = server.stop();
    hidden(&secrets, &ended.log(), ended.data());
}

fn hidden(secrets: &[(&str, String)], log: &str, data: &Path) {
    for (name, secret) in secrets {
        assert!(!log.contains(secret), "the {name} is in the log");
        assert_eq!(contains(data, secret.as_bytes()), None, "the {name} is in the data directory");
    }
}

#[test]
fn changes_are_in_the_audit_trail() {
    let server = Server::start("");
    let intake = server.admin().gateway("gateway");
    let data = server.data().to_str().expect("a path of the test's").to_owned();
    let _ = run(&["intake", "rotate", "gateway", "--data", &data]).ok();
    server.admin().ask("DELETE", &format!("intakes/{}", intake.id), None).expect(204);
    let entries = actions(server.admin());
    for action in ["intake.create", "intake.rotate", "intake.delete", "token.create"] {
        assert!(entries.iter().any(|entry| entry.starts_with(action)), "no `{action}` in {entries:?}");
    }
}

fn actions(session: &Session) -> Vec<String> {
    let page = session.get("audit?limit=1000");
    let entries = page["entries"].as_array().expect("entries are a list");
    entries
        .iter()
        .map(|entry| format!("{} {} {}", entry["action"].as_str().unwrap_or(""), entry["actor"], entry["target"]))
        .collect()
}
