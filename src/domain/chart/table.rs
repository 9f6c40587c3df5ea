//! The numbers of a chart as a table.

use super::dates::long;
use super::{Plot, sum};

/// A table as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// What the columns are: the day, the sets, and the sum where there are several of them.
    pub columns: Vec<String>,
    /// A row for each bucket, the newest first.
    pub rows: Vec<TableRow>,
    /// The sums of the columns.
    pub totals: Vec<u64>,
}

/// A row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// `2026-11-21`.
    pub day: String,
    /// `21 November 2026`.
    pub label: String,
    /// A number for each column but the first.
    pub values: Vec<u64>,
}

/// The numbers of a chart.
pub fn table(plot: &Plot) -> Table {
    let has_sums = plot.sets.len() > 1;
    let with_sum = |mut values: Vec<u64>| {
        if has_sums {
            values.push(sum(values.iter()));
        }
        values
    };
    let names = plot.sets.iter().map(|set| set.name.clone());
    let all = has_sums.then(|| "All".to_owned());
    let rows = plot.days.iter().enumerate().map(|(at, day)| TableRow {
        day: day.clone(),
        label: long(day, plot.bucket),
        values: with_sum(plot.sets.iter().map(|set| plot.value(set, at)).collect()),
    });
    let mut rows: Vec<TableRow> = rows.collect();
    rows.reverse();
    Table {
        caption: plot.title.clone(),
        columns: std::iter::once(plot.bucket.as_str().to_owned())
            .chain(names)
            .chain(all)
            .collect(),
        rows,
        totals: with_sum(plot.sets.iter().map(super::Set::total).collect()),
    }
}
