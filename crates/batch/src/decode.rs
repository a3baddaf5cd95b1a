//! Undoes the compression of a whole body, within bounds: memory follows what really comes out, never what a header
//! claims.

use std::borrow::Cow;

use crate::coding::{Coding, is_text, is_zlib};
use crate::error::{BatchError, Cause};
use crate::limits::Limits;
use crate::member::Members;

/// First size of the output buffer; it doubles as often as real output fills it.
const OUTPUT_BYTES_MIN: usize = 64 << 10;
/// From this size on the output is measured before it is kept, so that memory is what it needs and no more.
const DOUBLED_BYTES_MAX: usize = 64 << 20;

/// Undoes the compression of `body`. `coding_header` is the request's `Content-Encoding`; where header and content
/// disagree, the content's magic number wins, and text under a header that promises compression is taken as it is.
///
/// # Errors
/// The body is above a bound, its compression is damaged or cut off, or the header names an unknown compression.
pub fn decode<'b>(body: &'b [u8], coding_header: Option<&str>, limits: &Limits) -> Result<Cow<'b, [u8]>, BatchError> {
    let mut output = Vec::new();
    Ok(match decode_into(body, coding_header, limits, &mut output)? {
        Coding::Identity => Cow::Borrowed(body),
        _ => Cow::Owned(output),
    })
}

/// As [`decode`], into a buffer that can be used again. Says which compression it undid; for [`Coding::Identity`],
/// `output` is left empty and `body` itself is the text.
///
/// # Errors
/// As [`decode`].
pub fn decode_into(
    body: &[u8],
    coding_header: Option<&str>,
    limits: &Limits,
    output: &mut Vec<u8>,
) -> Result<Coding, BatchError> {
    if body.len() > limits.compressed_bytes_max {
        return Err(BatchError::TooLarge { part: "compressed", limit_bytes: limits.compressed_bytes_max });
    }
    let coding = choose(body, coding_header)?;
    let bytes_max = limits.decompressed_bytes_max;
    let written = match coding {
        Coding::Identity => 0,
        Coding::Gzip | Coding::Zstd => run(|| Members::new(coding), coding, body, bytes_max, output)?,
        Coding::Deflate if is_zlib(body) => run(|| Members::new(coding), coding, body, bytes_max, output)?,
        // Some senders mean the bare stream. Only one that is complete to the last byte is believed.
        Coding::Deflate => match run(|| Ok(Members::raw_deflate()), coding, body, bytes_max, output) {
            Err(BatchError::Compression { .. }) if is_text(body) => {
                output.clear();
                return Ok(Coding::Identity);
            }
            written => written?,
        },
    };
    output.truncate(written);
    if coding == Coding::Identity && body.len() > bytes_max {
        return Err(BatchError::TooLarge { part: "decompressed", limit_bytes: bytes_max });
    }
    Ok(coding)
}

/// Which compression to undo.
fn choose(body: &[u8], header: Option<&str>) -> Result<Coding, BatchError> {
    if let Some(coding) = Coding::from_content(body) {
        return Ok(coding);
    }
    match Coding::of_header(header.unwrap_or_default()) {
        Ok(Coding::Identity) => Ok(Coding::Identity),
        _ if body.is_empty() => Ok(Coding::Identity),
        Ok(Coding::Deflate) => Ok(Coding::Deflate),
        Ok(coding) if is_cut_magic(coding, body) => {
            Err(BatchError::Compression { coding, offset: body.len(), cause: Cause::CutOff })
        }
        // Proxies undo gzip without removing the header. The intake takes no unknown coding; older journals hold some.
        _ if is_text(body) => Ok(Coding::Identity),
        Ok(coding) => {
            let cause = Cause::Damaged("it does not begin like such data".into());
            Err(BatchError::Compression { coding, offset: 0, cause })
        }
        Err(unknown) => Err(unknown),
    }
}

/// A magic number that is itself cut off is still the promised compression.
fn is_cut_magic(coding: Coding, body: &[u8]) -> bool {
    match coding {
        Coding::Gzip => b"\x1f\x8b\x08".starts_with(body),
        Coding::Zstd => b"\x28\xb5\x2f\xfd".starts_with(body),
        Coding::Deflate | Coding::Identity => false,
    }
}

/// Feeds all of `body`; says how many bytes of `output` are filled.
fn run(
    start: impl Fn() -> Result<Members, Cause>,
    coding: Coding,
    body: &[u8],
    bytes_max: usize,
    output: &mut Vec<u8>,
) -> Result<usize, BatchError> {
    let begin = || Feed::new(start(), coding, body, bytes_max);
    let mut feed = begin()?;
    let mut measured = false;
    loop {
        if feed.written == output.len() {
            if output.len() < DOUBLED_BYTES_MAX || measured {
                grow(output, bytes_max)?;
            } else {
                // Going on to double would hold half as much again as the whole, and a bomb would fill the bound first.
                let total = feed.measure()?;
                measured = true;
                feed = begin()?;
                *output = Vec::new();
                *output = vec![0; total + 1];
            }
        }
        if feed.step(&mut output[feed.written..])? {
            return Ok(feed.written);
        }
    }
}

/// A body on its way through a decoder.
struct Feed<'b> {
    members: Members,
    coding: Coding,
    body: &'b [u8],
    bytes_max: usize,
    read: usize,
    written: usize,
}

impl<'b> Feed<'b> {
    fn new(
        members: Result<Members, Cause>,
        coding: Coding,
        body: &'b [u8],
        bytes_max: usize,
    ) -> Result<Self, BatchError> {
        let members = members.map_err(|cause| BatchError::Compression { coding, offset: 0, cause })?;
        Ok(Self { members, coding, body, bytes_max, read: 0, written: 0 })
    }

    /// Fills some of `room`; whether that was the end.
    fn step(&mut self, room: &mut [u8]) -> Result<bool, BatchError> {
        let coding = self.coding;
        let damaged = |offset, cause| BatchError::Compression { coding, offset, cause };
        let step = self
            .members
            .step(&self.body[self.read..], room)
            .map_err(|(taken, cause)| damaged(self.read + taken, cause))?;
        self.read += step.read;
        self.written += step.written;
        if self.written > self.bytes_max {
            return Err(BatchError::TooLarge { part: "decompressed", limit_bytes: self.bytes_max });
        }
        if self.read == self.body.len() && self.members.is_complete() {
            return Ok(true);
        }
        // Room was left and nothing moved: the stream wants bytes that are not there.
        if step.read == 0 && step.written == 0 && !room.is_empty() {
            return Err(damaged(self.read, Cause::CutOff));
        }
        Ok(false)
    }

    /// Goes through the rest without keeping it; how long the whole output is.
    fn measure(mut self) -> Result<usize, BatchError> {
        let mut scratch = vec![0; OUTPUT_BYTES_MIN];
        while !self.step(&mut scratch)? {}
        Ok(self.written)
    }
}

/// Doubles the buffer, up to one byte past the bound: that byte tells "exactly at the bound" from "above it".
fn grow(output: &mut Vec<u8>, bytes_max: usize) -> Result<(), BatchError> {
    let ceiling = bytes_max.saturating_add(1);
    if output.len() >= ceiling {
        return Err(BatchError::TooLarge { part: "decompressed", limit_bytes: bytes_max });
    }
    let size = output.len().saturating_mul(2).clamp(OUTPUT_BYTES_MIN.min(ceiling), ceiling);
    output.resize(size, 0);
    Ok(())
}

#[cfg(test)]
mod tests;
