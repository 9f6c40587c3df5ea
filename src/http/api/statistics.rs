//! What was installed and downloaded, by day, week or month.

use schemars::JsonSchema;
use serde::Serialize;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::domain::statistics::{Bucket, By, Counts, Curve, InvalidPeriod, Period, Series};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::shown::Time;
use crate::http::api::{Authorised, missing, require};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::organisations::Organisation;
use crate::store::statistics::{
    TopPackage, find_customer_use, list_top_packages, organisation_series, package_series,
};

/// So many points there are where nobody says from when on.
const POINTS: u16 = 30;

/// Packages in a list of those installed most.
const PACKAGES: i64 = 20;
const MOST_PACKAGES: i64 = 100;

/// What there is to be asked for. The text is a customer's id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table")]
pub enum StatisticsRoute {
    Organisation,
    TopPackages,
    Package(PackageName),
    Customer(String),
}

impl StatisticsRoute {
    /// The ability that it is about: whom packages are sold to is the business of those who manage that.
    pub(crate) fn area(&self) -> Ability {
        match self {
            Self::Customer(_) => Ability::ManageCustomers,
            _ => Ability::ManagePackages,
        }
    }
}

/// Answers what is asked of an organisation's sums.
pub(super) async fn handle(
    app: &App,
    request: &Request,
    caller: &Authorised,
    org: &Organisation,
    route: StatisticsRoute,
) -> Result<Reply> {
    match route {
        StatisticsRoute::Organisation => show_organisation(app, request, caller, org).await,
        StatisticsRoute::TopPackages => list_packages(app, request, org).await,
        StatisticsRoute::Package(name) => show_package(app, request, caller, org, &name).await,
        StatisticsRoute::Customer(id) => show_customer(app, request, org, &id).await,
    }
}

async fn show_organisation(
    app: &App,
    request: &Request,
    caller: &Authorised,
    org: &Organisation,
) -> Result<Reply> {
    let period = read_period(request, app.now())?;
    let by = read_by(request)?;
    if by == By::Version {
        return Err(Error::bad_value(
            "?by",
            "`by` must be `php`, `composer` or `reader`: versions are those of a package",
        ));
    }
    may_see(caller, org, by)?;
    let series = organisation_series(app, org.id, &period, by).await?;
    Ok(Reply::json(200, &ShownSeries::of(series, by)))
}

async fn show_package(
    app: &App,
    request: &Request,
    caller: &Authorised,
    org: &Organisation,
    name: &PackageName,
) -> Result<Reply> {
    let period = read_period(request, app.now())?;
    let by = read_by(request)?;
    may_see(caller, org, by)?;
    let series = package_series(app, org.id, name, &period, by)
        .await?
        .ok_or_else(|| missing("package"))?;
    Ok(Reply::json(200, &ShownSeries::of(series, by)))
}

/// Who reads is told by the names of customers and tokens.
fn may_see(caller: &Authorised, org: &Organisation, by: By) -> Result<()> {
    match by {
        By::Reader => require(caller, org, Ability::ManageCustomers),
        _ => Ok(()),
    }
}

async fn list_packages(app: &App, request: &Request, org: &Organisation) -> Result<Reply> {
    let period = read_period(request, app.now())?;
    let limit = match request.query_parameter("limit") {
        None => PACKAGES,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MOST_PACKAGES).contains(limit))
            .ok_or_else(|| {
                Error::bad_value(
                    "?limit",
                    format!("`limit` must be a number from 1 to {MOST_PACKAGES}"),
                )
            })?,
    };
    let packages = list_top_packages(app, org.id, &period, limit).await?;
    Ok(Reply::json(
        200,
        &ShownTop {
            from: period.first().to_owned(),
            to: period.last().to_owned(),
            packages: packages.into_iter().map(ShownPackage::of).collect(),
        },
    ))
}

async fn show_customer(
    app: &App,
    request: &Request,
    org: &Organisation,
    id: &str,
) -> Result<Reply> {
    let period = read_period(request, app.now())?;
    let found = find_customer_use(app, org.id, id, &period, PACKAGES)
        .await?
        .ok_or_else(|| missing("customer"))?;
    let (first_day, last_day) = found.days.unzip();
    Ok(Reply::json(
        200,
        &ShownCustomer {
            last_seen: found.last_seen.map(Time::of),
            first_day,
            last_day,
            ever: ShownCounts::of(found.ever),
            series: ShownSeries::of(found.series, By::Nothing),
            packages: found.packages.into_iter().map(ShownPackage::of).collect(),
        },
    ))
}

/// The period of a query: `from`, `to` and `bucket`.
pub(crate) fn read_period(request: &Request, now: i64) -> Result<Period> {
    let text = |name: &str| {
        request
            .query_parameter(name)
            .filter(|text| !text.is_empty())
    };
    let bucket = match text("bucket") {
        None => Bucket::Day,
        Some(given) => Bucket::parse(&given).ok_or_else(|| {
            Error::bad_value("?bucket", "`bucket` must be `day`, `week` or `month`")
        })?,
    };
    let to = text("to").unwrap_or_else(|| day(now));
    let period = match text("from") {
        None => Period::until(&to, POINTS, bucket),
        Some(from) => Period::new(&from, &to, bucket),
    };
    period.map_err(|fault| {
        let field = match fault {
            InvalidPeriod::NoDay if Period::until(&to, 1, bucket).is_err() => "?to",
            _ => "?from",
        };
        Error::bad_value(field, fault.to_string())
    })
}

fn read_by(request: &Request) -> Result<By> {
    let Some(given) = request.query_parameter("by").filter(|by| !by.is_empty()) else {
        return Ok(By::Nothing);
    };
    By::ALL
        .into_iter()
        .find(|by| by.as_str() == given)
        .ok_or_else(|| {
            Error::bad_value(
                "?by",
                "`by` must be `version`, `php`, `composer` or `reader`",
            )
        })
}

/// Sums.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Counts")]
pub(crate) struct ShownCounts {
    /// Packages that clients reported as installed.
    installs: u64,
    /// Archives that were downloaded.
    downloads: u64,
}

impl ShownCounts {
    fn of(counts: Counts) -> Self {
        Self {
            installs: counts.installs,
            downloads: counts.downloads,
        }
    }
}

/// Sums of each bucket, and of all.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Curve")]
pub(crate) struct ShownCurve {
    /// Packages that clients reported as installed, in each bucket.
    installs: Vec<u64>,
    /// Archives that were downloaded, in each bucket.
    downloads: Vec<u64>,
    /// Of all buckets.
    total: ShownCounts,
}

impl ShownCurve {
    fn of(curve: &Curve) -> Self {
        Self {
            installs: curve.points.iter().map(|point| point.installs).collect(),
            downloads: curve.points.iter().map(|point| point.downloads).collect(),
            total: ShownCounts::of(curve.total),
        }
    }
}

/// One of those that a series was cut into.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CurveOfPart")]
pub(crate) struct ShownPart {
    /// A normalized version; `8.3` or `2`, empty or `0` where the client did not tell; or a reader: `customer:`, `token:` or
    /// `organisation:` with an id, `anonymous:`, `instance:`, or `unknown:` from before readers were told apart.
    key: String,
    /// What people call it; null where it has no name, or was removed.
    name: Option<String>,
    #[serde(flatten)]
    curve: ShownCurve,
}

/// What was installed and downloaded in a period, with noughts where nothing was.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Statistics")]
pub(crate) struct ShownSeries {
    /// The first day, in UTC; that of the first bucket.
    from: String,
    /// The last day.
    to: String,
    /// `day`, `week` or `month`.
    bucket: &'static str,
    /// The first day of each bucket.
    buckets: Vec<String>,
    #[serde(flatten)]
    whole: ShownCurve,
    /// What it was cut into: `version`, `php`, `composer` or `reader`; null for nothing.
    by: Option<&'static str>,
    /// At most eight parts, the greatest first.
    parts: Vec<ShownPart>,
    /// All that is in none of them; null where they are the whole.
    others: Option<ShownCurve>,
}

impl ShownSeries {
    pub(crate) fn of(series: Series, by: By) -> Self {
        Self {
            from: series.period.first().to_owned(),
            to: series.period.last().to_owned(),
            bucket: series.period.bucket().as_str(),
            buckets: series.period.starts().to_vec(),
            whole: ShownCurve::of(&series.whole),
            by: (by != By::Nothing).then_some(by.as_str()),
            parts: series
                .parts
                .into_iter()
                .map(|part| ShownPart {
                    curve: ShownCurve::of(&part.curve),
                    key: part.key,
                    name: part.name,
                })
                .collect(),
            others: series
                .others
                .as_ref()
                .filter(|_| by != By::Nothing)
                .map(ShownCurve::of),
        }
    }
}

/// A package and how much of it was installed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InstalledPackage")]
pub(crate) struct ShownPackage {
    name: String,
    #[serde(flatten)]
    counts: ShownCounts,
}

impl ShownPackage {
    fn of(package: TopPackage) -> Self {
        Self {
            name: package.name,
            counts: ShownCounts {
                installs: package.installs,
                downloads: package.downloads,
            },
        }
    }
}

/// The packages of which most was installed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TopPackages")]
pub(crate) struct ShownTop {
    from: String,
    to: String,
    packages: Vec<ShownPackage>,
}

/// What a customer installed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerStatistics")]
pub(crate) struct ShownCustomer {
    /// When a token of it was last used; it may lag by some minutes.
    last_seen: Option<Time>,
    /// The first day on which it installed or downloaded anything.
    first_day: Option<String>,
    /// The last one.
    last_day: Option<String>,
    /// Since the first day.
    ever: ShownCounts,
    /// In the period.
    series: ShownSeries,
    /// The packages of which it installed most in the period.
    packages: Vec<ShownPackage>,
}
