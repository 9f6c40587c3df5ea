//! A chart as pages show it: the picture, what its colours mean, and the same numbers as a table.
//! `templates/parts/chart.html` has the markup, `assets/chart.css` the colours, `assets/chart.js` the tooltips.

use crate::domain::chart::{Plot, Table, bars, line, table};

/// What a colour stands for.
pub(crate) struct Legend {
    /// The class of the set.
    pub(crate) class: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// The sum of it.
    pub(crate) total: u64,
}

/// A chart.
pub(crate) struct Chart {
    /// SVG of our own making, in which every text is escaped.
    pub(crate) svg: String,
    /// What the colours mean; one line where there is one set.
    pub(crate) legend: Vec<Legend>,
    /// The numbers.
    pub(crate) table: Table,
    /// What is counted: `installs`.
    pub(crate) unit: String,
    /// The sum of everything.
    pub(crate) total: u64,
}

impl Chart {
    /// Bars, the sets on top of each other.
    pub(crate) fn of_bars(plot: &Plot) -> Self {
        Self::of(plot, bars(plot))
    }

    /// Curves.
    pub(crate) fn of_lines(plot: &Plot) -> Self {
        Self::of(plot, line(plot))
    }

    fn of(plot: &Plot, svg: String) -> Self {
        Self {
            svg,
            legend: plot
                .sets
                .iter()
                .map(|set| Legend {
                    class: set.class,
                    name: set.name.clone(),
                    total: set.total(),
                })
                .collect(),
            table: table(plot),
            unit: plot.unit.clone(),
            total: plot.total(),
        }
    }
}
