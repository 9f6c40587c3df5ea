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

/// Counts a report. Packages that are not in the repository and versions that never were are left out.
pub async fn count_downloads(app: &App, report: &DownloadReport<'_>) -> Result<()> {
    let downloads = serde_json::to_string(report.downloads).map_err(Error::internal)?;
    app.db
        .batch(vec![
            Statement::new(
                "insert into downloads (package_id, version, day, count)
                 select p.id, json_extract(d.value, '$[1]'), ?3, 1
                 from json_each(?4) d
                 join repositories r on r.id = ?2
                 join packages p on p.organisation_id = r.organisation_id
                      and p.name = json_extract(d.value, '$[0]')
                 join repository_packages m on m.repository_id = r.id and m.package_id = p.id
                 where not exists (select 1 from download_reports where id = ?1)
                   and (exists (select 1 from versions v
                                where v.package_id = p.id and v.normalized = json_extract(d.value, '$[1]'))
                        or exists (select 1 from defined_versions f
                                   where f.package_id = p.id and f.normalized = json_extract(d.value, '$[1]')))
                 on conflict (package_id, version, day) do update set count = count + 1",
            )
            .bind(report.id)
            .bind(report.repository)
            .bind(report.day)
            .bind(downloads),
            note_report_stmt(report.id, app.now()),
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
