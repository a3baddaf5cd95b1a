use super::*;
use std::collections::BTreeSet;

fn tags(lists: &Lists, name: &str) -> Vec<String> {
    let mut set = TagSet::default();
    lists.tags_of(name, &mut set);
    set.iter().map(|tag| lists.tag_name(tag).to_owned()).collect()
}

#[test]
fn our_lists_are_without_mistakes_and_say_what_they_are() {
    let mut lists = Lists::default();
    for (stem, text) in embedded::FILES {
        assert_eq!(lists.add(stem, text, stem), [], "{stem}");
        for head in ["# What: ", "# Sources: ", "# Licence: ", "# tag: "] {
            assert!(text.contains(head), "{stem} lacks {head}");
        }
        let names: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(
            names.iter().collect::<BTreeSet<_>>().len(),
            names.len(),
            "{stem} has a name twice: {:?}",
            twice(&names)
        );
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../lists");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, embedded::FILES.len(), "a file of lists/ is not embedded");
}

fn twice<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.iter().copied().filter(|name| !seen.insert(*name)).collect()
}

#[test]
fn names_earn_their_tags() {
    let lists = Lists::embedded();
    for (name, expected) in [
        ("cam.duckdns.org", "dynamic-dns"),
        ("expyuzz4wqqyqhjn.onion.ws", "tor-gateway"),
        ("abcdefgh.onion", "tor-gateway"),
        ("bridges.torproject.org", "tor-bootstrap"),
        ("pool.supportxmr.com", "mining-pool"),
        ("relay-0a1b2c3d.net.anydesk.com", "rmm-anydesk"),
        ("agent-api.atera.com", "rmm-atera"),
        ("router4.teamviewer.com", "remote-access"),
        ("pastebin.com", "paste"),
        ("transfer.sh", "file-transfer"),
        ("abc123.oast.fun", "oast"),
        ("bit.ly", "url-shortener"),
        ("domain.bazar", "emerdns"),
        ("api.telegram.org", "telegram-bot"),
        ("dns.google", "doh-resolver"),
        ("2.1.0.127.zen.spamhaus.org", "benign-long-name"),
        ("www.microsoft.com", "benign"),
        ("detectportal.firefox.com", "browser-probe"),
        ("ns1.sedoparking.com", "parking"),
    ] {
        assert!(tags(&lists, name).contains(&expected.to_owned()), "{name}: {:?}", tags(&lists, name));
    }
    for name in ["example.com", "x.telegram.org", "onion.example", "my-duckdns.org.example", "attacker.github.io"] {
        assert_eq!(tags(&lists, name), [""; 0], "{name}");
    }
}

#[test]
fn a_users_file_adds_names_and_mistakes_are_told_by_line() {
    let mut lists = Lists::embedded();
    let before = lists.len();
    let text = "\u{feff}# my list\n# tag: my-tag\n\nExample.COM  # why\n=only.example.org\n*.wild.example\nbad name\nb\u{fc}cher.example\na..b\n";
    let problems = lists.add("stem", text, "mine.txt");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["mine.txt:7: ` ` cannot stand in a domain name", "mine.txt:9: the name has an empty label"]);
    assert_eq!(lists.len() - before, 4);
    for (name, tagged) in [
        ("a.example.com", true),
        ("only.example.org", true),
        ("a.only.example.org", false),
        ("x.wild.example", true),
        ("www.xn--bcher-kva.example", true),
    ] {
        assert_eq!(tags(&lists, name).contains(&"my-tag".to_owned()), tagged, "{name}");
    }
    // A name of two lists has both tags.
    lists.add("other", "example.com\n=bit.ly\n", "other.txt");
    assert_eq!(tags(&lists, "example.com"), ["my-tag", "other"]);
    assert!(tags(&lists, "bit.ly").contains(&"url-shortener".to_owned()));
    assert!(tags(&lists, "bit.ly").contains(&"other".to_owned()));
}

#[test]
fn bounds_are_told() {
    let mut lists = Lists::default();
    for number in 0..TAGS_MAX {
        assert_eq!(lists.add(&format!("tag-{number}"), "example.com", "x"), []);
    }
    assert_eq!(tags(&lists, "example.com").len(), TAGS_MAX);
    assert!(lists.add("one-more", "example.com", "x")[0].message.contains("one too many"));
    assert!(lists.add("No Tag", "", "x")[0].message.contains("no tag"));
    let html = "<html>\n".repeat(1000);
    let problems = lists.add("tag-0", &html, "page.txt");
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!(problems[PROBLEMS_MAX].to_string(), "page.txt: 980 more lines are no names");
}

#[test]
fn a_folder_is_read_and_bad_files_do_not_stop_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("good.txt"), "good.example\n").unwrap();
    std::fs::write(folder.path().join("binary.txt"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(folder.path().join("ignored.csv"), "ignored.example\n").unwrap();
    let mut lists = Lists::default();
    let problems = lists.load_folder(folder.path());
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().ends_with("binary.txt: not UTF-8 text"), "{problems:?}");
    assert_eq!(tags(&lists, "www.good.example"), ["good"]);
    assert_eq!(tags(&lists, "ignored.example"), [""; 0]);
    assert_eq!(lists.load_folder(&folder.path().join("none")).len(), 1);
}
