use serde_json::{Value, json};

use super::*;

const START: &str = "2026-11-22T10:00:00Z";

fn at(minutes: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minutes)
}

fn seen(change: Value, received: Option<Received>) -> Seen {
    let mut job =
        json!({"id": 1, "dataset": "gateway_dns", "enabled": true, "destination_conf": "https://t/?header_K=secret"});
    for (name, value) in change.as_object().unwrap() {
        job[name] = value.clone();
    }
    Seen::Job { job: Box::new(serde_json::from_value(job).unwrap()), drift: None, received }
}

/// Looks at these minutes, in this order; the health of the last.
fn last(looks: &[(i64, Seen)]) -> Health {
    let mut past = Past::default();
    let mut health = Health::bare(JobState::Unknown);
    for (minute, seen) in looks {
        (past, health) = evaluate(&past, seen, SILENT_AFTER, at(*minute));
    }
    health
}

fn fine(minute: i64) -> Value {
    json!({"last_complete": at(minute).to_string()})
}

fn failing(message: &str) -> Value {
    json!({"error_message": message, "last_error": at(0).to_string(), "last_complete": at(-2).to_string()})
}

#[test]
fn a_job_that_delivers_is_healthy() {
    let health = last(&[(0, seen(fine(-1), None)), (60, seen(fine(58), None))]);
    assert_eq!(
        (health.state, health.lag, health.warnings.len()),
        (JobState::Healthy, Some(Duration::from_secs(120)), 0)
    );
    assert_eq!(last(&[(0, seen(json!({}), None))]).state, JobState::Starting);
}

#[test]
fn half_an_hour_of_failing_is_a_warning_and_says_when_it_ends() {
    let looks = |until: i64| {
        let minutes = (0..=until).step_by(5);
        minutes.map(|minute| (minute, seen(failing("1102 ConnectionTimeout"), None))).collect::<Vec<_>>()
    };
    assert_eq!(last(&looks(25)).warnings, []);
    let health = last(&looks(30));
    assert_eq!((health.state, health.failing_since), (JobState::Failing, Some(at(-2))));
    let [warning @ Warning::Failing { disabled_at, advice, .. }] = &health.warnings[..] else { panic!("{health:?}") };
    assert_eq!(*disabled_at, at(24 * 60 - 2));
    assert!(advice.unwrap().contains("5 seconds"));
    assert!(warning.to_string().contains("uploads have failed for 32 minutes (1102 ConnectionTimeout)"), "{warning}");
}

#[test]
fn the_count_of_failing_survives_a_restart_of_ours() {
    let health = last(&[(31, seen(failing("x"), None))]);
    assert_eq!(health.failing_since, Some(at(-2)));
    assert_eq!(health.warnings.len(), 1);
}

#[test]
fn a_quiet_dataset_that_fails_once_is_not_failing_for_days() {
    let mut job = failing("x");
    job["last_complete"] = json!(at(-3 * 24 * 60).to_string());
    let health = last(&[(1, seen(job, None))]);
    assert_eq!((health.failing_since, health.warnings.len()), (Some(at(0)), 0));
}

#[test]
fn a_job_that_works_again_starts_anew() {
    let health = last(&[
        (0, seen(failing("x"), None)),
        (40, seen(fine(39), None)),
        (41, seen(json!({"error_message": "y"}), None)),
    ]);
    assert_eq!((health.failing_since, health.warnings.len()), (Some(at(41)), 0));
}

#[test]
fn a_job_that_was_switched_off_says_why_it_may_have_been() {
    let off = |change: Value| {
        let mut change = change;
        change["enabled"] = json!(false);
        seen(change, None)
    };
    let by_hand = last(&[(0, seen(fine(0), None)), (5, off(fine(4)))]);
    assert_eq!(by_hand.warnings, [Warning::Disabled { after_failures: false }]);
    let by_cloudflare = last(&[(0, seen(failing("x"), None)), (5, off(fine(-2)))]);
    assert_eq!(by_cloudflare.warnings, [Warning::Disabled { after_failures: true }]);
    let later = last(&[(0, seen(failing("x"), None)), (5, off(fine(-2))), (10, off(fine(-2)))]);
    assert_eq!(later.warnings, by_cloudflare.warnings, "it stays said");
    let again =
        last(&[(0, seen(failing("x"), None)), (5, off(fine(-2))), (10, seen(fine(9), None)), (15, off(fine(14)))]);
    assert_eq!(again.warnings, by_hand.warnings, "on again in between");
    assert_eq!(last(&[(0, Seen::Gone)]).warnings, [Warning::Gone { to: None }]);
    let moved = last(&[(0, Seen::Elsewhere("https://other.example/x".to_owned()))]);
    assert!(moved.warnings[0].sentence().contains("`https://other.example/x`"), "{moved:?}");
}

#[test]
fn a_failed_look_changes_nothing() {
    let looks = [
        (0, seen(failing("x"), None)),
        (10, Seen::Unknown("timeout at https://t/?header_K=secret".to_owned())),
        (30, seen(failing("x"), None)),
    ];
    let unknown = last(&looks[..2]);
    assert_eq!((unknown.state, unknown.warnings.len(), unknown.failing_since), (JobState::Unknown, 0, Some(at(-2))));
    assert!(!unknown.error.unwrap().contains("secret"));
    assert_eq!(last(&looks).warnings.len(), 1);
}

#[test]
fn a_silent_intake_under_a_healthy_job_is_a_warning() {
    let heard = |minute| Some(Received { last_batch: Some(at(minute)), ..Received::default() });
    let health = last(&[(0, seen(fine(0), heard(0))), (40, seen(fine(39), heard(5)))]);
    let [warning @ Warning::Silent { .. }] = &health.warnings[..] else { panic!("{health:?}") };
    assert!(warning.to_string().contains("nothing since 2026-11-22T10:05:00Z"), "{warning}");
    let never = Some(Received::default());
    assert_eq!(last(&[(0, seen(fine(0), never)), (40, seen(fine(39), never))]).warnings.len(), 1);
    // A server that was just started, a dataset that is quiet as well, an intake that is not known.
    assert_eq!(last(&[(40, seen(fine(39), heard(5)))]).warnings, []);
    assert_eq!(last(&[(0, seen(fine(0), heard(0))), (25, seen(fine(6), heard(5)))]).warnings, []);
    assert_eq!(last(&[(0, seen(fine(0), None)), (40, seen(fine(39), None))]).warnings, []);
}

#[test]
fn lag_drift_and_sampling_are_told() {
    let health = last(&[(0, seen(fine(-45), None))]);
    assert_eq!(health.warnings, [Warning::Lag(Duration::from_secs(45 * 60))]);
    let sampled = last(&[(0, seen(json!({"output_options": {"field_names": ["A"], "sample_rate": 0.25}}), None))]);
    assert_eq!(sampled.warnings, [Warning::Sampled("0.25".to_owned())]);
    let drift = Drift {
        new: (0..10).map(|index| format!("F{index}")).collect(),
        gone: vec!["Old".to_owned()],
        ..Drift::default()
    };
    assert_eq!(
        drift.to_string(),
        "the job names fields that Cloudflare no longer offers: Old; Cloudflare offers new fields that this version does not \
         read: F0, F1, F2, F3, F4, F5, F6, F7 and 2 more"
    );
}

#[test]
fn clocks_that_disagree_do_no_harm() {
    let future = last(&[(0, seen(fine(600), None))]);
    assert_eq!((future.lag, future.warnings.len()), (Some(Duration::ZERO), 0));
    let error_ahead = json!({"error_message": "x", "last_error": at(600).to_string()});
    assert_eq!(last(&[(0, seen(error_ahead, None))]).failing_since, Some(at(0)));
}
