//! Sums of a period, as a whole and by what it consists of.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Period;

/// Installs, and archives that were downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Counts {
    /// Packages that clients say they installed.
    pub installs: u64,
    /// Archives that were served.
    pub downloads: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.installs = self.installs.saturating_add(other.installs);
        self.downloads = self.downloads.saturating_add(other.downloads);
    }
}

/// The sum of a day, of one part of the whole. Without a part it belongs to all that have none of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// `2026-11-21`, in UTC.
    pub day: String,
    /// What it is of: a version, a PHP, a reader.
    pub part: Option<String>,
    /// What people call that; none where it is gone or never had a name.
    pub name: Option<String>,
    /// How much.
    pub counts: Counts,
}

/// One number for each bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Curve {
    /// Of each bucket.
    pub points: Vec<Counts>,
    /// Of all of them.
    pub total: Counts,
}

impl Curve {
    fn over(period: &Period) -> Self {
        Self {
            points: vec![Counts::default(); period.starts().len()],
            total: Counts::default(),
        }
    }

    fn add(&mut self, place: usize, counts: Counts) {
        if let Some(point) = self.points.get_mut(place) {
            point.add(counts);
            self.total.add(counts);
        }
    }
}

/// One part of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is of.
    pub key: String,
    /// What people call that.
    pub name: Option<String>,
    /// How much.
    pub curve: Curve,
}

/// A period, and what was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The period.
    pub period: Period,
    /// All of it.
    pub whole: Curve,
    /// What it consists of, the most first.
    pub parts: Vec<Part>,
    /// What belongs to no part of these; none where there is nothing else.
    pub others: Option<Curve>,
}

impl Series {
    /// Puts sums together. What is before or after the period is left out.
    pub fn build(period: Period, sums: impl IntoIterator<Item = Sum>) -> Self {
        let mut whole = Curve::over(&period);
        let mut others = Curve::over(&period);
        let mut parts: BTreeMap<String, Part> = BTreeMap::new();
        for sum in sums {
            let Some(place) = period.place_of(&sum.day) else {
                continue;
            };
            whole.add(place, sum.counts);
            let Some(key) = sum.part else {
                others.add(place, sum.counts);
                continue;
            };
            let part = parts.entry(key.clone()).or_insert_with(|| Part {
                key,
                name: sum.name,
                curve: Curve::over(&period),
            });
            part.curve.add(place, sum.counts);
        }
        let mut parts: Vec<Part> = parts.into_values().collect();
        // Those with the same sum stay in the order of their keys.
        parts.sort_by_key(|part| Reverse(part.curve.total));
        Self {
            period,
            whole,
            parts,
            others: (others.total != Counts::default()).then_some(others),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::statistics::Bucket;
    use crate::domain::time::day;

    proptest! {
        #[test]
        fn parts_and_others_are_the_whole(
            sums in prop::collection::vec((0_i64..60, prop::option::of(0_u8..5), 0_u64..1_000, 0_u64..1_000), 0..80),
            bucket in 0_usize..3,
        ) {
            let period = Period::new("1970-01-10", "1970-02-20", Bucket::ALL[bucket]).unwrap();
            let sums: Vec<Sum> = sums.into_iter().map(|(at, part, installs, downloads)| Sum {
                day: day(at.saturating_mul(86_400)),
                part: part.map(|part| part.to_string()),
                name: None,
                counts: Counts { installs, downloads },
            }).collect();
            let inside: u64 = sums.iter().filter(|sum| period.place_of(&sum.day).is_some()).map(|sum| sum.counts.installs).sum();
            let series = Series::build(period, sums);
            prop_assert_eq!(series.whole.total.installs, inside);
            let curves: Vec<&Curve> = series.parts.iter().map(|part| &part.curve).chain(series.others.as_ref()).collect();
            for (place, point) in series.whole.points.iter().enumerate() {
                let installs: u64 = curves.iter().map(|curve| curve.points[place].installs).sum();
                let downloads: u64 = curves.iter().map(|curve| curve.points[place].downloads).sum();
                prop_assert_eq!(*point, Counts { installs, downloads });
            }
            prop_assert!(series.parts.is_sorted_by(|one, other| one.curve.total >= other.curve.total));
        }
    }
}
