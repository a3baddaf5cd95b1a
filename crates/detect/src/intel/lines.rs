//! Lines of a feed, each of bounded length.

use std::io::{self, BufRead};

/// Longer lines are passed over.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;

/// Reads line after line into one buffer.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    bytes: u64,
}

/// What came next.
pub(super) enum Line<'a> {
    /// A line, without its end.
    Text(&'a str),
    /// A line that is not UTF-8.
    NotText,
    /// A line longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// No more lines.
    End,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), bytes: 0 }
    }

    /// How much was read so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Line<'_>> {
        self.buffer.clear();
        let mut long = false;
        loop {
            let piece = match self.input.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if piece.is_empty() {
                if self.buffer.is_empty() && !long {
                    return Ok(Line::End);
                }
                break;
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(piece.len());
            if self.buffer.len() + taken > LINE_BYTES_MAX {
                long = true;
                self.buffer.clear();
            }
            if !long {
                self.buffer.extend_from_slice(&piece[..taken]);
            }
            let used = end.map_or(taken, |end| end + 1);
            self.bytes += used as u64;
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if long {
            return Ok(Line::TooLong);
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        Ok(std::str::from_utf8(&self.buffer).map_or(Line::NotText, Line::Text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_of_every_kind() {
        let mut bytes = b"a\r\n\n".to_vec();
        bytes.extend(vec![b'x'; LINE_BYTES_MAX + 1]);
        bytes.extend(b"\n\xff\nlast");
        let mut lines = Lines::new(BufReader::with_capacity(7, &*bytes));
        assert!(matches!(lines.next(), Ok(Line::Text("a"))));
        assert!(matches!(lines.next(), Ok(Line::Text(""))));
        assert!(matches!(lines.next(), Ok(Line::TooLong)));
        assert!(lines.buffer.capacity() <= 2 * LINE_BYTES_MAX);
        assert!(matches!(lines.next(), Ok(Line::NotText)));
        assert!(matches!(lines.next(), Ok(Line::Text("last"))));
        assert!(matches!(lines.next(), Ok(Line::End)));
        assert_eq!(lines.bytes(), bytes.len() as u64);
    }
}
