use serde_json::json;

use super::*;
use crate::dataset::dataset;
use crate::difference::render;
use crate::plan::plan;
use crate::request::JobRequest;

const URL: &str = "https://t.example";

fn key() -> IntakeKey {
    IntakeKey::new("tgi_0123456789ABCDEFGHwxyz").unwrap()
}

fn destination() -> Destination {
    Destination::of_intake(URL, &key(), crate::destination::Header::Tidegate, &[]).unwrap()
}

fn wanted<'a>(offered: &[&'a str]) -> Wanted<'a> {
    Wanted::new(dataset("gateway_dns").unwrap(), offered.to_vec(), Some(URL), WantedKey::Exact(key())).unwrap()
}

/// A job as the server gives it back: with defaults that the request did not name.
fn good() -> Value {
    let mut job = JobRequest::of_dataset(dataset("gateway_dns").unwrap(), destination(), []).body();
    let options: OutputOptions = serde_json::from_value(job["output_options"].clone()).unwrap();
    job["output_options"] = json!(options.normalised());
    job["id"] = json!(1);
    job["filter"] = json!("");
    job["kind"] = json!("");
    job
}

fn job(change: impl FnOnce(&mut Value)) -> Job {
    let mut value = good();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn found(change: impl FnOnce(&mut Value)) -> Vec<(Aspect, Severity)> {
    verify(&job(change), &wanted(&[])).iter().map(|difference| (difference.aspect, difference.severity)).collect()
}

#[test]
fn the_job_that_we_make_has_no_difference() {
    assert_eq!(verify(&job(|_| {}), &wanted(&[])), []);
    assert!(plan(&job(|_| {}), &wanted(&[]), Some(&destination())).update.is_empty());
}

#[test]
fn each_difference_is_found_and_weighed() {
    use Aspect as A;
    use Severity::{Breaking, Info, Warning};
    type Change = fn(&mut Value);
    let cases: [(Change, (Aspect, Severity)); 17] = [
        (|job| job["enabled"] = json!(false), (A::Enabled, Breaking)),
        (|job| job["dataset"] = json!("gateway_http"), (A::Dataset, Breaking)),
        (|job| job["error_message"] = json!("1102 ConnectionTimeout"), (A::Failing, Breaking)),
        (|job| job["filter"] = json!(r#"{"where":{"key":"RCode","operator":"eq","value":0}}"#), (A::Filter, Warning)),
        (|job| job["filter"] = json!("not json"), (A::Filter, Warning)),
        (|job| job["output_options"]["sample_rate"] = json!(0.1), (A::SampleRate, Breaking)),
        (|job| job["output_options"]["timestamp_format"] = json!("unixnano"), (A::TimeFormat, Warning)),
        (|job| job["output_options"]["timestamp_format"] = json!(null), (A::TimeFormat, Warning)),
        (|job| job["output_options"]["output_type"] = json!("csv"), (A::Shape, Breaking)),
        (|job| job["output_options"]["record_template"] = json!("{{.QueryName}}"), (A::Shape, Breaking)),
        (|job| job["max_upload_bytes"] = json!(1_000_000_000), (A::UploadBytes, Breaking)),
        (|job| job["max_upload_records"] = json!(1_000), (A::UploadRecords, Info)),
        (|job| job["max_upload_interval_seconds"] = json!(300), (A::UploadInterval, Info)),
        (|job| without(job, "Datetime"), (A::FieldsMissing, Breaking)),
        (|job| without(job, "QueryID"), (A::FieldsMissing, Warning)),
        (|job| without(job, "TenantID"), (A::FieldsMissing, Info)),
        (
            |job| job["output_options"]["field_names"].as_array_mut().unwrap().push(json!("Policy")),
            (A::FieldsExtra, Info),
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(found(change), [expected]);
    }
}

#[test]
fn destination_and_key_are_compared() {
    let with = |text: &str| {
        let text = text.to_owned();
        found(move |job| job["destination_conf"] = json!(text))
    };
    let key = key();
    let key = key.reveal();
    assert_eq!(
        with(&format!("https://T.example:443/api/v1/intake-http/plain/batch?header_x-sekoiaio-intake-key={key}")),
        []
    );
    assert_eq!(
        with(&format!("https://other.example/plain/batch?header_X-Tidegate-Intake-Key={key}")),
        [(Aspect::Destination, Severity::Breaking)]
    );
    assert_eq!(with("https://t.example/plain/batch"), [(Aspect::Key, Severity::Breaking)]);
    assert_eq!(with("https://t.example/plain/batch?intake_key=tgi_other"), [(Aspect::Key, Severity::Breaking)]);
    let hinted = |hint: &str| Wanted { key: WantedKey::Hint(hint.to_owned()), ..wanted(&[]) };
    assert_eq!(verify(&job(|_| {}), &hinted("wxyz")), []);
    assert_eq!(verify(&job(|_| {}), &hinted("abcd"))[0].aspect, Aspect::Key);
    assert!(!render(&verify(&job(|_| {}), &hinted("abcd"))).contains("GHwxyz"));
}

#[test]
fn filters_that_leave_nothing_out_are_none() {
    for filter in ["", " ", "{}", "null", r#"{"where":null}"#, r#"{"where":{}}"#, r#"{"where":{"and":[]}}"#] {
        assert_eq!(found(|job| job["filter"] = json!(filter)), [], "{filter}");
    }
}

#[test]
fn what_cloudflare_offers_counts() {
    let dataset = dataset("gateway_dns").unwrap();
    let mut offered = dataset.known_fields();
    offered.retain(|field| *field != "TenantID");
    offered.push("Tomorrow");
    let all = verify(&job(|_| {}), &wanted(&offered));
    let aspects: Vec<Aspect> = all.iter().map(|difference| difference.aspect).collect();
    assert_eq!(aspects, [Aspect::FieldsGone, Aspect::FieldsNew], "{all:?}");
    let plan = plan(&job(|_| {}), &wanted(&offered), None);
    let fields = plan.update.output_options.unwrap().field_names.unwrap();
    assert!(!fields.contains(&"TenantID".to_owned()) && !fields.contains(&"Tomorrow".to_owned()));
}

#[test]
fn a_job_of_the_old_way_works_and_is_brought_up_to_date() {
    let compat = JobRequest::compat(dataset("gateway_dns").unwrap(), destination());
    let mut value = compat.body();
    value["id"] = json!(5);
    let job: Job = serde_json::from_value(value).unwrap();
    let differences = verify(&job, &wanted(&[]));
    assert!(differences.iter().all(|difference| difference.severity < Severity::Breaking), "{differences:?}");
    assert!(differences.iter().any(|difference| difference.aspect == Aspect::OldStyle));
    let plan = plan(&job, &wanted(&[]), None);
    let options = plan.update.output_options.unwrap();
    assert!(options.fields().contains(&"QueryID".to_owned()) && !options.fields().contains(&"RData".to_owned()));
}

#[test]
fn after_the_update_nothing_that_can_be_mended_is_left() {
    let broken = job(|job| {
        job["enabled"] = json!(false);
        job["filter"] = json!(r#"{"where":{"key":"RCode","operator":"eq","value":0}}"#);
        job["max_upload_bytes"] = json!(1_000_000_000);
        job["max_upload_interval_seconds"] = json!(300);
        job["destination_conf"] = json!("https://old.example/plain/batch?header_X-Tidegate-Intake-Key=tgi_old");
        job["output_options"] = json!({"field_names": ["QueryName", "Mine"], "sample_rate": 0.5, "output_type": "csv",
            "CVE-2021-44228": true, "record_prefix": "<"});
    });
    let plan = plan(&broken, &wanted(&[]), Some(&destination()));
    let mut after = json!({"id": 1, "dataset": "gateway_dns", "max_upload_records": 100_000});
    for (name, value) in plan.update.body().as_object().unwrap() {
        after[name] = value.clone();
    }
    let after: Job = serde_json::from_value(after).unwrap();
    let left: Vec<_> = verify(&after, &wanted(&[])).into_iter().filter(|difference| difference.mends).collect();
    assert_eq!(left, []);
    assert!(after.output().fields().contains(&"Mine".to_owned()), "the user's own fields stay");
    assert_eq!(after.output().cve_2021_44228, Some(true));
    let without_key = crate::plan::plan(&broken, &wanted(&[]), None);
    assert!(without_key.update.destination.is_none() && without_key.leaves_breaking());
}

#[test]
fn the_diff_reads_well() {
    let text = render(&verify(&job(|job| job["output_options"]["sample_rate"] = json!(0.1)), &wanted(&[])));
    let expected = "breaking: only a share of the records is sent: counts are not counts, and rules that count go wrong\n  \
                    - sample_rate: 0.1\n  + sample_rate: 1\n";
    assert_eq!(text, expected);
}

fn without(job: &mut Value, field: &str) {
    job["output_options"]["field_names"].as_array_mut().unwrap().retain(|name| name != field);
}
