//! What a window must show.

use rsigma_parser::ConditionOperator;

/// A correlation's condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// A number compared; all predicates must hold.
    Threshold { predicates: Vec<(ConditionOperator, f64)>, percentile: f64 },
    /// Every rule matched.
    All,
    /// A formula over which rules matched.
    Formula(Formula),
}

/// A formula over inputs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Formula {
    And(Vec<Formula>),
    Or(Vec<Formula>),
    Not(Box<Formula>),
    /// Input of this number matched.
    Input(usize),
    /// At least so many of these inputs matched.
    AtLeast(usize, Vec<usize>),
}

impl Formula {
    pub(crate) fn holds(&self, seen: u64) -> bool {
        match self {
            Self::And(list) => list.iter().all(|one| one.holds(seen)),
            Self::Or(list) => list.iter().any(|one| one.holds(seen)),
            Self::Not(one) => !one.holds(seen),
            Self::Input(input) => seen >> input & 1 == 1,
            Self::AtLeast(count, inputs) => inputs.iter().filter(|input| seen >> **input & 1 == 1).count() >= *count,
        }
    }

    /// Whether more matches can only make it truer.
    pub(crate) fn monotone(&self) -> bool {
        match self {
            Self::And(list) | Self::Or(list) => list.iter().all(Self::monotone),
            Self::Not(_) => false,
            Self::Input(_) | Self::AtLeast(..) => true,
        }
    }
}

impl Condition {
    /// Whether a number meets all predicates; always for conditions that know no numbers.
    pub(crate) fn met(&self, value: f64) -> bool {
        let Self::Threshold { predicates, .. } = self else { return true };
        predicates.iter().all(|(operator, bound)| match operator {
            ConditionOperator::Lt => value < *bound,
            ConditionOperator::Lte => value <= *bound,
            ConditionOperator::Gt => value > *bound,
            ConditionOperator::Gte => value >= *bound,
            #[expect(clippy::float_cmp, reason = "`eq: 5` means the number 5")]
            ConditionOperator::Eq => value == *bound,
            #[expect(clippy::float_cmp, reason = "`neq: 5` means any number but 5")]
            ConditionOperator::Neq => value != *bound,
        })
    }

    /// Whether the rules that matched meet it.
    pub(crate) fn seen(&self, seen: u64, inputs: usize) -> bool {
        match self {
            Self::Formula(formula) => formula.holds(seen),
            Self::Threshold { .. } => self.met(f64::from(seen.count_ones())),
            Self::All => seen.count_ones() as usize == inputs,
        }
    }

    /// Whether more matches can only make it truer.
    pub(crate) fn monotone(&self) -> bool {
        match self {
            Self::Threshold { predicates, .. } => predicates
                .iter()
                .all(|(operator, _)| matches!(operator, ConditionOperator::Gt | ConditionOperator::Gte)),
            Self::All => true,
            Self::Formula(formula) => formula.monotone(),
        }
    }

    /// The largest number that must be reached, for how much a group must remember.
    pub(crate) fn bound(&self) -> f64 {
        match self {
            Self::Threshold { predicates, .. } => predicates.iter().map(|(_, bound)| *bound).fold(0.0, f64::max),
            _ => 0.0,
        }
    }
}
