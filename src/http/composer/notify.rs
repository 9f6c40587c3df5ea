//! Reports of downloads, as Composer sends them after an installation.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use crate::domain::name::PackageName;
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::composer::Visit;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};

/// A report becomes one message, which is never longer than the report: the queue takes 128 kB.
const REPORT_LIMIT: usize = 100 * 1024;
const MOST_DOWNLOADS: usize = 1_000;
/// The longest version that is counted, in bytes; longer ones are nobody's.
const VERSION_LIMIT: usize = 255;

#[derive(Deserialize)]
struct Report {
    downloads: Vec<Download>,
}

#[derive(Deserialize)]
struct Download {
    name: String,
    version: String,
}

/// Takes a report. What the caller may not see is left out without a word; whether the rest exists is seen when it is
/// counted.
pub async fn receive_downloads(visit: &Visit<'_>, mut request: Request) -> Result<Reply> {
    let bytes = request.bytes(REPORT_LIMIT).await?;
    let report: Report = serde_json::from_slice(&bytes).map_err(|error| {
        Error::invalid(format!(
            "The body is not `{{\"downloads\":[{{\"name\",\"version\"}}]}}`: {error}"
        ))
    })?;
    if report.downloads.len() > MOST_DOWNLOADS {
        return Err(Error::invalid(format!(
            "Report at most {MOST_DOWNLOADS} downloads at a time"
        )));
    }
    // One installation has one version of a package, and each counts once.
    let downloads: BTreeSet<(PackageName, String)> = report
        .downloads
        .into_iter()
        .filter(|download| (1..=VERSION_LIMIT).contains(&download.version.len()))
        .filter_map(|download| {
            let name = PackageName::parse(&download.name).ok()?;
            visit.sees(&name).then_some((name, download.version))
        })
        .collect();
    if !downloads.is_empty() {
        let job = Job::CountDownloads {
            id: visit.app.random_id()?,
            repository: visit.repository.id,
            day: day(visit.app.now()),
            downloads: downloads.into_iter().collect(),
        };
        enqueue(visit.app, &[job]).await?;
    }
    Ok(Reply::json(201, &json!({ "status": "success" })))
}
