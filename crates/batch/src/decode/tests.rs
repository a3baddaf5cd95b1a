use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn plain(body: &[u8], header: Option<&str>) -> Result<Vec<u8>, BatchError> {
    decode(body, header, &Limits::default()).map(Cow::into_owned)
}

const TEXT: &[u8] =
    b"{\"QueryName\":\"example.org\"}\n{\"QueryName\":\"example.net\"}\n{\"QueryName\":\"example.com\"}\n";

#[test]
fn content_wins_over_the_header() {
    for header in [None, Some("identity"), Some("zstd"), Some("gzip"), Some("br"), Some("deflate"), Some("")] {
        assert_eq!(plain(&gzip(TEXT), header).unwrap(), TEXT, "{header:?}");
        assert_eq!(plain(&zstd(TEXT), header).unwrap(), TEXT, "{header:?}");
    }
    assert_eq!(plain(&zlib(TEXT), Some("deflate")).unwrap(), TEXT);
    assert_eq!(plain(&raw_deflate(TEXT), Some("deflate")).unwrap(), TEXT);
}

#[test]
fn text_is_text_whatever_the_header_says() {
    for header in [None, Some("gzip"), Some("zstd"), Some("deflate"), Some("utf-8"), Some("identity")] {
        assert!(matches!(decode(TEXT, header, &Limits::default()), Ok(Cow::Borrowed(TEXT))), "{header:?}");
        assert_eq!(plain(b"", header).unwrap(), b"", "{header:?}");
    }
    let latin = b"caf\xe9 \xff\n";
    assert_eq!(plain(latin, Some("gzip")).unwrap(), latin);
}

#[test]
fn several_members_and_padding_of_zeros() {
    for encode in [gzip, zstd] {
        let mut body = encode(b"one\n");
        body.extend(encode(b""));
        body.extend(encode(b"two\n"));
        assert_eq!(plain(&body, None).unwrap(), b"one\ntwo\n");
        body.extend([0; 512]);
        assert_eq!(plain(&body, None).unwrap(), b"one\ntwo\n");
        body.push(b'x');
        let offset = body.len() - 1;
        assert!(matches!(plain(&body, None),
            Err(BatchError::Compression { cause: Cause::Followed, offset: at, .. }) if at == offset));
    }
    let mut followed = gzip(TEXT);
    let end = followed.len();
    followed.extend(b"garbage");
    assert_eq!(
        plain(&followed, None).unwrap_err().to_string(),
        format!("the body's gzip data is followed by something else at byte {end}")
    );
}

#[test]
fn a_zstd_skippable_frame_is_skipped() {
    let mut body = b"\x50\x2a\x4d\x18\x04\x00\x00\x00\x01\x02\x03\x04".to_vec();
    body.extend(zstd(TEXT));
    assert_eq!(plain(&body, None).unwrap(), TEXT);
}

#[test]
fn a_cut_at_any_byte_is_an_error() {
    for (header, whole) in
        [("gzip", gzip(TEXT)), ("zstd", zstd(TEXT)), ("deflate", zlib(TEXT)), ("deflate", raw_deflate(TEXT))]
    {
        for cut in 1..whole.len() {
            // Deflate has no magic number: its first byte alone may be a letter.
            if header == "deflate" && is_text(&whole[..cut]) {
                continue;
            }
            let error = plain(&whole[..cut], Some(header)).unwrap_err();
            assert!(matches!(error, BatchError::Compression { .. }), "{header} cut at {cut}: {error}");
        }
        let error = plain(&whole[..whole.len() - 1], Some(header)).unwrap_err();
        assert!(
            matches!(error, BatchError::Compression { cause: Cause::CutOff, offset, .. }
            if offset == whole.len() - 1),
            "{error}"
        );
    }
}

#[test]
fn damage_is_found_and_placed() {
    let noise: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (header, whole) in [("gzip", gzip(&noise)), ("zstd", zstd(&noise)), ("deflate", zlib(&noise))] {
        for at in [12, whole.len() / 2, whole.len() - 3] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            let result = plain(&damaged, Some(header));
            assert!(matches!(result, Err(BatchError::Compression { .. })), "{header} at {at}: {result:?}");
        }
    }
    assert!(matches!(plain(b"\x00\x01\x02\x03", Some("gzip")), Err(BatchError::Compression { offset: 0, .. })));
    assert_eq!(plain(b"\x00\x01\x02\x03", Some("br")), Err(BatchError::UnknownCoding { name: "br".into() }));
}

#[test]
fn bounds_hold_to_the_byte() {
    let text = vec![b'a'; 300_000];
    let bodies = [gzip(&text), zstd(&text), zlib(&text), text.clone()];
    for (body, header) in bodies.iter().zip(["gzip", "zstd", "deflate", "identity"]) {
        let limits = |bytes| Limits { decompressed_bytes_max: bytes, ..Limits::default() };
        assert_eq!(decode(body, Some(header), &limits(300_000)).unwrap().len(), 300_000, "{header}");
        assert_eq!(
            decode(body, Some(header), &limits(299_999)),
            Err(BatchError::TooLarge { part: "decompressed", limit_bytes: 299_999 }),
            "{header}"
        );
    }
    let limits = Limits { compressed_bytes_max: 10, ..Limits::default() };
    assert_eq!(
        decode(b"12345678901", None, &limits),
        Err(BatchError::TooLarge { part: "compressed", limit_bytes: 10 })
    );
}

#[test]
fn a_bomb_stops_at_the_bound_and_takes_no_more_memory() {
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let limits = Limits { decompressed_bytes_max: 1 << 20, ..Limits::default() };
    let mut output = Vec::new();
    assert!(matches!(decode_into(&bomb, None, &limits, &mut output), Err(BatchError::TooLarge { .. })));
    assert!(output.capacity() <= (2 << 20));
}

#[test]
fn a_large_body_is_measured_before_it_is_kept() {
    let part: Vec<u8> = (0..(1_u32 << 20)).map(|at| (at % 251) as u8).collect();
    let body: Vec<u8> = gzip(&part).repeat(80);
    let mut output = Vec::new();
    decode_into(&body, None, &Limits::default(), &mut output).unwrap();
    assert!(output.chunks(part.len()).all(|chunk| chunk == part));
    assert_eq!((output.len(), output.capacity()), (80 << 20, (80 << 20) + 1));
    let limits = Limits { decompressed_bytes_max: 79 << 20, ..Limits::default() };
    let mut output = Vec::new();
    assert!(matches!(decode_into(&body, None, &limits, &mut output), Err(BatchError::TooLarge { .. })));
    assert!(output.capacity() <= DOUBLED_BYTES_MAX, "what is above the bound is never kept");
    let cut = &body[..body.len() - 100];
    assert!(matches!(decode(cut, None, &Limits::default()), Err(BatchError::Compression { cause: Cause::CutOff, .. })));
}

#[test]
fn a_buffer_is_used_again() {
    let mut output = vec![b'x'; 100_000];
    assert_eq!(decode_into(&gzip(TEXT), None, &Limits::default(), &mut output).unwrap(), Coding::Gzip);
    assert_eq!(output, TEXT);
    assert_eq!(decode_into(TEXT, None, &Limits::default(), &mut output).unwrap(), Coding::Identity);
    assert_eq!(output, b"");
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 1..4)) {
        let text = parts.concat();
        for encode in [gzip, zstd] {
            let body: Vec<u8> = parts.iter().flat_map(|part| encode(part)).collect();
            prop_assert_eq!(&plain(&body, None).unwrap(), &text);
        }
        prop_assert_eq!(&plain(&zlib(&text), Some("deflate")).unwrap(), &text);
        prop_assert_eq!(&plain(&raw_deflate(&text), Some("deflate")).unwrap(), &text);
    }

    #[test]
    fn any_bytes_under_any_header_are_harmless(
        magic in prop::sample::select(vec![&b""[..], b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c"]),
        bytes: Vec<u8>,
        header in prop::sample::select(vec!["", "gzip", "zstd", "deflate", "br"]),
    ) {
        let body = [magic, &bytes].concat();
        let _ = plain(&body, Some(header));
    }
}
