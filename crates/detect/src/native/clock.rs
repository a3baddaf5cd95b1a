//! The present, as event times tell it.
//!
//! The present is the largest event time so far. One record from the future must not move it, so a time more than an
//! hour ahead counts as the present until a few in a row say the same; then the stream did jump. Older times are fine
//! down to the allowed lateness; when many in a row are older, an old stream is being read and the present goes back.

use super::snapshot::{Reader, SnapshotError, Writer};

/// Seconds the present may move forward at once.
const STEP_SECONDS_MAX: i64 = 3600;
/// Records in a row that confirm a jump forward.
const AHEAD_CONFIRMS: u32 = 3;
/// Records in a row that confirm that the stream is an older one.
const LATE_CONFIRMS: u32 = 32;

#[derive(Clone, Debug)]
pub(super) struct Clock {
    lateness: i64,
    now: Option<i64>,
    ahead: u32,
    behind: u32,
    clamped: u64,
}

impl Clock {
    pub(super) fn new(lateness_seconds: u32) -> Self {
        Self { lateness: i64::from(lateness_seconds), now: None, ahead: 0, behind: 0, clamped: 0 }
    }

    /// The present.
    pub(super) fn now(&self) -> i64 {
        self.now.unwrap_or_default()
    }

    pub(super) const fn clamped(&self) -> u64 {
        self.clamped
    }

    /// The second to count a record at; `None` when it is too late.
    pub(super) fn place(&mut self, at: i64) -> Option<i64> {
        let now = *self.now.get_or_insert(at);
        if at > now.saturating_add(STEP_SECONDS_MAX) {
            self.ahead += 1;
            if self.ahead < AHEAD_CONFIRMS {
                self.clamped += 1;
                return Some(now);
            }
        } else if at < now.saturating_sub(self.lateness) {
            self.ahead = 0;
            self.behind += 1;
            if self.behind < LATE_CONFIRMS {
                return None;
            }
            self.now = Some(at);
        } else {
            (self.ahead, self.behind) = (0, 0);
        }
        if at > now {
            self.ahead = 0;
            self.now = Some(at);
        }
        Some(at)
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        writer.u8(u8::from(self.now.is_some()));
        writer.i64(self.now());
        writer.u32(self.ahead);
        writer.u32(self.behind);
        writer.u64(self.clamped);
    }

    pub(super) fn load(&self, reader: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let known = reader.u8()? == 1;
        let now = reader.i64()?;
        Ok(Self {
            lateness: self.lateness,
            now: known.then_some(now),
            ahead: reader.u32()?,
            behind: reader.u32()?,
            clamped: reader.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_from_the_future_changes_nothing_and_a_jump_does() {
        let mut clock = Clock::new(900);
        assert_eq!(clock.place(1_000_000), Some(1_000_000));
        assert_eq!(clock.place(90_000_000), Some(1_000_000));
        assert_eq!(clock.place(1_000_010), Some(1_000_010));
        assert_eq!((clock.now(), clock.clamped()), (1_000_010, 1));
        for expected in [1_000_010, 1_000_010, 2_000_000] {
            assert_eq!(clock.place(2_000_000), Some(expected));
        }
    }

    #[test]
    fn late_records_count_until_the_lateness_and_an_old_stream_is_taken_up() {
        let mut clock = Clock::new(900);
        clock.place(10_000);
        assert_eq!(clock.place(9_100), Some(9_100));
        assert_eq!(clock.place(9_099), None);
        assert_eq!(clock.now(), 10_000);
        for _ in 0..LATE_CONFIRMS {
            clock.place(500);
        }
        assert_eq!((clock.now(), clock.place(501)), (500, Some(501)));
    }
}
