use std::fs;

use super::*;

/// Reads a file with this text, as `tidegate.toml` in a folder that is gone afterwards.
pub(super) fn read(text: &str) -> Result<Loaded, Problems> {
    read_with(text, &[], &[])
}

fn read_with(
    text: &str,
    environment: &[(&str, &str)],
    command_line: &[(&'static str, &str)],
) -> Result<Loaded, Problems> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tidegate.toml");
    fs::write(&path, text).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = environment.iter().map(owned).collect();
    let command_line = command_line.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let sources = Sources { file: Some(path), environment, command_line };
    Loaded::read(&sources).map_err(|Problems(mut problems)| {
        for problem in &mut problems {
            if let Origin::File { path, .. } = &mut problem.origin {
                *path = "tidegate.toml".into();
            }
        }
        Problems(problems)
    })
}

pub(super) fn problems(text: &str) -> Vec<String> {
    read(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_written_gives_the_defaults() {
    let loaded = Loaded::read(&Sources::default()).unwrap();
    let config = loaded.config().unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert!(loaded.values().iter().all(|(.., origin)| **origin == Origin::Default));
    assert_eq!(format!("{:?}", config.limits), format!("{:?}", tidegate_batch::Limits::default()));
    assert_eq!(format!("{:?}", config.server), format!("{:?}", tidegate_server::Options::default()));
    assert_eq!(format!("{:?}", config.store), format!("{:?}", tidegate_store::Options::default()));
    assert_eq!(format!("{:?}", config.journal), format!("{:?}", tidegate_journal::Options::default()));
    assert_eq!(config.query.spill_dir.as_deref(), Some(Path::new("tidegate-data/spill")));
}

#[test]
fn what_is_written_is_what_runs() {
    let loaded = read(
        r#"
        [data]
        dir = "data"
        [server]
        listen = "0.0.0.0:443"
        public_url = "https://tidegate.example.com/"
        trusted_proxies = ["10.0.0.0/8", "::1"]
        body_timeout = "90s"
        [intake]
        compressed_bytes_max = "5 MiB"
        [journal]
        bytes_max = "64 MiB"
        [store]
        retention_days = 30
        retention_size = "500 GB"
        memory_max = "100 MiB"
        [formats]
        dirs = ["mine", "/srv/formats"]
        [log]
        format = "json"
        "#,
    )
    .unwrap();
    let config = loaded.config().unwrap();
    assert!(config.data.dir.is_absolute() && config.data.dir.ends_with("data"), "begins at the file's folder");
    assert!(config.formats.dirs[0].is_absolute());
    assert_eq!(config.formats.dirs[1], Path::new("/srv/formats"));
    assert_eq!(config.server.body_seconds_max, 90);
    assert_eq!(config.server.public_url.as_deref(), Some("https://tidegate.example.com"));
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!((config.limits.compressed_bytes_max, config.pipeline.limits.compressed_bytes_max), (5 << 20, 5 << 20));
    assert_eq!(config.journal.segment_bytes, 8 << 20);
    assert_eq!(config.store.retention_bytes, Some(500_000_000_000));
    assert_eq!(config.store.flush_bytes, 50 << 20);
    assert_eq!(config.log.format, LogFormat::Json);
    assert!(read("enrich.enabled = false").unwrap().config().unwrap().pipeline.enrich.is_none());
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nconnections_max = 1\n[store]\nflush_rows = 1\nretention_days = 9\n";
    let environment = [
        ("TIDEGATE_SERVER__LISTEN", "127.0.0.1:2"),
        ("TIDEGATE_SERVER__CONNECTIONS_MAX", "2"),
        ("TIDEGATE_SERVER__TRUSTED_PROXIES", "10.0.0.1, ::1"),
        ("TIDEGATE_STORE__RETENTION_DAYS", "none"),
        ("TIDEGATE_TOKEN", "tgt_x"),
        ("OTHER__LISTEN", "x"),
    ];
    let loaded = read_with(text, &environment, &[("server.listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(loaded.settings.server.listen.port(), 3);
    assert_eq!(loaded.settings.server.connections_max, 2);
    assert_eq!(loaded.settings.server.trusted_proxies.len(), 2);
    assert_eq!(loaded.settings.store.flush_rows, 1);
    assert_eq!(loaded.settings.store.retention_days, None);
    assert_eq!(loaded.origin("server", "listen"), &Origin::CommandLine);
    assert_eq!(loaded.origin("server", "connections_max").to_string(), "TIDEGATE_SERVER__CONNECTIONS_MAX");
    assert!(loaded.origin("store", "flush_rows").to_string().ends_with("tidegate.toml:5"));
    assert_eq!(loaded.origin("log", "level"), &Origin::Default);
}

#[test]
fn unknown_names_are_refused_with_the_nearest_known_one() {
    for (text, message) in [
        ("[store]\nretension_days = 3", "2:1: unknown key `retension_days` in [store]; did you mean `retention_days`?"),
        ("[store]\n\n  retention = 3", "3:3: unknown key `retention` in [store]; did you mean `retention_days`?"),
        ("[store]\nretension = 3", "2:1: unknown key `retension` in [store]; did you mean `retention_days`?"),
        ("[serv]\n", "1:2: unknown section [serv]; did you mean [server]?"),
        ("[server]\nretention_days = 3", "2:1: unknown key `retention_days` in [server]; it belongs in [store]"),
        ("listen = 'x'", "1:1: `listen` must stand below [server]"),
        ("banana = 1", "1:1: `banana` stands in no section"),
        ("log = 'debug'", "1:1: `log` must be a section: write `[log]`"),
        ("[log]\nbanana = 1", "2:1: unknown key `banana` in [log]; there are `level`, `format`"),
        ("server.lisen = 'x'", "1:8: unknown key `lisen` in [server]; did you mean `listen`?"),
    ] {
        assert_eq!(problems(text), [format!("tidegate.toml:{message}")], "{text}");
    }
    assert!(problems("[zzzzzzzzzz]")[0].contains("there are `data`, `server`"));
    let wrong = read_with("", &[("TIDEGATE_SERVER__LISEN", "x"), ("TIDEGATE_SERVR__LISTEN", "x")], &[]).unwrap_err();
    assert_eq!(
        wrong.0[0].to_string(),
        "TIDEGATE_SERVER__LISEN: unknown key `lisen` in [server]; did you mean `listen`?"
    );
    assert_eq!(wrong.0[1].to_string(), "TIDEGATE_SERVR__LISTEN: unknown section [servr]; did you mean [server]?");
}

#[test]
fn wrong_values_are_refused_where_they_stand() {
    for (text, message) in [
        (
            "[server]\nlisten = 'localhost'",
            "2:10: `listen` in [server] must be an IP address and a port such as `127.0.0.1:8080` or `[::]:8080`, not `localhost`",
        ),
        (
            "[intake]\nrecord_bytes_max = -1",
            "2:20: `record_bytes_max` in [intake] must be a size such as `64 MiB`, not `-1`",
        ),
        (
            "[store]\nflush_age = 30",
            "2:13: `flush_age` in [store] must be a length of time such as `30s`, `24h` or `7d`, not `30`",
        ),
        ("[store]\nflush_rows = [1]", "2:14: `flush_rows` in [store] must be a whole number from 1, not a list"),
        ("[store]\nflush_rows = 1.5", "2:14: `flush_rows` in [store] must be a whole number from 1, not a fraction"),
        (
            "[store]\nflush_rows = 99999999999999999999",
            "2:14: `flush_rows` in [store] must be a whole number from 1, not a number that is too large",
        ),
        (
            "[log]\nlevel = 'loud'",
            "2:9: `level` in [log] must be `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,tidegate_store=debug`, not `loud`",
        ),
        ("[server]\ntls_key = 'k.pem'", "2:11: `tls_key` in [server] needs `tls_certificate` as well"),
        (
            "[acme]\nnames = ['t.example']\nterms_agreed = true\nexternal_account_id = 'k'",
            "4:23: `external_account_id` in [acme] needs `external_account_key_file` as well",
        ),
        (
            "[acme]\nnames = ['t.example']\nterms_agreed = true\nexternal_account_key_file = 'k'",
            "4:29: `external_account_key_file` in [acme] needs `external_account_id` as well",
        ),
        (
            "[journal]\nbytes_max = '1 MiB'",
            "2:13: `bytes_max` in [journal] is less than twice `compressed_bytes_max` in [intake]; two batches must fit",
        ),
        ("[logpush]\ninterval = '1s'", "2:12: `interval` in [logpush] is shorter than 10s; Cloudflare counts calls"),
        (
            "[logpush]\naccounts = ['a/b']",
            "2:12: `accounts` in [logpush] must be an identifier of Cloudflare, 32 hexadecimal digits, not `a/b`",
        ),
        ("[auth]\nsession_idle = '8d'", "2:16: `session_idle` in [auth] is longer than `session_ttl`"),
    ] {
        assert_eq!(problems(text), [format!("tidegate.toml:{message}")], "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_broken_toml_at_its_place() {
    assert_eq!(problems("[server]\nlisten = 1\nlisen = 2\n[stor]\n").len(), 3);
    let broken = problems("[server]\nlisten = \"x\nfoo");
    assert!(broken[0].starts_with("tidegate.toml:2:"), "{broken:?}");
    assert!(problems("[log]\n[log]\n")[0].starts_with("tidegate.toml:2:"));
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, message) in
        [("missing", None, "cannot be opened"), ("latin1", Some(b"\xe9".as_slice()), "is not UTF-8")]
    {
        let path = dir.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let error = Loaded::read(&Sources { file: Some(path), ..Sources::default() }).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn files_that_are_named_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("cert.pem", "-----BEGIN CERTIFICATE-----\n");
    write("key.pem", "not a key");
    write(
        "tidegate.toml",
        "[server]\ntls_certificate = 'cert.pem'\ntls_key = 'key.pem'\n[enrich]\ngeoip_city = 'no.mmdb'\n[formats]\ndirs = ['nowhere']\n[data]\ndir = 'cert.pem/x'\n[detect]\nlists = ['key.pem']\nrules = ['my-rules']\n[[buckets]]\nurl = 'file:///no/such/folder'\nintake = 'x'\n",
    );
    let file = dir.path().join("tidegate.toml");
    let loaded = Loaded::read(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap();
    let found = loaded.check_files().unwrap_err().to_string();
    for part in [
        "toml:3:11: `tls_key` in [server] names `",
        "which holds no `PRIVATE KEY-----`",
        "toml:5:14: `geoip_city` in [enrich] names `",
        "No such file",
        "toml:7:8: `dirs` in [formats] names `",
        "toml:9:7: `dir` in [data] ",
        "toml:11:9: `lists` in [detect] names `",
        "toml:12:9: `rules` in [detect] names `",
        "`url` in [buckets] names `/no/such/folder`: No such file",
    ] {
        assert!(found.contains(part), "{part}\n{found}");
    }
    assert_eq!(found.lines().count(), 8, "{found}");
    fs::write(&file, "[data]\ndir = 'new/data'\n").unwrap();
    Loaded::read(&Sources { file: Some(file), ..Sources::default() }).unwrap().check_files().unwrap();
}

#[test]
fn what_is_shown_can_be_read_back() {
    let loaded = Loaded::read(&Sources::default()).unwrap();
    let mut text = String::new();
    for (section, key, value, _) in loaded.values() {
        text.push_str(&format!("{section}.{key} = {}\n", value.to_toml()));
    }
    // The data directory moves with the file; everything else stays.
    let mut again = read(&text).unwrap().settings;
    again.data.dir.clone_from(&loaded.settings.data.dir);
    assert_eq!(again, loaded.settings);
}

#[test]
fn the_reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "run with UPDATE_GOLDEN=1 to renew {}", path.display());
}
