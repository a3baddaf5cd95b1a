//! Places and autonomous systems, from MMDB files written here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{EnrichOptions, GeoIp};
use super::enriched_with;

/// A value of an MMDB file, by its specification: <https://maxmind.github.io/MaxMind-DB/>.
fn encode(value: &serde_json::Value, out: &mut Vec<u8>) {
    match value {
        serde_json::Value::Object(entries) => {
            out.push(7 << 5 | u8::try_from(entries.len()).unwrap());
            for (key, value) in entries {
                encode(&key.as_str().into(), out);
                match (key.as_str(), value.as_u64()) {
                    // The metadata has whole numbers of three sizes.
                    ("build_epoch", Some(number)) => {
                        out.extend_from_slice(&[8, 2]);
                        out.extend_from_slice(&number.to_be_bytes());
                    }
                    ("node_count" | "autonomous_system_number", _) | (_, None) => encode(value, out),
                    (_, Some(number)) => {
                        out.push(5 << 5 | 2);
                        out.extend_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
                    }
                }
            }
        }
        serde_json::Value::Array(items) => {
            out.extend_from_slice(&[u8::try_from(items.len()).unwrap(), 4]);
            items.iter().for_each(|item| encode(item, out));
        }
        serde_json::Value::String(text) => {
            match text.len() {
                short @ ..29 => out.push(2 << 5 | u8::try_from(short).unwrap()),
                long => out.extend_from_slice(&[2 << 5 | 29, u8::try_from(long - 29).unwrap()]),
            }
            out.extend_from_slice(text.as_bytes());
        }
        serde_json::Value::Number(number) if number.is_f64() => {
            out.push(3 << 5 | 8);
            out.extend_from_slice(&number.as_f64().unwrap().to_be_bytes());
        }
        serde_json::Value::Number(number) => {
            out.push(6 << 5 | 4);
            out.extend_from_slice(&u32::try_from(number.as_u64().unwrap()).unwrap().to_be_bytes());
        }
        other => panic!("no encoding for {other}"),
    }
}

/// A file that gives every IPv4 address below 128.0.0.0 the same data and knows no others.
fn write(name: &str, data: &serde_json::Value) -> PathBuf {
    let mut file = Vec::new();
    // One node of two 24-bit records: to the data, and to nowhere.
    file.extend_from_slice(&[0, 0, 1 + 16, 0, 0, 1]);
    file.extend_from_slice(&[0; 16]);
    encode(data, &mut file);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    encode(
        &serde_json::json!({
            "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1,
            "database_type": "Test", "description": {"en": "test"}, "ip_version": 4, "languages": ["en"],
            "node_count": 1, "record_size": 24,
        }),
        &mut file,
    );
    let path = std::env::temp_dir().join(format!("tidegate-{}-{name}.mmdb", std::process::id()));
    std::fs::write(&path, file).unwrap();
    path
}

fn options(city: Option<&Path>, asn: Option<&Path>) -> EnrichOptions {
    EnrichOptions { geoip: Some(Arc::new(GeoIp::open(city, asn).unwrap())), ..EnrichOptions::default() }
}

#[test]
fn both_ends_are_placed_and_the_format_has_the_last_word() {
    let city = write(
        "city",
        &serde_json::json!({
            "city": {"names": {"de": "Genf", "en": "Geneva"}},
            "continent": {"code": "EU", "names": {"en": "Europe"}},
            "country": {"geoname_id": 1, "iso_code": "CH", "names": {"en": "Switzerland"}},
            "location": {"latitude": 46.25, "longitude": 6.125, "time_zone": "Europe/Zurich"},
            "postal": {"code": "1201"},
            "subdivisions": [{"iso_code": "GE", "names": {"en": "Geneva"}}, {"iso_code": "X"}],
        }),
    );
    let asn = write(
        "asn",
        &serde_json::json!({
            "autonomous_system_number": 64500, "autonomous_system_organization": "Example Networks",
        }),
    );
    let options = options(Some(&city), Some(&asn));
    let out = enriched_with(
        &options,
        &[
            ("source.ip", "5.6.7.8".into()),
            ("source.geo.country_iso_code", "DE".into()),
            ("destination.ip", "::ffff:5.6.7.9".into()),
        ],
    );
    let system = serde_json::json!({"number": 64500, "organization": {"name": "Example Networks"}});
    let mut geo = serde_json::json!({
        "city_name": "Geneva", "continent_code": "EU", "continent_name": "Europe", "country_iso_code": "CH",
        "country_name": "Switzerland", "location": {"lat": 46.25, "lon": 6.125}, "postal_code": "1201",
        "region_iso_code": "GE", "region_name": "Geneva", "timezone": "Europe/Zurich",
    });
    assert_eq!(out["destination"], serde_json::json!({"as": system, "geo": geo}));
    geo.as_object_mut().unwrap().remove("country_iso_code");
    assert_eq!(out["source"], serde_json::json!({"as": system, "geo": geo}));
    for unknown in ["200.1.1.1", "10.0.0.1", "127.0.0.1", "2001:db8::1", "::1", "nonsense", ""] {
        assert_eq!(enriched_with(&options, &[("source.ip", unknown.into())]), serde_json::json!({}), "{unknown}");
    }
}

#[test]
fn a_missing_or_damaged_file_is_named() {
    let missing = GeoIp::open(Some(Path::new("/nonexistent/city.mmdb")), None).unwrap_err().to_string();
    assert!(missing.starts_with("cannot use `/nonexistent/city.mmdb` as MMDB file: "), "{missing}");
    let path = std::env::temp_dir().join(format!("tidegate-{}-damaged.mmdb", std::process::id()));
    std::fs::write(&path, b"no database").unwrap();
    assert!(GeoIp::open(None, Some(&path)).unwrap_err().to_string().contains("damaged.mmdb"));
    let wrong = write("wrong", &serde_json::json!({"autonomous_system_number": "text"}));
    assert!(GeoIp::open(None, Some(&wrong)).is_err(), "data of another shape is found when the file is opened");
    assert!(GeoIp::open(None, None).is_ok());
}
