//! Distinct values of a window that holds too many to remember: HyperLogLog (Flajolet et al. 2007) over panes.

use std::collections::BTreeMap;

use crate::bytes::{Damaged, Reader, put_bytes, put_i64, put_len};

/// Index bits: 1,024 registers, a standard error of 1.04/√1024 = 3.25 %.
const PRECISION: u32 = 10;
const REGISTERS: usize = 1 << PRECISION;
/// Panes of a timespan: a window is the last so many, so its start is exact to an eighth of the timespan.
const PANES: i64 = 8;
/// Most panes that a sketch holds: those of the timespan and of the allowed lateness.
const PANES_MAX: usize = 64;

/// Distinct counts by pane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    panes: BTreeMap<i64, Box<[u8]>>,
    /// The last estimate and the pane it ends in; gone when a register has grown.
    known: Option<(i64, f64)>,
}

impl Sketch {
    /// Takes a hashed value in.
    pub(crate) fn add(&mut self, at: i64, hash: u64, span: i64) {
        let pane = at.div_euclid(pane_width(span));
        if !self.panes.contains_key(&pane) && self.panes.len() >= PANES_MAX {
            self.panes.pop_first();
        }
        let registers = self.panes.entry(pane).or_insert_with(|| vec![0; REGISTERS].into());
        let index = (hash >> (64 - PRECISION)) as usize;
        let rank = ((hash << PRECISION).leading_zeros() + 1).min(64 - PRECISION + 1) as u8;
        if registers[index] < rank {
            registers[index] = rank;
            self.known = None;
        }
    }

    /// About how many distinct values the window that ends at `at` holds.
    pub(crate) fn estimate(&mut self, at: i64, span: i64) -> f64 {
        let last = at.div_euclid(pane_width(span));
        if let Some((pane, estimate)) = self.known
            && pane == last
        {
            return estimate;
        }
        let mut merged = [0_u8; REGISTERS];
        for (_, registers) in self.panes.range(last - PANES + 1..=last) {
            for (into, from) in merged.iter_mut().zip(&**registers) {
                *into = (*into).max(*from);
            }
        }
        let estimate = estimate(&merged);
        self.known = Some((last, estimate));
        estimate
    }

    /// Forgets panes that end before `before`.
    pub(crate) fn forget(&mut self, before: i64, span: i64) {
        let width = pane_width(span);
        self.panes.retain(|pane, _| (pane + 1).saturating_mul(width) > before);
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_len(out, self.panes.len());
        for (pane, registers) in &self.panes {
            put_i64(out, *pane);
            put_bytes(out, registers);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut panes = BTreeMap::new();
        let count = reader.len(12)?;
        if count > PANES_MAX {
            return Err(Damaged);
        }
        for _ in 0..count {
            let pane = reader.i64()?;
            let registers = reader.bytes()?;
            if registers.len() != REGISTERS || registers.iter().any(|rank| u32::from(*rank) > 64 - PRECISION + 1) {
                return Err(Damaged);
            }
            panes.insert(pane, registers.into());
        }
        Ok(Self { panes, known: None })
    }
}

fn pane_width(span: i64) -> i64 {
    (span / PANES).max(1)
}

fn estimate(registers: &[u8; REGISTERS]) -> f64 {
    let size = REGISTERS as f64;
    let (mut sum, mut zeros) = (0.0, 0_u32);
    for rank in registers {
        // 2 to the power of -rank
        sum += f64::from_bits((1023 - u64::from(*rank)) << 52);
        zeros += u32::from(*rank == 0);
    }
    let raw = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
    if raw <= 2.5 * size && zeros > 0 { size * (size / f64::from(zeros)).ln() } else { raw }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::stable_hash;

    #[test]
    fn estimates_are_within_four_standard_errors() {
        for count in [10_u32, 129, 1_000, 20_000, 200_000] {
            let mut sketch = Sketch::default();
            for number in 0..count {
                for _ in 0..2 {
                    sketch.add(i64::from(number % 7), stable_hash(&[&number.to_string()]), 80);
                }
            }
            let estimate = sketch.estimate(6, 80);
            let error = (estimate - f64::from(count)).abs() / f64::from(count);
            assert!(error < 0.13, "{count}: {estimate}");
        }
    }

    #[test]
    fn old_panes_do_not_count() {
        let mut sketch = Sketch::default();
        for number in 0..500 {
            sketch.add(0, stable_hash(&["old", &number.to_string()]), 80);
        }
        sketch.add(500, stable_hash(&["new"]), 80);
        assert!(sketch.estimate(500, 80) < 1.5);
    }
}
