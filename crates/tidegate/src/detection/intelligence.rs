//! The intelligence half of what the server asks: reading and matching indicators, presets, and notification targets.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tidegate_detect::intel::{self, Format, Indicator, ReadOptions, Value, parse_value};
use tidegate_detect::lists::{Lists, TagSet};
use tidegate_event::Timestamp;
use tidegate_feeds::{PRESETS, Preset, PresetAuth};
use tidegate_notify::{Channel, Notifier, Template};
use tidegate_server::detection::{
    Changed, DetectionError, FeedPreset, IndicatorText, IndicatorsRead, PassedOver, Refused, TargetTest, TextFormat,
    Unreadable,
};
use tidegate_state::{FeedKind, IndicatorRow, NewIndicator, State, TargetId, TargetKind};

use super::feeds::Wanted;
use super::rulebook::Rulebook;
use super::runner::{Bell, one_thread};

/// The list whose names are never an indicator.
const BENIGN: &str = "benign";
/// Bytes of one text of an indicator that is kept.
const TEXT_BYTES_MAX: usize = 2 << 10;

/// Answers about intelligence; cheap to clone.
#[derive(Clone)]
pub(crate) struct Intelligence {
    pub(super) state: Arc<State>,
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) notifier: Notifier,
    pub(super) wanted: Arc<Wanted>,
    pub(super) feeds: Arc<Bell>,
    pub(super) hunts: Arc<Bell>,
    pub(super) notices: Arc<Bell>,
}

impl Intelligence {
    /// What answers with these rules; nothing works in the background yet.
    pub(super) fn new(state: Arc<State>, rulebook: Arc<Rulebook>, notifier: Notifier) -> Self {
        Self {
            state,
            rulebook,
            notifier,
            wanted: Arc::default(),
            feeds: Arc::default(),
            hunts: Arc::default(),
            notices: Arc::default(),
        }
    }

    /// Reads indicators from a text; keeps nothing.
    pub(crate) fn read_indicators(&self, text: &IndicatorText) -> Result<IndicatorsRead, DetectionError> {
        let catalogue = self.rulebook.rules().current();
        let lists = catalogue.lists();
        let options = ReadOptions {
            format: match text.format {
                TextFormat::Auto => None,
                TextFormat::Stix => Some(Format::Stix),
                TextFormat::Misp => Some(Format::Misp),
                TextFormat::Csv => Some(Format::Csv),
                TextFormat::Text => Some(Format::Text),
            },
            tags: &text.tags,
            confidence: text.confidence,
            now: Some(Timestamp::now()),
            benign: &|name| is_benign(lists, name),
            ..ReadOptions::default()
        };
        let mut found = IndicatorsRead::default();
        let report = intel::read(text.text.as_bytes(), &options, &mut |mut indicator| {
            indicator.valid_until = indicator.valid_until.or(text.valid_until);
            found.indicators.push(to_keep(indicator));
            ControlFlow::Continue(())
        })
        .map_err(|error| DetectionError::Invalid(error.to_string()))?;
        for example in &report.refused_examples {
            // `value (reason)`
            let (value, reason) = example.rsplit_once(" (").unwrap_or((example.as_str(), ""));
            let (value, reason) = (value.to_owned(), reason.trim_end_matches(')').to_owned());
            match reason == intel::Refusal::Benign.as_str() {
                true => found.benign.push(Refused { value, reason }),
                false => found.rejected.push(Unreadable { line: None, value, reason }),
            }
        }
        found.rejected.extend(report.problems.iter().map(unreadable));
        let passed_over = |(kind, count)| PassedOver { kind, count, reason: intel::PASSED_OVER.to_owned() };
        found.passed_over.extend(report.passed_over.into_iter().map(passed_over));
        Ok(found)
    }

    /// The numbers of the indicators that a name or an address meets now.
    pub(crate) fn match_indicators(&self, value: &str) -> Result<Vec<i64>, DetectionError> {
        let (value, _) = parse_value(value)
            .map_err(|why| DetectionError::Invalid(format!("`value` {why}: ask for a name or an address")))?;
        let catalogue = self.rulebook.rules().current();
        let indicators = catalogue.indicators();
        let now = Timestamp::now();
        let hits = match &value {
            Value::Name(name) => indicators.match_name(name, psl::domain_str(name).unwrap_or_default(), now),
            Value::Address(address) => indicators.match_ip(*address, now),
            Value::Network(network) => indicators.match_ip(network.address(), now),
        };
        let numbers = hits.iter().filter_map(|hit| i64::try_from(indicators.get(*hit)?.number()).ok());
        // What is built in has no number.
        Ok(numbers.filter(|number| *number > 0).collect())
    }

    /// The well-known feeds that can be added by name.
    pub(crate) fn feed_presets(&self) -> Vec<FeedPreset> {
        presets()
    }

    /// Whether a notification target of this kind can be reached by such a configuration, and its text be filled in;
    /// nothing is sent.
    pub(crate) fn check_target(
        &self,
        kind: TargetKind,
        config: &Json,
        secret: Option<&str>,
        template: Option<&str>,
    ) -> Result<(), DetectionError> {
        let invalid = |error: &dyn std::fmt::Display| DetectionError::Invalid(error.to_string());
        let channel = Channel::new(kind.as_str(), config, secret).map_err(|error| invalid(&error))?;
        channel.check().map_err(|failure| invalid(&failure))?;
        let _ = template.map(str::parse::<Template>).transpose().map_err(|error| invalid(&error))?;
        Ok(())
    }

    /// Sends a try to a notification target, now, and says what came of it.
    pub(crate) fn test_target(&self, id: TargetId) -> Result<TargetTest, DetectionError> {
        let target = self.state.target(id)?;
        let secret = self.state.target_secret(id)?;
        let failed = |error: String| TargetTest { sent: false, error: Some(error) };
        let secret = secret.as_ref().map(tidegate_state::Secret::reveal);
        let channel = match Channel::new(target.kind.as_str(), &target.config, secret) {
            Ok(channel) => channel,
            Err(error) => return Ok(failed(error.to_string())),
        };
        let template = match target.template.as_deref().map(str::parse::<Template>).transpose() {
            Ok(template) => template,
            Err(error) => return Ok(failed(error.to_string())),
        };
        let runtime = one_thread().map_err(|error| DetectionError::Internal(error.to_string()))?;
        Ok(match runtime.block_on(self.notifier.test(&channel, template.as_ref())) {
            Ok(()) => TargetTest { sent: true, error: None },
            Err(failure) => failed(failure.text),
        })
    }

    /// Follows a change in the control plane. What is not about intelligence is left alone.
    pub(crate) fn changed(&self, what: Changed) -> Result<(), DetectionError> {
        match what {
            Changed::Indicators => self.rulebook.refresh()?,
            Changed::Feeds => self.feeds.ring(),
            Changed::FeedWanted(id) => {
                self.wanted.add(id);
                self.feeds.ring();
            }
            Changed::Retrohunts => self.hunts.ring(),
            Changed::Targets => self.notices.ring(),
            Changed::Rules | Changed::AlertFilters => {}
        }
        Ok(())
    }
}

/// Whether a name is on the benign list.
pub(crate) fn is_benign(lists: &Lists, name: &str) -> bool {
    let mut tags = TagSet::default();
    lists.tags_of(name, &mut tags);
    lists.tag(BENIGN).is_some_and(|benign| tags.contains(benign))
}

/// An indicator in the words of the control plane, within its bounds.
pub(crate) fn to_keep(indicator: Indicator) -> NewIndicator {
    let clip = |text: Option<String>| {
        text.map(|mut text| {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
            text
        })
    };
    NewIndicator {
        value: indicator.value.to_string(),
        kind: indicator.value.kind(),
        scope: indicator.scope.as_str(),
        tags: indicator.tags,
        confidence: indicator.confidence,
        valid_from: indicator.valid_from,
        valid_until: indicator.valid_until,
        reference: clip(indicator.reference),
        description: clip(indicator.description),
    }
}

/// An indicator as it was kept.
pub(crate) fn of_row(row: &IndicatorRow) -> Option<Indicator> {
    let (value, scope) = parse_value(&row.value).ok()?;
    let mut indicator = Indicator::new(value, row.scope.parse().unwrap_or(scope));
    indicator.tags.clone_from(&row.tags);
    indicator.confidence = row.confidence;
    indicator.valid_from = row.valid_from;
    indicator.valid_until = row.valid_until;
    indicator.reference.clone_from(&row.reference);
    indicator.description.clone_from(&row.description);
    Some(indicator)
}

/// The well-known feeds, in the words of the server.
pub(crate) fn presets() -> Vec<FeedPreset> {
    PRESETS.iter().map(preset).collect()
}

fn preset(preset: &Preset) -> FeedPreset {
    FeedPreset {
        preset: preset.id.to_owned(),
        name: preset.name.to_owned(),
        description: preset.about.to_owned(),
        license: format!("{} ({})", preset.terms, preset.page),
        url: preset.url.to_owned(),
        kind: FeedKind::Http,
        format: preset.format.to_owned(),
        collection: preset.name.to_owned(),
        every_seconds: u64::from(preset.interval_min) * 60,
        settings: json!({
            "tags": preset.tags, "confidence": preset.confidence, "valid_days": preset.valid_days,
        }),
        secret_parameter: match preset.auth {
            PresetAuth::None => None,
            PresetAuth::Query(name) => Some(name.to_owned()),
        },
    }
}

/// A problem's sentence begins with what stands there, in backticks.
fn unreadable(problem: &intel::Problem) -> Unreadable {
    let quoted = problem.sentence.strip_prefix('`').and_then(|rest| rest.split_once("` "));
    let (value, reason) = quoted.unwrap_or(("", problem.sentence.as_str()));
    Unreadable { line: Some(problem.at), value: value.to_owned(), reason: reason.to_owned() }
}

/// The folder for targets that are files.
pub(crate) fn notices_dir(data: &std::path::Path) -> io::Result<std::path::PathBuf> {
    let folder = data.join("notices");
    crate::place::make_private(&folder)?;
    Ok(folder)
}
