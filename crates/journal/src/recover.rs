//! Finds out, at opening, what the journal holds: which entries are whole, which bytes were never acknowledged, and
//! which are damage.
//!
//! A range without a whole entry is damage if the entry that stood there was on disk once. That is proven by any later
//! entry of a later group, by a later segment, or by the mark. Without proof it is what a crash leaves of a group that
//! nobody was told about. Whole entries behind such a range are kept in both cases: an entry too many is recognised when
//! its sender tries again, an entry too few is lost.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tidegate_event::Position;

use crate::directory::{Directory, Generations, Mark};
use crate::disk::Disk;
use crate::error::JournalError;
use crate::options::Options;
use crate::quarantine::{self, QUARANTINE};
use crate::receipt_files;
use crate::receipts::{Kept, Receipts};
use crate::report::{OpenReport, Quarantined};
use crate::scan::{Bounds, Hole, Scan, scan};
use crate::segment::{DATA_START, Segment};
use crate::shared::{Live, LiveSegment};

/// Spare files kept for reuse: two, because one segment's entries often go while the next is filled.
pub(crate) const SPARES_MAX: usize = 2;

/// What was found.
pub(crate) struct Recovered {
    pub(crate) live: Live,
    pub(crate) spares: Vec<PathBuf>,
    pub(crate) next_generation: u64,
    pub(crate) report: OpenReport,
}

/// A segment, walked.
struct Walked {
    segment: Segment,
    has_header: bool,
    scan: Scan,
}

pub(crate) fn recover(directory: &Directory, disk: &dyn Disk, options: &Options) -> Result<Recovered, JournalError> {
    let (segments, spares) = directory.list()?;
    let mark = Mark::read(&directory.path);
    let last_generation = segments.iter().chain(&spares).map(|(generation, _)| *generation).max().unwrap_or(0);
    let mut recovery = Recovery {
        directory,
        disk,
        mark,
        receipts: Receipts::new(options.receipts_max, options.dedupe_window),
        report: OpenReport { created: directory.created, ..OpenReport::default() },
    };
    let walked = recovery.walk(segments)?;
    let (segments, last, must_roll) = recovery.settle(walked)?;
    let mut live = Live::new(recovery.receipts);
    live.segments = segments.into();
    live.last = last;
    live.committed = mark.committed;
    live.must_roll = must_roll;
    live.commit_moved = true;
    live.quarantined = recovery.report.quarantined.len() as u64;
    let spares = keep_spares(spares, options.segment_bytes);
    live.spare_segments = spares.len();
    live.spare_bytes = spares.len() as u64 * options.segment_bytes;
    Ok(Recovered { live, spares, next_generation: last_generation + 1, report: recovery.report })
}

struct Recovery<'a> {
    directory: &'a Directory,
    disk: &'a dyn Disk,
    mark: Mark,
    receipts: Receipts,
    report: OpenReport,
}

impl Recovery<'_> {
    /// Walks all segments in order.
    fn walk(&mut self, files: Generations) -> Result<Vec<Walked>, JournalError> {
        let mut opened = Vec::new();
        for (generation, path) in files {
            opened.push(Segment::open(&path, generation, self.directory.node)?);
        }
        let mut older = Some(receipt_files::read(&self.directory.path));
        let mut expected = Position(0);
        let mut walked = Vec::new();
        while !opened.is_empty() {
            let (mut segment, has_header) = opened.remove(0);
            // A later segment begins where acknowledged entries ended; what stands here from there on failed.
            let later = opened.iter().filter(|(_, has_header)| *has_header).map(|(later, _)| later.first);
            let void_from = later.min().unwrap_or(Position(u64::MAX));
            expected = expected.max(segment.first);
            let bounds = Bounds { expected, void_from, trusted: self.mark.committed };
            let (receipts, report, committed) = (&mut self.receipts, &mut self.report, self.mark.committed);
            let mut first = None;
            let scan = scan(&segment, bounds, |entry| {
                first.get_or_insert(entry.group_first);
                // The receipts on file are older than every entry, but for segments that were about to be given up.
                let older = older.take().into_iter().flatten();
                older.filter(|kept| kept.position < entry.position).for_each(|kept| receipts.insert(kept));
                receipts.insert(Kept::from(entry));
                report.replayable += u64::from(entry.position > committed);
            })
            .map_err(|error| JournalError::io("read", &segment.path, error))?;
            if !has_header {
                // Entries of the first whole one's group may stand before it.
                segment.first = first.map_or(expected, |first| first.max(expected));
            }
            expected = scan.expected;
            walked.push(Walked { segment, has_header, scan });
        }
        older.into_iter().flatten().for_each(|kept| self.receipts.insert(kept));
        Ok(walked)
    }

    /// Judges every hole and every tail, and makes durable what will be relied on.
    fn settle(&mut self, walked: Vec<Walked>) -> Result<(Vec<LiveSegment>, Position, bool), JournalError> {
        let firsts = walked.iter().filter(|walked| walked.has_header).map(|walked| walked.segment.first);
        let groups = walked.iter().map(|walked| walked.scan.group_first);
        // Everything below was on disk.
        let synced = firsts.chain(groups).chain([self.mark.synced.next()]).max().unwrap_or_default();
        let mut live = Vec::new();
        let mut must_roll = true;
        let count = walked.len();
        let next_firsts: Vec<Option<Position>> = walked.iter().skip(1).map(|next| Some(next.segment.first)).collect();
        for (at, walked) in walked.into_iter().enumerate() {
            let next_first = next_firsts.get(at).copied().flatten().unwrap_or_else(|| self.mark.synced.next());
            if walked.scan.entries == 0 && !walked.has_header {
                self.drop_headless(walked, next_first)?;
                continue;
            }
            let is_last = at + 1 == count;
            must_roll = !self.settle_segment(&walked, synced, next_first, is_last)?;
            must_roll |= is_last && walked.scan.expected <= self.mark.synced;
            let Walked { segment, scan, .. } = walked;
            let last = Position(scan.expected.0.saturating_sub(1));
            live.push(LiveSegment { segment: Arc::new(segment), end: scan.tail, last });
        }
        let found = live.last().map_or(Position(0), |live| live.last);
        Ok((live, found.max(self.mark.synced).max(self.mark.committed), must_roll))
    }

    /// Whether entries may be added to the segment.
    fn settle_segment(
        &mut self,
        walked: &Walked,
        synced: Position,
        next_first: Position,
        is_last: bool,
    ) -> Result<bool, JournalError> {
        let Walked { segment, has_header, scan } = walked;
        if !has_header {
            // A power cut can lose the header together with the first group; then nobody was told of that group.
            if segment.first < synced {
                let header = Hole { start: 0, end: DATA_START, first: Position(1), last: Position(0) };
                self.report_damage(segment, header);
            }
            segment.repair_header(self.disk, self.directory.node)?;
        }
        for hole in &scan.holes {
            if hole.first <= hole.last && hole.last > self.mark.committed && hole.first < synced {
                self.report_damage(segment, *hole);
            } else {
                self.report.torn_bytes += if hole.first < synced { 0 } else { hole.end - hole.start };
                quarantine::fill(self.disk, segment, *hole);
            }
        }
        let mut is_clean = *has_header && scan.holes.is_empty();
        let missing = Hole {
            start: scan.tail,
            end: if scan.torn_bytes > 0 { scan.tail + scan.torn_bytes } else { segment.size },
            first: scan.expected,
            last: Position(next_first.0.saturating_sub(1)),
        };
        if missing.first <= missing.last && missing.last > self.mark.committed {
            self.report_damage(segment, missing);
        } else if is_last && scan.torn_bytes > 0 {
            self.report.torn_bytes += scan.torn_bytes;
            is_clean &= self.clear(segment, missing);
        }
        if scan.expected > self.mark.synced {
            // A killed process leaves entries that the system has not written yet. Who reads them relies on them.
            self.disk.sync(&segment.file).map_err(|error| JournalError::io("sync", &segment.path, error))?;
        }
        Ok(is_clean)
    }

    /// Clears the torn tail, so that the next entries can go there; false when the disk refuses.
    fn clear(&self, segment: &Segment, torn: Hole) -> bool {
        const BLOCK_BYTES: u64 = 1 << 20;
        let zeros = vec![0; usize::try_from(BLOCK_BYTES.min(torn.end - torn.start)).unwrap_or_default()];
        let mut at = torn.start;
        while at < torn.end {
            let length = usize::try_from(BLOCK_BYTES.min(torn.end - at)).unwrap_or_default();
            if self.disk.write_at(&segment.file, &zeros[..length], at).is_err() {
                return false;
            }
            at += length as u64;
        }
        self.disk.sync(&segment.file).is_ok()
    }

    fn report_damage(&mut self, segment: &Segment, hole: Hole) {
        let quarantined = quarantine::put_aside(&self.directory.path, self.disk, segment, hole);
        self.report.quarantined.push(quarantined);
    }

    /// A file without header and entries: a segment whose creation a crash cut short, unless entries are missing.
    fn drop_headless(&mut self, walked: Walked, next_first: Position) -> Result<(), JournalError> {
        let Segment { path, size, generation, .. } = walked.segment;
        if walked.scan.expected >= next_first {
            return fs::remove_file(&path).map_err(|error| JournalError::io("remove", &path, error));
        }
        let aside = self.directory.path.join(QUARANTINE);
        let copy = aside.join(Segment::name(generation));
        let failed = |error| JournalError::io("move", &path, error);
        fs::create_dir_all(&aside).map_err(failed)?;
        fs::rename(&path, &copy).map_err(failed)?;
        let last = Position(next_first.0.saturating_sub(1));
        tracing::error!(journal.segment = %path.display(), "a segment is damaged as a whole and was put aside");
        let first = walked.scan.expected;
        self.report.quarantined.push(Quarantined {
            segment: path,
            offset: 0,
            bytes: size,
            first,
            last,
            copy: Some(copy),
        });
        Ok(())
    }
}

/// Spare files of the right size stay, the others go.
fn keep_spares(files: Generations, segment_bytes: u64) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    for (_, path) in files {
        let fits = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == segment_bytes);
        if fits && kept.len() < SPARES_MAX {
            kept.push(path);
        } else if let Err(error) = fs::remove_file(&path) {
            tracing::warn!("cannot remove `{}`: {error}", path.display());
        }
    }
    kept
}
