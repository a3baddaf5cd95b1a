//! Indicators: what threat intelligence says about names and addresses. Files of the usual formats go in, checked
//! [`Indicator`]s come out; compiled into [`Indicators`] they answer millions of questions a second. It will never know
//! how a file came here or where indicators are kept.

mod compiled;
mod csv;
mod defang;
mod detection;
mod eicar;
mod error;
mod hits;
mod indicator;
mod intern;
mod json;
mod lines;
mod misp;
mod moment;
mod name;
mod pattern;
mod plain;
mod read;
mod relay;
mod report;
mod retrohunt;
mod stix;
mod value;

pub use compiled::{Indicators, IndicatorsBuilder, Known, Left};
pub use csv::{Column, Columns};
pub use detection::Format;
pub use eicar::{EICAR_COLLECTION, EICAR_NAME, EICAR_TAG, eicar};
pub use error::IntelError;
pub use hits::{HITS_MAX, Hits, IndicatorId};
pub use indicator::Indicator;
pub use name::{NameError, normalise_name};
pub use read::{FEED_BYTES_MAX, INDICATORS_MAX, ReadOptions, read};
pub use report::{PASSED_OVER, PROBLEMS_MAX, Page, Problem, Refusal, Report};
pub use retrohunt::{
    CHUNK_VALUES_MAX, Conditions, PlanOptions, Progress, RETROHUNT_AFTER_MICROS, RetrohuntPlan, Step, Target,
};
pub use value::{Network, Scope, Value, ValueError, parse_value};

#[cfg(test)]
mod tests;
