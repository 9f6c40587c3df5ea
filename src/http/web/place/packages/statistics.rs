//! What was installed of a package: as a whole or by what it consists of, over a month, a quarter or a year.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::chart::{Measure, Plot};
use crate::domain::name::PackageName;
use crate::domain::statistics::{Bucket, By, Period};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::assets;
use crate::http::web::chart::Chart;
use crate::http::web::page::page;
use crate::http::web::place::packages::address;
use crate::http::web::place::packages::tabs::{Tab, Way, shell_of, ways};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::statistics::package_series;

/// Days that may be looked at.
const PERIODS: [(&str, u16, &str); 3] = [
    ("30", 30, "30 days"),
    ("90", 90, "90 days"),
    ("365", 365, "A year"),
];

/// A choice that is an address of its own.
struct Choosable {
    label: &'static str,
    href: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "place/packages/statistics.html")]
struct StatisticsPage {
    shell: Shell,
    name: String,
    ways: Vec<Way>,
    style: &'static str,
    script: &'static str,
    periods: Vec<Choosable>,
    parts: Vec<Choosable>,
    chart: Chart,
    downloads: u64,
    command: String,
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    let asked = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let (days, by) = (asked("days"), asked("by"));
    let (days, length, _) = PERIODS
        .into_iter()
        .find(|(key, _, _)| *key == days)
        .unwrap_or(("30", 30, ""));
    let by = By::ALL
        .into_iter()
        .find(|known| known.as_str() == by)
        .unwrap_or(By::Nothing);
    // Who reads is told by the names of customers and tokens.
    let sees_readers = place.may_read(Ability::ManageCustomers);
    if by == By::Reader && !sees_readers {
        place.authorise(Ability::ManageCustomers, true)?;
    }
    let period = period_of(app.now(), length, by)?;
    let series = package_series(app, place.organisation.id, name, &period, by)
        .await?
        .ok_or_else(|| missing("package"))?;
    let title = format!("Installs of {}", name.as_str());
    let plot = Plot::of(&series, by, Measure::Installs, "installs", &title);
    let chart = match by {
        By::Nothing => Chart::of_lines(&plot),
        _ => Chart::of_bars(&plot),
    };
    let base = format!("{}/statistics", address(place, name.as_str()));
    let to = |days: &str, by: By| {
        let by = if by == By::Nothing { "" } else { by.as_str() };
        let days = if days == "30" { "" } else { days };
        with_query(&base, &[("days", days), ("by", by)])
    };
    let periods = PERIODS.into_iter().map(|(key, _, label)| Choosable {
        label,
        href: to(key, by),
        is_current: key == days,
    });
    let parts = [
        (By::Nothing, "All"),
        (By::Version, "By version"),
        (By::Php, "By PHP"),
        (By::Composer, "By Composer"),
        (By::Reader, "By customer"),
    ];
    let parts = parts
        .into_iter()
        .filter(|(one, _)| *one != By::Reader || sees_readers)
        .map(|(one, label)| Choosable {
            label,
            href: to(days, one),
            is_current: one == by,
        });
    page(&StatisticsPage {
        name: name.as_str().to_owned(),
        ways: ways(place, name, Tab::Statistics),
        style: assets::address("chart.css"),
        script: assets::address("chart.js"),
        periods: periods.collect(),
        parts: parts.collect(),
        downloads: series.whole.total.downloads,
        command: format!("composer require {}", name.as_str()),
        chart,
        shell: shell_of(app, visit, place, name, "Statistics")?,
    })
}

/// Days; a year that is cut into parts has weeks, or its bars were hairs.
fn period_of(now: i64, days: u16, by: By) -> Result<Period> {
    let today = day(now);
    let period = if days > 100 && by != By::Nothing {
        Period::until(&today, 53, Bucket::Week)
    } else {
        Period::until(&today, days, Bucket::Day)
    };
    period.map_err(|fault| Error::internal(fault.to_string()))
}
