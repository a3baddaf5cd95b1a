use super::*;
use crate::intel::parse_value;

const DAY: i64 = DAY_MICROS;

fn target(number: u64, text: &str, from: Option<i64>, until: Option<i64>) -> Target {
    let (value, scope) = parse_value(text).unwrap();
    let mut indicator = Indicator::new(value, scope);
    indicator.valid_from = from.map(|day| Timestamp::from_micros(day * DAY));
    indicator.valid_until = until.map(|day| Timestamp::from_micros(day * DAY));
    Target { number, indicator }
}

fn options(chunk_values: usize, slice_days: i64) -> PlanOptions {
    PlanOptions {
        from: Timestamp::from_micros(100 * DAY),
        until: Timestamp::from_micros(200 * DAY),
        chunk_values,
        slice_micros: slice_days * DAY,
    }
}

#[test]
fn an_indicator_is_hunted_over_its_validity_and_five_days() {
    let plan = RetrohuntPlan::new(vec![target(1, "evil.example", Some(150), Some(160))], &options(500, 7));
    let steps: Vec<Step> = (0..plan.steps()).map(|index| plan.step(index).unwrap()).collect();
    let ranges: Vec<(i64, i64)> = steps.iter().map(|s| (s.from.as_micros() / DAY, s.until.as_micros() / DAY)).collect();
    assert_eq!(ranges, [(150, 157), (157, 164), (164, 165)]);
    assert_eq!(steps[0].conditions.names, ["evil.example"]);
    assert_eq!(steps[0].conditions.parents, ["evil.example"], "no event below it has a registered domain");
    let listed = RetrohuntPlan::new(vec![target(1, "evil.com", Some(150), Some(160))], &options(500, 7));
    let conditions = listed.step(0).unwrap().conditions;
    assert_eq!((conditions.registered_domains, conditions.parents), (vec!["evil.com".to_owned()], vec![]));
    assert!(plan.step(plan.steps()).is_none());
    let judges = plan.judges(0).unwrap();
    let hit = |day: i64| judges.match_name("www.evil.example", "evil.example", Timestamp::from_micros(day * DAY)).len();
    assert_eq!([hit(149), hit(150), hit(164), hit(165)], [0, 1, 1, 0]);
}

#[test]
fn what_ended_before_the_first_event_is_passed_over() {
    let targets = vec![target(1, "a.example", None, Some(95)), target(2, "b.example", None, Some(96))];
    let plan = RetrohuntPlan::new(targets, &options(500, 7));
    assert_eq!((plan.passed_over(), plan.steps()), (1, 1));
    let none = RetrohuntPlan::new(vec![], &options(500, 7));
    assert_eq!((none.steps(), Progress::of(&none).percent(), Progress::of(&none).is_complete()), (0, 100, true));
}

#[test]
fn every_target_is_asked_for_over_its_whole_range_in_bounded_steps() {
    let texts = |number: u64| match number % 5 {
        0 => format!("n{number}.example"),
        1 => format!("*.w{number}.example"),
        2 => format!("http://u{number}.example/x"),
        3 => format!("192.0.{}.{}", number / 250, number % 250),
        _ => format!("10.{}.0.0/16", number % 250),
    };
    let targets: Vec<Target> = (0..1_003)
        .map(|number| {
            let from = 90 + (number as i64 * 7) % 100;
            target(number, &texts(number), Some(from), Some(from + (number as i64) % 13))
        })
        .collect();
    let options = options(64, 9);
    let plan = RetrohuntPlan::new(targets.clone(), &options);
    let again = RetrohuntPlan::new(targets.iter().rev().cloned().collect(), &options);
    assert_eq!(plan.steps(), again.steps());
    let steps: Vec<Step> = (0..plan.steps()).map(|index| plan.step(index).unwrap()).collect();
    for step in &steps {
        let Conditions { names, registered_domains, parents, addresses, networks } = &step.conditions;
        assert!(names.len() + addresses.len() + networks.len() <= 64);
        assert!(registered_domains.len() + parents.len() <= names.len());
        assert!(step.from < step.until && step.until.as_micros() - step.from.as_micros() <= 9 * DAY);
        assert_eq!(Some(step), again.step(step.index).as_ref());
    }
    for target in &targets {
        let (from, until) = window(&target.indicator, &options);
        let mut covered = from;
        for step in &steps {
            let asked = match &target.indicator.value {
                Value::Name(name) => step.conditions.names.contains(name),
                Value::Address(address) => step.conditions.addresses.contains(address),
                Value::Network(network) => step.conditions.networks.contains(network),
            };
            if asked && step.from.as_micros() <= covered {
                covered = covered.max(step.until.as_micros());
            }
        }
        assert!(covered >= until, "{target:?}");
    }
}

#[test]
fn an_endless_range_still_has_few_steps() {
    let options = PlanOptions {
        from: Timestamp::from_micros(i64::MIN),
        until: Timestamp::from_micros(i64::MAX),
        chunk_values: 0,
        slice_micros: 0,
    };
    let plan =
        RetrohuntPlan::new(vec![target(1, "a.example", None, None), target(2, "b.example", None, None)], &options);
    assert!(plan.steps() <= 2 * SLICES_MAX as u64 && plan.steps() >= 2);
    assert!((0..plan.steps()).all(|index| plan.step(index).is_some()));
}

#[test]
fn progress_counts_each_step_once() {
    let plan = RetrohuntPlan::new(vec![target(1, "a.example", Some(150), Some(160))], &options(1, 7));
    let mut progress = Progress::of(&plan);
    assert!(progress.done(0, 2));
    assert!(!progress.done(0, 2));
    assert!(!progress.done(2, 2));
    assert_eq!((progress.hits, progress.percent(), progress.is_complete()), (2, 33, false));
    assert!(progress.done(1, 0) && progress.done(2, 1) && !progress.done(3, 1));
    assert_eq!((progress.hits, progress.percent(), progress.is_complete()), (3, 100, true));
}
