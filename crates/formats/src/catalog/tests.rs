//! Loading: what comes with the binary, what users bring, and what is wrong with it.

use std::fs;

use bumpalo::Bump;
use tidegate_event::Value;

use super::*;
use crate::parser::Verdict;

/// A format's folder with the given files, below a fresh folder.
fn folder(files: &[(&str, &str)]) -> tempdir::TempDir {
    let dir = tempdir::TempDir::new();
    for (name, text) in files {
        let path = dir.path().join("vendor/thing").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

mod tempdir {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A folder that goes with the test.
    pub(super) struct TempDir(PathBuf);

    impl TempDir {
        pub(super) fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("tidegate-formats-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

fn mistake(files: &[(&str, &str)]) -> String {
    let dir = folder(files);
    let error = Catalog::load_format(&dir.path().join("vendor/thing")).unwrap_err();
    let path = error.path.strip_prefix(dir.path().join("vendor/thing")).unwrap_or(&error.path).to_owned();
    format!("{}:{}:{}: {}", path.display(), error.line, error.column, error.message)
}

#[test]
fn mistakes_say_where_and_what_was_expected() {
    let parser = |text| [("ingest/parser.yml", text)];
    for (files, expected) in [
        (
            parser("pipeline:\n  - name: x\n"),
            "ingest/parser.yml:2:11: stage `x` is in the pipeline but not under `stages`, and has no `external`",
        ),
        (parser("stages: {}\n"), "ingest/parser.yml:1:1: expected a key `pipeline`"),
        (parser("pipeline: 3\n"), "ingest/parser.yml:1:11: expected a list of stages, found a scalar"),
        (
            parser("pipeline:\n  - name: g\n    external:\n      name: grok.match\n"),
            "ingest/parser.yml:4:13: external stage `grok.match` is not supported yet",
        ),
        (
            parser("pipeline:\n  - name: g\n    external:\n      name: nope\n"),
            "ingest/parser.yml:4:13: unknown external stage `nope`; expected `json.parse-json` or `date.parse`",
        ),
        (
            parser("pipeline:\n  - name: s\nstages:\n  s:\n    actions:\n      - sett: {}\n"),
            "ingest/parser.yml:6:9: expected `set`, `mapping` with `dictionary`, or `delete` in an action",
        ),
    ] {
        assert_eq!(mistake(&files), expected);
    }
    assert!(mistake(&parser("pipeline:\n  - name: [\n")).starts_with("ingest/parser.yml:3:"));
    assert!(
        mistake(&[("_meta/manifest.yml", "name: x\n")])
            .ends_with("expected a file `ingest/parser.yml` in the format's folder")
    );
    let fine = ("ingest/parser.yml", "pipeline: []\n");
    assert!(
        mistake(&[fine, ("_meta/fields.yml", "a:\n  name: a\n  type: what\n")])
            .starts_with("_meta/fields.yml:3:9: unknown type `what` of field `a`; expected keyword")
    );
    assert!(
        mistake(&[fine, ("_meta/manifest.yml", "tidegate:\n  uniq: x\n")])
            .starts_with("_meta/manifest.yml:2:9: unknown key `uniq`")
    );
}

#[test]
fn a_template_that_does_not_parse_costs_only_its_assignment() {
    let dir = folder(&[(
        "ingest/parser.yml",
        "pipeline:\n  - name: j\n    external: {name: json.parse-json}\n  - name: s\nstages:\n  s:\n    actions:\n      - set:\n          user.name: \"{{ j.message.u | }}\"\n          user.id: \"{{ j.message.u }}\"\n",
    )]);
    let format = Catalog::load_format(&dir.path().join("vendor/thing")).unwrap();
    let [warning] = format.warnings() else { panic!("one warning") };
    assert_eq!((warning.line, warning.column), (9, 22));
    let arena = Bump::new();
    let Verdict::Event { event, .. } = format.parser().parse("{\"u\":\"x\"}", &arena) else { panic!("an event") };
    let mut out = Vec::new();
    event.write_json(format.registry(), &mut out);
    assert_eq!(std::str::from_utf8(&out).unwrap(), r#"{"message":"{\"u\":\"x\"}","user":{"id":"x"}}"#);
}

#[test]
fn users_formats_join_ours_and_may_replace_them() {
    let dir = folder(&[
        (
            "_meta/manifest.yml",
            "uuid: AAAAAAAA-0000-4000-8000-000000000000\nname: Thing\nslug: cloudflare-gateway-dns\ntidegate:\n  unique_id: event.id\n",
        ),
        ("ingest/parser.yml", "pipeline: []\n"),
    ]);
    let bad = folder(&[("ingest/parser.yml", "x: [")]);
    let (catalog, errors) = Catalog::load(&[dir.path().to_owned(), bad.path().to_owned()]).unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(catalog.get("cloudflare-gateway-dns").unwrap().manifest().name, "Thing");
    let by_uuid = catalog.get("aaaaaaaa-0000-4000-8000-000000000000").unwrap();
    assert_eq!(by_uuid.manifest().unique_id.as_deref(), Some("event.id"));
    assert!(Catalog::load(&[dir.path().join("nothing")]).is_err());
}

#[test]
fn a_record_that_is_no_object_is_rejected_with_the_byte() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    let Some(format) = catalog.get("cloudflare-gateway-dns") else { return };
    let mut parser = format.parser();
    let arena = Bump::new();
    for (record, expected) in [
        ("{\"QueryName\":\"a\"", "invalid JSON at byte 16: the text ends too early"),
        ("", "invalid JSON at byte 0: the text ends too early"),
        ("42", "the record is JSON but no object"),
        ("[1,2,3]", "the record is JSON but no object"),
        ("[{\"QueryName\":\"c.d\"},5]", "the record is JSON but no object"),
        ("{\"QueryName\":\"a\"} {}", "invalid JSON at byte 18: unexpected text after the value"),
    ] {
        let Verdict::Reject { reason } = parser.parse(record, &arena) else { panic!("{record}") };
        assert_eq!(reason, expected);
    }
    let Verdict::Event { warnings, .. } = parser.parse("{\"Datetime\":\"soon\"}", &arena) else { panic!() };
    assert_eq!(&warnings[..], ["stage `parse_date`: `soon` is not a time"]);
    let Verdict::Event { warnings, .. } = parser.parse("{}", &arena) else { panic!() };
    assert_eq!(&warnings[..], ["the record names no time"]);
}

#[test]
fn none_of_our_formats_takes_a_list_as_a_record() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    let arena = Bump::new();
    for format in catalog.iter() {
        let verdict = format.parser().parse("[{\"a\":1}]", &arena);
        assert!(matches!(verdict, Verdict::Reject { .. }), "{}", format.name());
    }
}

#[test]
fn a_format_that_reads_lists_takes_them() {
    let dir = folder(&[(
        "ingest/parser.yml",
        "pipeline:\n  - name: j\n    external: {name: json.parse-json}\n  - name: s\nstages:\n  s:\n    actions:\n      - set:\n          user.name: \"{{ j.message[0] }}\"\n",
    )]);
    let format = Catalog::load_format(&dir.path().join("vendor/thing")).unwrap();
    let arena = Bump::new();
    let Verdict::Event { event, .. } = format.parser().parse("[\"x\"]", &arena) else { panic!("an event") };
    assert_eq!(event.get(format.registry().id("user.name").unwrap()), Some(Value::Str("x")));
}

#[test]
fn values_that_do_not_fit_are_remarked_upon() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    let Some(format) = catalog.get("cloudflare-gateway-dns") else { return };
    let mut parser = format.parser();
    let arena = Bump::new();
    let long = format!(r#""SrcIP":"{}""#, "x".repeat(1_000));
    let long_remark = format!("`source.ip`: `{}` is not an IP address", "x".repeat(64));
    let cases: &[(&str, &[&str])] = &[
        (
            r#""SrcIP":"bad-ip","SrcPort":"abc""#,
            &["`source.ip`: `bad-ip` is not an IP address", "`source.port`: `abc` is not a number"],
        ),
        (r#""ResolvedIPs":["not-ip"]"#, &["`dns.resolved_ip`: `not-ip` is not an IP address"]),
        (r#""ResolvedIPs":["192.0.2.1","",null,7]"#, &["`dns.resolved_ip`: `7` is not an IP address"]),
        (r#""IsResponseCached":"maybe""#, &["`cloudflare.IsResponseCached`: `maybe` is not `true` or `false`"]),
        (r#""SrcPort":{"a":[1]}"#, &[r#"`source.port`: `{"a":[1]}` is not a number"#]),
        (&long, &[&long_remark]),
        (r#""SrcIP":"","SrcPort":null,"DstIP":" ","DstPort":0,"ResolvedIPs":[],"ColoID":"0""#, &[]),
        (r#""SrcIP":"::","DstIP":"0.0.0.0","ResolvedIPs":[""],"QueryCategoryIDs":[]"#, &[]),
    ];
    for (members, expected) in cases {
        let record = format!(r#"{{"Datetime":"2026-05-04T10:00:00Z",{members}}}"#);
        let Verdict::Event { warnings, .. } = parser.parse(&record, &arena) else { panic!("{record}") };
        assert_eq!(&warnings[..], *expected, "{record}");
    }
    let many = vec![r#""no""#; 50].join(",");
    let record = format!(r#"{{"ResolvedIPs":[{many}]}}"#);
    let Verdict::Event { warnings, .. } = parser.parse(&record, &arena) else { panic!() };
    assert_eq!(warnings.len(), 10);
    assert_eq!(warnings[0], "the record names no time");
    assert_eq!(warnings[9], "42 more values do not fit their fields");
}

#[test]
fn targets_are_what_events_hold() {
    let (catalog, _) = Catalog::load(&[]).unwrap();
    for format in catalog.iter() {
        let targets = format.targets();
        assert!(targets.is_sorted());
        let name = |name: &str| catalog.registry().id(name).unwrap();
        assert!(targets.contains(&name("message")), "{}", format.name());
        assert!(targets.contains(&name("event.category")), "{}", format.name());
    }
}
