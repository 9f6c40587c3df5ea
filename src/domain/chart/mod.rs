//! Charts as SVG that stands in a page, and the same numbers as a table.
//!
//! A chart has classes and no colours, so that one stylesheet themes it; no `style`, which the pages' policy forbids; and
//! works without script: each bucket has a `<title>`, which browsers show, and the numbers as `data-values` for a script that
//! shows them better. To assistive technology it is one image with a title and a summary; whoever wants numbers has the table.
//!
//! Places are whole tenths of a unit, computed in integers: nothing here can be infinite, not a number or out of the box.
//!
//! | class | what |
//! |---|---|
//! | `chart`, `chart-line`, `chart-bars`, `chart-spark` | the `<svg>` |
//! | `chart-grid`, `chart-base` | lines at round numbers; the one at nought |
//! | `chart-number`, `chart-date` | texts at the axes |
//! | `chart-set-1` … `chart-set-8`, `chart-set-others` | what belongs to one of the sets, also in the legend |
//! | `chart-stroke`, `chart-area`, `chart-bar` | a curve, what is below it, a bar |
//! | `chart-hit` | an invisible bucket from top to bottom, under the pointer |

mod dates;
mod draw;
mod scale;
mod svg;
mod table;

#[cfg(test)]
mod tests;

use crate::domain::statistics::{Bucket, By, Curve, Series};

pub use draw::{bars, line, sparkline};
pub use table::{Table, TableRow, table};

/// So many sets have a class of their own; more are drawn as `chart-set-others`.
pub const MOST_SETS: usize = 8;

/// Which of the two things that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Packages that clients say they installed.
    Installs,
    /// Archives that were served.
    Downloads,
}

impl Measure {
    /// The word for them.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installs => "installs",
            Self::Downloads => "downloads",
        }
    }

    fn of(self, curve: &Curve) -> Vec<u64> {
        let points = curve.points.iter();
        match self {
            Self::Installs => points.map(|point| point.installs).collect(),
            Self::Downloads => points.map(|point| point.downloads).collect(),
        }
    }
}

/// One curve, or one part of all bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// What people call it.
    pub name: String,
    /// A number for each bucket.
    pub values: Vec<u64>,
    /// The class of what is drawn for it.
    pub class: &'static str,
}

impl Set {
    /// The sum over all buckets.
    pub fn total(&self) -> u64 {
        sum(self.values.iter())
    }
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// What the ids of the chart begin with: small letters, digits and hyphens; anything else is left out.
    pub id: String,
    /// What it shows: “Installs of acme/lib”.
    pub title: String,
    /// What is counted: “installs”.
    pub unit: String,
    /// The first day of each bucket: `2026-11-21`.
    pub days: Vec<String>,
    /// What a bucket is.
    pub bucket: Bucket,
    /// What is drawn, the lowest first.
    pub sets: Vec<Set>,
}

const CLASSES: [&str; MOST_SETS] = [
    "chart-set-1",
    "chart-set-2",
    "chart-set-3",
    "chart-set-4",
    "chart-set-5",
    "chart-set-6",
    "chart-set-7",
    "chart-set-8",
];

const OTHERS: &str = "chart-set-others";

impl Plot {
    /// A series as it is drawn: as one set, or cut into its parts.
    pub fn of(series: &Series, by: By, measure: Measure, id: &str, title: &str) -> Self {
        let mut sets: Vec<Set> = Vec::new();
        let mut push = |name: String, curve: &Curve, class: Option<&'static str>| {
            let class = class.or_else(|| CLASSES.get(sets.len()).copied());
            sets.push(Set {
                name,
                values: measure.of(curve),
                class: class.unwrap_or(OTHERS),
            });
        };
        if by == By::Nothing {
            push(measure.as_str().to_owned(), &series.whole, None);
        } else {
            for part in &series.parts {
                push(by.name_of(part), &part.curve, None);
            }
            if let Some(others) = &series.others {
                push("Others".to_owned(), others, Some(OTHERS));
            }
        }
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            unit: measure.as_str().to_owned(),
            days: series.period.starts().to_vec(),
            bucket: series.period.bucket(),
            sets,
        }
    }

    /// The value of a set in a bucket; nought where it has none.
    fn value(&self, set: &Set, at: usize) -> u64 {
        debug_assert!(at < self.days.len());
        set.values.get(at).copied().unwrap_or_default()
    }

    /// The sum of all sets in a bucket.
    fn sum_at(&self, at: usize) -> u64 {
        self.sets
            .iter()
            .fold(0, |sum: u64, set| sum.saturating_add(self.value(set, at)))
    }

    /// The sum of everything.
    pub fn total(&self) -> u64 {
        self.sets
            .iter()
            .fold(0, |sum, set| sum.saturating_add(set.total()))
    }

    /// The id without what no id of ours has.
    fn plain_id(&self) -> String {
        self.id
            .chars()
            .filter(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || *one == '-')
            .collect()
    }
}

fn sum<'a>(values: impl Iterator<Item = &'a u64>) -> u64 {
    values.fold(0, |sum, value| sum.saturating_add(*value))
}
