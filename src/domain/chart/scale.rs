//! Round numbers at an axis.

/// An axis from nought to a round number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    step: u64,
    steps: u64,
}

/// There are at most so many steps.
const MOST_STEPS: u64 = 5;

impl Scale {
    /// The axis for values up to `most`: steps of 1, 2 or 5 times a power of ten, and as few of them as reach it.
    pub(super) fn to(most: u64) -> Self {
        let mut power = 1_u64;
        loop {
            for factor in [1, 2, 5] {
                let step = power.saturating_mul(factor);
                let steps = most.div_ceil(step).max(1);
                if steps <= MOST_STEPS {
                    return Self { step, steps };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// Its upper end.
    pub(super) fn top(self) -> u64 {
        self.step.saturating_mul(self.steps)
    }

    /// The round numbers, nought first.
    pub(super) fn ticks(self) -> impl Iterator<Item = u64> {
        (0..=self.steps).map(move |at| self.step.saturating_mul(at))
    }

    /// How high a value stands where the axis is `height` high.
    pub(super) fn height(self, value: u64, height: u64) -> u64 {
        scaled(value.min(self.top()), height, self.top())
    }
}

/// `value * length / whole`, rounded down.
pub(super) fn scaled(value: u64, length: u64, whole: u64) -> u64 {
    let product = u128::from(value).saturating_mul(u128::from(length));
    let share = product.checked_div(u128::from(whole)).unwrap_or_default();
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// A number as it stands at the axis: `500`, `20k`, `1.5M`.
pub(super) fn short(number: u64) -> String {
    for (unit, letter) in [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] {
        let tenths = scaled(number, 10, unit);
        if number >= unit.saturating_mul(if letter == "k" { 10 } else { 1 }) {
            let (whole, tenth) = (tenths / 10, tenths % 10);
            return match tenth {
                0 => format!("{whole}{letter}"),
                tenth => format!("{whole}.{tenth}{letter}"),
            };
        }
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_axis_has_round_numbers() {
        let ticks = |most| Scale::to(most).ticks().collect::<Vec<_>>();
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(4), [0, 1, 2, 3, 4]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(11), [0, 5, 10, 15]);
        assert_eq!(ticks(99), [0, 20, 40, 60, 80, 100]);
        assert_eq!(ticks(1_234), [0, 500, 1_000, 1_500]);
        assert_eq!(
            [999, 9_999, 20_000, 1_500_000, 2_000_000_000].map(short),
            ["999", "9999", "20k", "1.5M", "2G"]
        );
    }

    proptest! {
        #[test]
        fn every_value_is_on_the_axis(most: u64, share in 0_u64..=100) {
            let scale = Scale::to(most);
            prop_assert!(scale.top() >= most && scale.steps <= MOST_STEPS);
            let value = scaled(most, share, 100);
            prop_assert!(scale.height(value, 2_000) <= 2_000);
            prop_assert_eq!(scale.height(0, 2_000), 0);
        }
    }
}
