//! Feeds that are too large, broken, or not what they seem.

use std::io::{self, Read};

use super::*;
use tidegate_event::Timestamp;

/// Repeats one piece until `left` bytes were given.
struct Endless {
    piece: Vec<u8>,
    at: usize,
    left: u64,
}

impl Endless {
    fn new(piece: &str, bytes: u64) -> Self {
        Self { piece: piece.as_bytes().to_vec(), at: 0, left: bytes }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.piece.len() - self.at).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at = (self.at + count) % self.piece.len();
        self.left -= count as u64;
        Ok(count)
    }
}

fn count(input: impl Read, options: &ReadOptions<'_>) -> Result<Report, IntelError> {
    read(input, options, &mut |_| ControlFlow::Continue(()))
}

fn limited() -> ReadOptions<'static> {
    ReadOptions { indicators_max: 50_000, ..ReadOptions::default() }
}

#[test]
fn a_feed_without_end_ends_at_its_bound_with_a_sentence() {
    let many = 500 << 20;
    let stix = r#"{"type":"domain-name","id":"domain-name--1","value":"a.example"},"#;
    let misp = r#"{"type":"domain","value":"a.example","to_ids":true},"#;
    for (head, piece) in [
        ("", "evil.example\n"),
        ("", "0.0.0.0 evil.example\n"),
        ("domain,tags\n", "evil.example,a\n"),
        (r#"{"type":"bundle","objects":["#, stix),
        (r#"{"response":{"Attribute":["#, misp),
        (r#"["x.example","#, r#""a.example","#),
    ] {
        let report = count(head.as_bytes().chain(Endless::new(piece, many)), &limited()).unwrap();
        assert_eq!(report.accepted, 50_000, "{piece}");
        assert_eq!(report.cut_short.as_deref(), Some("it holds more than 50000 indicators"), "{piece}");
    }
}

#[test]
fn garbage_without_end_is_given_up_soon() {
    for piece in ["lorem ipsum dolor\n", "x,y\n", "\u{fc}\u{fc} !\n"] {
        let error = count(Endless::new(piece, 500 << 20), &limited()).unwrap_err();
        assert_eq!(error.to_string(), "none of the first 1000 records is a name, an address or a URL", "{piece}");
    }
    // A bundle that holds nothing for DNS is read to its end, and says so.
    let unknown = r#"{"type":"x-unknown","id":"x-unknown--1"},"#;
    let many = Endless::new(unknown, 20_000 * unknown.len() as u64);
    let report =
        count(br#"{"objects":["#.chain(many).chain(&br#"{"type":"y","id":"y--1"}]}"#[..]), &limited()).unwrap();
    assert_eq!((report.accepted, report.records, report.cut_short), (0, 20_001, None));
    assert_eq!(report.passed_over["x-unknown"], 20_000);
}

#[test]
fn one_endless_line_row_object_or_string_takes_little_memory() {
    let long = || Endless::new("abcdefgh", 64 << 20);
    let line = count(long(), &limited()).unwrap_err();
    assert!(line.to_string().contains("too long"), "{line}");
    let row = count(b"domain,tags\n\"".chain(long()), &limited()).unwrap_err();
    assert!(row.to_string().contains("too long"), "{row}");
    let quotes = count(b"domain,tags\n".chain(Endless::new("\"a\n", 4 << 20)), &limited());
    assert!(quotes.is_err());
    let text = count(br#"{"type":"bundle","x":""#.chain(long()), &limited()).unwrap_err();
    assert_eq!(text.to_string(), "one object is larger than 1 MiB");
    // Members that are held do not add up beyond one object, nor objects within objects.
    let members = r#""a":"#.to_owned() + &format!("\"{}\",", "x".repeat(100_000));
    let members = count(b"{".chain(Endless::new(&members, 64 << 20)), &limited()).unwrap_err();
    assert_eq!(members.to_string(), "one object is larger than 1 MiB");
    let inside = count(Endless::new(r#"{"objects":["#, 1 << 20), &limited()).unwrap_err();
    assert!(inside.to_string().contains("nested too deeply"), "{inside}");
    // What is of no use may be large: it is not held.
    let galaxy = r#"{"x":"#.repeat(50) + "1" + &"}".repeat(50);
    let galaxies = format!("[{}]", vec![galaxy; 10_000].join(","));
    let event = format!(
        r#"{{"Event":{{"Galaxy":{galaxies},"Attribute":[{{"type":"domain","value":"a.example","to_ids":true}}]}}}}"#
    );
    assert_eq!(count(event.as_bytes(), &limited()).unwrap().accepted, 1);
    let nested = count(br#"{"objects":[{"type":"indicator","a":"#.chain(Endless::new("[", 64 << 20)), &limited());
    assert!(nested.unwrap_err().to_string().contains("recursion"), "nesting is bounded");
}

#[test]
fn a_feed_that_breaks_off_keeps_what_was_read() {
    let whole =
        r#"{"type":"bundle","objects":[{"type":"domain-name","id":"domain-name--1","value":"a.example"},{"type":"#;
    let (found, report) = read_all(whole.as_bytes()).unwrap();
    assert_eq!(found.len(), 1);
    assert!(report.cut_short.unwrap().contains("EOF"));
    // The tags of a MISP event come last; what waited for them is not lost.
    let (found, report) =
        read_all(br#"{"Event":{"info":"x","Attribute":[{"type":"domain","value":"a.example","to_ids":true},"#).unwrap();
    assert_eq!((found.len(), report.format), (1, Format::Misp));

    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cable pulled"))
        }
    }
    let lines = "a.example\n".repeat(10_000);
    let report = count(lines.as_bytes().chain(Failing), &limited()).unwrap();
    assert_eq!(report.accepted, 10_000);
    assert!(report.cut_short.unwrap().contains("cable pulled"));
}

#[test]
fn benign_names_suffixes_and_private_addresses_are_refused_and_told() {
    let options = ReadOptions { benign: &|name| name == "www.good.example" || name == "9.9.9.9", ..Default::default() };
    let text = "evil.example\nwww.good.example\nco.uk\ngithub.io\n9.9.9.9\n192.168.1.1\n127.0.0.1\nfe80::1\n10.0.0.0/8\n198.51.100.7\n";
    let (found, report) = read_with(text.as_bytes(), &options).unwrap();
    let values: Vec<String> = found.iter().map(|indicator| indicator.value.to_string()).collect();
    assert_eq!(values, ["evil.example", "198.51.100.7"]);
    assert_eq!(report.refused[&Refusal::Benign], 2);
    assert_eq!(report.refused[&Refusal::PublicSuffix], 2);
    assert_eq!(report.refused[&Refusal::NotPublic], 4);
    assert!(report.refused_examples.contains(&"co.uk (a public suffix)".to_owned()));
}

#[test]
fn options_complete_what_a_feed_does_not_say() {
    let tags = ["Mine".to_owned()];
    let day = 86_400_000_000;
    let at = |day_number: i64| Timestamp::from_micros(day_number * day);
    let options = ReadOptions {
        tags: &tags,
        confidence: Some(200),
        valid_from: Some(at(10)),
        valid_for_micros: Some(5 * day),
        now: Some(at(12)),
        ..Default::default()
    };
    let (found, _) = read_with(b"evil.example", &options).unwrap();
    let one = &found[0];
    assert_eq!((one.tags.as_slice(), one.confidence), (&["mine".to_owned()][..], Some(100)));
    assert_eq!((one.valid_from, one.valid_until), (Some(at(10)), Some(at(15))));
    let late = ReadOptions { now: Some(at(15)), ..options };
    let (found, report) = read_with(b"evil.example", &late).unwrap();
    assert_eq!((found.len(), report.refused[&Refusal::Over]), (0, 1));
}

#[test]
fn columns_can_be_named_and_a_wrong_name_is_told() {
    let table = b"bad thing;how sure;kinds\nevil.example;77;a,b\n";
    let columns = Columns {
        header: true,
        delimiter: Some(';'),
        value: Some(Column::Name("Bad Thing".into())),
        confidence: Some(Column::Number(1)),
        tags: vec![Column::Name("kinds".into())],
        ..Columns::default()
    };
    let options = ReadOptions { format: Some(Format::Csv), columns: &columns, ..Default::default() };
    let (found, _) = read_with(table, &options).unwrap();
    assert_eq!((found[0].value.to_string().as_str(), found[0].confidence), ("evil.example", Some(77)));
    assert_eq!(found[0].tags, ["a", "b"]);
    let wrong = Columns { value: Some(Column::Name("nope".into())), ..columns.clone() };
    let error = read_with(table, &ReadOptions { columns: &wrong, ..options }).unwrap_err();
    assert_eq!(error.to_string(), "the table has no column `nope`; it has bad_thing, how_sure, kinds");
}

#[test]
fn the_sink_may_end_it() {
    let mut seen = 0;
    let report = read(&b"a.example\nb.example\nc.example\n"[..], &ReadOptions::default(), &mut |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!((seen, report.accepted), (2, 2));
    assert_eq!(report.cut_short.as_deref(), Some("no more was wanted"));
}

#[test]
fn an_envelope_tells_of_its_next_page() {
    let text = br#"{"more":true,"next":"cursor-2","objects":[{"type":"ipv4-addr","id":"ipv4-addr--1","value":"198.51.100.1"}]}"#;
    let (found, report) = read_all(text).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(report.page, Page { more: true, next: Some("cursor-2".into()) });
    let (_, report) = read_all(br#"{"more":false}"#).unwrap();
    assert_eq!(report.page, Page::default());
    // Nothing new.
    let (found, report) = read_all(b"{}").unwrap();
    assert_eq!((found.len(), report.page), (0, Page::default()));
}
