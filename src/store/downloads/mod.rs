//! Installs and downloads of archives, added to daily sums by package, version, reader, PHP and Composer
//! (`migrations/0050_…` has the tables, and why these).

mod sums;

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::domain::client::Client;
use crate::domain::name::PackageName;
use crate::domain::reader::Reader;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

use self::sums::Sums;

/// What one message tells.
#[derive(Debug, Clone)]
pub struct DownloadReport<'a> {
    /// Random; a report that comes twice is counted once.
    pub id: &'a str,
    /// What is in it.
    pub counted: Vec<Counted<'a>>,
}

/// What one reader installed or downloaded of a repository, on one day, by one client.
#[derive(Debug, Clone)]
pub struct Counted<'a> {
    /// The repository.
    pub repository: i64,
    /// `2026-11-21`, in UTC.
    pub day: &'a str,
    /// Who.
    pub reader: &'a Reader,
    /// By what.
    pub client: &'a Client,
    /// Packages and normalized versions that were installed, each once.
    pub installs: &'a [(PackageName, String)],
    /// Packages and references whose archives were downloaded, and how often.
    pub archives: &'a [(PackageName, String, u64)],
}

impl DownloadReport<'_> {
    /// How many things are counted by it.
    pub fn size(&self) -> usize {
        self.counted.iter().fold(0, |sum, one| {
            sum.saturating_add(one.installs.len())
                .saturating_add(one.archives.len())
        })
    }
}

impl<'a> DownloadReport<'a> {
    /// What is looked up to count it.
    pub fn things(&self) -> Vec<Asked<'a>> {
        let mut things = Vec::with_capacity(self.size());
        for counted in &self.counted {
            let (of, installs, archives) = (counted.repository, counted.installs, counted.archives);
            for (name, version) in installs {
                things.push((of, name.as_str(), version.as_str(), false));
            }
            for (name, reference, _) in archives {
                things.push((of, name.as_str(), reference.as_str(), true));
            }
        }
        things
    }
}

/// What is looked up: (repository, package, version or reference, whether it is a reference).
pub type Asked<'a> = (i64, &'a str, &'a str, bool);

row! {
    struct Found {
        at: usize,
        package: i64,
        organisation: i64,
        version: String,
    }
}

row! {
    struct Id {
        id: String,
    }
}

/// Counts reports whose ids differ, each once. Packages that are not in the repository and versions that never were are
/// left out.
///
/// What is told many times is added up here, so that a sum is written once however many reports it comes from. That a
/// report was counted is written in the batch that counts it, and has it fail as a whole where somebody else was faster:
/// then all of them come again, and those that were counted are left out by then.
pub async fn count_downloads(app: &App, reports: &[DownloadReport<'_>]) -> Result<()> {
    let ids: Vec<&str> = reports.iter().map(|report| report.id).collect();
    let asked: BTreeSet<Asked<'_>> = reports.iter().flat_map(DownloadReport::things).collect();
    let asked: Vec<Asked<'_>> = asked.into_iter().collect();
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "select id from download_reports where id in (select value from json_each(?1))",
            )
            .bind(json(&ids)?),
            find_stmt(json(&asked)?),
        ])
        .await?;
    let mut rows = rows.into_iter();
    let known: BTreeSet<String> = rows_as::<Id>(rows.next().unwrap_or_default())?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let found: BTreeMap<Asked<'_>, Found> = rows_as::<Found>(rows.next().unwrap_or_default())?
        .into_iter()
        .filter_map(|row| Some((*asked.get(row.at)?, row)))
        .collect();
    let mut sums = Sums::default();
    for report in reports.iter().filter(|report| !known.contains(report.id)) {
        add(&mut sums, report, &found);
    }
    let fresh: Vec<&str> = ids.into_iter().filter(|id| !known.contains(*id)).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let mut statements = vec![
        Statement::new(
            "insert into download_reports (id, counted_at) select value, ?2 from json_each(?1)",
        )
        .bind(json(&fresh)?)
        .bind(app.now()),
    ];
    statements.extend(sums.statements()?);
    app.db.batch(statements).await.map(|_| ())
}

fn add(sums: &mut Sums, report: &DownloadReport<'_>, found: &BTreeMap<Asked<'_>, Found>) {
    for counted in &report.counted {
        let of = counted.repository;
        for (name, version) in counted.installs {
            if let Some(found) = found.get(&(of, name.as_str(), version.as_str(), false)) {
                sums.add(counted, found, (1, 0));
            }
        }
        for (name, reference, times) in counted.archives {
            if let Some(found) = found.get(&(of, name.as_str(), reference.as_str(), true)) {
                sums.add(counted, found, (0, *times));
            }
        }
    }
}

/// Which package and version each of what is asked is. An archive that was served for several versions counts for a tag
/// before it counts for a branch, and among tags for the one that sorts last: for one, so that sums agree.
fn find_stmt(asked: String) -> Statement {
    Statement::new(
        "select f.at, f.package, f.organisation, f.version
         from (select d.key as at, p.id as package, p.organisation_id as organisation,
                      case json_extract(d.value, '$[3]')
                      when 0 then (select v.normalized from versions v
                                   where v.package_id = p.id and v.normalized = json_extract(d.value, '$[2]')
                                   union all
                                   select w.normalized from defined_versions w
                                   where w.package_id = p.id and w.normalized = json_extract(d.value, '$[2]')
                                   limit 1)
                      else (select x.normalized from version_references x
                            where x.package_id = p.id and x.reference = json_extract(d.value, '$[2]')
                            order by x.normalized like 'dev-%' or x.normalized like '%-dev', x.normalized desc
                            limit 1)
                      end as version
               from json_each(?1) d
               join repositories r on r.id = json_extract(d.value, '$[0]')
               join packages p on p.organisation_id = r.organisation_id and p.name = json_extract(d.value, '$[1]')
               join repository_packages m on m.repository_id = r.id and m.package_id = p.id) f
         where f.version is not null",
    )
    .bind(asked)
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
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
