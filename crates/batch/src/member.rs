//! Undoes a compression piece by piece: whole bodies and files on disk share it. A stream may consist of several
//! members (gzip) or frames (zstd), and zeros may pad its end, as tape and block devices leave them.

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder, Operation};

use crate::coding::Coding;
use crate::error::Cause;

/// zlib's largest window, which every gzip member may use.
const WINDOW_BITS: u8 = 15;

/// One compressed stream, fed piece by piece.
pub(crate) struct Members {
    coding: Coding,
    state: State,
    engine: Engine,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing came yet.
    Start,
    /// Within a member.
    Inside,
    /// A member is complete.
    Between,
    /// Zeros follow the last member.
    Padding,
}

enum Engine {
    Inflate(Decompress),
    Zstd(Box<Decoder<'static>>),
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Step {
    /// Bytes taken from the input.
    pub(crate) read: usize,
    /// Bytes put into the output.
    pub(crate) written: usize,
}

impl Members {
    /// A gzip, zstd or zlib stream. (Identity has no stream; it is taken as zlib and fails at once.)
    pub(crate) fn new(coding: Coding) -> Result<Self, Cause> {
        Ok(Self { coding, state: State::Start, engine: Engine::new(coding)? })
    }

    /// A deflate stream without zlib's header and checksum.
    pub(crate) fn raw_deflate() -> Self {
        let engine = Engine::Inflate(Decompress::new(false));
        Self { coding: Coding::Deflate, state: State::Start, engine }
    }

    /// Takes some of `input` and fills some of `output`. With room in the output and nothing done, it wants more input.
    /// On an error the first half says how much of `input` was taken before it.
    pub(crate) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, (usize, Cause)> {
        let mut read = 0;
        if matches!(self.state, State::Between | State::Padding) {
            read = self.skip_padding(input)?;
        }
        if read == input.len() && self.state != State::Inside || output.is_empty() {
            return Ok(Step { read, written: 0 });
        }
        if self.state == State::Between {
            self.next_member().map_err(|cause| (read, cause))?;
        }
        self.state = State::Inside;
        let (step, ended) = self.engine.run(&input[read..], output).map_err(|(taken, cause)| (read + taken, cause))?;
        if ended {
            self.state = State::Between;
        }
        Ok(Step { read: read + step.read, written: step.written })
    }

    /// To be asked when the input is at its end: was the stream complete?
    pub(crate) fn is_complete(&self) -> bool {
        self.state != State::Inside
    }

    /// Zeros after a member are skipped; then only another member may follow.
    fn skip_padding(&mut self, input: &[u8]) -> Result<usize, (usize, Cause)> {
        let zeros = input.iter().take_while(|byte| **byte == 0).count();
        if zeros > 0 {
            self.state = State::Padding;
        }
        let Some(first) = input.get(zeros) else { return Ok(zeros) };
        let begins_member = match self.coding {
            Coding::Gzip => *first == 0x1f,
            Coding::Zstd => matches!(first, 0x28 | 0x50..=0x5f),
            Coding::Deflate | Coding::Identity => false,
        };
        if self.state == State::Padding || !begins_member {
            return Err((zeros, Cause::Followed));
        }
        Ok(zeros)
    }

    fn next_member(&mut self) -> Result<(), Cause> {
        match &mut self.engine {
            // A zstd decoder begins the next frame by itself.
            Engine::Zstd(_) => {}
            Engine::Inflate(_) => self.engine = Engine::new(self.coding)?,
        }
        Ok(())
    }
}

impl Engine {
    fn new(coding: Coding) -> Result<Self, Cause> {
        Ok(match coding {
            Coding::Gzip => Self::Inflate(Decompress::new_gzip(WINDOW_BITS)),
            Coding::Deflate | Coding::Identity => Self::Inflate(Decompress::new(true)),
            Coding::Zstd => {
                let decoder = Decoder::new().map_err(|error| Cause::Damaged(error.to_string()))?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }

    /// One step, and whether it ended a member.
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<(Step, bool), (usize, Cause)> {
        match self {
            Self::Inflate(inflate) => {
                let (taken, given) = (inflate.total_in(), inflate.total_out());
                let result = inflate.decompress(input, output, FlushDecompress::None);
                let read = difference(inflate.total_in(), taken);
                let written = difference(inflate.total_out(), given);
                match result {
                    Ok(status) => Ok((Step { read, written }, status == Status::StreamEnd)),
                    Err(error) => {
                        let message = error.message().unwrap_or("impossible data").to_owned();
                        Err((read, Cause::Damaged(message)))
                    }
                }
            }
            Self::Zstd(decoder) => match decoder.run_on_buffers(input, output) {
                Ok(status) => {
                    let step = Step { read: status.bytes_read, written: status.bytes_written };
                    Ok((step, status.remaining == 0))
                }
                Err(error) => Err((0, Cause::Damaged(error.to_string().to_lowercase()))),
            },
        }
    }
}

fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}
