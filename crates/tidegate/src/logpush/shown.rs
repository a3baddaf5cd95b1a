//! Jobs, steps and differences in the words of the API.

use tidegate_event::IntakeId;
use tidegate_logpush::{
    Difference, Health, Job, JobState, Level, Past, Prepared, Report, Scope, Severity, Step, StepName, Told, Warning,
    WarningKind, evaluate, mask,
};
use tidegate_server::logpush::{
    Arrivals, LogpushDifference, LogpushIntake, LogpushJob, LogpushLevel, LogpushOverview, LogpushScope,
    LogpushSeverity, LogpushState, LogpushStep, LogpushStepName, LogpushStepState, LogpushTrouble, LogpushWarning,
    LogpushWarningKind,
};
use tidegate_state::Intake;

use super::{Side, estimate, key_of};

/// Everything that the watch knows.
pub(super) fn overview(side: &Side, arrived: &Arrivals) -> LogpushOverview {
    let (reports, errors, at) = {
        let seen = side.seen();
        (seen.reports.values().cloned().collect::<Vec<_>>(), seen.errors.clone(), seen.at)
    };
    let jobs: Vec<LogpushJob> = reports.iter().map(|report| of_report(side, report, arrived)).collect();
    let mut intakes: Vec<_> = jobs.iter().filter_map(|job| job.intake.as_ref()).map(|intake| intake.id).collect();
    intakes.sort_unstable();
    intakes.dedup();
    let measured: Vec<_> = intakes.into_iter().filter_map(|id| side.measured(IntakeId(id), arrived)).collect();
    LogpushOverview {
        watching: side.is_watching(),
        sentence: sentence(side, jobs.len(), errors.len()),
        token_known: side.has_token(),
        scopes: side.scopes.iter().map(scope).collect(),
        public_url: side.public_url.clone(),
        checked_at: at.map(tidegate_event::Timestamp::to_rfc3339),
        errors: errors.into_iter().map(|(place, sentence)| LogpushTrouble { scope: scope(&place), sentence }).collect(),
        estimate: estimate::shown(&measured),
        jobs,
    }
}

fn sentence(side: &Side, jobs: usize, errors: usize) -> String {
    match (side.has_token(), side.scopes.is_empty()) {
        (false, true) => "no jobs are watched: set `token_file` and `accounts` or `zones` in [logpush]".to_owned(),
        (false, false) => {
            "no jobs are watched: set `token_file` in [logpush], or the variable CLOUDFLARE_API_TOKEN".to_owned()
        }
        (true, true) => "no jobs are watched: set `accounts` or `zones` in [logpush]".to_owned(),
        (true, false) if errors > 0 => "Cloudflare cannot be asked: `errors` says why".to_owned(),
        (true, false) if side.seen().at.is_none() => "the first look is on its way".to_owned(),
        (true, false) => match jobs {
            0 => "no job sends here: make one".to_owned(),
            1 => "one job sends here".to_owned(),
            more => format!("{more} jobs send here"),
        },
    }
}

/// A job as the watch saw it.
fn of_report(side: &Side, report: &Report, arrived: &Arrivals) -> LogpushJob {
    let intake = report.intake.as_deref().and_then(|id| id.parse().ok()).map(IntakeId);
    let intake = intake.and_then(|id| side.state.intake(id));
    let warnings = report.warnings.iter().map(|told| warning(&told.warning, Some(told))).collect();
    let mut shown = job(&report.scope, &report.job, &report.health, intake.as_deref());
    shown.estimate =
        intake.and_then(|intake| side.measured(intake.id, arrived)).and_then(|one| estimate::shown(&[one]));
    shown.warnings = warnings;
    shown.checked_at = report.at.to_string();
    shown
}

/// A job as it was just read; what the watch knows of its past counts.
pub(super) fn of_job(side: &Side, place: &Scope, read: &Job) -> LogpushJob {
    let intake = side.intake_of(&read.destination_conf);
    let owner = side.owner(read);
    let now = tidegate_logpush::now();
    let received = owner.and_then(|owner| owner.received);
    let look = tidegate_logpush::Seen::Job { job: Box::new(read.clone()), drift: None, received };
    let (_, mut health) = evaluate(&Past::default(), &look, side.silent_after, now);
    if intake.is_none() {
        health.warnings.insert(0, Warning::Key);
    }
    let before = side.seen().reports.get(&key_of(place, read.id)).cloned();
    let known = |kind: WarningKind| {
        before.as_ref().and_then(|report| report.warnings.iter().find(|told| told.warning.kind() == kind))
    };
    let mut shown = job(place, read, &health, intake.as_deref());
    shown.warnings = health.warnings.iter().map(|one| warning(one, known(one.kind()))).collect();
    shown.checked_at = now.to_string();
    shown
}

fn job(place: &Scope, read: &Job, health: &Health, intake: Option<&Intake>) -> LogpushJob {
    LogpushJob {
        id: read.id.0,
        scope: scope(place),
        name: read.name.clone().filter(|name| !name.is_empty()),
        dataset: read.dataset.clone(),
        format: read.known_dataset().map(|dataset| dataset.format.to_owned()),
        intake: intake.map(|intake| LogpushIntake { id: intake.id.0, name: intake.name.clone() }),
        destination: read.destination_conf.to_string(),
        enabled: read.enabled,
        state: match health.state {
            JobState::Healthy => LogpushState::Healthy,
            JobState::Starting => LogpushState::Starting,
            JobState::Failing => LogpushState::Failing,
            JobState::Disabled => LogpushState::Disabled,
            JobState::Gone => LogpushState::Gone,
            JobState::Unknown => LogpushState::Unknown,
        },
        last_complete: read.last_complete.map(|at| at.to_string()),
        last_error: read.last_error.map(|at| at.to_string()),
        error_message: read.error_message.as_deref().filter(|text| !text.is_empty()).map(mask),
        failing_since: health.failing_since.map(|at| at.to_string()),
        lag_seconds: health.lag.map(|lag| lag.as_secs()),
        warnings: Vec::new(),
        estimate: None,
        checked_at: String::new(),
    }
}

fn warning(warning: &Warning, told: Option<&Told>) -> LogpushWarning {
    LogpushWarning {
        kind: match warning.kind() {
            WarningKind::Failing => LogpushWarningKind::Failing,
            WarningKind::Disabled => LogpushWarningKind::Disabled,
            WarningKind::Gone => LogpushWarningKind::Gone,
            WarningKind::Key => LogpushWarningKind::Key,
            WarningKind::Lag => LogpushWarningKind::Lag,
            WarningKind::Silent => LogpushWarningKind::Silent,
            WarningKind::Drift => LogpushWarningKind::Drift,
            WarningKind::Sampled => LogpushWarningKind::Sampled,
        },
        severity: severity(warning.severity()),
        sentence: warning.sentence(),
        advice: warning.advice(),
        since: told.map(|told| told.since.to_string()),
    }
}

const fn severity(severity: Severity) -> LogpushSeverity {
    match severity {
        Severity::Info => LogpushSeverity::Note,
        Severity::Warning => LogpushSeverity::Warning,
        Severity::Breaking => LogpushSeverity::Breaking,
    }
}

/// An account or zone.
pub(super) fn scope(scope: &Scope) -> LogpushScope {
    LogpushScope { level: level(scope.level()), id: scope.id().to_owned() }
}

/// Where jobs of a dataset live.
pub(super) const fn level(level: Level) -> LogpushLevel {
    match level {
        Level::Account => LogpushLevel::Account,
        Level::Zone => LogpushLevel::Zone,
    }
}

/// The steps before creation.
pub(super) fn steps(found: &Prepared) -> Vec<LogpushStep> {
    found.steps.iter().map(step).collect()
}

fn step(step: &Step) -> LogpushStep {
    LogpushStep {
        step: match step.name {
            StepName::Scope => LogpushStepName::Scope,
            StepName::Token => LogpushStepName::Token,
            StepName::Permissions => LogpushStepName::Permissions,
            StepName::Address => LogpushStepName::Address,
            StepName::Fields => LogpushStepName::Fields,
            StepName::Jobs => LogpushStepName::Jobs,
            StepName::Destination => LogpushStepName::Destination,
        },
        state: match step.ok {
            Some(true) => LogpushStepState::Ok,
            Some(false) => LogpushStepState::Failed,
            None => LogpushStepState::Unknown,
        },
        sentence: step.sentence.clone(),
    }
}

/// A difference; `mended` says whether an update mends it as things are.
pub(super) fn difference(difference: &Difference, mended: bool) -> LogpushDifference {
    use tidegate_logpush::Aspect;
    let is_about_place = matches!(difference.aspect, Aspect::Destination | Aspect::Key);
    LogpushDifference {
        aspect: difference.aspect.name().to_owned(),
        severity: severity(difference.severity),
        is: difference.is.clone(),
        wanted: difference.wanted.clone(),
        why: difference.why.clone(),
        mended,
        needs_key: is_about_place && !mended,
    }
}
