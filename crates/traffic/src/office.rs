//! The organisation's places: made-up offices on documentation addresses, real data centre codes, and local time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::Place;

/// Offices the table holds.
pub(crate) const OFFICES_MAX: usize = OFFICES.len();

/// One office.
#[derive(Debug)]
pub(crate) struct Office {
    pub city: &'static str,
    /// Three letters, as host names carry them.
    pub code: &'static str,
    pub place: Place,
    pub colo: &'static str,
    pub colo_id: u64,
    /// Minutes east of UTC. Summer time is left out: the load curve is wide enough not to care.
    pub offset_minutes: i64,
    /// Its share of the people.
    pub share: f64,
}

macro_rules! offices {
    ($($city:literal $code:literal $country:literal $continent:literal $colo:literal $id:literal $offset:literal $share:literal;)*) => {
        pub(crate) const OFFICES: [Office; 16] = [$(Office {
            city: $city, code: $code, place: Place { country: $country, continent: $continent }, colo: $colo,
            colo_id: $id, offset_minutes: $offset, share: $share,
        }),*];
    };
}

offices! {
    "Paris"        "par" "FR" "EU" "CDG" 533 60 30.0;
    "New York"     "nyc" "US" "NA" "EWR" 23  -300 18.0;
    "London"       "lon" "GB" "EU" "LHR" 20  0 14.0;
    "Frankfurt"    "fra" "DE" "EU" "FRA" 12  60 12.0;
    "San José"     "sjc" "US" "NA" "SJC" 46  -480 9.0;
    "Singapore"    "sin" "SG" "AS" "SIN" 34  480 7.0;
    "Tokyo"        "tyo" "JP" "AS" "NRT" 37  540 5.0;
    "São Paulo"    "sao" "BR" "SA" "GRU" 61  -180 5.0;
    "Toronto"      "tor" "CA" "NA" "YYZ" 27  -300 4.0;
    "Madrid"       "mad" "ES" "EU" "MAD" 42  60 4.0;
    "Stockholm"    "sto" "SE" "EU" "ARN" 40  60 3.0;
    "Sydney"       "syd" "AU" "OC" "SYD" 36  600 3.0;
    "Mumbai"       "bom" "IN" "AS" "BOM" 58  330 3.0;
    "Miami"        "mia" "US" "NA" "MIA" 72  -300 2.0;
    "Johannesburg" "jnb" "ZA" "AF" "JNB" 53  120 2.0;
    "Dubai"        "dxb" "AE" "AS" "DXB" 131 240 2.0;
}

/// The public address behind which the `index`th office's machines appear.
pub(crate) fn egress(index: usize, machine: u64) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, (index * 16) as u8 + 1 + (machine % 3) as u8))
}

/// The address of the office's servers.
pub(crate) fn server_egress(index: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, (index * 16) as u8 + 9))
}

/// The public address of somebody's home or train; one in four has IPv6.
pub(crate) fn home(hash: u64) -> IpAddr {
    if hash.is_multiple_of(4) {
        let site = (hash >> 8) as u16;
        return IpAddr::V6(Ipv6Addr::new(
            0x2001,
            0xdb8,
            0xf000 | site >> 8,
            site & 0xff,
            0,
            0,
            0,
            (hash >> 32) as u16 | 1,
        ));
    }
    let last = ((hash >> 8) % 254 + 1) as u8;
    IpAddr::V4(if hash & 2 == 0 { Ipv4Addr::new(198, 51, 100, last) } else { Ipv4Addr::new(203, 0, 113, last) })
}

/// Hour of the week in an office's local time, Monday 00:00 = 0, with its fraction.
pub(crate) fn hour_of_week(micros: i64, offset_minutes: i64) -> f64 {
    const HOUR: f64 = 3_600e6;
    // 1970-01-01 was a Thursday: three days into the week.
    let local = micros + offset_minutes * 60_000_000 + 3 * 86_400_000_000;
    (local.rem_euclid(7 * 86_400_000_000)) as f64 / HOUR
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_event::Timestamp;

    #[test]
    fn monday_noon_in_paris() {
        let time = Timestamp::parse_rfc3339("2026-03-02T11:00:00Z").unwrap();
        assert!((hour_of_week(time.as_micros(), 60) - 12.0).abs() < 1e-9);
        assert!((hour_of_week(time.as_micros(), -300) - 6.0).abs() < 1e-9);
    }

    #[test]
    fn only_documentation_addresses() {
        for index in 0..OFFICES_MAX {
            for machine in 0..4 {
                assert!(egress(index, machine).to_string().starts_with("192.0.2."));
            }
        }
        for hash in (0..4_000).map(crate::rng::mix) {
            let text = home(hash).to_string();
            assert!(["198.51.100.", "203.0.113.", "2001:db8:"].iter().any(|range| text.starts_with(range)), "{text}");
        }
    }
}
