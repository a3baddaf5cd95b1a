//! The record types the generator asks for, by number and name.

pub(crate) const A: u16 = 1;
pub(crate) const NS: u16 = 2;
pub(crate) const CNAME: u16 = 5;
pub(crate) const SOA: u16 = 6;
pub(crate) const NULL: u16 = 10;
pub(crate) const PTR: u16 = 12;
pub(crate) const MX: u16 = 15;
pub(crate) const TXT: u16 = 16;
pub(crate) const AAAA: u16 = 28;
pub(crate) const SRV: u16 = 33;
pub(crate) const NAPTR: u16 = 35;
pub(crate) const DS: u16 = 43;
pub(crate) const DNSKEY: u16 = 48;
pub(crate) const SVCB: u16 = 64;
pub(crate) const HTTPS: u16 = 65;
pub(crate) const ANY: u16 = 255;
pub(crate) const CAA: u16 = 257;

/// The type's name in the log.
pub(crate) const fn name(rtype: u16) -> &'static str {
    match rtype {
        A => "A",
        NS => "NS",
        CNAME => "CNAME",
        SOA => "SOA",
        NULL => "NULL",
        PTR => "PTR",
        MX => "MX",
        TXT => "TXT",
        AAAA => "AAAA",
        SRV => "SRV",
        NAPTR => "NAPTR",
        DS => "DS",
        DNSKEY => "DNSKEY",
        SVCB => "SVCB",
        HTTPS => "HTTPS",
        ANY => "ANY",
        CAA => "CAA",
        _ => "UNKNOWN",
    }
}
