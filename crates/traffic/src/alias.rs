//! Draws an index with given weights in constant time (Walker's alias method, as Vose sets it up).

use crate::rng::Rng;

#[derive(Clone, Debug)]
pub(crate) struct Alias {
    slots: Vec<(f64, u32)>,
}

impl Alias {
    /// Weights are positive and there is at least one.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let count = weights.len();
        let mean = weights.iter().sum::<f64>() / count as f64;
        let mut left: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut slots: Vec<(f64, u32)> = (0..count).map(|at| (1.0, at as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..count).partition(|at| left[*at] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.pop()) {
            slots[poor] = (left[poor], rich as u32);
            left[rich] -= 1.0 - left[poor];
            if left[rich] < 1.0 { small.push(rich) } else { large.push(rich) }
        }
        Self { slots }
    }

    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        let at = rng.index(self.slots.len());
        let (keep, other) = self.slots[at];
        if rng.unit() < keep { at } else { other as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let alias = Alias::new(&[1.0, 3.0, 6.0]);
        let mut rng = Rng::new(9);
        let mut counts = [0_u32; 3];
        for _ in 0..100_000 {
            counts[alias.draw(&mut rng)] += 1;
        }
        for (count, share) in counts.iter().zip([0.1, 0.3, 0.6]) {
            assert!((f64::from(*count) / 100_000.0 - share).abs() < 0.01, "{counts:?}");
        }
    }
}
