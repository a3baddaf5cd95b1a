//! Cuts a file's text into lines.

use memchr::{memchr, memchr_iter, memrchr};

use super::chunk::{Chunk, Slot};
use crate::split::{is_blank_line, without_carriage_return};

/// Cuts a file's text into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    started: bool,
    /// A line that is too long was given out already; its rest is to be dropped.
    dropping: bool,
}

impl Lines {
    /// Puts the whole lines of the chunk's text into its slots. `known` bytes were looked at before and hold no line
    /// feed. Says from where on the text is to be kept for the next chunk.
    pub(super) fn cut(&mut self, chunk: &mut Chunk, known: usize, line: u32, bytes_max: usize, at_end: bool) -> usize {
        let mut start = 0;
        let first = !std::mem::replace(&mut self.started, true);
        if first && chunk.text.starts_with(b"\xef\xbb\xbf") {
            start = 3;
        }
        let mut line = line;
        if self.dropping {
            let Some(newline) = memchr(b'\n', &chunk.text) else { return chunk.text.len() };
            self.dropping = false;
            start = newline + 1;
            line = line.saturating_add(1);
        }
        // The shape may have taken several blocks to see, so the first cut looks at everything.
        let fresh = if first { start } else { known.max(start) };
        let end = match memrchr(b'\n', &chunk.text[fresh..]) {
            _ if at_end => chunk.text.len(),
            Some(newline) => fresh + newline + 1,
            None => start,
        };
        cut_lines(chunk, start, end, &mut line, bytes_max);
        let rest = without_carriage_return(&chunk.text[end..]);
        if rest.len() > bytes_max && !at_end {
            // Blanks may still turn out to be a blank line, which is no record; so many of them tell as much as all.
            if is_blank_line(rest) {
                chunk.text.truncate(end + bytes_max + 1);
                return end;
            }
            let slot = Slot { start: end, end: chunk.text.len(), line, escaped: false, oversize: true };
            chunk.push(slot, bytes_max);
            self.dropping = true;
            return chunk.text.len();
        }
        end
    }
}

/// The lines of `text[start..end]`, which ends with a line feed or the file.
fn cut_lines(chunk: &mut Chunk, start: usize, end: usize, line: &mut u32, bytes_max: usize) {
    let text = std::mem::take(&mut chunk.text);
    let (base, mut start) = (start, start);
    let last = (start < end && text[end - 1] != b'\n').then_some(end);
    for newline in memchr_iter(b'\n', &text[base..end]).map(|at| base + at).chain(last) {
        let record = without_carriage_return(&text[start..newline]);
        if !is_blank_line(record) {
            let slot = Slot { start, end: start + record.len(), line: *line, escaped: false, oversize: false };
            chunk.push(slot, bytes_max);
        }
        start = newline + 1;
        *line = line.saturating_add(1);
    }
    chunk.text = text;
}
