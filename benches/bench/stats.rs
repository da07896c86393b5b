//! Medians with their spread, and ratios of what was measured in turn.

use serde::{Deserialize, Serialize};

/// A median, and between which values the middle half lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }
}

/// Ours and the floor, measured in turn, so that whatever else the machine does meets both.
#[derive(Debug, Clone, Copy)]
pub struct Paired {
    pub ours: Spread,
    pub floor: Spread,
    /// Ours divided by the floor, round by round.
    pub ratio: Spread,
}

impl Paired {
    /// From the rounds, each a pair of ours and the floor.
    pub fn of(rounds: &[(f64, f64)]) -> Self {
        Self {
            ours: Spread::of(rounds.iter().map(|round| round.0).collect()),
            floor: Spread::of(rounds.iter().map(|round| round.1).collect()),
            ratio: Spread::of(rounds.iter().map(|round| round.0 / round.1).collect()),
        }
    }
}
