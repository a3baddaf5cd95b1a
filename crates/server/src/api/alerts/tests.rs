use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_event::Timestamp;
use tidegate_query::language::{Fields, Query};
use tidegate_state::{self as state, AlertId, EventRef, FindingRule, NewFinding, Similarity};
use uuid::Uuid;

use super::query::query_of;
use crate::testing::{BUILTIN, Fixture};

/// When the first finding happened: 2026-05-04T00:00:00Z.
const AT: i64 = 1_777_852_800_000_000;
const MINUTE: i64 = 60_000_000;

pub(crate) fn finding(number: u128, rule: Uuid, severity: u8, name: &str, event: Uuid) -> NewFinding {
    let at = Timestamp::from_micros(AT + i64::try_from(number).unwrap() * MINUTE);
    NewFinding {
        id: Uuid::from_u128(number),
        rule: FindingRule {
            id: rule,
            name: format!("Rule {severity}"),
            effort: state::Effort::Elementary,
            severity,
            attack: vec!["T1071.004".into()],
        },
        source: Some("192.0.2.1".into()),
        target: None,
        name: Some(name.into()),
        group: Vec::new(),
        first_seen: at,
        last_seen: at,
        count: 1,
        events: vec![EventRef { at, id: event, source_ip: Some("192.0.2.1".into()), name: Some(name.into()) }],
        matched: vec![("dns.question.name".into(), name.into())],
        note: String::new(),
        similarity: Similarity::Pair,
        hidden_by: None,
    }
}

fn raise(fixture: &Fixture, severities: &[u8]) -> Vec<Uuid> {
    let found: Vec<_> = (1..)
        .zip(severities)
        .map(|(number, severity)| {
            finding(number, BUILTIN, *severity, &format!("n{number}.example"), Uuid::from_u128(number))
        })
        .collect();
    let done = fixture.shared.state.raise(&found).unwrap();
    done.into_iter().map(|folded| folded.alert.unwrap().0).collect()
}

async fn get(fixture: &Fixture, path: &str) -> Value {
    let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/alerts{path}"), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn alerts_are_listed_filtered_counted_and_paged() {
    let fixture = Fixture::new();
    raise(&fixture, &[95, 50, 50, 10]);
    let page = get(&fixture, "?limit=3").await;
    assert_eq!((page["total"].as_u64(), page["alerts"].as_array().unwrap().len()), (Some(4), 3));
    let first = &page["alerts"][0];
    assert_eq!((&first["rule"]["severity"], &first["urgency_level"]), (&json!("critical"), &json!("high")));
    assert_eq!((&first["number"], &first["status"], &first["event_count"]), (&json!(1), &json!("pending"), &json!(1)));
    let rest = get(&fixture, &format!("?limit=3&cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!(rest["alerts"][0]["rule"]["severity"], "informational");
    assert!(rest.get("next").is_none());
    for (query, total) in [
        ("severity=medium,critical", 3),
        ("status=closed", 0),
        ("status=pending,closed&urgency=low,high", 2),
        ("q=rule%20n2.example", 1),
        ("source=192.0.2.1&name=N3.example", 1),
        ("technique=T1071", 4),
        ("assignee=none", 4),
        ("assignee=me", 0),
        ("from=2026-05-04T00:03:00Z&sort=newest", 2),
        ("from=&to=&q=&rule=&assignee=&severity=", 4),
        (&format!("rule={BUILTIN}"), 4),
        (&format!("rule={}", Uuid::nil()), 0),
    ] {
        assert_eq!(get(&fixture, &format!("?{query}")).await["total"], total, "{query}");
    }
    let none = get(&fixture, "?status=closed").await;
    assert_eq!((&none["counts"]["status"]["pending"], &none["counts"]["urgency"]["low"]), (&json!(4), &json!(0)));
    let urgent = get(&fixture, "?urgency=high").await;
    assert_eq!(
        (&urgent["counts"]["status"]["pending"], &urgent["counts"]["urgency"]["medium"]),
        (&json!(1), &json!(2))
    );
    for wrong in ["status=new", "severity=12", "rule=x", "sort=best", "from=soon", "cursor=x", "assignee=nobody", "x=1"]
    {
        let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/alerts?{wrong}"), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
        answer.error();
    }
}

#[tokio::test]
async fn an_alert_tells_its_rule_its_events_and_the_search_behind_it() {
    let (fixture, _) = Fixture::detecting();
    let id = raise(&fixture, &[75])[0];
    let alert = get(&fixture, "/1").await;
    assert_eq!(alert["id"], id.to_string());
    assert_eq!(alert, get(&fixture, &format!("/{id}")).await);
    assert_eq!(alert["description"], "what Tunnel finds");
    assert_eq!((&alert["false_positives"], &alert["note"]), (&json!(["backup"]), &Value::Null));
    assert_eq!(alert["matched"], json!([{"field": "dns.question.name", "value": "n1.example"}]));
    assert_eq!((&alert["events"][0]["source_ip"], alert["events"].as_array().unwrap().len()), (&json!("192.0.2.1"), 1));
    assert_eq!(alert["query"], "dns.question.name:n1.example AND source.ip:192.0.2.1 AND dns.question.name:*.example");
    assert_eq!((&alert["from"], &alert["to"]), (&json!("2026-05-04T00:01:00Z"), &json!("2026-05-04T00:01:00.000001Z")));
    assert_eq!(alert["history"][0]["kind"], "created");
    for missing in ["/2", &format!("/{}", Uuid::nil())] {
        let answer = fixture.ask(&fixture.viewer, Method::GET, &format!("/api/v1/alerts{missing}"), None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    let odd = fixture.ask(&fixture.viewer, Method::GET, "/api/v1/alerts/x", None).await;
    assert_eq!((odd.status, odd.error().as_str()), (StatusCode::NOT_FOUND, "no alert `x`"));
}

#[tokio::test]
async fn an_analyst_works_on_an_alert_and_its_history_tells() {
    let fixture = Fixture::new();
    raise(&fixture, &[75, 75]);
    let path = "/api/v1/alerts/1";
    let edit = json!({"status": "ongoing", "verdict": "unknown", "assignee": "me", "comment": "a look"});
    let refused = fixture.ask(&fixture.viewer, Method::PATCH, path, Some(edit.clone())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let alert = fixture.ask(&fixture.analyst, Method::PATCH, path, Some(edit)).await.json();
    assert_eq!(
        (&alert["status"], &alert["verdict"], &alert["assignee"]),
        (&json!("ongoing"), &json!("unknown"), &json!("anton"))
    );
    let kinds = |alert: &Value| -> Vec<String> {
        let history = alert["history"].as_array().unwrap();
        history.iter().map(|line| format!("{} {}", line["kind"].as_str().unwrap(), line["to"])).collect()
    };
    assert_eq!(kinds(&alert), ["created null", "status \"ongoing\"", "verdict \"unknown\"", "assignee \"anton\""]);
    assert_eq!((&alert["history"][1]["comment"], &alert["history"][1]["actor"]), (&json!("a look"), &json!("anton")));
    assert_eq!(get(&fixture, "?assignee=anton").await["total"], 1);
    let back = json!({"verdict": null, "assignee": null});
    let alert = fixture.ask(&fixture.analyst, Method::PATCH, path, Some(back)).await.json();
    assert_eq!((&alert["verdict"], &alert["assignee"]), (&Value::Null, &Value::Null));
    let comments = format!("{path}/comments");
    let said =
        fixture.ask(&fixture.analyst, Method::POST, &comments, Some(json!({"comment": "<b>hm</b>"}))).await.json();
    assert_eq!(said["history"].as_array().unwrap().last().unwrap()["comment"], "<b>hm</b>");
    for (path, body) in [
        (path, json!({"assignee": "nobody"})),
        (path, json!({"status": "new"})),
        (path, json!({"colour": "red"})),
        (comments.as_str(), json!({"comment": " "})),
        (comments.as_str(), json!({"comment": "x".repeat(10_000)})),
    ] {
        let method = if path == comments { Method::POST } else { Method::PATCH };
        let answer = fixture.ask(&fixture.analyst, method, path, Some(body.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text());
    }
    let trail = fixture.ask(&fixture.admin, Method::GET, "/api/v1/audit?action=alert", None).await.json();
    assert_eq!(trail["entries"][0]["actor"], "anton");
}

#[tokio::test]
async fn alerts_are_given_to_those_who_may_work_on_them_and_to_nobody_else() {
    let fixture = Fixture::new();
    let ids = raise(&fixture, &[75, 75, 10]);
    let path = "/api/v1/alerts/assignees";
    let refused = fixture.ask(&fixture.viewer, Method::GET, path, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let listed = async || fixture.ask(&fixture.analyst, Method::GET, path, None).await.json();
    let before = listed().await;
    let names: Vec<_> = before["assignees"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"anton") && names.len() == 2, "{names:?}");
    let user = async |method, path: &str, body: Value| {
        let answer = fixture.ask(&fixture.admin, method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()
    };
    let secret = "correct horse battery staple";
    let made = [("berta", "analyst"), ("viktor", "viewer"), ("dora", "analyst")];
    for (name, role) in made {
        let new = user(Method::POST, "/api/v1/users", json!({"name": name, "password": secret, "role": role})).await;
        if name == "dora" {
            let path = format!("/api/v1/users/{}", new["id"].as_str().unwrap());
            user(Method::PATCH, &path, json!({"enabled": false})).await;
        }
    }
    assert_eq!(listed().await["assignees"].as_array().unwrap().len(), 3);
    let one = async |name: &str| {
        fixture.ask(&fixture.analyst, Method::PATCH, "/api/v1/alerts/1", Some(json!({"assignee": name}))).await
    };
    let many =
        async |body: Value| fixture.ask(&fixture.analyst, Method::POST, "/api/v1/alerts/status", Some(body)).await;
    for (name, why) in [("viktor", "viewers"), ("dora", "disabled"), ("nobody", "is no user")] {
        for answer in [one(name).await, many(json!({"ids": ids, "assignee": name})).await] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(answer.text().contains(why) && answer.text().contains(name), "{}", answer.text());
        }
    }
    assert_eq!(get(&fixture, "?assignee=none").await["total"], 3);
    assert_eq!(one("Berta").await.json()["assignee"], "berta");
    let done = many(json!({"filter": {}, "assignee": "berta"})).await.json();
    assert_eq!(done, json!({"changed": 2, "unchanged": 1, "refused": []}));
    assert_eq!(get(&fixture, "?assignee=berta&status=pending").await["total"], 3);
    let done = many(json!({"ids": [ids[0]], "assignee": null})).await.json();
    assert_eq!((&done["changed"], &get(&fixture, "/1").await["assignee"]), (&json!(1), &Value::Null));
    assert_eq!(many(json!({"ids": [ids[0]]})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn many_alerts_are_closed_at_once() {
    let fixture = Fixture::new();
    let ids = raise(&fixture, &[75, 75, 10]);
    let path = "/api/v1/alerts/status";
    let ask = async |body: Value| fixture.ask(&fixture.analyst, Method::POST, path, Some(body)).await;
    for wrong in [
        json!({"status": "closed"}),
        json!({"ids": [], "status": "closed"}),
        json!({"ids": [ids[0]], "filter": {}, "status": "closed"}),
        json!({"filter": {"status": "new"}, "status": "closed"}),
        json!({"ids": vec![ids[0]; 1_001], "status": "closed"}),
    ] {
        let answer = ask(wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{:.80} {}", wrong.to_string(), answer.text());
    }
    let done = ask(json!({"ids": [ids[0]], "status": "closed", "verdict": "benign", "comment": "test"})).await.json();
    assert_eq!(done, json!({"changed": 1, "unchanged": 0, "refused": []}));
    let done = ask(json!({"filter": {"severity": "high"}, "status": "closed"})).await.json();
    assert_eq!(done, json!({"changed": 1, "unchanged": 1, "refused": []}));
    assert_eq!(get(&fixture, "?status=closed").await["total"], 2);
    // What is like a closed alert begins a new one, and its past is told with it.
    let again = NewFinding { id: Uuid::from_u128(99), ..finding(1, BUILTIN, 75, "n1.example", Uuid::from_u128(99)) };
    let new = fixture.shared.state.raise(&[again]).unwrap()[0].alert.unwrap();
    assert_ne!(new, AlertId(ids[0]));
    let similar = get(&fixture, &format!("/{new}/similar")).await;
    let past = similar["alerts"].as_array().unwrap().iter().find(|alert| alert["number"] == 1).unwrap();
    assert_eq!((&past["closing_comment"], &past["verdict"]), (&json!("test"), &json!("benign")));
    assert_eq!(get(&fixture, &format!("/{new}/similar?limit=1")).await["alerts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn alerts_are_counted_over_time() {
    let fixture = Fixture::new();
    raise(&fixture, &[75, 75, 10]);
    let ask =
        async |body: Value| fixture.ask(&fixture.viewer, Method::POST, "/api/v1/alerts/histogram", Some(body)).await;
    let day = json!({"from": "2026-05-04", "to": "2026-05-04", "interval_ms": 120_000});
    let counted = ask(day).await.json();
    assert_eq!(
        counted["buckets"],
        json!([
            {"start": "2026-05-04T00:00:00Z", "count": 1, "series": []},
            {"start": "2026-05-04T00:02:00Z", "count": 2, "series": []}
        ])
    );
    let back = ask(json!({"to": "2026-05-04", "interval_ms": 86_400_000})).await.json();
    assert_eq!(back["buckets"], json!([{"start": "2026-05-04T00:00:00Z", "count": 3, "series": []}]));
    // Without a width, the bars begin where the alerts do, and are split in the same answer.
    let split = ask(json!({"to": "2026-05-04", "split": "urgency"})).await.json();
    assert_eq!((&split["series"], &split["from"]), (&json!(["high", "medium", "low"]), &json!("2026-05-04T00:01:00Z")));
    assert_eq!(split["interval_ms"], 15 * 60_000);
    assert_eq!(split["buckets"], json!([{"start": "2026-05-04T00:00:00Z", "count": 3, "series": [2, 0, 1]}]));
    let low = ask(json!({"to": "2026-05-04", "split": "urgency", "filter": {"urgency": "low"}})).await.json();
    assert_eq!((&low["series"], &low["buckets"][0]["series"]), (&json!(["low"]), &json!([1])));
    let none = ask(json!({"split": "urgency", "filter": {"status": "closed"}})).await.json();
    assert_eq!((none["from"].as_str(), &none["buckets"]), (None, &json!([])));
    // What the list finds with a filter is what the histogram counts with it.
    for (filter, total) in [
        (json!({"severity": "high"}), 2),
        (json!({"severity": "high,informational", "name": "n3.example"}), 1),
        (json!({"status": "closed"}), 0),
        (json!({"status": "pending", "urgency": "low", "rule": BUILTIN, "q": "rule", "assignee": "none"}), 1),
        (json!({"source": "192.0.2.1", "technique": "T1071", "from": "2026-05-04T00:03:00Z", "to": "2026-05-05"}), 1),
        (json!({"assignee": "me"}), 0),
        (json!({"target": "nobody"}), 0),
    ] {
        let body = json!({"from": "2026-05-04", "to": "2026-05-04", "interval_ms": 86_400_000, "filter": filter});
        let counted = ask(body).await.json();
        let sum: u64 = counted["buckets"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(sum, total, "{filter}");
        let pairs: Vec<_> =
            filter.as_object().unwrap().iter().map(|(key, value)| (key, value.as_str().unwrap())).collect();
        let query: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(get(&fixture, &format!("?{}", query.join("&"))).await["total"], total, "{filter}");
    }
    for wrong in [json!({"status": "new"}), json!({"colour": "red"}), json!({"assignee": "nobody"})] {
        let answer = ask(json!({"to": "2026-05-04", "interval_ms": 60_000, "filter": wrong})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.text());
    }
    for (interval, from) in [(0, "2026-05-04"), (1, "2026-05-01"), (u64::MAX, "2026-05-04"), (1_000, "soon")] {
        let answer = ask(json!({"from": from, "to": "2026-05-04", "interval_ms": interval})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{interval} {from}");
    }
}

#[test]
fn the_search_behind_an_alert_can_be_read_again_whatever_it_is_called() {
    let directory = tempfile::tempdir().unwrap();
    let (state, _) = state::State::open(&directory.path().join("state.db")).unwrap();
    let fields: Fields = ["dns.question.name", "source.ip", "event.id"]
        .into_iter()
        .map(|name| tidegate_query::language::Field {
            name: name.into(),
            kind: tidegate_query::language::Kind::Text,
            folded: false,
        })
        .collect();
    let names = ["a.example", "\" OR *", "x\\", "<img onerror>", "\u{202e}moc", "a b", "", "NOT", &"ü".repeat(5_000)];
    for (number, name) in (1..).zip(names) {
        let mut found = finding(number, BUILTIN, 50, name, Uuid::from_u128(number));
        found.group = vec![("no.such.field".into(), "x".into()), ("source.ip".into(), name.into())];
        let id = state.raise(&[found]).unwrap()[0].alert.unwrap();
        let (mut alert, events) = (state.alert(id).unwrap(), state.alert_events(id).unwrap());
        for _ in 0..2 {
            let text = query_of(&alert, &events, "", &fields);
            let query = Query::parse(&text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            query.resolve(&fields, Timestamp::now()).unwrap();
            assert!(!text.contains("no.such.field"));
            assert_ne!(text, "*");
            (alert.group, alert.name) = (Vec::new(), None);
        }
    }
}

#[tokio::test]
async fn the_search_behind_an_alert_finds_all_that_it_folds_and_its_values_are_told() {
    let (fixture, _) = Fixture::detecting();
    let names = ["a.tunnel.example", "b.tunnel.example", "harmless.test", "c.tunnel.example"];
    let ids = fixture.stage.publish(&names);
    // As a correlation finds it: one finding, many names, nothing said to have matched.
    let events = (0..).zip(&ids).filter(|(index, _)| *index != 2).map(|(index, id)| EventRef {
        at: Timestamp::from_micros(AT + index * 1_000_000),
        id: id.parse().unwrap(),
        source_ip: None,
        name: Some(names[usize::try_from(index).unwrap()].into()),
    });
    let events: Vec<_> = events.collect();
    let mut found = finding(1, BUILTIN, 75, names[0], events[0].id);
    (found.similarity, found.matched, found.count) = (Similarity::Group, Vec::new(), 3);
    (found.first_seen, found.last_seen) = (events[0].at, events[2].at);
    found.events = events;
    fixture.shared.state.raise(&[found]).unwrap();
    let alert = get(&fixture, "/1").await;
    assert_eq!(alert["query"], "dns.question.name:*.example");
    let told: Vec<_> = alert["matched"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    assert_eq!(told, ["a.tunnel.example", "b.tunnel.example", "c.tunnel.example"]);
    let body = json!({"query": alert["query"], "from": alert["from"], "to": alert["to"]});
    let search = fixture.ask(&fixture.viewer, Method::POST, "/api/v1/events/search", Some(body)).await.json();
    assert_eq!(search["total"], alert["event_count"]);
}

#[test]
fn one_name_is_asked_for_only_where_it_makes_findings_alike() {
    let directory = tempfile::tempdir().unwrap();
    let (state, _) = state::State::open(&directory.path().join("state.db")).unwrap();
    let fields: Fields = ["dns.question.name", "dns.question.registered_domain", "source.ip", "event.id", "tags"]
        .into_iter()
        .map(|name| tidegate_query::language::Field {
            name: name.into(),
            kind: tidegate_query::language::Kind::Text,
            folded: false,
        })
        .collect();
    let id = state.raise(&[finding(1, BUILTIN, 50, "a.example", Uuid::from_u128(1))]).unwrap()[0].alert.unwrap();
    let (alert, events) = (state.alert(id).unwrap(), state.alert_events(id).unwrap());
    let ask = |similarity, group: &[(&str, &str)], overflow, search: &str| {
        let group = group.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        let alert = tidegate_state::Alert { similarity, group, overflow, ..alert.clone() };
        query_of(&alert, &events, search, &fields)
    };
    let source = [("source.ip", "192.0.2.1")];
    let name = [("dns.question.name", "a.example")];
    let rule = "tags:rat AND NOT tags:ok";
    assert_eq!(ask(Similarity::Pair, &[], false, ""), "dns.question.name:a.example AND source.ip:192.0.2.1");
    assert_eq!(ask(Similarity::Group, &source, false, rule), "source.ip:192.0.2.1 AND tags:rat AND NOT tags:ok");
    assert_eq!(
        ask(Similarity::Group, &source, false, "tags:a OR tags:b"),
        "source.ip:192.0.2.1 AND (tags:a OR tags:b)"
    );
    // What a hunt found has no tag in the table.
    assert_eq!(ask(Similarity::Group, &name, false, rule), "dns.question.name:a.example");
    assert_eq!(ask(Similarity::Group, &[], false, rule), rule);
    // What has no public suffix has no registered domain in the table.
    let [listed, unlisted] = ["evil.com", "evil.corp"].map(|domain| [("dns.question.registered_domain", domain)]);
    assert_eq!(ask(Similarity::Group, &listed, false, ""), "dns.question.registered_domain:evil.com");
    let expected = "(dns.question.name:evil.corp OR dns.question.name:*.evil.corp)";
    assert_eq!(
        ask(Similarity::Group, &unlisted, false, "").trim_matches(['(', ')']),
        expected.trim_matches(['(', ')'])
    );
    assert_eq!(ask(Similarity::Group, &source, true, rule), rule);
    let one_by_one = format!("event.id:{}", Uuid::from_u128(1));
    assert_eq!(ask(Similarity::Group, &[], false, ""), one_by_one);
    for unusable in ["no.such.field:x", "((", "*"] {
        assert_eq!(ask(Similarity::Group, &[], false, unusable), one_by_one, "{unusable}");
    }
}
