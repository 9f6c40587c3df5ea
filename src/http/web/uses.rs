//! What a customer installs, by day: as a chart, as a table, and by package.

use crate::domain::chart::{Measure, Plot, Table, line, table};
use crate::domain::statistics::By;
use crate::http::web::assets;
use crate::http::web::page::Moment;
use crate::store::statistics::CustomerUse;

/// So many packages are told of.
pub(crate) const MOST_PACKAGES: i64 = 10;

/// As pages show it; `templates/parts/uses.html`.
pub(crate) struct Uses {
    /// Where the style of charts is.
    pub(crate) style: Option<&'static str>,
    /// When a token of it was last used.
    pub(crate) seen: Option<Moment>,
    /// The first and the last day on which anything was installed.
    pub(crate) days: Option<(String, String)>,
    /// Packages that it ever said it installed.
    pub(crate) installs: u64,
    /// Archives that it ever was sent.
    pub(crate) downloads: u64,
    /// Whether anything was installed in the period.
    pub(crate) has_any: bool,
    /// The SVG of the days.
    pub(crate) chart: String,
    /// The same in numbers.
    pub(crate) table: Table,
    /// The packages of which most was installed, with installs and downloads.
    pub(crate) packages: Vec<(String, u64, u64)>,
}

impl Uses {
    /// So many days are drawn.
    pub(crate) const DAYS: u16 = 30;

    /// Of what was found.
    pub(crate) fn of(found: &CustomerUse, name: &str) -> Self {
        let title = format!("Installs by {name}, by day");
        let plot = Plot::of(
            &found.series,
            By::Nothing,
            Measure::Installs,
            "uses",
            &title,
        );
        Self {
            style: assets::find("chart.css"),
            seen: found.last_seen.map(Moment::of),
            days: found.days.clone(),
            installs: found.ever.installs,
            downloads: found.ever.downloads,
            has_any: found.series.whole.total.installs > 0,
            chart: line(&plot),
            table: table(&plot),
            packages: found
                .packages
                .iter()
                .map(|one| (one.name.clone(), one.installs, one.downloads))
                .collect(),
        }
    }
}
