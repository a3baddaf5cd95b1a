//! Keeps what will be asked soon in order of time: a ring of short time slots, each sorted when it comes due.

use crate::behaviour::BURST_MICROS_MAX;
use crate::question::Task;

/// Width of a slot.
pub(crate) const SLOT_MICROS: u64 = 10_000;
/// Slots of the ring: more than the longest burst takes.
const SLOTS: usize = (BURST_MICROS_MAX / SLOT_MICROS) as usize + 8;

#[derive(Debug)]
pub(crate) struct Schedule {
    slots: Vec<Vec<Task>>,
    /// Start of the slot that comes due next.
    due: u64,
    at: usize,
}

impl Schedule {
    pub(crate) fn new() -> Self {
        Self { slots: vec![Vec::new(); SLOTS], due: 0, at: 0 }
    }

    /// Everything before this moment must have been added when the next slot is taken.
    pub(crate) const fn horizon(&self) -> u64 {
        self.due + SLOT_MICROS
    }

    /// Adds a task that is not yet due and at most a burst ahead of the horizon.
    pub(crate) fn add(&mut self, task: Task) {
        let ahead = (task.at.saturating_sub(self.due) / SLOT_MICROS) as usize;
        debug_assert!(ahead < SLOTS, "{ahead} slots ahead");
        let at = (self.at + ahead.min(SLOTS - 1)) % SLOTS;
        self.slots[at].push(task);
    }

    /// Moves the next slot's tasks, in order, into `ready` (which is cleared), and the time forward.
    pub(crate) fn take(&mut self, ready: &mut Vec<Task>) {
        ready.clear();
        ready.append(&mut self.slots[self.at]);
        ready.sort_unstable();
        self.at = (self.at + 1) % SLOTS;
        self.due += SLOT_MICROS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Name;

    #[test]
    fn tasks_come_out_in_order() {
        let mut schedule = Schedule::new();
        let mut rng = crate::rng::Rng::new(1);
        for sequence in 0..5_000 {
            let at = rng.below(BURST_MICROS_MAX);
            schedule.add(Task { at, sequence, attachment: 0, name: Name::Root, qtype: 2 });
        }
        let (mut ready, mut last, mut count) = (Vec::new(), 0, 0);
        for _ in 0..SLOTS {
            schedule.take(&mut ready);
            for task in &ready {
                assert!(task.at >= last && task.at < schedule.horizon());
                last = task.at;
                count += 1;
            }
        }
        assert_eq!(count, 5_000);
    }
}
