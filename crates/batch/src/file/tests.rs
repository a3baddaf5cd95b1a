use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// Gives its bytes in pieces of a few sizes, as pipes do.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    sizes: Vec<usize>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sizes.rotate_left(1);
        let size = self.sizes[0].clamp(1, buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

type Found = (Vec<u8>, u32, bool);

fn read(bytes: &[u8], sizes: &[usize], limits: &Limits) -> (Vec<Found>, Option<FileError>) {
    let pieces = Pieces { bytes: Cursor::new(bytes.to_vec()), sizes: sizes.to_vec() };
    let mut records = from_reader(Box::new(pieces), "file", Some(bytes.len() as u64), limits);
    let (mut found, mut chunk) = (Vec::new(), Chunk::default());
    loop {
        match records.read_chunk(&mut chunk) {
            Ok(true) => found.extend(chunk.records().map(|r| (r.raw.into_owned(), r.line, r.oversize))),
            Ok(false) => return (found, None),
            Err(error) => {
                assert!(!matches!(records.read_chunk(&mut chunk), Ok(true)), "records after an error");
                return (found, Some(error));
            }
        }
    }
}

fn all(bytes: &[u8]) -> Vec<(String, u32)> {
    let (whole, error) = read(bytes, &[usize::MAX], &Limits::default());
    assert!(error.is_none(), "{error:?}");
    for sizes in [&[1][..], &[2, 3], &[7]] {
        assert_eq!(read(bytes, sizes, &Limits::default()).0, whole, "in pieces of {sizes:?}");
    }
    whole.into_iter().map(|(raw, line, _)| (String::from_utf8(raw).unwrap(), line)).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn owned(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(raw, line)| ((*raw).to_owned(), *line)).collect()
}

#[test]
fn lines_and_arrays_by_content() {
    let lines = owned(&[("{\"a\":1}", 2), ("text", 4), ("{\"b\":2}", 5)]);
    let text = "\n{\"a\":1}\r\n  \ntext\n{\"b\":2}";
    assert_eq!(all(text.as_bytes()), lines);
    assert_eq!(all(format!("\u{feff}{text}\n").as_bytes()), lines);
    assert_eq!(all(&gzip(text.as_bytes())), lines);
    assert_eq!(all(&zstd::encode_all(text.as_bytes(), 1).unwrap()), lines);
    let members = [gzip(&text.as_bytes()[..9]), gzip(&text.as_bytes()[9..]), vec![0; 100]].concat();
    assert_eq!(all(&members), lines);

    let array = "\n[ {\"a\":[1,\n2]} ,\r\n\"te\\\"xt\",3\n]\n";
    assert_eq!(all(array.as_bytes()), owned(&[("{\"a\":[1,\n2]}", 2), ("te\"xt", 4), ("3", 4)]).to_vec());
    assert_eq!(all(b"{\"Records\" : [{\"a\":1}, {\"b\":2}]}\n"), owned(&[("{\"a\":1}", 1), ("{\"b\":2}", 1)]));
    for empty in ["", " \n\n", "[]", "{\"events\":[]}", "\u{feff}"] {
        assert!(all(empty.as_bytes()).is_empty(), "{empty:?}");
    }
}

#[test]
fn damage_ends_the_file_after_its_good_records() {
    let cases: [(&[u8], &[u8], usize, &str); 5] = [
        (
            b"[{\"a\":1},\n {\"b\":2}",
            b"",
            2,
            "`file`: line 2, column 9 (byte 18): expected `,` or `]`, found the end of the body",
        ),
        (
            b"[{\"a\":1}\n {\"b\":2}]",
            b"",
            1,
            "`file`: line 2, column 2 (byte 10): expected `,` or `]`, found `{\"b\":2}]`",
        ),
        (b"[{\"a\":1}] x", b"", 1, "`file`: line 1, column 11 (byte 10): expected the end of the file, found `x`"),
        (b"[{\"a\":1},{\"b\":]}]", b"", 1, "`file`: line 1, column 15 (byte 14): expected a value, found `]}]`"),
        (
            b"{\"events\":[{\"a\":1}],\"x\":1}",
            b"",
            1,
            "`file`: line 1, column 20 (byte 19): expected `}`, found `,\"x\":1}`",
        ),
    ];
    for (text, _, good, expected) in cases {
        for sizes in [&[usize::MAX][..], &[1], &[3]] {
            let (found, error) = read(text, sizes, &Limits::default());
            assert_eq!(found.len(), good);
            let error = error.unwrap().to_string();
            // What is found at the place depends on how much of it was read by then; where it is does not.
            let place = |text: &str| text.split(", found").next().unwrap().to_owned();
            assert_eq!(place(&error), place(expected));
        }
        let (_, error) = read(text, &[usize::MAX], &Limits::default());
        assert_eq!(error.unwrap().to_string(), expected);
    }
    let mut cut = gzip(&b"line of text\n".repeat(10_000));
    cut.truncate(cut.len() / 2);
    let (found, error) = read(&cut, &[usize::MAX], &Limits::default());
    assert!(!found.is_empty() && found.iter().all(|(raw, ..)| raw == b"line of text"));
    assert!(error.unwrap().to_string().contains("gzip data is cut off"));
}

#[test]
fn long_records_are_cut_at_the_bound_in_bounded_memory() {
    let limits = Limits { record_bytes_max: 1000, ..Limits::default() };
    let long = "x".repeat(1001);
    let just = "y".repeat(1000);
    let huge = "z".repeat(900_000);
    let lines = format!("{long}\n{just}\n{huge}\nlast");
    let array = format!("[\"{long}\",\n\"{just}\",\n\"{huge}\",\n\"last\"]");
    for (text, name) in [(lines, "lines"), (array, "array")] {
        for sizes in [&[usize::MAX][..], &[100], &[1001, 1]] {
            let (found, error) = read(text.as_bytes(), sizes, &limits);
            assert!(error.is_none(), "{name}: {error:?}");
            let seen: Vec<_> =
                found.iter().map(|(raw, line, oversize)| (raw[0], raw.len(), *line, *oversize)).collect();
            let expected = [(b'x', 1000, 1, true), (b'y', 1000, 2, false), (b'z', 1000, 3, true), (b'l', 4, 4, false)];
            assert_eq!(seen, expected, "{name} {sizes:?}");
        }
    }
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = buffer.len().min(usize::try_from(self.0).unwrap());
            buffer[..size].fill(b'x');
            self.0 -= size as u64;
            Ok(size)
        }
    }
    let mut records = from_reader(Box::new(Endless(200 << 20)), "endless", None, &Limits::default());
    let chunk = records.next_chunk().unwrap().unwrap();
    let record = chunk.records().next().unwrap();
    assert!(record.oversize && record.raw.len() == 1 << 20);
    assert!(records.next_chunk().unwrap().is_none());
    assert_eq!(records.progress().read_bytes(), 200 << 20);
}

#[test]
fn blanks_beyond_the_bound_are_a_blank_line_until_something_follows() {
    let limits = Limits { record_bytes_max: 2, ..Limits::default() };
    for (text, expected) in [
        (",\n    \n,", vec![(",", 1, false), (",", 3, false)]),
        (",\n    a\n,", vec![(",", 1, false), ("  ", 2, true), (",", 3, false)]),
        ("  \r \r\n,", vec![(",", 2, false)]),
        ("ab\r\nabc\r\n", vec![("ab", 1, false), ("ab", 2, true)]),
    ] {
        for sizes in [&[usize::MAX][..], &[1], &[2, 3]] {
            let (found, error) = read(text.as_bytes(), sizes, &limits);
            assert!(error.is_none(), "{error:?}");
            let seen: Vec<_> =
                found.iter().map(|(raw, line, oversize)| (str::from_utf8(raw).unwrap(), *line, *oversize)).collect();
            assert_eq!(seen, expected, "{text:?} {sizes:?}");
        }
    }
}

#[test]
fn files_are_opened_or_named_in_the_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.json.gz");
    let Err(error) = open(&path, &Limits::default()) else { panic!("opened what is not there") };
    assert!(error.to_string().starts_with("cannot read `") && error.to_string().contains("log.json.gz"), "{error}");
    assert!(open(directory.path(), &Limits::default()).is_err());
    let bytes = gzip(b"one\ntwo\n");
    std::fs::write(&path, &bytes).unwrap();
    let mut records = open(&path, &Limits::default()).unwrap();
    assert_eq!(records.progress().total_bytes(), Some(bytes.len() as u64));
    assert_eq!(records.next_chunk().unwrap().unwrap().len(), 2);
    assert!(records.next_chunk().unwrap().is_none());
    assert_eq!(records.progress().read_bytes(), bytes.len() as u64);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(text in "[a\\[{\"}\\],:\r\n ]{0,60}", sizes in prop::collection::vec(1_usize..9, 1..4), record_bytes_max in 1_usize..30) {
        let limits = Limits { record_bytes_max, ..Limits::default() };
        let (whole, whole_error) = read(text.as_bytes(), &[usize::MAX], &limits);
        let (pieces, pieces_error) = read(text.as_bytes(), &sizes, &limits);
        prop_assert_eq!(whole_error.is_some(), pieces_error.is_some());
        // A record that is too long may be given out before a mistake behind its bound is seen.
        let common = whole.len().min(pieces.len());
        prop_assert_eq!(&whole[..common], &pieces[..common]);
        prop_assert!(whole.len() == pieces.len() || whole_error.is_some());
    }

    #[test]
    fn a_file_of_lines_gives_what_a_body_of_lines_gives(text in "[a {:\n\r]{0,60}") {
        prop_assume!(!text.trim_start().starts_with('{'));
        let split = crate::split(&crate::Framing::Lines, text.as_bytes(), &Limits::default()).unwrap();
        let (found, error) = read(text.as_bytes(), &[3], &Limits::default());
        prop_assert!(error.is_none());
        let expected: Vec<Found> = split.records.iter().map(|r| (r.raw.to_vec(), r.line, r.oversize)).collect();
        prop_assert_eq!(found, expected);
    }
}
