//! Daily sums, read: of an organisation, a package, a customer. Each question is one batch.
//!
//! Where a part is one of many, the greatest [`MOST_PARTS`] are told apart and the rest is added up by the database, so that
//! an answer has at most so many rows a day however many versions or customers there are.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::statistics::{By, Counts, Period, Series, Sum};
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{Row, row, rows_as};

/// So many parts of a whole are told apart.
pub const MOST_PARTS: i64 = 8;

row! {
    struct SumRow {
        day: String,
        part: Option<String>,
        name: Option<String>,
        installs: u64,
        downloads: u64,
    }
}

fn series(period: &Period, rows: Vec<Row>) -> Result<Series> {
    let sums = rows_as::<SumRow>(rows)?.into_iter().map(|row| Sum {
        day: row.day,
        part: row.part,
        name: row.name,
        counts: Counts {
            installs: row.installs,
            downloads: row.downloads,
        },
    });
    Ok(Series::build(period.clone(), sums))
}

/// What was installed of an organisation's packages. By version there is nothing: each package has its own.
pub async fn organisation_series(
    app: &App,
    organisation: i64,
    period: &Period,
    by: By,
) -> Result<Series> {
    let sql = match by {
        By::Nothing | By::Version => {
            "select day, null as part, null as name, sum(installs) as installs, sum(archives) as downloads
             from organisation_clients where organisation_id = ?1 and day between ?2 and ?3
             group by day"
        }
        By::Php => {
            "with s as (select day, php as part, installs, archives from organisation_clients
                        where organisation_id = ?1 and day between ?2 and ?3),
                  top as (select part from s group by part
                          order by sum(installs) desc, sum(archives) desc, part limit ?4)
             select s.day, t.part, null as name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.part = s.part group by s.day, t.part"
        }
        By::Composer => {
            "with s as (select day, cast(composer as text) as part, installs, archives from organisation_clients
                        where organisation_id = ?1 and day between ?2 and ?3),
                  top as (select part from s group by part
                          order by sum(installs) desc, sum(archives) desc, part limit ?4)
             select s.day, t.part, null as name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.part = s.part group by s.day, t.part"
        }
        By::Reader => {
            "with s as (select d.day, d.reader_id, d.installs, d.archives
                        from readers r cross join reader_days d on d.reader_id = r.id
                        where r.organisation_id = ?1 and d.day between ?2 and ?3),
                  top as (select t.reader_id, r.kind || ':' || r.subject as part,
                                 case r.kind
                                 when 'customer' then (select name from customers where id = r.subject)
                                 when 'token' then (select name from tokens where id = r.subject)
                                 when 'organisation' then (select name from organisations where id = cast(r.subject as integer))
                                 end as name
                          from (select reader_id from s group by reader_id
                                order by sum(installs) desc, sum(archives) desc, reader_id limit ?4) t
                          join readers r on r.id = t.reader_id)
             select s.day, t.part, t.name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.reader_id = s.reader_id group by s.day, t.part"
        }
    };
    let statement = within(Statement::new(sql).bind(organisation), period);
    let rows = app.db.rows(cut(statement, by)).await?;
    series(period, rows)
}

/// What was installed of a package, in whichever repositories it is; none where there is no such package.
pub async fn package_series(
    app: &App,
    organisation: i64,
    name: &PackageName,
    period: &Period,
    by: By,
) -> Result<Option<Series>> {
    let sql = match by {
        By::Nothing => {
            "select c.day, null as part, null as name, sum(c.installs) as installs, sum(c.archives) as downloads
             from packages p join package_clients c on c.package_id = p.id
             where p.organisation_id = ?1 and p.name = ?2 and c.day between ?3 and ?4
             group by c.day"
        }
        By::Php => {
            "with s as (select c.day, c.php as part, c.installs, c.archives
                        from packages p join package_clients c on c.package_id = p.id
                        where p.organisation_id = ?1 and p.name = ?2 and c.day between ?3 and ?4),
                  top as (select part from s group by part
                          order by sum(installs) desc, sum(archives) desc, part limit ?5)
             select s.day, t.part, null as name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.part = s.part group by s.day, t.part"
        }
        By::Composer => {
            "with s as (select c.day, cast(c.composer as text) as part, c.installs, c.archives
                        from packages p join package_clients c on c.package_id = p.id
                        where p.organisation_id = ?1 and p.name = ?2 and c.day between ?3 and ?4),
                  top as (select part from s group by part
                          order by sum(installs) desc, sum(archives) desc, part limit ?5)
             select s.day, t.part, null as name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.part = s.part group by s.day, t.part"
        }
        // The key begins with the version, so versions are found one after the other, each by a seek: the days of one are
        // together then, and years before the period are not read.
        By::Version => {
            "with recursive
                  p as (select id from packages where organisation_id = ?1 and name = ?2),
                  v(version) as (
                      select min(d.version) from downloads d where d.package_id = (select id from p)
                      union all
                      select (select min(d.version) from downloads d
                              where d.package_id = (select id from p) and d.version > v.version)
                      from v where v.version is not null),
                  s as (select d.day, d.version as part, d.count as installs, d.archives
                        from v cross join downloads d
                        where d.package_id = (select id from p) and d.version = v.version and d.day between ?3 and ?4),
                  top as (select t.part,
                                 coalesce((select pretty from versions w
                                           where w.package_id = (select id from p) and w.normalized = t.part),
                                          (select pretty from defined_versions w
                                           where w.package_id = (select id from p) and w.normalized = t.part)) as name
                          from (select part from s group by part
                                order by sum(installs) desc, sum(archives) desc, part limit ?5) t)
             select s.day, t.part, t.name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.part = s.part group by s.day, t.part"
        }
        // The same by reader.
        By::Reader => {
            "with recursive
                  p as (select id from packages where organisation_id = ?1 and name = ?2),
                  v(reader_id) as (
                      select min(d.reader_id) from package_readers d where d.package_id = (select id from p)
                      union all
                      select (select min(d.reader_id) from package_readers d
                              where d.package_id = (select id from p) and d.reader_id > v.reader_id)
                      from v where v.reader_id is not null),
                  s as (select d.day, d.reader_id, d.installs, d.archives
                        from v cross join package_readers d
                        where d.package_id = (select id from p) and d.reader_id = v.reader_id
                          and d.day between ?3 and ?4),
                  top as (select t.reader_id, r.kind || ':' || r.subject as part,
                                 case r.kind
                                 when 'customer' then (select name from customers where id = r.subject)
                                 when 'token' then (select name from tokens where id = r.subject)
                                 when 'organisation' then (select name from organisations where id = cast(r.subject as integer))
                                 end as name
                          from (select reader_id from s group by reader_id
                                order by sum(installs) desc, sum(archives) desc, reader_id limit ?5) t
                          join readers r on r.id = t.reader_id)
             select s.day, t.part, t.name, sum(s.installs) as installs, sum(s.archives) as downloads
             from s left join top t on t.reader_id = s.reader_id group by s.day, t.part"
        }
    };
    let of_package = |sql| Statement::new(sql).bind(organisation).bind(name.as_str());
    let statement = within(of_package(sql), period);
    let rows = app
        .db
        .batch(vec![
            of_package("select 1 as one from packages where organisation_id = ?1 and name = ?2"),
            cut(statement, by),
        ])
        .await?;
    let mut rows = rows.into_iter();
    if rows.next().unwrap_or_default().is_empty() {
        return Ok(None);
    }
    series(period, rows.next().unwrap_or_default()).map(Some)
}

row! {
    /// A package and how much of it was installed.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TopPackage {
        /// Its name.
        pub name: String,
        /// Packages that clients say they installed.
        pub installs: u64,
        /// Archives that were served.
        pub downloads: u64,
    }
}

/// The packages of an organisation of which most was installed in a period, the most first.
pub async fn list_top_packages(
    app: &App,
    organisation: i64,
    period: &Period,
    limit: i64,
) -> Result<Vec<TopPackage>> {
    let statement = Statement::new(
        "select p.name, sum(c.installs) as installs, sum(c.archives) as downloads
         from packages p cross join package_clients c on c.package_id = p.id
         where p.organisation_id = ?1 and p.deleted_at is null and c.day between ?2 and ?3
         group by p.id order by 2 desc, 3 desc, 1 limit ?4",
    );
    let statement = within(statement.bind(organisation), period).bind(limit);
    rows_as(app.db.rows(statement).await?)
}

/// What a customer installed, and when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerUse {
    /// Unix second at which a token of it was last used; it may lag by some minutes.
    pub last_seen: Option<i64>,
    /// The first and the last day on which anything was installed or downloaded.
    pub days: Option<(String, String)>,
    /// Since the first of them.
    pub ever: Counts,
    /// In the period.
    pub series: Series,
    /// Of what in the period, the most first.
    pub packages: Vec<TopPackage>,
}

row! {
    struct CustomerRow {
        last_seen: Option<i64>,
        first_day: Option<String>,
        last_day: Option<String>,
        installs: Option<u64>,
        downloads: Option<u64>,
    }
}

/// What a customer of an organisation installed; none where there is no such customer.
pub async fn find_customer_use(
    app: &App,
    organisation: i64,
    customer: &str,
    period: &Period,
    packages: i64,
) -> Result<Option<CustomerUse>> {
    let of_customer = |sql| Statement::new(sql).bind(organisation).bind(customer);
    let rows = app
        .db
        .batch(vec![
            of_customer(
                "select (select max(t.last_used_at) from tokens t where t.customer_id = c.id) as last_seen,
                        d.first_day, d.last_day, d.installs, d.downloads
                 from customers c,
                      (select min(d.day) as first_day, max(d.day) as last_day, sum(d.installs) as installs,
                              sum(d.archives) as downloads
                       from readers r join reader_days d on d.reader_id = r.id
                       where r.organisation_id = ?1 and r.kind = 'customer' and r.subject = ?2) d
                 where c.organisation_id = ?1 and c.id = ?2",
            ),
            within(
                of_customer(
                    "select d.day, null as part, null as name, d.installs, d.archives as downloads
                     from readers r join reader_days d on d.reader_id = r.id
                     where r.organisation_id = ?1 and r.kind = 'customer' and r.subject = ?2
                       and d.day between ?3 and ?4",
                ),
                period,
            ),
            within(
                of_customer(
                    "select p.name, sum(d.installs) as installs, sum(d.archives) as downloads
                     from readers r cross join packages p
                     cross join package_readers d on d.package_id = p.id and d.reader_id = r.id
                     where r.organisation_id = ?1 and r.kind = 'customer' and r.subject = ?2
                       and p.organisation_id = ?1 and p.deleted_at is null and d.day between ?3 and ?4
                     group by p.id order by 2 desc, 3 desc, 1 limit ?5",
                ),
                period,
            )
            .bind(packages),
        ])
        .await?;
    let mut rows = rows.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let Some(found) = rows_as::<CustomerRow>(next())?.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(CustomerUse {
        last_seen: found.last_seen,
        days: found.first_day.zip(found.last_day),
        ever: Counts {
            installs: found.installs.unwrap_or_default(),
            downloads: found.downloads.unwrap_or_default(),
        },
        series: series(period, next())?,
        packages: rows_as(next())?,
    }))
}

fn within(statement: Statement, period: &Period) -> Statement {
    statement.bind(period.first()).bind(period.last())
}

/// Tells a statement how many parts there may be, where it cuts at all.
fn cut(statement: Statement, by: By) -> Statement {
    match by {
        By::Nothing => statement,
        _ => statement.bind(MOST_PARTS),
    }
}
