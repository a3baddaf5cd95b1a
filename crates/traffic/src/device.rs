//! Machines: what they are, when they are busy, and what the log says about them.

use std::net::IpAddr;

use crate::catalog::Role;
use crate::field::Field;
use crate::json;
use crate::network::Place;
use crate::office::OFFICES;

/// What a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Laptop,
    Phone,
    Server,
    Printer,
    Thing,
}

/// Busy per hour of a weekday, in percent of the busiest hour.
const OFFICE_DAY: [u8; 24] = [3, 2, 2, 2, 2, 4, 12, 38, 78, 97, 100, 96, 72, 80, 96, 98, 90, 72, 40, 24, 18, 15, 10, 6];
const PHONE_DAY: [u8; 24] =
    [16, 10, 7, 6, 7, 14, 38, 66, 72, 66, 64, 70, 86, 74, 66, 68, 76, 86, 92, 96, 100, 94, 66, 34];
const SERVER_DAY: [u8; 24] =
    [70, 82, 100, 88, 74, 64, 62, 66, 74, 82, 86, 84, 80, 82, 86, 86, 82, 76, 70, 66, 64, 64, 64, 66];
const THING_DAY: [u8; 24] = [88; 24];

/// How busy a kind of machine is at an hour of the local week, `0.0..=1.0`.
pub(crate) fn activity(kind: Kind, hour_of_week: f64) -> f64 {
    let (day, weekend) = match kind {
        Kind::Laptop => (&OFFICE_DAY, 0.12),
        Kind::Phone => (&PHONE_DAY, 0.9),
        Kind::Server => (&SERVER_DAY, 0.8),
        Kind::Printer => (&OFFICE_DAY, 0.05),
        Kind::Thing => (&THING_DAY, 1.0),
    };
    let hour = hour_of_week as usize;
    let part = hour_of_week - hour as f64;
    let at = |hour: usize| {
        let factor = if hour / 24 % 7 >= 5 { weekend } else { 1.0 };
        f64::from(day[hour % 24]) / 100.0 * factor
    };
    at(hour) * (1.0 - part) + at(hour + 1) * part
}

/// Who the resolver's policies take a device for.
pub(crate) const GROUP_STAFF: u8 = 0;
pub(crate) const GROUP_GUEST: u8 = 1;
/// Behind an address that no location of the resolver knows.
pub(crate) const GROUP_NOWHERE: u8 = 2;

/// One machine.
#[derive(Debug)]
pub(crate) struct Device {
    pub kind: Kind,
    pub role: Role,
    pub office: usize,
    pub company: usize,
    pub user: Option<u32>,
    pub group: u8,
    /// Behind its favourite sites.
    pub hash: u64,
    pub name: String,
    pub id: String,
    pub registration: String,
    /// Whether the client software is on it: only then the log knows machine and user.
    pub enrolled: bool,
    /// Bytes a query is longer than its name: header, question, and what options its resolver sends.
    pub overhead: u16,
}

/// The log's view of where a device is: at its office (0) or elsewhere (1).
#[derive(Debug)]
pub(crate) struct Attachment {
    pub source: IpAddr,
    pub place: Place,
    pub colo: &'static str,
    pub colo_id: u64,
    pub location: String,
    pub location_id: String,
    pub protocol: &'static str,
    pub destination: IpAddr,
    pub port: u16,
    pub doh: String,
    pub dot: String,
}

/// Writes one field of the device's part of a record.
pub(crate) fn write_field(
    out: &mut Vec<u8>,
    field: Field,
    account: &str,
    email: &str,
    user_id: &str,
    device: &Device,
    at: &Attachment,
) {
    let known = |text: &'static str, value: &str| if device.enrolled { value.to_owned() } else { text.to_owned() };
    match field {
        Field::AccountID => json::string(out, account),
        Field::ColoCode => json::string(out, at.colo),
        Field::ColoID => json::number(out, at.colo_id),
        Field::DeviceID => json::string(out, &known("", &device.id)),
        Field::DeviceName => json::string(out, &known("", &device.name)),
        Field::DoHSubdomain => json::string(out, &at.doh),
        Field::DoTSubdomain => json::string(out, &at.dot),
        Field::DstIP => json::quoted_address(out, at.destination),
        Field::DstPort => json::number(out, u64::from(at.port)),
        Field::Email => json::string(out, &known("", email)),
        Field::Location => json::string(out, &at.location),
        Field::LocationID => json::string(out, &at.location_id),
        Field::Protocol => json::string(out, at.protocol),
        Field::RegistrationID => json::string(out, &known("", &device.registration)),
        Field::SrcIP => json::quoted_address(out, at.source),
        Field::SrcIPContinentCode => json::string(out, at.place.continent),
        Field::SrcIPCountryCode => json::string(out, at.place.country),
        Field::UserID => json::string(out, &known("", user_id)),
        _ => json::string(out, ""),
    }
}

/// The name an office's printer, camera or server goes by.
pub(crate) fn machine_name(what: &str, office: usize, number: u64) -> String {
    format!("{}-{what}-{number:02}", OFFICES[office].code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_sleep_and_rest() {
        let tuesday = 24.0;
        assert!(activity(Kind::Laptop, tuesday + 10.0) > 20.0 * activity(Kind::Laptop, tuesday + 3.0));
        assert!(activity(Kind::Laptop, 5.0 * 24.0 + 10.0) < 0.2);
        assert!(activity(Kind::Thing, tuesday + 3.0) > 0.8);
        assert!(activity(Kind::Laptop, 167.9) < 0.1);
    }
}
