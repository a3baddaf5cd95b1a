use super::*;

#[test]
fn every_cloudflare_format_of_the_repository_has_its_dataset() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../formats/cloudflare");
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(manifest) = std::fs::read_to_string(folder.join("_meta/manifest.yml")) else { continue };
        if !folder.join("ingest/parser.yml").exists() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let slug = manifest.lines().find_map(|line| line.strip_prefix("slug: ")).unwrap().trim().to_owned();
        assert_eq!(dataset(&name).unwrap().format, slug);
        assert_eq!(dataset(&slug).unwrap().name, name);
        names.push(name);
    }
    names.sort();
    assert_eq!(names, DATASETS.iter().map(|dataset| dataset.name).collect::<Vec<_>>());
}

#[test]
fn the_fields_come_from_the_format() {
    let fields = dataset("gateway-dns").unwrap().known_fields();
    assert_eq!(fields.len(), 82, "the documented fields: {fields:?}");
    for field in ["AccountID", "Datetime", "QueryID", "ResourceRecordsJSON", "RData", "Policy", "UserID"] {
        assert!(fields.contains(&field), "{field}");
    }
    for dataset in &DATASETS {
        let known = dataset.known_fields();
        assert!(known.contains(&dataset.time), "{}: {}", dataset.name, dataset.time);
        for field in dataset.essential {
            assert!(known.contains(field), "{}: {field}", dataset.name);
        }
        for (old, _) in dataset.replaced {
            assert!(known.contains(old), "{}: {old}", dataset.name);
        }
    }
}

#[test]
fn a_job_asks_for_what_is_known_offered_and_not_replaced() {
    let dataset = dataset("gateway_dns").unwrap();
    let all = dataset.wanted_fields([]);
    assert_eq!(all.len(), 78);
    assert!(!all.contains(&"Policy".to_owned()) && all.contains(&"PolicyName".to_owned()));
    let offered = ["Datetime", "QueryName", "Policy", "RData", "ResourceRecords", "Tomorrow"];
    assert_eq!(dataset.wanted_fields(offered), ["Datetime", "Policy", "QueryName", "ResourceRecords"]);
}

#[test]
fn only_names_of_fields_are_taken() {
    assert_eq!(name_at("Datetime}}"), Some("Datetime"));
    assert_eq!(name_at("get('x')"), None);
    assert_eq!(name_at(""), None);
    assert!(dataset("no_such").is_none());
}
