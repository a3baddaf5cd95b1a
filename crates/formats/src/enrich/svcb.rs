//! The data of SVCB and HTTPS records (RFC 9460), read by `hickory-proto`.

use std::fmt::Write as _;

use bumpalo::collections::String as BumpString;
use hickory_proto::rr::rdata::svcb::{SvcParamKey, SvcParamValue};
use hickory_proto::rr::{RData, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, Restrict};

use super::damage::Damage;
use super::presentation::{push_base64, push_quoted};

/// Appends priority, target and parameters: `1 . alpn=h3,h2 ipv4hint=192.0.2.1`.
pub(super) fn write(kind: u16, data: &[u8], out: &mut BumpString<'_>) -> Result<(), Damage> {
    let rules = Damage::Rules(if kind == 65 { "HTTPS" } else { "SVCB" });
    let length = u16::try_from(data.len()).map_err(|_| rules)?;
    let mut decoder = BinDecoder::new(data);
    let RData::SVCB(record) = RData::read(&mut decoder, RecordType::SVCB, Restrict::new(length)).map_err(|_| rules)?
    else {
        return Err(rules);
    };
    let target = record.target_name.to_ascii();
    let target = target.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(&target);
    let _ = write!(out, "{} {target}", record.svc_priority);
    for (key, value) in &record.svc_params {
        out.push(' ');
        write_parameter(*key, value, out);
    }
    Ok(())
}

fn write_parameter(key: SvcParamKey, value: &SvcParamValue, out: &mut BumpString<'_>) {
    let _ = match key {
        SvcParamKey::Unknown(7) => out.write_str("dohpath"),
        SvcParamKey::Unknown(8) => out.write_str("ohttp"),
        SvcParamKey::Unknown(number) => write!(out, "key{number}"),
        key => write!(out, "{key}"),
    };
    match value {
        SvcParamValue::Mandatory(keys) => join(&keys.0, out),
        SvcParamValue::Alpn(protocols) => {
            // A protocol name may hold any byte; what is not plain is quoted as a whole.
            let plain = |name: &String| name.bytes().all(|b| b.is_ascii_graphic() && !b",\"\\".contains(&b));
            if protocols.0.iter().all(plain) {
                join(&protocols.0, out);
            } else {
                out.push('=');
                push_quoted(protocols.0.join(",").as_bytes(), out);
            }
        }
        SvcParamValue::NoDefaultAlpn => {}
        SvcParamValue::Port(port) => {
            let _ = write!(out, "={port}");
        }
        SvcParamValue::Ipv4Hint(hint) => join(&hint.0, out),
        SvcParamValue::Ipv6Hint(hint) => join(&hint.0, out),
        SvcParamValue::EchConfigList(list) => {
            out.push('=');
            push_base64(&list.0, out);
        }
        SvcParamValue::Unknown(bytes) => {
            if !bytes.0.is_empty() {
                out.push('=');
                push_quoted(&bytes.0, out);
            }
        }
    }
}

fn join(items: &[impl std::fmt::Display], out: &mut BumpString<'_>) {
    for (index, item) in items.iter().enumerate() {
        let _ = write!(out, "{}{item}", if index == 0 { '=' } else { ',' });
    }
}
