//! Where an address is and who announces it, from the user's MMDB files.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use bumpalo::Bump;
use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use tidegate_event::{Event, FieldId, Registry, Value};

use super::{EnrichError, field};

/// Addresses looked up when a file is opened: a damaged file should fail there, not silently later.
const PROBES: [&str; 4] = ["1.1.1.1", "8.8.8.8", "193.0.6.139", "2001:4860:4860::8888"];

/// The user's MMDB files, in memory.
#[derive(Debug)]
pub struct GeoIp {
    city: Option<Reader<Vec<u8>>>,
    asn: Option<Reader<Vec<u8>>>,
}

impl GeoIp {
    /// Reads a file with places (a City or Country database) and one with autonomous systems, as far as given.
    ///
    /// # Errors
    /// [`EnrichError::GeoIp`] when a file is missing, damaged or no MMDB file.
    pub fn open(city: Option<&Path>, asn: Option<&Path>) -> Result<Self, EnrichError> {
        Ok(Self {
            city: city.map(|path| open(path, |reader, address| place(reader, address).map(drop))).transpose()?,
            asn: asn.map(|path| open(path, |reader, address| system(reader, address).map(drop))).transpose()?,
        })
    }
}

type Probe = fn(&Reader<Vec<u8>>, IpAddr) -> Result<(), MaxMindDbError>;

fn open(path: &Path, probe: Probe) -> Result<Reader<Vec<u8>>, EnrichError> {
    let failed =
        |error: MaxMindDbError| EnrichError::GeoIp { path: path.display().to_string(), cause: error.to_string() };
    let reader = Reader::open_readfile(path).map_err(failed)?;
    for address in PROBES.iter().filter_map(|address| address.parse::<IpAddr>().ok()) {
        if address.is_ipv4() || reader.metadata().ip_version == 6 {
            probe(&reader, address).map_err(failed)?;
        }
    }
    Ok(reader)
}

fn place(reader: &Reader<Vec<u8>>, address: IpAddr) -> Result<Option<Place<'_>>, MaxMindDbError> {
    reader.lookup(address)?.decode()
}

fn system(reader: &Reader<Vec<u8>>, address: IpAddr) -> Result<Option<System<'_>>, MaxMindDbError> {
    reader.lookup(address)?.decode()
}

/// The fields of one side of the connection.
#[derive(Debug)]
struct Side {
    ip: FieldId,
    continent_code: FieldId,
    continent_name: FieldId,
    country_code: FieldId,
    country_name: FieldId,
    region_code: FieldId,
    region_name: FieldId,
    city: FieldId,
    postal: FieldId,
    time_zone: FieldId,
    latitude: FieldId,
    longitude: FieldId,
    number: FieldId,
    organization: FieldId,
}

impl Side {
    fn new(registry: &Registry, side: &str) -> Result<Self, EnrichError> {
        let id = |name: &str| field(registry, &format!("{side}.{name}"));
        Ok(Self {
            ip: id("ip")?,
            continent_code: id("geo.continent_code")?,
            continent_name: id("geo.continent_name")?,
            country_code: id("geo.country_iso_code")?,
            country_name: id("geo.country_name")?,
            region_code: id("geo.region_iso_code")?,
            region_name: id("geo.region_name")?,
            city: id("geo.city_name")?,
            postal: id("geo.postal_code")?,
            time_zone: id("geo.timezone")?,
            latitude: id("geo.location.lat")?,
            longitude: id("geo.location.lon")?,
            number: id("as.number")?,
            organization: id("as.organization.name")?,
        })
    }

    fn targets(&self) -> [FieldId; 13] {
        [
            self.continent_code,
            self.continent_name,
            self.country_code,
            self.country_name,
            self.region_code,
            self.region_name,
            self.city,
            self.postal,
            self.time_zone,
            self.latitude,
            self.longitude,
            self.number,
            self.organization,
        ]
    }

    fn set_place<'a>(&self, place: &Place<'_>, event: &mut Event<'a>, arena: &'a Bump) {
        let region = place.subdivisions.0.as_ref();
        let texts = [
            (self.continent_code, place.continent.code),
            (self.continent_name, place.continent.names.en),
            (self.country_code, place.country.iso_code),
            (self.country_name, place.country.names.en),
            (self.region_code, region.and_then(|region| region.iso_code)),
            (self.region_name, region.and_then(|region| region.names.en)),
            (self.city, place.city.names.en),
            (self.postal, place.postal.code),
            (self.time_zone, place.location.time_zone),
        ];
        for (id, text) in texts {
            if let Some(text) = text {
                set_new(id, event, || Value::Str(arena.alloc_str(text)));
            }
        }
        if let (Some(latitude), Some(longitude)) = (place.location.latitude, place.location.longitude)
            && event.get(self.latitude).is_none()
        {
            event.set(self.latitude, Value::Float(latitude));
            event.set(self.longitude, Value::Float(longitude));
        }
    }

    fn set_system<'a>(&self, system: &System<'_>, event: &mut Event<'a>, arena: &'a Bump) {
        if let Some(number) = system.autonomous_system_number {
            set_new(self.number, event, || Value::Int(i64::from(number)));
        }
        if let Some(name) = system.autonomous_system_organization {
            set_new(self.organization, event, || Value::Str(arena.alloc_str(name)));
        }
    }
}

/// Sets a field that the format has left free.
fn set_new<'a>(id: FieldId, event: &mut Event<'a>, value: impl FnOnce() -> Value<'a>) {
    if event.get(id).is_none() {
        event.set(id, value());
    }
}

/// Adds places and autonomous systems to events.
#[derive(Debug)]
pub(super) struct Places {
    geoip: Arc<GeoIp>,
    sides: [Side; 2],
}

impl Places {
    pub(super) fn new(registry: &Registry, geoip: Arc<GeoIp>) -> Result<Self, EnrichError> {
        Ok(Self { geoip, sides: [Side::new(registry, "source")?, Side::new(registry, "destination")?] })
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = FieldId> {
        self.sides.iter().flat_map(Side::targets)
    }

    /// Looks both ends up. An address that the files do not know adds nothing, neither does a damaged entry.
    pub(super) fn add<'a>(&self, event: &mut Event<'a>, arena: &'a Bump) {
        for side in &self.sides {
            let Some(Value::Str(text)) = event.get(side.ip) else { continue };
            let Ok(address) = text.parse::<IpAddr>() else { continue };
            let address = address.to_canonical();
            if !may_be_public(address) {
                continue;
            }
            if let Some(Ok(Some(found))) = self.geoip.city.as_ref().map(|reader| place(reader, address)) {
                side.set_place(&found, event, arena);
            }
            if let Some(Ok(Some(found))) = self.geoip.asn.as_ref().map(|reader| system(reader, address)) {
                side.set_system(&found, event, arena);
            }
        }
    }
}

/// Spares the look-up of addresses that no public database knows.
const fn may_be_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => {
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local())
        }
    }
}

/// What we read of a City or Country database.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place<'r> {
    #[serde(borrow)]
    continent: Continent<'r>,
    #[serde(borrow)]
    country: Named<'r>,
    #[serde(borrow)]
    subdivisions: First<Named<'r>>,
    #[serde(borrow)]
    city: Named<'r>,
    #[serde(borrow)]
    postal: Postal<'r>,
    #[serde(borrow)]
    location: Location<'r>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Continent<'r> {
    code: Option<&'r str>,
    #[serde(borrow)]
    names: Names<'r>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<'r> {
    iso_code: Option<&'r str>,
    #[serde(borrow)]
    names: Names<'r>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names<'r> {
    en: Option<&'r str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Postal<'r> {
    code: Option<&'r str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location<'r> {
    latitude: Option<f64>,
    longitude: Option<f64>,
    time_zone: Option<&'r str>,
}

/// What we read of an ASN database.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct System<'r> {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'r str>,
}

/// The first item of a list, without keeping the others.
#[derive(Debug)]
struct First<T>(Option<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Head<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Head<T> {
            type Value = First<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let first = items.next_element()?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Head(PhantomData))
    }
}
