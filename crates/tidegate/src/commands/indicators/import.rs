//! Bringing indicators in from files.

use std::collections::BTreeMap;
use std::io::{Read, Write, stdin, stdout};
use std::ops::ControlFlow;
use std::path::Path;

use eyre::{WrapErr, eyre};
use serde_json::{Value, json};
use tidegate_detect::counted;
use tidegate_detect::intel::{self, Format, ReadOptions};
use tidegate_detect::lists::Lists;
use tidegate_event::Timestamp;
use tidegate_state::{Audit, NewIndicator, NewRetrohunt, StateError, UPSERT_ROWS_MAX, Upserted};

use super::Import;
use crate::client::Client;
use crate::detection::intelligence::{is_benign, to_keep};
use crate::detection::retrohunt::{all_time, name_of};
use crate::exit::Failure;
use crate::place::{OnData, Place, failure};
use crate::progress::Progress;
use crate::when::parse_moment;

/// Bytes of text in one request to a server, which takes 8 MiB.
const PART_BYTES_MAX: usize = 7 << 20;
/// Bytes of a file that is read as a whole to be sent to a server.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// Left out ones that are shown.
const EXAMPLES_MAX: usize = 10;

/// What became of an import.
#[derive(Debug, Default)]
struct Done {
    accepted: u64,
    known: u64,
    /// Why some were left out, a few of them.
    left_out: Vec<String>,
    /// How many are of kinds that are not looked up.
    passed_over: BTreeMap<String, u64>,
    hunts: Vec<String>,
}

impl Done {
    fn pass_over(&mut self, kind: String, count: u64) {
        *self.passed_over.entry(kind).or_default() += count;
    }
}

/// Imports the files.
pub(super) fn run(place: &Place, import: &Import, json: bool) -> Result<(), Failure> {
    let mut done = Done::default();
    for path in &import.files {
        let more = match place {
            Place::Data(on) => into_data(on, import, path)?,
            Place::Server(client) => into_server(client, import, path)?,
        };
        done.accepted += more.accepted;
        done.known += more.known;
        done.left_out.extend(more.left_out);
        more.passed_over.into_iter().for_each(|(kind, count)| done.pass_over(kind, count));
        done.hunts.extend(more.hunts);
    }
    tell(&done, import.dry_run, json).map_err(Failure::from)
}

fn tell(done: &Done, dry_run: bool, json: bool) -> std::io::Result<()> {
    let mut out = stdout().lock();
    let Done { accepted, known, left_out, passed_over, hunts } = done;
    if json {
        let one = |(kind, count)| json!({"kind": kind, "count": count, "reason": intel::PASSED_OVER});
        let passed_over: Vec<Value> = passed_over.iter().map(one).collect();
        let row = json!({"accepted": accepted, "known": known, "left_out": left_out, "passed_over": passed_over, "retrohunts": hunts, "dry_run": dry_run});
        return writeln!(out, "{row}");
    }
    let verb = if dry_run { "would be taken" } else { "taken" };
    writeln!(out, "{} {verb}, {known} of them known before", counted(*accepted, "indicator"))?;
    for sentence in left_out.iter().take(EXAMPLES_MAX) {
        writeln!(out, "left out: {}", crate::table::printable(sentence))?;
    }
    if left_out.len() > EXAMPLES_MAX {
        writeln!(out, "and {} more", left_out.len() - EXAMPLES_MAX)?;
    }
    for (kind, count) in passed_over {
        writeln!(out, "{count} `{}` {}", crate::table::printable(kind), intel::PASSED_OVER)?;
    }
    hunts.iter().try_for_each(|hunt| writeln!(out, "hunt `{hunt}` looks for the new ones in stored events"))
}

/// Opens a file, or standard input, gzip undone.
fn with_text<T>(path: &Path, work: impl FnOnce(&mut dyn Read) -> Result<T, Failure>) -> Result<T, Failure> {
    if path == Path::new("-") {
        return work(&mut stdin().lock());
    }
    let cannot = || format!("cannot read `{}`", path.display());
    let mut body = tidegate_feeds::open_file(path).map_err(|error| eyre!(error)).wrap_err_with(cannot)?;
    let mut text = body.open().map_err(|error| eyre!(error)).wrap_err_with(cannot)?;
    work(&mut *text)
}

fn into_data(on: &OnData, import: &Import, path: &Path) -> Result<Done, Failure> {
    let mut lists = Lists::embedded();
    for folder in &on.settings.detect.lists {
        for problem in lists.load_folder(folder) {
            tracing::warn!("a list is not used in full: {problem}");
        }
    }
    let now = Timestamp::now();
    let until = until(import, now)?;
    let format = import.format.as_deref().map(str::parse::<Format>).transpose();
    let options = ReadOptions {
        format: format.map_err(|error| Failure::Usage(eyre!(error)))?,
        tags: &import.tags,
        confidence: import.confidence,
        now: Some(now),
        benign: &|name| is_benign(&lists, name),
        ..ReadOptions::default()
    };
    let mut keeper = Keeper::new(on, import)?;
    let mut progress = Progress::start("indicators", None, false);
    let report = with_text(path, |text| {
        let read = intel::read(text, &options, &mut |mut indicator| {
            indicator.valid_until = indicator.valid_until.or(until);
            keeper.take(to_keep(indicator), &mut progress)
        });
        read.map_err(|error| Failure::Usage(eyre!("`{}`: {error}", path.display())))
    });
    progress.finish();
    let report = report?;
    let mut done = keeper.end(report.accepted)?;
    done.left_out.extend(report.refused_examples.iter().cloned());
    done.left_out.extend(report.problems.iter().map(|problem| format!("{}: record {problem}", path.display())));
    done.passed_over = report.passed_over;
    done.left_out.extend(report.cut_short.map(|why| format!("{}: the rest, because {why}", path.display())));
    Ok(done)
}

/// Until when indicators count whose source does not say.
fn until(import: &Import, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let until = import.valid_until.as_deref().map(|text| parse_moment(text, now)).transpose();
    until.map_err(|why| Failure::Usage(eyre!(why)))
}

/// Keeps indicators part by part.
struct Keeper<'a> {
    on: &'a OnData,
    import: &'a Import,
    part: Vec<NewIndicator>,
    before: i64,
    upserted: Upserted,
    failed: Option<StateError>,
    collection: Option<tidegate_state::Collection>,
}

impl<'a> Keeper<'a> {
    fn new(on: &'a OnData, import: &'a Import) -> Result<Self, Failure> {
        let before = on.state.last_indicator().map_err(failure)?;
        let upserted = Upserted::default();
        Ok(Self { on, import, part: Vec::new(), before, upserted, failed: None, collection: None })
    }

    fn take(&mut self, indicator: NewIndicator, progress: &mut Progress) -> ControlFlow<()> {
        if self.import.dry_run {
            return ControlFlow::Continue(());
        }
        self.part.push(indicator);
        if self.part.len() >= UPSERT_ROWS_MAX {
            self.flush();
            let Upserted { added, updated, unchanged } = self.upserted;
            progress.at(added + updated + unchanged, || format!("{} kept", added + updated + unchanged));
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self) {
        if self.failed.is_some() || self.part.is_empty() {
            return;
        }
        match self.keep() {
            Ok(part) => {
                self.upserted.added += part.added;
                self.upserted.updated += part.updated;
                self.upserted.unchanged += part.unchanged;
            }
            Err(error) => self.failed = Some(error),
        }
        self.part.clear();
    }

    fn keep(&mut self) -> Result<Upserted, StateError> {
        let state = &self.on.state;
        let collection = match &self.collection {
            Some(found) => found.id,
            None => self.collection.insert(state.collection_named(&self.import.collection, &self.on.actor)?).id,
        };
        state.upsert_indicators(collection, None, &self.part)
    }

    /// Writes down that there was an import, and makes the hunt for what is new.
    fn end(mut self, accepted: u64) -> Result<Done, Failure> {
        self.flush();
        if let Some(error) = self.failed {
            return Err(failure(error));
        }
        let Upserted { added, updated, unchanged } = self.upserted;
        let mut done = Done { accepted, known: updated + unchanged, ..Done::default() };
        let Some(collection) = self.collection else { return Ok(done) };
        let (state, actor) = (&self.on.state, &self.on.actor);
        let detail = json!({"added": added, "updated": updated, "unchanged": unchanged});
        let audit = Audit { actor, action: "indicator.import", target: &collection.name, detail };
        state.record(&audit).map_err(failure)?;
        if added > 0 && !self.import.no_retrohunt {
            let (from, until) = all_time();
            let new = NewRetrohunt {
                name: &name_of(&collection.name),
                selection: json!({"collection": collection.id, "count": added}),
                first_id: self.before,
                last_id: state.last_indicator().map_err(failure)?,
                from,
                until,
            };
            done.hunts.push(state.create_retrohunt(&new, actor).map_err(failure)?.id.to_string());
        }
        Ok(done)
    }
}

fn into_server(client: &Client, import: &Import, path: &Path) -> Result<Done, Failure> {
    let text = with_text(path, |text| {
        let mut bytes = Vec::new();
        text.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(Failure::Usage(eyre!("`{}` is larger than {} MiB", path.display(), FILE_BYTES_MAX >> 20)));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })?;
    let parts = parts(&text, import.format.as_deref() == Some("csv") || path.to_string_lossy().contains(".csv"));
    let parts = parts.map_err(|why| Failure::Usage(eyre!("`{}` {why}", path.display())))?;
    let until = until(import, Timestamp::now())?.map(Timestamp::to_rfc3339);
    let mut done = Done::default();
    let mut progress = Progress::start("parts sent", Some(parts.len() as u64), parts.len() < 2);
    for (index, part) in parts.iter().enumerate() {
        let body = json!({
            "text": part, "format": import.format.as_deref().unwrap_or("auto"), "collection": import.collection,
            "tags": import.tags, "confidence": import.confidence, "valid_until": until,
            "dry_run": import.dry_run, "retrohunt": !import.no_retrohunt,
        });
        let answer = client.send("POST", "indicators/import", &body)?;
        done.accepted += answer["accepted"].as_u64().unwrap_or(0);
        done.known += answer["known"].as_u64().unwrap_or(0);
        done.hunts.extend(answer["retrohunt"].as_str().map(str::to_owned));
        done.left_out.extend(left_out(&answer));
        for one in answer["passed_over"].as_array().into_iter().flatten() {
            done.pass_over(one["kind"].as_str().unwrap_or_default().to_owned(), one["count"].as_u64().unwrap_or(0));
        }
        progress.at(index as u64 + 1, || format!("{} indicators", done.accepted));
    }
    progress.finish();
    Ok(done)
}

fn left_out(answer: &Value) -> impl Iterator<Item = String> {
    let all = ["benign", "rejected"].into_iter().flat_map(|list| answer[list].as_array().into_iter().flatten());
    all.map(|one| {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        match one["line"].as_u64() {
            Some(line) => format!("record {line}: `{}` {}", text("value"), text("reason")),
            None => format!("{} ({})", text("value"), text("reason")),
        }
    })
}

/// A text in parts that a server takes; those of a table begin with its header.
fn parts(text: &str, is_table: bool) -> Result<Vec<String>, String> {
    if text.len() <= PART_BYTES_MAX {
        return Ok(vec![text.to_owned()]);
    }
    if text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) {
        return Err(format!(
            "is JSON of more than {} MiB; import it on the data directory with --data, or add it as a feed",
            PART_BYTES_MAX >> 20
        ));
    }
    let header = text.lines().find(|line| !line.trim().is_empty()).filter(|_| is_table);
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let open = parts.last_mut().filter(|open| open.len() + line.len() <= PART_BYTES_MAX);
        match open {
            Some(open) => open.push_str(line),
            None => parts.push(header.map_or_else(String::new, |header| format!("{header}\n")) + line),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_at_line_ends() {
        assert_eq!(parts("a.example\n", false), Ok(vec!["a.example\n".to_owned()]));
        let line = format!("{}.example,tag\n", "a".repeat(50));
        let text = format!("domain,tags\n{}", line.repeat(PART_BYTES_MAX / line.len() * 2));
        let found = parts(&text, true).unwrap();
        assert!(found.len() > 1 && found.iter().all(|part| part.len() <= PART_BYTES_MAX + line.len()));
        assert!(found.iter().all(|part| part.starts_with("domain,tags\n") && part.ends_with(",tag\n")));
        assert_eq!(found.iter().map(|part| part.lines().count() - 1).sum::<usize>(), text.lines().count() - 1);
        assert!(parts(&format!("[{text}]"), false).unwrap_err().contains("JSON"));
    }
}
