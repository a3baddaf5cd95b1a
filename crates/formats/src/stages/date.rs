//! `date.parse`: a time as a log writes it in, RFC 3339 with six digits out. The reading itself is [`crate::time`].

use super::{Properties, output, property};
use crate::error::LoadError;
use crate::yaml::Text;

/// The configuration of a date stage.
#[derive(Debug)]
pub(crate) struct DateStage {
    pub(crate) input: Option<Text>,
    pub(crate) output: String,
    pub(crate) format: Option<Text>,
    pub(crate) timezone: Option<Text>,
}

impl DateStage {
    pub(super) fn read(properties: &Properties<'_>) -> Result<Self, LoadError> {
        Ok(Self {
            input: property(properties, "input_field")?,
            output: output(properties)?,
            format: property(properties, "format")?,
            timezone: property(properties, "timezone")?,
        })
    }
}
