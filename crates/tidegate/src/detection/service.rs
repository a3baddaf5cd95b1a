//! What the server asks, handed to whoever knows the answer.

use serde_json::{Map, Value};
use tidegate_event::Timestamp;
use tidegate_server::detection::{
    Changed, Detection, DetectionError, FeedPreset, IndicatorText, IndicatorsRead, RuleCheck, RuleDetail, RuleInfo,
    RulePreview, TargetTest,
};
use tidegate_state::{TargetId, TargetKind};
use uuid::Uuid;

use super::answers::Answers;
use super::intelligence::Intelligence;

/// Answers the server.
pub(crate) struct Service {
    pub(super) answers: Answers,
    pub(super) intelligence: Intelligence,
}

impl Detection for Service {
    fn rules(&self) -> Vec<RuleInfo> {
        self.answers.rules()
    }

    fn rule(&self, id: Uuid) -> Option<RuleDetail> {
        self.answers.rule(id)
    }

    fn check_rule(&self, yaml: &str) -> RuleCheck {
        self.answers.check_rule(yaml)
    }

    fn preview_rule(&self, yaml: &str, from: Timestamp, to: Timestamp) -> Result<RulePreview, DetectionError> {
        self.answers.preview_rule(yaml, from, to)
    }

    fn save_rule(&self, id: Option<Uuid>, yaml: &str) -> Result<Uuid, DetectionError> {
        self.answers.save_rule(id, yaml)
    }

    fn delete_rule(&self, id: Uuid) -> Result<(), DetectionError> {
        self.answers.delete_rule(id)
    }

    fn check_settings(&self, id: Uuid, settings: &Map<String, Value>) -> Result<(), DetectionError> {
        self.answers.check_settings(id, settings)
    }

    fn navigator(&self) -> Value {
        self.answers.navigator()
    }

    fn changed(&self, what: Changed) -> Result<(), DetectionError> {
        match what {
            Changed::Rules => Ok(self.answers.rulebook.refresh()?),
            // Filters are looked at whenever there is something to hide.
            Changed::AlertFilters => Ok(()),
            _ => self.intelligence.changed(what),
        }
    }

    fn read_indicators(&self, text: &IndicatorText) -> Result<IndicatorsRead, DetectionError> {
        self.intelligence.read_indicators(text)
    }

    fn match_indicators(&self, value: &str) -> Result<Vec<i64>, DetectionError> {
        self.intelligence.match_indicators(value)
    }

    fn feed_presets(&self) -> Vec<FeedPreset> {
        self.intelligence.feed_presets()
    }

    fn check_target(
        &self,
        kind: TargetKind,
        config: &Value,
        secret: Option<&str>,
        template: Option<&str>,
    ) -> Result<(), DetectionError> {
        self.intelligence.check_target(kind, config, secret, template)
    }

    fn test_target(&self, id: TargetId) -> Result<TargetTest, DetectionError> {
        self.intelligence.test_target(id)
    }
}
