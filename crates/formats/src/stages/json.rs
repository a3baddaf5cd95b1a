//! `json.parse-json`: JSON text in, the value out. The reading itself is [`crate::json`].

use super::{Properties, output, property};
use crate::error::LoadError;
use crate::yaml::Text;

/// The configuration of a JSON stage.
#[derive(Debug)]
pub(crate) struct JsonStage {
    pub(crate) input: Option<Text>,
    pub(crate) output: String,
}

impl JsonStage {
    pub(super) fn read(properties: &Properties<'_>) -> Result<Self, LoadError> {
        Ok(Self { input: property(properties, "input_field")?, output: output(properties)? })
    }
}
