//! Downloads, counted per package, version and day.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::ports::Statement;

/// One report of what was installed.
#[derive(Debug, Clone)]
pub struct DownloadReport<'a> {
    /// Random; a report that comes twice is counted once.
    pub id: &'a str,
    /// The repository it was sent to.
    pub repository: i64,
    /// `2026-11-21`, in UTC.
    pub day: &'a str,
    /// Packages and normalized versions.
    pub downloads: &'a [(PackageName, String)],
}

/// Counts reports whose ids differ. Packages that are not in the repository and versions that never were are left out.
pub async fn count_downloads(app: &App, reports: &[DownloadReport<'_>]) -> Result<()> {
    let rows: Vec<_> = reports
        .iter()
        .map(|report| (report.id, report.repository, report.day, report.downloads))
        .collect();
    let rows = serde_json::to_string(&rows).map_err(Error::internal)?;
    app.db
        .batch(vec![
            Statement::new(
                "insert into downloads (package_id, version, day, count)
                 select p.id, d.version, d.day, sum(d.count)
                 from (select json_extract(r.value, '$[1]') as repository, json_extract(r.value, '$[2]') as day,
                              json_extract(d.value, '$[0]') as name, json_extract(d.value, '$[1]') as version,
                              count(*) as count
                       from json_each(?1) r, json_each(r.value, '$[3]') d
                       where not exists (select 1 from download_reports where id = json_extract(r.value, '$[0]'))
                       group by 1, 2, 3, 4) d
                 join repositories r on r.id = d.repository
                 join packages p on p.organisation_id = r.organisation_id and p.name = d.name
                 join repository_packages m on m.repository_id = r.id and m.package_id = p.id
                 where exists (select 1 from versions v where v.package_id = p.id and v.normalized = d.version)
                    or exists (select 1 from defined_versions f where f.package_id = p.id and f.normalized = d.version)
                 group by 1, 2, 3
                 on conflict (package_id, version, day) do update set count = count + excluded.count",
            )
            .bind(rows.as_str()),
            Statement::new(
                "insert into download_reports (id, counted_at)
                 select json_extract(value, '$[0]'), ?2 from json_each(?1) where true
                 on conflict (id) do nothing",
            )
            .bind(rows.as_str())
            .bind(app.now()),
        ])
        .await
        .map(|_| ())
}

/// The statement that remembers a report as counted.
pub(super) fn note_report_stmt(report: &str, now: i64) -> Statement {
    Statement::new(
        "insert into download_reports (id, counted_at) values (?1, ?2) on conflict (id) do nothing",
    )
    .bind(report)
    .bind(now)
}

/// Forgets which reports were counted before `before`: none of them comes again.
pub async fn delete_old_reports(app: &App, before: i64) -> Result<()> {
    app.db
        .rows(Statement::new("delete from download_reports where counted_at < ?1").bind(before))
        .await
        .map(|_| ())
}
