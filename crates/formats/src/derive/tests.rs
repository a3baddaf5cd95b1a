//! Names and URLs into their parts.

use super::domain::{Parts, split};
use super::url::{Pieces, cut};

#[test]
fn names_split_by_the_public_suffix_list() {
    for (name, top_level, registered, subdomain) in [
        ("www.example.com", "com", "example.com", "www"),
        ("example.com", "com", "example.com", ""),
        ("com", "com", "", ""),
        ("a.b.example.co.uk", "co.uk", "example.co.uk", "a.b"),
        ("co.uk", "co.uk", "", ""),
        ("foO-BAR-baz.xYz", "xYz", "foO-BAR-baz.xYz", ""),
        ("www.example.com.", "com", "example.com", "www"),
        // private suffixes are none
        ("objects.githubusercontent.com", "com", "githubusercontent.com", "objects"),
        ("bucket.s3.eu-west-3.amazonaws.com", "com", "amazonaws.com", "bucket.s3.eu-west-3"),
        ("user.github.io", "io", "github.io", "user"),
        ("ip-10-0-0-1.compute.internal", "", "", "ip-10-0-0-1.compute"),
        ("printer.local", "", "", "printer"),
        ("printer", "", "", ""),
        ("192.0.2.1", "", "", ""),
        ("2001:db8::1", "", "", ""),
        ("", "", "", ""),
        (".", "", "", ""),
        ("team.example.com/cdn-cgi/access", "com", "example.com", "team"),
        ("https://user:pw@www.example.com:8443/x?y#z", "com", "example.com", "www"),
        ("www.city.kawasaki.jp", "kawasaki.jp", "city.kawasaki.jp", "www"),
        ("foo.bar.ck", "bar.ck", "foo.bar.ck", ""),
    ] {
        assert_eq!(split(name), Parts { top_level, registered, subdomain }, "{name}");
    }
    split(&"a.".repeat(5000));
}

#[test]
fn urls_are_cut_as_python_cuts_them() {
    let pieces = |scheme, netloc, path, query, fragment| Some(Pieces { scheme, netloc, path, query, fragment });
    for (url, expected) in [
        ("https://a.b/c?d=e#f", pieces("https", Some("a.b"), "/c", "d=e", "f")),
        ("/only/a/path?q", pieces("", None, "/only/a/path", "q", "")),
        ("//host/path", pieces("", Some("host"), "/path", "", "")),
        ("host/path", pieces("", None, "host/path", "", "")),
        ("C:\\x.exe", pieces("C", None, "\\x.exe", "", "")),
        ("tcp://h:1", pieces("tcp", Some("h:1"), "", "", "")),
        ("http://h?q=/#/", pieces("http", Some("h"), "", "q=/", "/")),
        ("http://[::1]:80/x", pieces("http", Some("[::1]:80"), "/x", "", "")),
        ("http://[::1/x", None),
        ("1http://x", pieces("", None, "1http://x", "", "")),
    ] {
        assert_eq!(cut(url), expected, "{url}");
    }
}
