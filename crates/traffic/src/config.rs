//! What to generate.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tidegate_event::Timestamp;

use crate::field::FieldSet;
use crate::office::OFFICES_MAX;
use crate::scenario::Scenario;

/// More people than any demonstration needs; bounds the memory of the made-up organisation.
const USERS_MAX: u32 = 200_000;
const DEVICES_MAX: u32 = 500_000;
const RATE_MAX: f64 = 10_000_000.0;

/// How `Datetime` is written, after the timestamp formats a Logpush job offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// `"2026-03-02T08:00:00Z"`, what the dashboard sets.
    #[default]
    Rfc3339,
    /// `"2026-03-02T08:00:00.123Z"`.
    Rfc3339Ms,
    /// `"2026-03-02T08:00:00.123456000Z"`.
    Rfc3339Ns,
    /// `1772438400`.
    Unix,
    /// `1772438400123456000`, the API's default.
    UnixNano,
}

/// How the load changes over the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// By the working hours of each office; the rate is the week's average.
    #[default]
    Diurnal,
    /// Always the rate.
    Flat,
}

/// Which attacks happen in the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scenarios {
    /// Every one.
    #[default]
    All,
    /// None, and none of their harmless look-alikes.
    None,
    /// These, with their look-alikes.
    Only(Vec<Scenario>),
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct Config {
    /// The same seed and settings give the same bytes.
    pub seed: u64,
    /// Time of the first record, or a little later.
    pub start: Timestamp,
    /// Records a second, on average.
    pub rate_eps: f64,
    /// How the load changes over the week.
    pub load: Load,
    /// People of the organisation.
    pub users: u32,
    /// Their devices, and the machines that are nobody's.
    pub devices: u32,
    /// Offices, at most 16.
    pub offices: usize,
    /// Attacks to plant.
    pub scenarios: Scenarios,
    /// Each scenario is planted once in every such period, on other devices each time.
    pub scenario_period: Duration,
    /// Fields of a record.
    pub fields: FieldSet,
    /// How `Datetime` is written.
    pub time_format: TimeFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            // A Monday morning in Europe.
            start: Timestamp::from_micros(1_772_438_400_000_000),
            rate_eps: 200.0,
            load: Load::Diurnal,
            users: 3_000,
            devices: 5_600,
            offices: 8,
            scenarios: Scenarios::All,
            scenario_period: Duration::from_secs(6 * 3600),
            fields: FieldSet::Default,
            time_format: TimeFormat::Rfc3339,
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Error, PartialEq)]
pub enum ConfigError {
    /// A number is outside its range.
    #[error("`{name}` is {value}, but must be between {low} and {high}")]
    Range {
        /// The setting.
        name: &'static str,
        /// What it was.
        value: f64,
        /// The least it may be.
        low: f64,
        /// The most it may be.
        high: f64,
    },
    /// A word is not one of a setting's choices.
    #[error("`{value}` is not a {name}: {choices}")]
    Choice {
        /// The setting.
        name: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        choices: String,
    },
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let range = |name, value: f64, low: f64, high: f64| {
            if value >= low && value <= high { Ok(()) } else { Err(ConfigError::Range { name, value, low, high }) }
        };
        range("rate", self.rate_eps, 0.001, RATE_MAX)?;
        range("users", f64::from(self.users), 1.0, f64::from(USERS_MAX))?;
        range("devices", f64::from(self.devices), f64::from(self.users), f64::from(DEVICES_MAX))?;
        range("offices", self.offices as f64, 1.0, OFFICES_MAX as f64)?;
        range("scenario period (seconds)", self.scenario_period.as_secs_f64(), 60.0, 366.0 * 86_400.0)
    }
}

impl FromStr for TimeFormat {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "rfc3339" => Self::Rfc3339,
            "rfc3339ms" => Self::Rfc3339Ms,
            "rfc3339ns" => Self::Rfc3339Ns,
            "unix" => Self::Unix,
            "unixnano" => Self::UnixNano,
            _ => {
                let choices = "rfc3339, rfc3339ms, rfc3339ns, unix or unixnano".to_owned();
                return Err(ConfigError::Choice { name: "time format", value: text.to_owned(), choices });
            }
        })
    }
}

impl FromStr for Scenarios {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ => text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Self::Only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        let wrong = Config { offices: 40, ..Config::default() };
        assert_eq!(wrong.check().unwrap_err().to_string(), "`offices` is 40, but must be between 1 and 16");
        assert!("tuesday".parse::<TimeFormat>().is_err());
        assert!("sliver,nonsense".parse::<Scenarios>().is_err());
        assert_eq!("sliver, bazar".parse(), Ok(Scenarios::Only(vec![Scenario::Sliver, Scenario::Bazar])));
    }
}
