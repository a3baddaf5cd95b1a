use std::fs::{self, File};
use std::path::Path as FilePath;
use std::time::SystemTime;

use super::*;

/// Writes a file as it would look some seconds after it was written.
fn write(dir: &FilePath, name: &str, text: &str, age: Duration) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    File::options().append(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

async fn keys(shelf: &dyn Shelf, after: Option<&str>) -> Vec<String> {
    let pages: Vec<_> = shelf.list(after).collect().await;
    pages.into_iter().flat_map(Result::unwrap).map(|object| object.key).collect()
}

#[tokio::test]
async fn a_folder_is_listed_in_order_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let old = Duration::from_secs(60);
    for name in ["b/2.gz", "a/1.gz", "b/10.gz"] {
        write(dir.path(), name, name, old);
    }
    write(dir.path(), "b/being-written.gz", "x", Duration::ZERO);
    let shelf = open(&Place::Folder(dir.path().into()), None).unwrap();
    assert_eq!(keys(shelf.as_ref(), None).await, ["a/1.gz", "b/10.gz", "b/2.gz"]);
    assert_eq!(keys(shelf.as_ref(), Some("b/10.gz")).await, ["b/2.gz"]);
    let pages: Vec<_> = shelf.list(Some("b/10.gz")).collect().await;
    let object = pages[0].as_ref().unwrap()[0].clone();
    assert_eq!(&shelf.read(&object).await.unwrap()[..], b"b/2.gz");
    write(dir.path(), "b/2.gz", "changed since", old);
    assert!(matches!(shelf.read(&object).await, Err(ReadError::Changed)));
    fs::remove_file(dir.path().join("b/2.gz")).unwrap();
    assert!(matches!(shelf.read(&object).await, Err(ReadError::Gone)));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs");
    let Err(error) = open(&Place::Folder(path.clone()), None) else { panic!() };
    assert_eq!(error.to_string(), format!("the folder `{}` does not exist", path.display()));
    fs::create_dir(&path).unwrap();
    let shelf = open(&Place::Folder(path.clone()), None).unwrap();
    fs::remove_dir(&path).unwrap();
    let pages: Vec<_> = shelf.list(None).collect().await;
    assert!(matches!(&pages[..], [Err(BucketError::NoBucket(_) | BucketError::Unreachable(_))]), "{pages:?}");
}

#[test]
fn a_bucket_elsewhere_wants_credentials() {
    let place = Place::parse("s3://logs", Some("http://127.0.0.1:9"), None, None).unwrap();
    let Err(error) = open(&place, None) else { panic!() };
    assert!(error.to_string().contains("`credentials_file`"), "{error}");
    assert_eq!(hosted("https://s3.example", "logs"), "https://logs.s3.example");
}
