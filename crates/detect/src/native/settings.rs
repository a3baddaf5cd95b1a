//! Settings of the native detectors.

use serde::{Deserialize, Serialize};

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        })*
    };
}

settings! {
    /// Settings of all native detectors. Sizes bound the memory: the least recently used state is given up and counted.
    NativeSettings {
        /// Seconds an event may be older than the newest one and still count.
        lateness_seconds: u32 = 900,
        /// Seconds until a finding that goes on is raised again with new words; its count grows with every batch.
        reraise_seconds: u32 = 3600,
        /// Domains whose askers are counted, some 100 bytes each.
        prevalence_domains: u32 = 100_000,
        /// Tunnels.
        tunnel: TunnelSettings = TunnelSettings::default(),
        /// Bursts of names that do not exist.
        nxdomain: NxdomainSettings = NxdomainSettings::default(),
        /// Regular queries.
        beacon: BeaconSettings = BeaconSettings::default(),
        /// Sessions of Sliver, Cobalt Strike and EvilProxy.
        session: SessionSettings = SessionSettings::default(),
        /// Domains never seen before.
        first_seen: FirstSeenSettings = FirstSeenSettings::default(),
        /// Imitations of protected domains.
        lookalike: LookalikeSettings = LookalikeSettings::default(),
    }

    /// Tunnels: many distinct, coded names below one domain by one device.
    TunnelSettings {
        /// Whether to look for them.
        enabled: bool = true,
        /// Distinct names within a minute that raise, whatever the query type.
        names_per_minute: u32 = 45,
        /// Distinct names within a minute that raise when most queries are of a type like TXT, NULL, CNAME or MX.
        odd_names_per_minute: u32 = 20,
        /// Distinct names within ten minutes that raise.
        names_per_ten_minutes: u32 = 100,
        /// Least share of queries that must be for a name not asked before.
        distinct_ratio: f64 = 0.7,
        /// Least share of odd query types for the odd thresholds.
        odd_ratio: f64 = 0.6,
        /// Least mean surprise of the names, bits a character: words have about 4, coded data 5 and more.
        bits_per_character: f64 = 4.6,
        /// Least mean information of a name's part below the domain, in bits.
        bits_per_name: f64 = 34.0,
        /// Bytes in distinct names within an hour that raise.
        bytes_per_hour: u32 = 10_240,
        /// Distinct coded names within a day that raise when few devices ask for the domain.
        names_per_day: u32 = 500,
        /// Hours of the day in which there must be some.
        hours_per_day: u32 = 6,
        /// Share of active devices from which on a domain is no slow tunnel.
        prevalence_max: f64 = 0.05,
        /// Pairs of device and domain whose day is counted, up to 2 KB each.
        slow_pairs: u32 = 8_192,
        /// Pairs of device and domain with many names, up to 4 KB each.
        pairs: u32 = 16_384,
        /// Pairs of device and domain with few names, some 70 bytes each.
        candidates: u32 = 131_072,
    }

    /// Many domains that do not exist, asked for by one device in five minutes.
    NxdomainSettings {
        /// Whether to look for them.
        enabled: bool = true,
        /// Distinct domains that raise.
        domains: u32 = 30,
        /// Least share of the device's queries that must have failed so; not needed when the names look generated.
        ratio: f64 = 0.5,
        /// Distinct domains that raise when enough of them look generated.
        generated_domains: u32 = 20,
        /// Share of the domains that must look generated.
        generated_ratio: f64 = 0.4,
        /// Bits a character from which a label looks generated: random letters mostly are, made-up words hardly ever.
        generated_bits: f64 = 5.2,
        /// Domains below both this mean of bits a character ...
        word_bits: f64 = 4.4,
        /// ... and this mean length of their label look like ordinary ones: their failing has another reason.
        word_length: f64 = 10.5,
        /// Devices, up to 1.5 KB each.
        devices: u32 = 32_768,
    }

    /// Regular queries of one device for a domain that few others ask for.
    BeaconSettings {
        /// Whether to look for them.
        enabled: bool = true,
        /// Score from which to raise, 0 to 1.
        score: f64 = 0.85,
        /// Least number of intervals.
        intervals: u32 = 24,
        /// Share of active devices from which on a domain counts as common and is left out.
        prevalence_max: f64 = 0.05,
        /// Pairs of device and domain, some 300 bytes each.
        pairs: u32 = 65_536,
    }

    /// Tools known by the shape of their names.
    SessionSettings {
        /// Whether to look for them.
        enabled: bool = true,
        /// Seconds in which the counts must be reached.
        window_seconds: u32 = 600,
        /// Sliver messages below one domain.
        sliver_messages: u32 = 3,
        /// Names of any Cobalt Strike shape below one domain.
        cobalt_strike_names: u32 = 50,
        /// Names of Cobalt Strike's strict shapes (data, stager) below one domain.
        cobalt_strike_strict_names: u32 = 3,
        /// Labels of dashless UUIDv4 below one domain; one is enough together with `login.`.
        evilproxy_labels: u32 = 2,
        /// Sessions at a time, up to 1 KB each.
        sessions: u32 = 16_384,
    }

    /// Domains the organisation asks for the first time in five weeks. A remark, never an alert by itself.
    FirstSeenSettings {
        /// Whether to remember domains.
        enabled: bool = true,
        /// Days of learning before the first remark.
        learning_days: u32 = 7,
        /// Domains a week the filters are sized for: 10 bits each, five weeks.
        domains_per_week: u32 = 1_000_000,
    }

    /// Domains that imitate protected ones.
    LookalikeSettings {
        /// Whether to compare.
        enabled: bool = true,
        /// The domains to protect, such as `example.com`. At most 256; without any nothing is compared.
        protected: Vec<String> = Vec::new(),
        /// Domains that are known and may look alike. The protected ones are known.
        known: Vec<String> = Vec::new(),
        /// Domains remembered as compared.
        domains: u32 = 65_536,
    }
}
