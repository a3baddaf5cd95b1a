//! Where in a file a chunk's text begins.

use crate::error::BatchError;
use crate::json::Mistake;

/// Where in a file a chunk's text begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    offset: usize,
    newlines: u32,
    /// Bytes since the last line feed.
    column: usize,
}

impl Position {
    /// The line, from 1.
    pub(super) fn line(&self) -> u32 {
        self.newlines.saturating_add(1)
    }

    /// Goes on behind `text`.
    pub(super) fn advance(&mut self, text: &[u8]) {
        self.offset += text.len();
        let newlines = memchr::memchr_iter(b'\n', text).count();
        self.newlines = self.newlines.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        match memchr::memrchr(b'\n', text) {
            Some(newline) => self.column = text.len() - newline - 1,
            None => self.column += text.len(),
        }
    }

    /// The error for a mistake in the text that begins here.
    pub(super) fn error(&self, text: &[u8], mistake: Mistake) -> BatchError {
        let mut error = mistake.in_text(text);
        if let BatchError::Json { offset, line, column, .. } = &mut error {
            if *line == 1 {
                *column = column.saturating_add(u32::try_from(self.column).unwrap_or(u32::MAX));
            }
            *line = line.saturating_add(self.newlines);
            *offset += self.offset;
        }
        error
    }
}
