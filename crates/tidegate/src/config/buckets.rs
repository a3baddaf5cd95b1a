//! The buckets that are followed: `[[buckets]]`, as many as one likes. Unlike the sections, they are set in the file only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_bucket::{CONCURRENCY_MAX, Options, Place};
use toml::Spanned;
use toml::de::DeValue;

use super::kind::Span;
use super::problem::{Origin, Problem};
use super::value::{Raw, Value, must_be, text};
use super::{Written, nearest};

/// The name of the list in the file.
pub(super) const NAME: &str = "buckets";
/// Buckets that one server follows; each has a thread.
const BUCKETS_MAX: usize = 32;
/// Asking more often costs money and finds nothing: Logpush writes every 30 seconds at most.
const INTERVAL_MIN: Duration = Duration::from_secs(5);
/// Less would lose objects that come late.
const LOOK_BACK_MIN: Duration = Duration::from_secs(3600);

/// Text that says something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Value for Text {
    const KIND: &'static str = "a text";

    fn read(raw: &Raw) -> Result<Self, String> {
        let said = text::<Self>(raw)?.trim();
        if said.is_empty() { Err(must_be::<Self>(raw)) } else { Ok(Self(said.to_owned())) }
    }

    fn show(&self) -> Raw {
        Raw::Text(self.0.clone())
    }
}

/// One bucket that is followed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// The intake that gets its records.
    pub(crate) intake: String,
    /// Where it is.
    pub(crate) place: Place,
    /// Where its keys are; without one, in the environment.
    pub(crate) credentials_file: Option<PathBuf>,
    /// How it is followed. The bound on an object is the intake's.
    pub(crate) options: Options,
}

/// A key: its name, its meaning, its kind, its default.
type Key = (&'static str, &'static str, &'static str, &'static str);

const KEYS: [Key; 9] = [
    (
        "url",
        "The folder in the bucket: `s3://BUCKET/PREFIX`, without `{DATE}`; or a folder of this machine: `file:///PATH`.",
        <Text as Value>::KIND,
        "none",
    ),
    ("intake", "The name of the intake that gets the records; its format parses them.", <Text as Value>::KIND, "none"),
    (
        "endpoint",
        "The server, such as `https://ACCOUNT.r2.cloudflarestorage.com`; none means Amazon S3.",
        <Text as Value>::KIND,
        "none",
    ),
    (
        "region",
        "The region that requests are signed for: `auto` for another server than Amazon's, there `us-east-1`.",
        <Text as Value>::KIND,
        "none",
    ),
    (
        "path_style",
        "Whether the bucket's name stands in the path instead of the host. Without it: for every server but Amazon's.",
        <bool as Value>::KIND,
        "none",
    ),
    (
        "credentials_file",
        "File with `access_key_id = …` and `secret_access_key = …`, as AWS tools write it; else `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` count.",
        <PathBuf as Value>::KIND,
        "none",
    ),
    ("interval", "How often it is looked through.", <Span as Value>::KIND, "`\"60s\"`"),
    ("concurrency", "Objects that are read at the same time.", <usize as Value>::KIND, "`8`"),
    (
        "look_back",
        "How late an object may come, by its name, and still be found at the next look; later ones are found by the sweep once an hour.",
        <Span as Value>::KIND,
        "`\"7d\"`",
    ),
];

/// The list as it stands in the file.
pub(super) fn take(
    items: &[Spanned<DeValue<'_>>],
    place: &impl Fn(std::ops::Range<usize>) -> Origin,
    raw: impl Fn(&Spanned<DeValue<'_>>) -> Raw,
    written: &mut Written,
) {
    for (index, item) in items.iter().enumerate() {
        let origin = place(item.span());
        let DeValue::Table(keys) = item.get_ref() else {
            written
                .problems
                .push(Problem::new(origin, format!("`{NAME}` must be a list of tables: write `[[{NAME}]]`")));
            continue;
        };
        if index >= BUCKETS_MAX {
            return written.problems.push(Problem::new(origin, format!("[[{NAME}]] are more than {BUCKETS_MAX}")));
        }
        let mut values = BTreeMap::new();
        for (key, value) in keys.iter() {
            match KEYS.iter().find(|(known, ..)| *known == key.get_ref().as_ref()) {
                Some((known, ..)) => {
                    values.insert(*known, (raw(value), place(value.span())));
                }
                None => {
                    let known = KEYS.iter().map(|(known, ..)| *known);
                    let message = nearest::unknown_key_of(NAME, key.get_ref(), known);
                    written.problems.push(Problem::new(place(key.span()), message));
                }
            }
        }
        let bucket = Reader { values, origin, written: &mut *written }.bucket();
        written.buckets.extend(bucket);
    }
}

struct Reader<'w> {
    values: BTreeMap<&'static str, (Raw, Origin)>,
    origin: Origin,
    written: &'w mut Written,
}

impl Reader<'_> {
    fn bucket(mut self) -> Option<Bucket> {
        let (url, intake) = (self.needed("url"), self.needed("intake"));
        let endpoint: Option<Text> = self.value("endpoint");
        let region: Option<Text> = self.value("region");
        let path_style = self.value("path_style");
        let mut credentials_file: Option<PathBuf> = self.value("credentials_file");
        if let (Some(path), Some(folder)) = (&mut credentials_file, &self.written.folder) {
            path.rebase(folder);
        }
        let default = Options::default();
        let interval = self.at_least("interval", default.interval, INTERVAL_MIN);
        let look_back = self.at_least("look_back", default.look_back, LOOK_BACK_MIN);
        let concurrency = self.value("concurrency").unwrap_or(default.concurrency);
        if concurrency > CONCURRENCY_MAX {
            self.wrong("concurrency", &format!("is more than {CONCURRENCY_MAX}"));
        }
        let (url, intake) = (url?.0, intake?.0);
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
        let (endpoint, region) = (text(&endpoint), text(&region));
        let mut place = match Place::parse(&url, endpoint.as_deref(), region.as_deref(), path_style) {
            Ok(place) => place,
            Err(error) => {
                self.wrong("url", &format!("does not fit: {error}"));
                return None;
            }
        };
        if let (Place::Folder(path), Some(folder)) = (&mut place, &self.written.folder) {
            path.rebase(folder);
        }
        let options = Options { interval, concurrency, look_back, ..default };
        Some(Bucket { intake, place, credentials_file, options })
    }

    fn value<T: Value>(&mut self, key: &'static str) -> Option<T> {
        let (raw, _) = self.values.get(key)?;
        match <Option<T> as Value>::read(raw) {
            Ok(value) => value,
            Err(why) => {
                self.wrong(key, &why);
                None
            }
        }
    }

    fn needed(&mut self, key: &'static str) -> Option<Text> {
        if !self.values.contains_key(key) {
            let message = format!("[[{NAME}]] needs `{key}`");
            self.written.problems.push(Problem::new(self.origin.clone(), message));
        }
        self.value(key)
    }

    fn at_least(&mut self, key: &'static str, default: Duration, min: Duration) -> Duration {
        let Some(Span(span)) = self.value(key) else { return default };
        if span < min {
            self.wrong(key, &format!("is less than {} seconds", min.as_secs()));
        }
        span
    }

    fn wrong(&mut self, key: &'static str, why: &str) {
        let origin = self.values.get(key).map_or(&self.origin, |(_, origin)| origin);
        self.written.problems.push(Problem::new(origin.clone(), format!("`{key}` in [[{NAME}]] {why}")));
    }
}

/// Every value as it would be written, for `config show`.
pub(super) fn show(bucket: &Bucket) -> Vec<(&'static str, Raw)> {
    let mut shown = Vec::new();
    let text = |text: &str| Raw::Text(text.to_owned());
    match &bucket.place {
        Place::Folder(path) => shown.push(("url", text(&format!("file://{}", path.display())))),
        Place::S3 { endpoint, region, bucket, prefix, path_style } => {
            shown.push(("url", text(&format!("s3://{bucket}/{prefix}"))));
            shown.extend(endpoint.as_ref().map(|endpoint| ("endpoint", text(endpoint))));
            shown.push(("region", text(region)));
            shown.push(("path_style", Raw::Bool(*path_style)));
        }
    }
    shown.push(("intake", text(&bucket.intake)));
    shown.extend(bucket.credentials_file.as_ref().map(|path| ("credentials_file", path.show())));
    shown.push(("interval", Span(bucket.options.interval).show()));
    shown.push(("concurrency", bucket.options.concurrency.show()));
    shown.push(("look_back", Span(bucket.options.look_back).show()));
    shown
}

/// The list in the reference page.
pub(super) fn reference() -> String {
    let mut page = format!(
        "\n## [[{NAME}]]\n\nBuckets whose objects are read, where Logpush writes to a bucket instead of sending here. One \
         `[[{NAME}]]` for each; they are set in the file only. [buckets.md](buckets.md) has the rest.\n\n\
         | key | meaning | default |\n|---|---|---|\n"
    );
    for (key, about, kind, default) in KEYS {
        let kind = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
        page.push_str(&format!("| `{key}` | {about} *{kind}.* | {default} |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::super::tests::{problems, read};
    use super::*;

    #[test]
    fn buckets_are_read_with_their_defaults() {
        let text = "[[buckets]]\nurl = 's3://logs/gateway'\nintake = 'gateway'\nendpoint = 'http://minio:9000'\n\
                    credentials_file = 'keys'\n[[buckets]]\nurl = 'inbox'\nintake = 'other'\ninterval = '5m'\n";
        let loaded = read(text).unwrap();
        let [one, two] = &loaded.buckets[..] else { panic!("{:?}", loaded.buckets) };
        assert_eq!((one.intake.as_str(), one.options), ("gateway", Options::default()));
        assert!(one.credentials_file.as_ref().unwrap().is_absolute(), "begins at the file's folder");
        assert!(matches!(&one.place, Place::S3 { region, path_style: true, .. } if region == "auto"));
        assert!(matches!(&two.place, Place::Folder(path) if path.is_absolute()));
        assert_eq!(two.options.interval, Duration::from_secs(300));
        assert_eq!(show(one).len(), KEYS.len());
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        for (text, message) in [
            ("[[buckets]]\nintake = 'x'", "1:1: [[buckets]] needs `url`"),
            (
                "[[buckets]]\nurl = 'x'\nintak = 'x'\nintake = 'x'",
                "3:1: unknown key `intak` in [buckets]; did you mean `intake`?",
            ),
            (
                "[[buckets]]\nurl = 'x'\nintake = 'x'\ninterval = '1s'",
                "4:12: `interval` in [[buckets]] is less than 5 seconds",
            ),
            ("[[buckets]]\nurl = 'x'\nintake = 7", "3:10: `intake` in [[buckets]] must be a text, not `7`"),
        ] {
            assert_eq!(problems(text), [format!("tidegate.toml:{message}")], "{text}");
        }
        assert!(problems("[[buckets]]\nurl = 's3://'\nintake = 'x'")[0].contains("`url` in [[buckets]] does not fit"));
        assert!(problems("[buckets]\nurl = 'x'")[0].contains("write `[[buckets]]`"));
    }
}
