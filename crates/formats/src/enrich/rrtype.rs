//! Record types and classes by number and by name.

use bumpalo::Bump;

/// Record types as assigned by IANA, ascending.
/// <https://www.iana.org/assignments/dns-parameters/#dns-parameters-4>
const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (24, "SIG"),
    (25, "KEY"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (39, "DNAME"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (32768, "TA"),
    (32769, "DLV"),
];

/// Classes, ascending. <https://www.iana.org/assignments/dns-parameters/#dns-parameters-2>
const CLASSES: &[(u16, &str)] = &[(1, "IN"), (3, "CH"), (4, "HS"), (254, "NONE"), (255, "ANY")];

/// The name of a type, `TYPE731` when it has none (RFC 3597).
pub(super) fn type_name(code: u16, arena: &Bump) -> &str {
    match code {
        1 => "A",
        5 => "CNAME",
        28 => "AAAA",
        _ => lookup(TYPES, code).unwrap_or_else(|| bumpalo::format!(in arena, "TYPE{}", code).into_bump_str()),
    }
}

/// The name of a class, `CLASS7` when it has none (RFC 3597).
pub(super) fn class_name(code: u16, arena: &Bump) -> &str {
    match code {
        1 => "IN",
        _ => lookup(CLASSES, code).unwrap_or_else(|| bumpalo::format!(in arena, "CLASS{}", code).into_bump_str()),
    }
}

/// The number of a type: by name, as `TYPE731` or as plain number.
pub(super) fn type_code(text: &str) -> Option<u16> {
    code(TYPES, "TYPE", text)
}

/// The number of a class: by name, as `CLASS7` or as plain number.
pub(super) fn class_code(text: &str) -> Option<u16> {
    code(CLASSES, "CLASS", text)
}

fn lookup(table: &'static [(u16, &'static str)], code: u16) -> Option<&'static str> {
    table.binary_search_by_key(&code, |(code, _)| *code).ok().map(|index| table[index].1)
}

fn code(table: &[(u16, &str)], prefix: &str, text: &str) -> Option<u16> {
    if let Some((code, _)) = table.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)) {
        return Some(*code);
    }
    let digits = match text.get(..prefix.len()) {
        Some(head) if head.eq_ignore_ascii_case(prefix) => &text[prefix.len()..],
        _ => text,
    };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_ascend() {
        assert!(TYPES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(CLASSES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn names_and_numbers_agree() {
        let arena = Bump::new();
        for (code, name) in
            [(1, "A"), (5, "CNAME"), (28, "AAAA"), (65, "HTTPS"), (731, "TYPE731"), (65535, "TYPE65535")]
        {
            assert_eq!(type_name(code, &arena), name);
            assert_eq!(type_code(name), Some(code));
            assert_eq!(type_code(&code.to_string()), Some(code));
        }
        assert_eq!((class_name(3, &arena), class_name(9, &arena)), ("CH", "CLASS9"));
        assert_eq!((class_code("in"), class_code("CLASS9"), class_code("7")), (Some(1), Some(9), Some(7)));
        for text in ["", "TYPE", "TYPE99999", "-1", "+1", "é", "QUESTION"] {
            assert_eq!(type_code(text), None, "{text}");
        }
    }
}
