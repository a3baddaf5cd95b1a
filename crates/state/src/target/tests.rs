use super::*;
use crate::audit::AuditFilter;
use crate::testing::Fixture;

fn new(name: &str) -> NewTarget {
    NewTarget {
        name: name.into(),
        kind: TargetKind::Slack,
        config: json!({}),
        secret: Some(Secret::new("https://hooks.example/services/T0/B0/sesame")),
        routing: Routing::default(),
        template: Some("{title}".into()),
        enabled: true,
    }
}

#[test]
fn secrets_are_kept_apart_and_shown_nowhere() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let target = state.create_target(&new("Slack"), &actor).unwrap();
    assert!(target.has_secret);
    assert_eq!(
        state.target_secret(target.id).unwrap().unwrap().reveal(),
        "https://hooks.example/services/T0/B0/sesame"
    );
    let keep = NewTarget { secret: None, ..new("slack 2") };
    assert!(state.change_target(target.id, &keep, &actor).unwrap().has_secret);
    let trail = state.audit(&AuditFilter::default(), 100, None).unwrap();
    let shown = serde_json::to_string(&(state.targets().unwrap(), trail)).unwrap();
    assert!(!shown.contains("sesame") && !format!("{:?}", new("x")).contains("sesame"));
    let remove = NewTarget { secret: Some(Secret::new("")), ..new("slack 2") };
    assert!(!state.change_target(target.id, &remove, &actor).unwrap().has_secret);
    assert_eq!(state.target_secret(target.id).unwrap(), None);
}

#[test]
fn bad_targets_are_refused() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let target = state.create_target(&new("one"), &actor).unwrap();
    assert!(matches!(state.create_target(&new("ONE"), &actor), Err(StateError::Duplicate { .. })));
    let kind = NewTarget { kind: TargetKind::Webhook, ..new("one") };
    assert!(matches!(state.change_target(target.id, &kind, &actor), Err(StateError::Invalid { .. })));
    let rules = vec![Uuid::nil(); RULES_MAX + 1];
    for bad in [
        new("a\nb"),
        NewTarget { config: json!([]), ..new("list") },
        NewTarget { config: json!({"x": "y".repeat(CONFIG_BYTES_MAX)}), ..new("big") },
        NewTarget { template: Some("x".repeat(TEMPLATE_BYTES_MAX + 1)), ..new("template") },
        NewTarget { secret: Some(Secret::new("x".repeat(SECRET_BYTES_MAX + 1))), ..new("secret") },
        NewTarget { routing: Routing { rules, ..Routing::default() }, ..new("rules") },
    ] {
        assert!(matches!(state.create_target(&bad, &actor), Err(StateError::Invalid { .. })), "{}", bad.name);
    }
    state.delete_target(target.id, &actor).unwrap();
    assert!(matches!(state.target(target.id), Err(StateError::NotFound { .. })));
    assert!(matches!(state.target_secret(target.id), Err(StateError::NotFound { .. })));
}
