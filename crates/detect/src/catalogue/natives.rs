//! Settings of the native detectors, gathered from their rules.

use super::draft::Draft;
use crate::native::NativeSettings;
use crate::problem::Problem;
use crate::settings::Settings;

/// The section of the detectors' settings that a detector reads.
fn section(detector: &str) -> &str {
    match detector {
        "nxdomain-burst" => "nxdomain",
        "first-seen" => "first_seen",
        "sliver" | "cobalt-strike" | "evilproxy" => "session",
        other => other,
    }
}

/// What the files of native detectors and the user set. A detector without a rule that is on does not run.
pub(super) fn native_settings(drafts: &[Draft], settings: &Settings, problems: &mut Vec<Problem>) -> NativeSettings {
    let mut sections = serde_json::json!({"lateness_seconds": settings.lateness_seconds});
    for draft in drafts {
        let Some(detector) = &draft.info.detector else { continue };
        let own = &mut sections[section(detector)];
        let running = own["enabled"].as_bool().unwrap_or(false) || draft.info.enabled;
        own["enabled"] = running.into();
        for (name, value) in &draft.info.settings {
            own[name] = serde_json::to_value(value).unwrap_or_default();
        }
        if let Err(error) = serde_json::from_value::<NativeSettings>(sections.clone()) {
            let message = format!("settings of detector `{detector}`: {error}");
            problems.push(draft.document.problem_at(&["tidegate", "settings"], message));
            let enabled = sections[section(detector)]["enabled"].clone();
            sections[section(detector)] = serde_json::json!({"enabled": enabled});
        }
    }
    serde_json::from_value(sections).unwrap_or_default()
}
