//! Tells what is new about a job: in the log, and to everybody who wants to know of intakes.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use tidegate_logpush::{Report, Severity, Told, Warning, WarningKind};
use tidegate_state::NoticeKind;

use super::Side;

/// Tells the news of a report.
pub(super) fn tell(side: &Side, report: &Report) {
    let (id, name) = (report.job.id, report.job.name.as_deref().unwrap_or_default());
    for told in report.warnings.iter().filter(|told| told.is_new) {
        let (sentence, advice) = (told.warning.sentence(), told.warning.advice());
        let (kind, severity) = (told.warning.kind().name(), told.warning.severity());
        match severity {
            Severity::Info => tracing::info!(job = id.0, kind, "Logpush job {id} `{name}`: {sentence}: {advice}"),
            _ => tracing::warn!(job = id.0, kind, "Logpush job {id} `{name}`: {sentence}: {advice}"),
        }
        let mut payload = payload(side, report, told.warning.kind());
        payload["job"]["severity"] = json!(severity.name());
        payload["job"]["sentence"] = json!(sentence);
        payload["job"]["advice"] = json!(advice);
        queue(side, NoticeKind::LogpushWarning, &key(report, told), &payload);
    }
    for kind in &report.over {
        tracing::info!(job = id.0, kind = kind.name(), "Logpush job {id} `{name}` is well again: {}", kind.name());
        let key = format!("logpush:{id}:{}:over:{}", kind.name(), report.at.as_second());
        queue(side, NoticeKind::LogpushRecovered, &key, &payload(side, report, *kind));
    }
}

fn queue(side: &Side, kind: NoticeKind, key: &str, payload: &Value) {
    if let Err(error) = side.state.tell_of_job(kind, key, payload) {
        tracing::error!("a notice of a Logpush job is not queued: {error}");
    }
}

fn payload(side: &Side, report: &Report, kind: WarningKind) -> Value {
    let intake = report.intake.as_deref().and_then(|id| id.parse().ok()).map(tidegate_event::IntakeId);
    let intake = intake.and_then(|id| side.state.intake(id)).map(|intake| intake.name.clone());
    json!({
        "job": {
            "id": report.job.id.0,
            "name": report.job.name,
            "dataset": report.job.dataset,
            "intake": intake,
            "what": kind.name(),
            "last_complete": report.job.last_complete.map(|at| at.to_string()),
        },
        "at": report.at.to_string(),
    })
}

/// The same for the same trouble, also after a restart of ours: what is told once is not told again.
fn key(report: &Report, told: &Told) -> String {
    let mut hasher = DefaultHasher::new();
    match &told.warning {
        // How long it lasts is another sentence each time; where delivery ended, or when something was heard last, is not.
        Warning::Failing { .. } | Warning::Disabled { .. } | Warning::Lag(_) => {
            report.job.last_complete.hash(&mut hasher);
        }
        Warning::Silent { last_batch, .. } => last_batch.hash(&mut hasher),
        Warning::Gone { .. } | Warning::Key | Warning::Drift(_) | Warning::Sampled(_) => {
            told.warning.sentence().hash(&mut hasher);
            report.job.last_complete.map(|at| at.as_second() / 86_400).hash(&mut hasher);
        }
    }
    format!("logpush:{}:{}:{:016x}", report.job.id, told.warning.kind().name(), hasher.finish())
}
